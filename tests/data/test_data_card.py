"""The data card's examples run, and what it says of the truth holds."""

import re
from pathlib import Path

import numpy as np

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
