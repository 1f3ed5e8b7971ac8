"""Simulated events on disk: made once, never half-made, whoever asks."""

import contextlib
import io
import os
import signal
import sys

import numpy as np
import pytest

from higgs_tutorial.cli.tables import auc_error
from higgs_tutorial.data.dataset import load
from higgs_tutorial.data.prepared import split_sizes
from higgs_tutorial.data.settings import PROFILE_EVENTS
from higgs_tutorial.data.simulated import events_for, simulated_sizes
from higgs_tutorial.physics import simulate as simulator

STAND_IN = """
import os, sys, time
import numpy as np
from higgs_tutorial.data.dataset import load
from higgs_tutorial.physics import simulate as simulator
def simulate_into(out, seed=0, *, workers=None, on_chunk=None, parameters=None, truth=None):
    print("simulating", flush=True)
    for start in range(0, len(out), 100):
        out[start:start + 100] = 1
        time.sleep(float(sys.argv[2]))
simulator.simulate_into = simulate_into
"""
LOAD = STAND_IN + "print(load('simulated', events=1_000, data_dir=sys.argv[1]).train.x.mean())"
FULL_DISK = (
    STAND_IN
    + """
from higgs_tutorial.data import simulated
simulated.require_space = lambda *_: None
try:
    load("simulated", events=2_000, data_dir=sys.argv[1])
except OSError as error:
    print(error)
print(os.listdir(sys.argv[1] + "/simulated"))
"""
)
LARGE_FILES_FORBIDDEN = """
import resource, sys
from higgs_tutorial.data.dataset import load
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    load("simulated", events=2_000, data_dir=sys.argv[1])
except OSError as error:
    print(error)
"""


@pytest.fixture
def calls(monkeypatch):
    """A quick stand-in for the simulator; the list of its calls."""
    made = []

    def simulate_into(out, seed=0, *, workers=None, on_chunk=None, parameters=None, truth=None):
        made.append((len(out), seed))
        rng = np.random.default_rng(seed)
        out[:] = rng.normal(size=out.shape)
        out[:, 0] = rng.random(len(out)) < 0.53
        on_chunk(len(out))

    monkeypatch.setattr(simulator, "simulate_into", simulate_into)
    return made


def files(folder):
    return sorted(path.name for path in (folder / "simulated").iterdir() if path.name != ".lock")


def test_real_simulated_rows_keep_their_order(tmp_path):
    """The parts, put together again, are the simulator's rows."""
    higgs = load("simulated", events=1_000, data_dir=tmp_path, seed=5)
    expected = np.empty((1_000, 29), np.float32)
    simulator.simulate_into(expected, 5)
    parts = (higgs.train, higgs.valid, higgs.test)
    assert higgs.source == "simulated"
    assert [part.n for part in parts] == [600, 200, 200]
    np.testing.assert_array_equal(np.concatenate([part.x for part in parts]), expected[:, 1:])
    np.testing.assert_array_equal(np.concatenate([part.y for part in parts]), expected[:, 0])
    assert not higgs.train.x.flags.writeable


def test_simulated_once_for_each_number_and_seed(calls, tmp_path):
    first = load("auto", events=1_000, data_dir=tmp_path)
    again = load("simulated", events=1_000, data_dir=tmp_path)
    np.testing.assert_array_equal(first.train.x, again.train.x)
    assert calls == [(1_000, 0)]
    load(events=1_000, data_dir=tmp_path, seed=1)
    load(events=500, data_dir=tmp_path)
    assert calls == [(1_000, 0), (1_000, 1), (500, 0)]
    version = simulator.SIMULATOR_VERSION
    assert files(tmp_path) == [
        f"events1000-seed0-v{version}.npy",
        f"events1000-seed1-v{version}.npy",
        f"events500-seed0-v{version}.npy",
    ]


def test_a_new_simulator_simulates_anew(calls, tmp_path, monkeypatch):
    load(events=1_000, data_dir=tmp_path)
    monkeypatch.setattr(simulator, "SIMULATOR_VERSION", "another")
    load(events=1_000, data_dir=tmp_path)
    assert len(calls) == 2


def test_the_profile_decides_how_many(calls, tmp_path, monkeypatch):
    monkeypatch.setitem(PROFILE_EVENTS, "quick", 300)
    monkeypatch.setitem(PROFILE_EVENTS, "talk", 600)
    load(data_dir=tmp_path)
    monkeypatch.setenv("HIGGS_PROFILE", "talk")
    load(data_dir=tmp_path)
    assert [count for count, _ in calls] == [300, 600]


@pytest.mark.parametrize(
    ("events", "held_out"),
    [(20, 4), (1_000, 200), (216_000, 43_200), (300_000, 60_000), (1_200_000, 60_000), (11_000_000, 500_000)],
)
def test_how_simulated_events_are_split(events, held_out):
    assert simulated_sizes(events) == (events - 2 * held_out, held_out, held_out)


