"""The command line as a user meets it: in processes of its own."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from old_tensorflow import quiet

from higgs_tutorial.ladder import LADDER


def higgs(*arguments, data_dir, **environment):
    return subprocess.run(
        [sys.executable, "-m", "higgs_tutorial", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=data_dir,
        env={**os.environ, "HIGGS_DATA_DIR": str(data_dir), **environment},
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["ladder", "--rungs", "logistic,resnet"], "unknown rung 'resnet'"),
        (["ladder", "--epochs", "0"], "--epochs is 0; it must be at least 1"),
        (["ladder", "--batch-size", "-5"], "--batch-size is -5; it must be at least 1"),
        (["ladder", "--events", "3"], "3 events"),
        (["ladder", "--profile", "huge"], "--profile is 'huge'; it must be one of: lesson, quick, talk"),
        (["ladder", "--source", "kaggle"], "'kaggle'"),
        (["ladder", "--source", "uci"], "higgs-tutorial prepare"),
        (["ladder", "--seed", "-1"], "--seed"),
        (["ladder", "--schedule", "step"], "it must be one of: constant, cosine, exponential, linear"),
        (["ladder", "--precision", "half"], "--precision is 'half'; it must be one of: float32, bfloat16"),
        (["ladder", "--average", "1"], "it must be 'ema' or a number of epochs, 2 or more"),
        (["simulate", "--events", "10", "--out", "events.txt"], "events.txt"),
        (["simulate", "--events", "0", "--out", "events.npy"], "--events"),
        (
            ["simulate", "--events", "9", "--out", "e.npy", "--parameter", "respons=1"],
            "do you mean response?",
        ),
        (["simulate", "--events", "9", "--out", "e.npy", "--parameter", "fsr=2"], "must be from 0 to 1"),
        (["simulate", "--events", "9", "--out", "e.npy", "--truth", "t.csv"], "t.csv"),
        (["prepare", "missing.csv"], "missing.csv"),
        (["prepare", "--rows", "5", "--any-rows"], "exclude each other"),
        (["score", "missing.npz", "missing.csv", "--out", "p.csv"], "missing"),
        (["notebooks", "results.txt"], "results.txt is a file"),
        (["info", "--data-dir"], "--data-dir"),
        (["climb"], "climb"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(arguments, says, tmp_path):
    (tmp_path / "results.txt").write_text("")
    run = higgs(*arguments, data_dir=tmp_path)
    assert run.returncode == 2
    assert says in run.stderr
    assert "Traceback" not in run.stderr
    if run.stderr.startswith("error"):
        assert run.stderr.count("\n") == 1


def test_an_unknown_rung_lists_the_known_ones(tmp_path):
    run = higgs("ladder", "--rungs", "resnet", data_dir=tmp_path)
    assert all(name in run.stderr for name in LADDER)


def test_the_version_is_printed(tmp_path):
    import higgs_tutorial

    run = higgs("--version", data_dir=tmp_path)
    assert (run.returncode, run.stdout) == (0, f"higgs-tutorial {higgs_tutorial.__version__}\n")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["ladder", "--out", "file/out"], "file is no folder"),
        (["ladder", "--out", "busy"], "busy/checkpoints is no folder"),
        (["ladder", "--out", "taken"], "taken/results.json is a folder"),
        (["ladder", "--out", "/proc/higgs"], "/proc"),
        (["ladder", "--out", "new", "--tensorboard", "file/logs"], "file is no folder"),
        (["simulate", "--events", "10", "--out", "file/e.csv"], "file is no folder"),
        (["simulate", "--events", "10", "--out", "folder.npy"], "folder.npy is a folder; name a file"),
        (["simulate", "--events", "9", "--out", "e.npy", "--truth", "file/t.npy"], "file is no folder"),
        (["score", "m.npz", "e.csv", "--out", "file/p.csv"], "file is no folder"),
        (["score", "m.npz", "e.csv", "--out", "folder.npy"], "folder.npy is a folder; name a file"),
    ],
)
def test_an_output_that_cannot_be_written_is_noticed_before_the_work(arguments, says, tmp_path):
    for name in ("file", "m.npz", "e.csv"):
        (tmp_path / name).write_text("")
    for name in ("folder.npy", "busy", "taken/results.json"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "busy" / "checkpoints").write_text("")
    before = sorted(tmp_path.rglob("*"))
    run = higgs(*arguments, data_dir=tmp_path)
    assert (run.returncode, run.stdout) == (2, "")
    assert says in run.stderr
    assert run.stderr.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before  # not even events were simulated


def test_a_matplotlib_backend_that_is_not_there_costs_nothing(tmp_path):
    arguments = ["ladder", "--rungs", "logistic", "--events", 2000, "--epochs", 1, "--out", "out"]
    run = higgs(*arguments, data_dir=tmp_path, MPLBACKEND="nonsense")
    assert (run.returncode, quiet(run.stderr.encode())) == (0, b"")
    assert "│ logistic " in run.stdout
    assert (tmp_path / "out" / "ladder.png").exists()


def test_debug_shows_the_traceback(tmp_path):
    run = higgs("--debug", "ladder", "--rungs", "resnet", data_dir=tmp_path)
    assert "Traceback" in run.stderr


def test_ladder_in_a_pipe(tmp_path):
    arguments = ["ladder", "--rungs", "logistic,bn-1x100", "--events", 2000, "--epochs", 2, "--out", "out"]
    run = higgs(*arguments, data_dir=tmp_path)
    assert run.returncode == 0, run.stderr
    assert quiet(run.stderr.encode()) == b""  # no progress bar, no log messages
    assert "\x1b" not in run.stdout
    assert run.stdout.count("validation AUC") == 4  # a line an epoch
    assert "the talk on HIGGS, here on simulated events (1,200 for training)" in " ".join(run.stdout.split())
    assert "written to out: results.json, ladder.png, staircase.png, checkpoints/" in run.stdout
    assert "Simulated events are not HIGGS" in run.stdout
    said = higgs("info", data_dir=tmp_path).stdout
    assert "simulated events: 1 file(s), 0.000 GB" in said
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    for rung in results["rungs"]:
        (line,) = (line for line in run.stdout.splitlines() if f"│ {rung['name']} " in line)
        assert f"{rung['talk']['valid_auc'][-1]:.3f}" in line
        assert f"{rung['test_auc']:.3f}" in line


def test_rate_schedule_and_average(tmp_path):
    arguments = ["ladder", "--rungs", "bn-1x100", "--events", 2000, "--epochs", 2, "--out", "out"]
    run = higgs(
        *arguments, "--learning-rate", 0.2, "--schedule", "cosine", "--average", "2", data_dir=tmp_path
    )
    assert run.returncode == 0, run.stderr
    assert "Learning rate: 0.2, cosine. Weights: mean of the last 2 epochs, or of all." in " ".join(
        run.stdout.split()
    )
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert (results["learning_rate"], results["schedule"], results["average"]) == (0.2, "cosine", 2)


def test_simulate_then_prepare_then_ladder_on_the_prepared_file(tmp_path):
    for arguments in (
        ["simulate", "--events", 3000, "--seed", 4, "--out", "mine.csv.gz"],
        ["simulate", "--events", 3000, "--seed", 4, "--out", "mine.npy"],
        ["prepare", "mine.csv.gz", "--any-rows"],
        ["ladder", "--source", "uci", "--rungs", "logistic", "--epochs", 1, "--out", "out"],
        ["info"],
    ):
        run = higgs(*arguments, data_dir=tmp_path)
        assert run.returncode == 0, run.stderr
    assert "3,000 rows prepared: events of mine.csv.gz" in run.stdout
    rows = np.load(tmp_path / "mine.npy")
    parts = [np.load(tmp_path / f"higgs_{part}.npy") for part in ("train", "valid", "test")]
    assert np.array_equal(parts[2], rows[-150:])  # 18 digits keep every bit of a float32
    assert sorted(map(bytes, np.concatenate(parts))) == sorted(map(bytes, rows))
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert (results["source"], results["data"]) == ("uci", "events of mine.csv.gz")
    assert results["events"] == {"train": 2700, "valid": 150, "test": 150}


@pytest.mark.parametrize(
    "command", ["", "ladder", "simulate", "download", "prepare", "info", "score", "notebooks"]
)
def test_help(command, tmp_path):
    run = higgs(*command.split(), "--help", data_dir=tmp_path)
    assert run.returncode == 0
    assert "Usage" in run.stdout
    assert "For example" in run.stdout
    assert f"higgs-tutorial {command}" in run.stdout.split("For example")[1]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_completes_commands_and_options(shell, tmp_path):
    def complete(*words):
        line = " ".join(["higgs-tutorial", *words])
        asked = {"COMP_WORDS": line, "COMP_CWORD": str(len(words)), "_TYPER_COMPLETE_ARGS": line}
        asked |= {"_TYPER_COMPLETE_FISH_ACTION": "get-args", "_HIGGS_TUTORIAL_COMPLETE": f"complete_{shell}"}
        return higgs(data_dir=tmp_path, **asked).stdout

    assert "notebooks" in complete("no")
    assert "simulate" not in complete("no")
    assert "--resume" in complete("ladder", "--re")


def test_every_option_and_argument_is_explained():
    import typer

    from higgs_tutorial.cli import app

    for name, command in typer.main.get_command(app).commands.items():
        assert "higgs-tutorial" in command.help, name
        for parameter in command.params:
            assert parameter.help, (name, parameter.name)
