"""The benchmarks of training still run: tiny, and without PyTorch if it is not there."""

import os
import re
import subprocess
import sys

import pytest
from benchmark_files import BENCHMARKS


def run(script, *arguments):
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "MPLBACKEND": "agg"}
    command = [sys.executable, str(BENCHMARKS / script), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=600)
    assert done.returncode == 0, done.stderr
    return done.stdout


def committed():
    return {file: file.stat().st_mtime_ns for file in BENCHMARKS.iterdir()}


@pytest.mark.slow
def test_training_against_its_peers():
    before = committed()
    printed = run("training.py", "--quick", "--peers", "keras,sklearn")
    for rung in ("logistic", "nn-1x100"):
        row = next(line for line in printed.splitlines() if line.startswith(f"| {rung} | float32 "))
        ours, _, _, _, sklearn, ratio = [cell.strip() for cell in row.split("|")[4:10]]
        assert float(ours.replace(",", "")) > 0
        assert re.fullmatch(r"[\d,]+ \(sklearn\)", sklearn)
        assert float(ratio.split()[0]) > 0
    row = next(line for line in printed.splitlines() if line.startswith("| nn-1x100 | bfloat16 "))
    assert float(row.split("|")[-2]) > 0  # ours to float32
    assert committed() == before


@pytest.mark.slow
def test_scaling():
    before = committed()
    printed = run("scaling.py", "--quick")
    assert re.search(r"^\| 4,000 \| [\d,]+ \| [\d,]+ \| [\d,]+ \|$", printed, re.MULTILINE)
    assert committed() == before


@pytest.mark.slow
def test_streaming():
    before = committed()
    printed = run("streaming.py", "--quick")
    for network in ("logistic", "nn-1x100", "adam-3x100"):
        row = next(line for line in printed.splitlines() if line.startswith(f"| {network} "))
        assert float(row.split("|")[4]) > 0
    assert committed() == before
