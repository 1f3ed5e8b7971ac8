"""Every terminal can show what is printed, and a reader that goes ends a command quietly."""

import io
import os
import subprocess
import sys

import pytest
from old_tensorflow import quiet

from higgs_tutorial.cli import terminal

ENCODINGS = ["ascii", "cp866", "cp932"]
COMMAND = [sys.executable, "-m", "higgs_tutorial"]
LADDER = ["ladder", "--rungs", "logistic", "--events", "2000", "--epochs", "1"]
HELP = """
import sys
from higgs_tutorial import cli
for name in ["", *(command.name or command.callback.__name__ for command in cli.app.registered_commands)]:
    sys.argv = ["higgs-tutorial", *filter(None, [name]), "--help"]
    try:
        cli.main()
    except SystemExit as ended:
        assert ended.code == 0, name
"""


def environment(folder, **more):
    return {**os.environ, "HIGGS_DATA_DIR": str(folder), **more}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_help_can_be_shown(encoding, tmp_path):
    run = subprocess.run(
        [sys.executable, "-c", HELP],
        capture_output=True,
        timeout=120,
        env=environment(tmp_path, PYTHONIOENCODING=encoding),
    )
    assert (run.returncode, run.stderr) == (0, b"")
    said = run.stdout.decode(encoding)
    assert said.count("Usage: higgs-tutorial") >= 8
    assert "?" not in said


def test_the_ladder_can_be_shown_in_ascii(tmp_path):
    run = subprocess.run(
        [*COMMAND, *LADDER],
        capture_output=True,
        cwd=tmp_path,
        timeout=120,
        env=environment(tmp_path, PYTHONIOENCODING="ascii"),
    )
    assert (run.returncode, quiet(run.stderr)) == (0, b"")
    said = run.stdout.decode("ascii")
    assert "good to +- 0.0" in said
    assert "| logistic |" in said


@pytest.mark.parametrize("errors", ["strict", "surrogateescape", "backslashreplace"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_characters_are_spelled_where_they_are_missing(encoding, errors, monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors=errors)
    monkeypatch.setattr(sys, "stdout", stream)
    with terminal.legible():
        print("0.8 ± 0.1 … ╭─╮│╰ é – • \udce9 東", flush=True)
    written = stream.buffer.getvalue().decode(encoding)
    if encoding == "ascii":
        assert written == "0.8 +- 0.1 ... +-+|+ e - * ? ?\n"
    assert written.count("\n") == 1
    assert stream.errors == errors


def test_a_handler_that_the_user_chose_stays(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="ignore")
    monkeypatch.setattr(sys, "stdout", stream)
    with terminal.legible():
        print("±1", flush=True)
    assert stream.buffer.getvalue() == b"1\n"


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["ladder", "--help"], ["--version"], ["info"], LADDER, ["notebooks", "lessons"]],
    ids=lambda arguments: " ".join(arguments[:2]),
)
def test_a_command_whose_reader_is_gone_ends_quietly(arguments, tmp_path):
    reader, writer = os.pipe()
    os.close(reader)
    try:
        run = subprocess.run(
            [*COMMAND, *arguments],
            stdout=writer,
            stderr=subprocess.PIPE,
            cwd=tmp_path,
            timeout=120,
            env=environment(tmp_path),
        )
    finally:
        os.close(writer)
    assert (run.returncode, run.stderr) == (terminal.PIPE_CLOSED, b"")
