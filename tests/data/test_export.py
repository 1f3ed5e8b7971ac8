"""Simulated events written in the HIGGS file's format."""

import gzip
import os
import signal

import numpy as np
import pandas as pd
import pytest

from higgs_tutorial.data.export import write_simulated
from higgs_tutorial.physics.simulate import simulate


def test_csv_holds_every_bit_of_the_npy(tmp_path):
    rows = np.load(write_simulated(tmp_path / "events.npy", 500, seed=3))
    x, y = simulate(500, 3)
    assert rows.dtype == np.float32
    assert np.array_equal(rows, np.column_stack([y, x]))
    text = write_simulated(tmp_path / "events.csv.gz", 500, seed=3)
    assert np.array_equal(np.loadtxt(text, delimiter=",", dtype=np.float32), rows)
    plain = write_simulated(tmp_path / "events.csv", 500, seed=3)
    lines = gzip.decompress(text.read_bytes()).decode()
    assert plain.read_text() == lines
    assert lines.startswith(("0.000000000000000000e+00,", "1.000000000000000000e+00,"))
    assert lines.count("\n") == 500
    assert sorted(file.name for file in tmp_path.iterdir()) == ["events.csv", "events.csv.gz", "events.npy"]


@pytest.mark.parametrize(("name", "events"), [("events.feather", 5), ("events.gz", 5), ("events.npy", 0)])
def test_bad_arguments_leave_nothing(tmp_path, name, events):
    with pytest.raises(ValueError, match="must"):
        write_simulated(tmp_path / name, events)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("out", ["events.npy", "events.csv"])
def test_truth_is_the_third_array_of_simulate(tmp_path, out):
    known = simulate(500, 3, parameters={"response": 1.05}, truth=True)[2]
    for name in ("truth.npy", "truth.parquet"):
        write_simulated(tmp_path / out, 500, seed=3, parameters={"response": 1.05}, truth=tmp_path / name)
    assert np.array_equal(np.load(tmp_path / "truth.npy"), known)
    table = pd.read_parquet(tmp_path / "truth.parquet")
    assert len(table) == 500
    assert len(table.columns) == 6 * 4 + 6 * 8
    assert np.array_equal(table["bottom_1_pz"], known["bottom_1"][:, 3])
    for jet in (1, 5, 8):
        assert np.array_equal(table[f"jet_{jet}_pt"], known["jet_pt"][:, jet - 1])
        assert np.array_equal(table[f"jet_{jet}_origin"], known["jet_origin"][:, jet - 1])
    assert sorted(os.listdir(tmp_path)) == sorted([out, "truth.npy", "truth.parquet"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"truth": "truth.csv"}, r"truth\.csv: the name of the file must end in \.npy, \.parquet"),
        ({"truth": "events.npy"}, "two files"),
        ({"parameters": {"respons": 1.0}}, "do you mean response"),
    ],
)
def test_bad_truth_or_parameters_leave_nothing(tmp_path, changes, message, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=message):
        write_simulated("events.npy", 5, **changes)
    assert os.listdir(tmp_path) == []


AT_ONCE = """
import sys
from higgs_tutorial.data.export import write_simulated
from higgs_tutorial.physics import simulate
def slow(out, seed=0, **_):
    out[: len(out) // 2] = seed
    print("half", flush=True)
    input()
    out[len(out) // 2 :] = seed
simulate.simulate_into = slow
write_simulated(sys.argv[1], 4_000, seed=int(sys.argv[2]))
"""


@pytest.mark.parametrize("name", ["events.npy", "events.csv"])
def test_two_at_once_do_not_disturb_each_other(name, tmp_path, start_python):
    out = tmp_path / name
    processes = [start_python(AT_ONCE, out, seed) for seed in (1, 2)]
    for process in processes:
        assert process.stdout.readline() == "half\n"
    for seed, process in enumerate(processes, start=1):
        assert process.communicate("\n", timeout=60)[1] == ""
        rows = np.load(out) if out.suffix == ".npy" else np.loadtxt(out, delimiter=",")
        assert rows.shape == (4_000, 29)
        assert (rows == seed).all()
    assert os.listdir(tmp_path) == [name]


STOPPED = """
import sys, time
from higgs_tutorial.data.export import write_simulated
from higgs_tutorial.physics import simulate
def slow(out, seed=0, **_):
    out[:] = 0
    print("simulating", flush=True)
    time.sleep(60)
simulate.simulate_into = slow
write_simulated(sys.argv[1], 1_000)
"""


@pytest.mark.parametrize("name", ["events.npy", "events.csv.gz"])
def test_sigterm_leaves_nothing(name, tmp_path, start_python):
    process = start_python(STOPPED, tmp_path / name)
    assert process.stdout.readline() == "simulating\n"
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 128 + signal.SIGTERM
    assert os.listdir(tmp_path) == []


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    first, second = (write_simulated(tmp_path / f"{i}.csv.gz", 50, seed=3).read_bytes() for i in (1, 2))
    assert first == second
