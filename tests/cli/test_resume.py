"""A ladder on the command line that is killed, interrupted and damaged, and goes on as if nothing had been."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
SECONDS = 300  # far above what a process takes, so only one that hangs is stopped
ARGUMENTS = ["ladder", "--rungs", "logistic", "--source", "simulated", "--events", "20000"]
ARGUMENTS += ["--batch-size", "8", "--epochs", "12"]


def start(folder, *more):
    return subprocess.Popen(
        [sys.executable, "-m", "higgs_tutorial", *ARGUMENTS, *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={**os.environ, "HIGGS_DATA_DIR": str(folder)},
    )


def send(process, signum, epoch):
    """Send a signal when this epoch is done; return what was printed up to it and after, and the errors."""
    before = []
    for line in process.stdout:
        before.append(line)
        if line.startswith(f"epoch {epoch:2d}"):
            process.send_signal(signum)
            break
    after, err = process.communicate(timeout=SECONDS)
    return "".join(before), after, err


def results(folder):
    found = json.loads((folder / "results.json").read_text())
    for rung in found["rungs"]:
        rung.pop("examples_per_second", None)
        for epoch in rung["epochs"]:
            epoch.pop("seconds")
    return found


def test_killed_interrupted_and_damaged_it_ends_as_if_it_had_run_through(tmp_path):
    out = tmp_path / "out"
    killed = start(tmp_path, "--out", "out")
    send(killed, signal.SIGKILL, 2)
    assert killed.returncode == -signal.SIGKILL
    begun = results(out)["rungs"][0]["epochs"]
    assert [epoch["epoch"] for epoch in begun] == list(range(1, len(begun) + 1))
    assert 2 <= len(begun) < 12

    interrupted = start(tmp_path, "--out", "out", "--resume")
    before, after, err = send(interrupted, signal.SIGINT, 5)
    assert interrupted.returncode == 130
    assert "from a checkpoint" in before
    assert "epoch  1:" not in before
    assert "epoch 12:" not in after
    assert "stopping after this epoch" in err
    assert f"go on with: higgs-tutorial {' '.join(ARGUMENTS)} --out out --resume" in err
    assert "Traceback" not in err
    kept = results(out)["rungs"][0]["epochs"]
    assert kept[: len(begun)] == begun

    newest = max((out / "checkpoints" / "logistic").glob("epoch-*.npz"))
    assert newest.name == f"epoch-{len(kept):05d}.npz"
    newest.write_bytes(newest.read_bytes()[:-100])
    ended = start(tmp_path, "--out", "out", "--resume")
    printed, err = ended.communicate(timeout=SECONDS)
    assert ended.returncode == 0, err
    assert f"{newest.name} is damaged" in err
    assert f"going on after epoch {len(kept) - 1}, from a checkpoint" in printed

    whole = start(tmp_path, "--out", "whole")
    _, err = whole.communicate(timeout=SECONDS)
    assert whole.returncode == 0, err
    assert results(out) == results(tmp_path / "whole")  # bitwise

    other = start(tmp_path, "--out", "out", "--resume", "--seed", "1")
    _, err = other.communicate(timeout=SECONDS)
    assert other.returncode == 2
    assert "made with seed 0, not 1" in err


BUSY = """
    import hashlib, sys
    from higgs_tutorial.cli.interrupt import PoliteStop, Stopped

    print("ready", flush=True)
    try:
        with PoliteStop(lambda text: print(text, flush=True), last_words="gone") as stop:
            for epoch in range(1000):
                print("epoch", epoch, flush=True)
                hashlib.pbkdf2_hmac("sha256", b"", b"", 3_000_000)  # a second in which Python sees no signal
                stop.check()
    except Stopped as stopped:
        sys.exit(stopped.code)
"""


@pytest.mark.parametrize(
    ("signals", "code", "words"),
    [
        ([signal.SIGINT], 130, "stopping after this epoch"),
        ([signal.SIGTERM], 143, "stopping after this epoch"),
        ([signal.SIGINT, signal.SIGINT], 130, "gone"),
        ([signal.SIGTERM, signal.SIGINT], 130, "gone"),
    ],
)
def test_once_asks_and_twice_stops(signals, code, words):
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(BUSY)], stdout=subprocess.PIPE, text=True
    ) as process:
        for line in process.stdout:
            if line == "epoch 0\n":
                break
        for signum in signals:
            process.send_signal(signum)
            time.sleep(0.05)
        out, _ = process.communicate(timeout=60)
    assert process.returncode == code
    assert words in out
    assert "epoch 1\n" not in out
