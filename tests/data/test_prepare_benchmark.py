"""The benchmark of prepare runs, on a small file."""

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "prepare.py"


@pytest.mark.slow
def test_the_benchmark_of_prepare_runs():
    done = subprocess.run(
        [sys.executable, BENCHMARK, "--quick"], capture_output=True, text=True, timeout=300, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "| 5,000 events |" in done.stdout
    assert "| 20,000 events |" in done.stdout
    assert all(done.stdout.count(f"| {way} |") == 2 for way in ("polars", "pandas, as in the talk"))
