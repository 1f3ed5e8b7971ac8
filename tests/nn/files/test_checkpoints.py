"""Checkpoints: going on bit for bit, whatever was broken in between."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf
from making import make_events

from higgs_tutorial.nn import History, LogisticRegression, NeuralNetwork, fit
from higgs_tutorial.nn.files import checkpoints
from higgs_tutorial.nn.files.checkpoints import Checkpoints, Run


@pytest.fixture(autouse=True)
def eager():
    """Most tests are about files: they need no compiled graph."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture(scope="module")
def small():
    return SimpleNamespace(train=make_events(500, 1), valid=make_events(200, 2), source="made")


def schedule():
    return keras.optimizers.schedules.ExponentialDecay(0.01, 3, 0.7)


OPTIMIZERS = {
    "momentum": lambda: keras.optimizers.SGD(0.05, momentum=0.9),
    "adam": lambda: keras.optimizers.Adam(schedule()),
}


def scores(history):
    return [(epoch.epoch, epoch.loss, epoch.valid_auc) for epoch in history.epochs]


def run(higgs, folder, epochs, *, optimizer="adam", model=None, **settings):
    model = model or LogisticRegression(seed=1)
    settings = {"batch_size": 100, "seed": 5, **settings}
    return fit(model, higgs, OPTIMIZERS[optimizer](), epochs, checkpoint_dir=folder, **settings)


@pytest.mark.parametrize(("optimizer", "eagerly"), [("momentum", True), ("adam", False)])
def test_going_on_is_bitwise_the_run_that_never_stopped(small, tmp_path, optimizer, eagerly):
    tf.config.run_functions_eagerly(eagerly)

    def model():
        return NeuralNetwork(1, 8, True, 0.8, seed=3)

    whole = run(small, None, 4, optimizer=optimizer, model=model())
    begun = run(small, tmp_path, 2, optimizer=optimizer, model=model())
    assert scores(begun) == scores(whole)[:2]
    seen = []
    ended = run(small, tmp_path, 4, optimizer=optimizer, model=model(), on_epoch=seen.append)
    assert scores(ended) == scores(whole)
    assert [epoch.epoch for epoch in seen] == [3, 4]
    assert ended.epochs[0].seconds == begun.epochs[0].seconds


def test_a_finished_run_is_not_run_again(small, tmp_path):
    first = run(small, tmp_path, 2)
    model, seen = LogisticRegression(seed=1), []
    assert run(small, tmp_path, 2, model=model, on_epoch=seen.append).epochs == first.epochs
    assert seen == []
    assert run(small, tmp_path, 3, model=model).epochs[:2] == first.epochs


def test_the_last_ones_are_kept_and_nothing_else(small, tmp_path):
    run(small, tmp_path, 5, keep=2)
    assert sorted(os.listdir(tmp_path)) == ["epoch-00004.npz", "epoch-00005.npz"]
    checkpoints.clear(tmp_path)
    assert os.listdir(tmp_path) == []


def test_a_checkpoint_is_an_npz_that_says_what_it_is(small, tmp_path):
    history = run(small, tmp_path, 2)
    with np.load(tmp_path / "epoch-00002.npz") as archive:
        about = json.loads(str(archive["about"]))
        assert archive["model/001/regression/w:0"].shape == (28, 1)
    assert about["identity"]["seed"] == 5
    assert about["identity"]["data"]["train"]["events"] == 500
    assert about["history"] == json.loads(history.to_json())


