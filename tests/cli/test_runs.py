"""`plot`, `compare` and `ladder --list`: what was recorded is drawn again, set side by side, and named."""

import json
import math

import pytest
from typer.testing import CliRunner

from higgs_tutorial import ladder, talk
from higgs_tutorial.cli import app
from higgs_tutorial.cli.tables import auc_error


def invoke(*arguments, columns=100):
    return CliRunner().invoke(app, list(map(str, arguments)), env={"COLUMNS": str(columns)})


@pytest.fixture
def run(tmp_path):
    """Write the recorded quick run, with some of it changed, to a folder of this name, and return the folder."""

    def write(name, **changes):
        ladder.write_json(tmp_path / name / "results.json", {**ladder.recorded("quick"), **changes})
        return tmp_path / name

    return write


def unfinished(results):
    """The first two rungs, the second of them in its first epoch."""
    first, second = results["rungs"][:2]
    return [first, {"name": second["name"], "parameters": None, "epochs": second["epochs"][:1]}]


def test_plot_draws_both_pictures_beside_the_results(run):
    folder = run("a")
    for what in (folder, folder / "results.json"):
        done = invoke("plot", what)
        assert (done.exit_code, done.output) == (0, f"{folder / 'ladder.png'}\n{folder / 'staircase.png'}\n")
        for name in ("ladder.png", "staircase.png"):
            assert (folder / name).read_bytes().startswith(b"\x89PNG")
            (folder / name).unlink()


def test_plot_draws_a_recorded_run_and_one_that_is_not_finished(run, tmp_path):
    assert invoke("plot", "talk-scale", "--out", tmp_path / "new" / "pictures").exit_code == 0
    assert (tmp_path / "new" / "pictures" / "staircase.png").exists()
    recorded = ladder.recorded("quick")
    begun = run("begun", rungs=[{**r, "talk": recorded["rungs"][0]["talk"]} for r in unfinished(recorded)])
    assert invoke("plot", begun).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            ["plot", "nowhere"],
            "nowhere is no file, no folder and no recorded run (quick, talk-scale, beyond-the-talk)",
        ),
        (["plot", "."], ". has no results.json"),
        (["plot", "notes.txt"], "notes.txt is not a results.json of the ladder"),
        (["plot", "headless"], "(data is None; it must be a text)"),
        (["plot", "eventless"], "(events.valid is None; it must be a number of events)"),
        (["plot", "new"], "no rung has an epoch yet"),
        (["plot", "quick", "--out", "notes.txt"], "notes.txt is no folder"),
        (["compare", "quick"], "compare needs two runs or more"),
        (["compare", "quick", "paper-tables"], "paper-tables is no file"),
        (["compare", "quick", "headless"], "(data is None; it must be a text)"),
        (["ladder", "--list", "--rungs", "resnet"], "unknown rung 'resnet'"),
    ],
)
def test_bad_input_is_one_clear_line(arguments, says, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    run("new", rungs=[])
    run("headless", data=None)
    run("eventless", events={"train": 8})
    before = sorted(tmp_path.rglob("*"))
    done = invoke(*arguments)
    assert done.exit_code == 2
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert says in done.stderr
    assert sorted(tmp_path.rglob("*")) == before


def test_two_runs_are_compared_by_their_difference_and_its_error(run):
    recorded = ladder.recorded("quick")
    better = [{**rung, "valid_auc": rung["valid_auc"] + 0.01} for rung in recorded["rungs"]]
    a, b = run("a"), run("b", rungs=better, seed=1, data="events of [/red]b.csv")
    done = invoke("compare", a, b, columns=160)
    assert done.exit_code == 0, done.output
    valid, half = recorded["rungs"][0]["valid_auc"], recorded["events"]["valid"] / 2
    error = auc_error(valid, half, half)
    both = math.hypot(error, auc_error(valid + 0.01, half, half))
    (line,) = (line for line in done.output.splitlines() if line.startswith("│ logistic "))
    assert f"{valid:.3f} ± {error:.3f}" in line
    assert f"+0.010 ± {both:.3f}" in line
    assert f"{talk.RUNGS['logistic'].valid_auc[-1]:.3f}" in line
    assert "events of [/red]b.csv" in done.output
    assert "on different data" in done.output


def test_more_runs_are_compared_by_mean_and_deviation(run):
    recorded = ladder.recorded("quick")
    runs = []
    for seed, shift in enumerate((-0.01, 0.0, 0.01)):
        rungs = [{**rung, "valid_auc": 0.7 + shift} for rung in recorded["rungs"]]
        runs.append(run(f"seed{seed}", rungs=rungs, seed=seed, fingerprint=f"{seed}"))
    done = invoke("compare", *runs, columns=200)
    assert done.output.count("0.700 (0.010)") == len(recorded["rungs"])
    assert "share their chance" not in done.output
    same = invoke("compare", run("a", fingerprint="f"), run("b", fingerprint="f"), columns=200)
    assert "share their chance" in same.output


def test_a_rung_that_a_run_lacks_or_never_finished_has_no_number(run):
    recorded = ladder.recorded("quick")
    done = invoke("compare", run("whole"), run("part", rungs=unfinished(recorded)), "--json")
    compared = json.loads(done.stdout)
    assert [rung["name"] for rung in compared["rungs"]] == [rung["name"] for rung in recorded["rungs"]]
    first, second, *_ = compared["rungs"]
    assert first["valid_auc"] == [recorded["rungs"][0]["valid_auc"]] * 2
    assert second["valid_auc"] == [recorded["rungs"][1]["valid_auc"], None]
    assert second["error"][1] is None
    assert compared["runs"][1]["seed"] == recorded["seed"]
    assert "–" in invoke("compare", run("whole"), run("part", rungs=unfinished(recorded)), columns=160).output


def test_the_rungs_are_named_with_what_each_adds():
    said = invoke("ladder", "--list").output
    assert [name for name in ladder.LADDER if f"│ {name} " in said] == list(ladder.LADDER)
    assert all(f" {rung.idea} " in said for rung in ladder.LADDER.values())
    listed = json.loads(
        invoke("ladder", "--list", "--json", "--profile", "talk", "--rungs", "adam-3x100").stdout
    )
    (rung,) = listed
    assert (rung["adds"], rung["epochs"], rung["talk_valid_auc"]) == ("Adam", 25, 0.854)


@pytest.mark.parametrize("command", ["plot", "compare"])
def test_help_has_examples(command):
    said = invoke(command, "--help").output
    assert f"higgs-tutorial {command} " in said.split("For example")[1]
