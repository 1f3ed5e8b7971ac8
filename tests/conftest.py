"""Pictures are drawn without a screen, and data that tests make go to a folder of the test run."""

import os

import matplotlib as mpl
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
mpl.use("agg")


@pytest.fixture(autouse=True)
def _no_data_of_the_user(monkeypatch, tmp_path):
    monkeypatch.setenv("HIGGS_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("HIGGS_PROFILE", raising=False)
