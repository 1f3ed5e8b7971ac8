"""`higgs-tutorial ladder --strategy`: the same ladder on two devices and by two workers, watched by TensorBoard."""

import json
import os
import socket
import subprocess
import sys
from contextlib import ExitStack

import pytest

SECONDS = 600  # far above what a process takes, so only one that hangs is stopped
RUNG = "bn-1x100"
ARGUMENTS = ["ladder", "--rungs", RUNG, "--source", "simulated", "--events", "4000", "--epochs", "2"]
ARGUMENTS += ["--batch-size", "500", "--out", "out"]


def start(folder, *more, **variables):
    folder.mkdir()
    return subprocess.Popen(
        [sys.executable, "-m", "higgs_tutorial", *ARGUMENTS, *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={**os.environ, "HIGGS_DATA_DIR": str(folder), "no_grpc_proxy": "127.0.0.1", **variables},
    )


def start_workers(folder):
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(2)]
        for s in sockets:
            s.bind(("127.0.0.1", 0))
        workers = [f"127.0.0.1:{s.getsockname()[1]}" for s in sockets]
    cluster = {"worker": workers}
    return [
        start(
            folder / f"worker{index}",
            *("--strategy", "multiworker", "--tensorboard", "logs"),
            TF_CONFIG=json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}}),
        )
        for index in range(2)
    ]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The folder that holds a run on one device, on two, and by two workers, and what each of them printed."""
    folder = tmp_path_factory.mktemp("runs")
    processes = {
        "one": start(folder / "one"),
        "mirrored": start(
            folder / "mirrored", "--strategy", "mirrored", "--tensorboard", "logs", "--histograms"
        ),
    }
    processes |= {f"worker{i}": process for i, process in enumerate(start_workers(folder))}
    printed = {}
    try:
        for name, process in processes.items():
            printed[name], err = process.communicate(timeout=SECONDS)
            assert process.returncode == 0, err[-3000:]
    finally:
        for process in processes.values():
            process.kill()
            process.communicate()
    return folder, printed


def rung_of(folder):
    (rung,) = json.loads((folder / "out" / "results.json").read_text())["rungs"]
    return rung


@pytest.mark.parametrize("how", ["mirrored", "worker0"])
def test_the_same_ladder(runs, how):
    folder, printed = runs
    one, shared = rung_of(folder / "one"), rung_of(folder / how)
    assert shared["parameters"] == one["parameters"]
    for key in ("train_auc", "valid_auc", "test_auc"):
        assert shared[key] == pytest.approx(one[key], abs=1e-4)
    assert [epoch["loss"] for epoch in shared["epochs"]] == pytest.approx(
        [epoch["loss"] for epoch in one["epochs"]], rel=1e-4
    )
    assert RUNG in printed[how]
    assert "s/epoch" in printed[how]


def test_only_the_chief_writes_and_prints(runs):
    folder, printed = runs
    written = {
        path.relative_to(folder / "worker0" / "out").parts[0] for path in (folder / "worker0").glob("out/*")
    }
    assert written == {"results.json", "ladder.png", "staircase.png", "checkpoints"}
    assert not (folder / "worker1" / "out").exists()
    assert not (folder / "worker1" / "logs").exists()
    assert printed["worker1"] == ""


@pytest.mark.parametrize("how", ["mirrored", "worker0"])
def test_tensorboard_shows_curves_and_the_graph(runs, how):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    reader = EventAccumulator(str(runs[0] / how / "logs" / RUNG), size_guidance={"tensors": 0})
    reader.Reload()
    names = set(reader.Tags()["tensors"])
    assert {"loss", "validation AUC", "learning rate", "events per second"} <= names
    assert any(name.startswith("linear_0") for name in names) == (how == "mirrored")  # the histograms
    graph = reader.Graph().SerializeToString()
    for operation in (b"MatMul", b"Relu", b"Sigmoid"):
        assert operation in graph


def test_histograms_need_a_folder(tmp_path):
    process = start(tmp_path / "here", "--histograms")
    out, err = process.communicate(timeout=SECONDS)
    assert (process.returncode, out) == (2, "")
    assert err == "error: --histograms need a folder (tensorboard) to log to\n"
