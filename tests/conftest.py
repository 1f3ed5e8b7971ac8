"""Pictures are drawn without a screen, and data that tests make go to a folder of the test run."""

import os
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import pytest
from filelock import FileLock

ROOT = Path(__file__).resolve().parents[1]

mpl.use("agg")


@pytest.fixture(autouse=True)
def _no_data_of_the_user(monkeypatch, tmp_path):
    monkeypatch.setenv("HIGGS_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("HIGGS_PROFILE", raising=False)


@pytest.fixture(scope="session")
def site(tmp_path_factory) -> Path:
    """Build the site, once even where several processes share the tests, and return its folder."""
    pytest.importorskip("sphinx", reason="the site needs the docs extra")
    if "PYTEST_XDIST_TESTRUNUID" not in os.environ:
        build_site()
    else:
        built = tmp_path_factory.getbasetemp().with_name("site-is-built")
        with FileLock(f"{built}.lock"):
            if not built.exists():
                build_site()
                built.touch()
    return ROOT / "docs" / "_build" / "html"


def build_site() -> None:
    run = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "build.py")],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=600,
    )
    assert run.returncode == 0, run.stderr[-5000:]