@pytest.mark.parametrize("sizes", [simulated_sizes, split_sizes])
@pytest.mark.parametrize(
    "training", [1, 1_000, 179_999, 460_000, 1_080_000, 4_696_007, 10_000_000, 20_000_000]
)
def test_enough_events_are_asked_for_to_train_on(training, sizes):
    assert sizes(events_for(training))[0] >= training


@pytest.mark.parametrize(("profile", "error"), [("lesson", 0.003), ("quick", 0.002), ("talk", 0.001)])
@pytest.mark.parametrize("auc", [0.66, 0.85])
def test_held_out_events_are_enough_for_the_profiles_errors(profile, error, auc):
    for held_out in simulated_sizes(PROFILE_EVENTS[profile])[1:]:
        assert round(auc_error(auc, held_out / 2, held_out / 2), 3) <= error


@pytest.mark.parametrize("events", [19, 0, 100.0, True])
def test_too_few_simulated_events_to_split(events):
    with pytest.raises(ValueError, match="at least 20"):
        simulated_sizes(events)


def test_a_pipe_or_a_notebook_sees_no_progress(calls, tmp_path):
    with (
        contextlib.redirect_stderr(io.StringIO()) as errors,
        contextlib.redirect_stdout(io.StringIO()) as out,
    ):
        load(events=1_000, data_dir=tmp_path)
    assert errors.getvalue() == out.getvalue() == ""


def test_a_terminal_sees_progress(calls, tmp_path, monkeypatch):
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", terminal)
    load(events=1_000, data_dir=tmp_path)
    assert "Simulating" in terminal.getvalue()
    assert "1,000 events" in terminal.getvalue()


@pytest.mark.parametrize("fault", [KeyboardInterrupt, RuntimeError])
def test_an_interrupted_simulation_leaves_nothing(fault, tmp_path, monkeypatch):
    def simulate_into(out, *_, **__):
        out[:10] = 1
        raise fault

    monkeypatch.setattr(simulator, "simulate_into", simulate_into)
    with pytest.raises(fault):
        load("simulated", events=1_000, data_dir=tmp_path)
    assert files(tmp_path) == []


def test_a_killed_simulation_is_cleaned_up_by_the_next(calls, tmp_path, start_python):
    process = start_python(LOAD, tmp_path, 5)
    assert process.stdout.readline() == "simulating\n"
    os.kill(process.pid, signal.SIGKILL)
    process.wait(120)
    assert [name for name in files(tmp_path) if not name.endswith(".partial")] == []
    assert len(files(tmp_path)) == 1, "killed too late"
    load("simulated", events=500, data_dir=tmp_path)
    assert files(tmp_path) == [f"events500-seed0-v{simulator.SIMULATOR_VERSION}.npy"]


def test_two_processes_at_once_simulate_once(tmp_path, start_python):
    processes = [start_python(LOAD, tmp_path, 0.1) for _ in range(2)]
    outputs = [process.communicate(timeout=180) for process in processes]
    assert [errors for _, errors in outputs] == ["", ""]
    assert sorted(output for output, _ in outputs) == ["1.0\n", "simulating\n1.0\n"]


def test_a_full_disk_is_an_error_and_no_crash(run_on_small_disk):
    message, left = run_on_small_disk(FULL_DISK, 0).splitlines()
    assert "No space left on device: simulating 2,000 events failed in" in message
    assert left == "['.lock']"


def test_a_failed_write_leaves_nothing(tmp_path, start_python):
    process = start_python(LARGE_FILES_FORBIDDEN, tmp_path)
    output, errors = process.communicate(timeout=180)
    assert (process.returncode, errors) == (0, "")
    assert f"simulating 2,000 events failed in {tmp_path / 'simulated'}" in output
    assert files(tmp_path) == []


def test_too_small_a_disk_is_noticed_first(calls, tmp_path):
    with pytest.raises(OSError, match=r"simulating .* needs .* HIGGS_DATA_DIR"):
        load("simulated", events=10**14, data_dir=tmp_path)
    assert calls == []


def test_room_is_made_where_files_cannot_be_allocated(calls, tmp_path, monkeypatch):
    monkeypatch.delattr(os, "posix_fallocate", raising=False)
    assert load("simulated", events=1_000, data_dir=tmp_path).train.n == 600


def test_a_damaged_file_is_refused(calls, tmp_path):
    load("simulated", events=1_000, data_dir=tmp_path)
    path = tmp_path / "simulated" / files(tmp_path)[0]
    os.truncate(path, 5_000)
    with pytest.raises(ValueError, match=f"{path} cannot be read.*delete it"):
        load("simulated", events=1_000, data_dir=tmp_path)
    path.unlink()
    assert load("simulated", events=1_000, data_dir=tmp_path).train.n == 600
