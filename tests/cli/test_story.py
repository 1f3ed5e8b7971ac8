"""While the ladder runs: the plan, a line a rung and the time left on a terminal, and nothing of it in a pipe."""

import json
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from higgs_tutorial import ladder
from higgs_tutorial.cli import report, story
from higgs_tutorial.cli.pace import COMPILING, Pace, cost

COMMAND = [sys.executable, "-m", "higgs_tutorial", "ladder", "--rungs", "logistic,nn-1x100", "--epochs", "1"]
COMMAND += ["--events", "2000", "--source", "simulated"]


def higgs(train, valid=300, test=300):
    parts = {"train": train, "valid": valid, "test": test}
    parts = {name: SimpleNamespace(n=n, x=SimpleNamespace(shape=(n, 28))) for name, n in parts.items()}
    return SimpleNamespace(**parts, data="simulated events")


def test_costs_grow_along_the_ladder_as_the_measured_steps_do():
    """At the talk's size the rungs of 500 units took 3.5 and 4.7 times as long a step as the one of 200."""
    costs = {name: cost(rung) for name, rung in ladder.LADDER.items()}
    assert list(costs.values()) == sorted(costs.values())
    assert costs["adam-6x500"] / costs["adam-6x200"] == pytest.approx(3.5, rel=0.1)
    assert costs["dropout-6x500"] / costs["adam-6x200"] == pytest.approx(4.7, rel=0.1)


def test_the_time_left_is_that_of_the_costliest_rung_measured():
    settings = ladder.Settings(rungs="logistic,adam-3x100,adam-6x500", epochs=4)
    events = higgs(30_000, 3_000, 6_000)
    pace = Pace(settings.chosen, events, settings)
    assert pace.left() is None
    small, middle, large = settings.chosen
    pace.epoch_done(small, 30_000 * cost(small) * 1e-9)
    early = pace.left()
    pace.epoch_done(large, 30_000 * cost(large) * 2e-9)  # it is slower here than the small one had it
    work = [(small, 3, 1e-9), (middle, 4, 2e-9), (large, 3, 2e-9)]
    expected = sum((n * 31_000 + 12_000) * cost(rung) * rate for rung, n, rate in work) + COMPILING
    assert pace.left() == pytest.approx(expected)
    assert early < pace.left()
    for rung in settings.chosen:
        pace.rung_done(rung)
    assert pace.left() == 0


def test_a_step_is_measured_on_a_few_batches_of_the_costliest_rung():
    settings = ladder.Settings(rungs="logistic,bn-1x100", source="simulated", events=2_000, batch_size=100)
    events = ladder.load_events(settings)
    pace = Pace(settings.chosen, events, settings)
    pace.measure()
    assert list(pace.seconds) == ["bn-1x100"]
    assert 0 < pace.left() < 600


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, "for as long as it takes"),
        (10, "less than a minute"),
        (50, "about 1 minute"),
        (340, "about 6 minutes"),
        (7_200, "about 2.0 hours"),
    ],
)
def test_times_are_said_roughly(seconds, said):
    assert story.about(seconds) == said


def test_the_plan_and_a_rungs_line():
    settings = ladder.Settings(rungs="logistic,bn-1x100", ensemble=3, seed=7, batch_size=64)
    said = story.plan(settings.chosen, higgs(1_234_000), settings)
    assert said == (
        "2 rungs of 3 networks each on simulated events: 1,234,000 to train on, 300 to validate and 300 to test, "
        "batches of 64, seed 7"
    )
    record = {
        "name": "adam-6x500",
        "valid_auc": 0.8461,
        "train_auc": 0.8574,
        "talk": {"valid_auc": [0.8, 0.876]},
    }
    assert story.line(record, 62.4).split() == ["adam-6x500", "0.846", "0.876", "0.857", "+0.011", "62"]


def test_a_terminal_is_told_the_story(tmp_path):
    pty = pytest.importorskip("pty", reason="needs a POSIX terminal")
    master, slave = pty.openpty()
    environment = {**os.environ, "HIGGS_DATA_DIR": str(tmp_path), "COLUMNS": "200", "TERM": "xterm"}
    process = subprocess.Popen(
        [*COMMAND, "--out", "out"], stdin=slave, stdout=slave, stderr=slave, cwd=tmp_path, env=environment
    )
    os.close(slave)
    said = b""
    try:
        while block := os.read(master, 65_536):
            said += block
    except OSError:  # the terminal's other end is closed
        pass
    finally:
        os.close(master)
        assert process.wait(120) == 0, said
    said = said.decode()
    assert "2 rungs on simulated events: 1,200 to train on, 400 to validate and 400 to test" in said
    assert "less than a minute here" in said
    assert "2 of 2 rungs, 0:0" in said
    for rung in json.loads((tmp_path / "out" / "results.json").read_text())["rungs"]:
        assert story.line(rung, 0)[:-1].rstrip() in said
    assert "epoch  1:" not in said
    assert said.index("2 rungs on") < said.index("logistic      ") < said.rindex("the talk on HIGGS")


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run a small ladder in this process, and return its results and what was printed."""
    monkeypatch.setenv("HIGGS_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(
        Pace, "measure", lambda self: pytest.fail("a step was measured, and not for a terminal")
    )

    def call(**more):
        results = report.run_ladder(rungs="logistic", source="simulated", events=2_000, epochs=1, **more)
        said = capsys.readouterr()
        assert said.err == ""
        return results, said.out

    return call


def test_nothing_of_the_story_goes_into_a_pipe(run):
    _, said = run()
    assert "epoch  1:" in said
    assert "to train on" not in said
    assert "gap" not in said


def test_json_is_alone(run):
    results, said = run(as_json=True)
    assert json.loads(said) == results


def test_quiet_is_only_the_table(run, tmp_path):
    _, said = run(quiet=True, out=tmp_path / "out")
    assert said.lstrip().startswith("ROC AUC: the talk on HIGGS")
    assert "│ logistic " in said
    assert "epoch  1" not in said
    assert "written to" not in said
