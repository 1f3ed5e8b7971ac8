"""The benchmark of prepare runs, on a small file."""

import subprocess
import sys

import pytest
from benchmark_files import BENCHMARKS


@pytest.mark.slow
def test_the_benchmark_of_prepare_runs():
    done = subprocess.run(
        [sys.executable, BENCHMARKS / "prepare.py", "--quick"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "| 5,000 events |" in done.stdout
    assert "| 20,000 events |" in done.stdout
    assert all(done.stdout.count(f"| {way} |") == 2 for way in ("polars", "pandas, as in the talk"))