def _cut(data):
    return data[: len(data) // 2]


def _flip(data):
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


@pytest.mark.parametrize(
    "damage",
    [_cut, _flip, lambda data: b"", lambda data: data + b"\0", lambda data: b"not a checkpoint" * 9],
    ids=["cut", "one bit", "empty", "longer", "other"],
)
def test_a_damaged_newest_falls_back_to_the_one_before(small, tmp_path, damage):
    whole = run(small, tmp_path, 4)
    newest = tmp_path / "epoch-00004.npz"
    newest.write_bytes(damage(newest.read_bytes()))
    seen = []
    with pytest.warns(RuntimeWarning, match=r"epoch-00004\.npz is damaged .* going back to the one before"):
        again = run(small, tmp_path, 4, on_epoch=seen.append)
    assert [epoch.epoch for epoch in seen] == [4]
    assert scores(again) == scores(whole)
    assert scores(run(small, tmp_path, 4)) == scores(whole)  # it was written anew: no warning


def test_with_every_checkpoint_damaged_the_run_starts_again(small, tmp_path):
    whole = run(small, tmp_path, 2)
    for file in tmp_path.iterdir():
        file.write_bytes(_flip(file.read_bytes()))
    with pytest.warns(RuntimeWarning, match="is damaged") as warned:
        assert scores(run(small, tmp_path, 2)) == scores(whole)
    assert len(warned) == 2


def test_a_checkpoint_of_another_run_is_refused_with_what_differs(small, tmp_path):
    run(small, tmp_path, 1)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    other = make_events(500, 1)
    other.x[499, 27] += 1e-3
    cases = [
        ({"seed": 6}, "seed is 5 there and 6 here"),
        ({"batch_size": 50}, "batch_size is 100 there and 50 here"),
        ({"optimizer": "momentum"}, "optimizer.class is 'Adam' there and 'SGD' here"),
        ({"model": LogisticRegression(seed=2)}, "model.seed is 1 there and 2 here"),
        ({"model": NeuralNetwork(1, 8, seed=1)}, "model.class is 'LogisticRegression' there"),
    ]
    for settings, says in cases:
        with pytest.raises(ValueError, match=says):
            run(small, tmp_path, 2, **settings)
    for higgs, says in (
        (SimpleNamespace(train=other, valid=small.valid, source="made"), r"data\.train\.hash is '"),
        (SimpleNamespace(train=small.valid, valid=small.valid, source="made"), "events is 500 there and 200"),
        (SimpleNamespace(train=small.train, valid=small.valid, source="uci"), "'made' there and 'uci' here"),
    ):
        with pytest.raises(ValueError, match=says):
            run(higgs, tmp_path, 2)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_checkpoints_of_more_epochs_are_refused(small, tmp_path):
    run(small, tmp_path, 3)
    with pytest.raises(ValueError, match=r"of 3 epochs, and 2 are wanted: give epochs=3 or more"):
        run(small, tmp_path, 2)


@pytest.mark.parametrize("keep", [0, -1, 1.5, True])
def test_a_bad_keep_is_an_error(small, tmp_path, keep):
    with pytest.raises(ValueError, match="keep is"):
        run(small, tmp_path, 1, keep=keep)


def test_a_file_in_the_place_of_the_folder_is_an_error_that_names_it(small, tmp_path):
    (tmp_path / "file").write_text("here")
    with pytest.raises(OSError, match=r"the checkpoint .*epoch-00001\.npz was not written"):
        run(small, tmp_path / "file", 1)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_leaves_the_checkpoints_before_it(small, tmp_path, monkeypatch):
    whole = run(small, None, 3)
    run(small, tmp_path, 1)
    before = os.listdir(tmp_path)
    monkeypatch.setattr("higgs_tutorial.files.secrets.token_hex", lambda _: "known")
    part = tmp_path / f".epoch-00003.npz.{os.getpid()}-known.partial"
    with pytest.raises(OSError, match=r"No space left.*epoch-00003\.npz was not written; the ones before"):
        run(small, tmp_path, 3, on_epoch=lambda epoch: part.symlink_to("/dev/full"))
    assert sorted(os.listdir(tmp_path)) == [*before, "epoch-00002.npz"]
    assert scores(run(small, tmp_path, 3)) == scores(whole)


def test_the_identity_does_not_depend_on_the_process(small):
    first, second = (
        Run(LogisticRegression(), OPTIMIZERS["adam"](), small, 10, 0).identity() for _ in range(2)
    )
    assert first == second


def test_restore_changes_nothing_without_a_checkpoint(small, tmp_path):
    model, optimizer = LogisticRegression(seed=1), OPTIMIZERS["adam"]()
    store = Checkpoints(tmp_path / "none", Run(model, optimizer, small, 10, 0))
    assert store.restore() == History()
    assert not (tmp_path / "none").exists()


CHILD = """
    import resource, signal, sys
    from types import SimpleNamespace
    sys.path.insert(0, sys.argv[1])
    import keras, numpy as np, tensorflow as tf
    from making import make_events
    from higgs_tutorial.nn import LogisticRegression, fit

    class Heavy(LogisticRegression):
        def __init__(self):
            super().__init__(seed=1)
            rng = np.random.default_rng(0)
            self.ballast = tf.Variable(rng.random(4_000_000, np.float32), trainable=False)

    def on_epoch(epoch):
        print(epoch, flush=True)
        if sys.argv[4] == "cut" and epoch.epoch == 2:  # the kernel ends the next write after 5 MB of 16
            signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            resource.setrlimit(resource.RLIMIT_FSIZE, (5_000_000, 5_000_000))

    higgs = SimpleNamespace(train=make_events(500, 1), valid=make_events(200, 2), source="made")
    history = fit(Heavy(), higgs, keras.optimizers.Adam(0.01), int(sys.argv[3]), 100, on_epoch=on_epoch,
                  checkpoint_dir=sys.argv[2])
    print([(e.epoch, e.loss, e.valid_auc) for e in history.epochs])
"""


def start(folder, epochs, mode):
    script = [sys.executable, "-c", textwrap.dedent(CHILD), str(Path(__file__).parents[2]), str(folder)]
    return subprocess.Popen(
        [*script, str(epochs), mode], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )


def kill_while_writing(child, folder):
    """SIGKILL the process while a temporary file is there, once two epochs are done."""
    for line in child.stdout:
        if line.startswith("epoch  2"):
            break
    stop = time.monotonic() + 120
    while child.poll() is None and time.monotonic() < stop:
        if list(folder.glob(".*.partial")):
            os.kill(child.pid, signal.SIGSTOP)
            if list(folder.glob(".*.partial")):
                break
            os.kill(child.pid, signal.SIGCONT)
    child.kill()


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
@pytest.mark.parametrize("mode", ["sigkill", "cut"])
def test_killed_in_the_middle_of_a_write(tmp_path, mode):
    tf.config.run_functions_eagerly(False)
    with start(tmp_path, 200, mode) as child:
        if mode == "sigkill":
            kill_while_writing(child, tmp_path)
        child.communicate(timeout=120)
    assert child.returncode == -(signal.SIGKILL if mode == "sigkill" else signal.SIGXFSZ)
    (part,) = tmp_path.glob(".*.partial")
    last = max(int(file.stem.split("-")[1]) for file in tmp_path.glob("*.npz"))
    if mode == "cut":
        assert (last, part.stat().st_size) == (2, 5_000_000)
    with start(tmp_path, last + 2, "on") as again:
        printed = again.communicate(timeout=120)[0].splitlines()
    assert [line.split(":")[0] for line in printed[:-1]] == [f"epoch {e:2d}" for e in (last + 1, last + 2)]
    assert not part.exists()
    higgs = SimpleNamespace(train=make_events(500, 1), valid=make_events(200, 2))
    whole = fit(LogisticRegression(seed=1), higgs, keras.optimizers.Adam(0.01), last + 2, 100)
    assert printed[-1] == str(scores(whole))
