"""The data card's examples run, and what it says of the truth holds."""

import re
from pathlib import Path

import numpy as np
import pytest

from higgs_tutorial import features, simulate

CARD = (Path(__file__).resolve().parents[2] / "data" / "README.md").read_text(encoding="utf-8")


def test_examples_run():
    found = {}
    for snippet in re.findall(r"^```python\n(.+?)^```", CARD, flags=re.DOTALL | re.MULTILINE):
        exec(snippet, found)
    assert found["x"].shape == found["x_up"].shape == (10_000, 28)
    assert found["x_up"][:, 5].mean() > found["x"][:, 5].mean()
    assert found["fifth"].mean() > 0.5
    assert found["from_w"].any(axis=1).mean() > 0.9
    assert (
        np.bitwise_or.reduce(found["truth"]["jet_origin"], axis=None) == 2**9 - 1
    )  # the nine sources it names


def test_what_it_says_of_masses_and_tags():
    x, _, truth = simulate(20_000, seed=3, truth=True)
    again = features.high_level(x[:, :21]) / x[:, 21:]
    found = dict(zip(features.HIGH_LEVEL, (np.abs(again - 1) < 0.01).mean(axis=0), strict=True))
    said = {"m_lv": 1, "m_bb": 4 / 5, "m_jj": 3 / 5, "m_wwbb": 1 / 2}
    assert {name: found[name] for name in said} == pytest.approx(said, abs=0.05)
    tagged, from_b = truth["jet_tag"][:, :4] > 0, (truth["jet_origin"][:, :4] & 0b11) > 0
    assert (tagged & ~from_b).sum() / tagged.sum() == pytest.approx(1 / 6, abs=0.02)
