"""A file has its name when it is whole, whoever else writes it, and whatever ends the process."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from higgs_tutorial.files import ended_by_exceptions, written

WRITER = """
import signal, sys, time
from pathlib import Path
from higgs_tutorial.files import written
if sys.platform != "win32":
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # which the tests' own process ignores under nohup
with written(sys.argv[1]) as part:
    part.write_text("half")
    print(part, flush=True)
    time.sleep(60)
"""


def test_the_content_appears_when_it_is_whole(tmp_path):
    file = tmp_path / "a.txt"
    file.write_text("old")
    with written(file) as part:
        part.write_text("new")
        assert file.read_text() == "old"
    assert file.read_text() == "new"
    assert os.listdir(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("fault", [RuntimeError, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_whatever_goes_wrong_the_old_content_stays(fault, tmp_path):
    file = tmp_path / "a.txt"
    file.write_text("old")

    def fail():
        with written(file) as part:
            part.write_text("new")
            raise fault

    with pytest.raises(fault):
        fail()
    assert file.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_two_writers_of_one_file_do_not_meet(tmp_path):
    file = tmp_path / "a.txt"
    with written(file) as first, written(file) as second:
        first.write_text("first")
        second.write_text("second")
    assert file.read_text() == "first", "the last to end is kept, whole"
    assert os.listdir(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("name", ["x" * 250 + ".npy", "é" * 120 + ".npy", "\U0001f600" * 60 + ".npy"])
def test_names_as_long_as_they_may_be(name, tmp_path):
    with written(tmp_path / name) as part:
        part.touch()
    assert os.listdir(tmp_path) == [name]


def test_a_symbolic_link_stays_one(tmp_path):
    (tmp_path / "scratch").mkdir()
    link = tmp_path / "a.txt"
    link.symlink_to(tmp_path / "scratch" / "real.txt")
    with written(link) as part:
        part.write_text("new")
    assert link.is_symlink()
    assert (tmp_path / "scratch" / "real.txt").read_text() == "new"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to send")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_leaves_nothing(name, tmp_path):
    command = [sys.executable, "-c", WRITER, str(tmp_path / "a.txt")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        part = process.stdout.readline().strip()
        assert os.path.exists(part)
        process.send_signal(getattr(signal, name))
        assert process.wait(60) == 128 + getattr(signal, name)
    assert os.listdir(tmp_path) == []


def test_signals_that_somebody_handles_are_theirs(monkeypatch):
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with ended_by_exceptions():
            assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)
    assert signal.getsignal(signal.SIGTERM) is before


def test_other_threads_can_write(tmp_path):
    def write():
        with written(tmp_path / "a.txt") as part:
            part.write_text("from a thread")

    thread = threading.Thread(target=write)
    thread.start()
    thread.join()
    assert (tmp_path / "a.txt").read_text() == "from a thread"
