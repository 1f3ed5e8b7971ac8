"""The benchmark that looks for other events of the same seed on another processor."""

import numpy as np
import pytest
from benchmark_files import imported

from higgs_tutorial import simulate


@pytest.fixture(scope="module")
def bench():
    with imported("processors") as module:
        yield module


def test_with_nothing_switched_off_the_other_process_makes_the_same_events(bench):
    for there, here in zip(bench.elsewhere(300, []), simulate(300), strict=True):
        np.testing.assert_array_equal(there, here)


def test_counts_rounded_and_other_events(bench, monkeypatch):
    x, y = simulate(1000)
    there = x.copy()
    there[:3, 5] = np.nextafter(there[:3, 5], 9)
    there[3:7] = there[13:17]
    monkeypatch.setattr(bench, "switched_off", lambda: ["AVX2"])
    monkeypatch.setattr(
        bench, "elsewhere", lambda events, without: (there, np.where(np.arange(1000) < 2, 1 - y, y))
    )
    rows = [line for line in bench.report(1000).splitlines() if line.startswith("| ")][1:]
    assert [line.split("|")[2].strip() for line in rows] == ["993", "3", "4", "2"]


def test_says_so_where_nothing_can_be_switched_off(bench, monkeypatch):
    monkeypatch.setattr(bench, "switched_off", list)
    with pytest.raises(SystemExit, match="no instructions"):
        bench.report(100)
