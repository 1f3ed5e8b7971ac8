"""The nouns of a run: an option is one field, and everything else is made from it."""

from dataclasses import FrozenInstanceError, dataclass, fields

import pytest
import typer
from typer.testing import CliRunner

from higgs_tutorial import ladder
from higgs_tutorial.cli.options import with_options_of
from higgs_tutorial.ladder import Listener, Output, Settings, nouns
from higgs_tutorial.ladder.settings import check_limits, option
from higgs_tutorial.nn.models import PRECISIONS
from higgs_tutorial.nn.schedules import SCHEDULES


def test_settings_are_values():
    assert Settings(rungs="adam-3x100, logistic") == Settings(rungs=["logistic", "adam-3x100"])
    assert Settings(average="3") == Settings(average=3)
    with pytest.raises(FrozenInstanceError):
        Settings().seed = 3


def test_the_head_of_results_holds_what_a_run_that_goes_on_must_have_the_same():
    head = Settings(seed=3, profile="talk", average="2").head()
    assert head == {
        "profile": "talk",
        "batch_size": 8192,
        "seed": 3,
        "learning_rate": None,
        "schedule": "constant",
        "average": 2,
        "precision": "float32",
        "ensemble": 1,
    }
    old = {"seed": 0, "schedule": "constant", "precision": "float32", "ensemble": 1}
    assert Settings.head_of_old() == old


def test_precisions_are_those_of_the_networks():
    assert PRECISIONS == ladder.settings.PRECISIONS


def test_schedules_are_those_of_the_networks():
    assert tuple(sorted(SCHEDULES)) == ladder.SCHEDULES


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ({"epochs": 0}, "epochs is 0; it must be at least 1"),
        ({"seed": -1}, "seed is -1; it must be at least 0"),
        ({"learning_rate": 0}, "learning_rate is 0; it must be a finite number above 0"),
        ({"learning_rate": float("nan")}, "learning_rate is nan; it must be a finite number above 0"),
        ({"learning_rate": float("inf")}, "learning_rate is inf; it must be a finite number above 0"),
        ({"schedule": "step"}, "schedule is 'step'; it must be one of: constant, cosine"),
        ({"precision": "half"}, "precision is 'half'; it must be one of: float32, bfloat16"),
        ({"average": 1}, "average is 1; it must be 'ema' or a number of epochs"),
        ({"profile": "fast"}, "profile is 'fast'; it must be one of: lesson, quick, talk"),
        ({"resume": True}, "resume needs the folder"),
    ],
)
def test_a_wrong_value_is_refused_when_the_object_is_made(bad, says):
    with pytest.raises(ValueError, match=says):
        nouns(bad)


def test_options_go_to_the_noun_that_has_them_and_unknown_ones_are_refused(tmp_path):
    heard = []
    settings, output, listener = nouns({"seed": 3, "out": tmp_path, "on_epoch": heard.append})
    assert (settings, output) == (Settings(seed=3), Output(out=tmp_path))
    assert listener == Listener(on_epoch=heard.append)
    assert nouns({"epochs": 2}, settings)[0] == Settings(seed=3, epochs=2)
    with pytest.raises(TypeError, match="unknown option epoch; there are: average, batch_size"):
        ladder.run(["logistic"], epoch=3)


def test_an_option_is_one_field():
    """A field that is added is an option of the command, is checked, and reaches the command as a value."""

    @dataclass(frozen=True, kw_only=True)
    class More:
        number_of_bins: int = option(10, "Bins of the histogram.", at_least=2)
        quick: bool = option(False, "Be quick.")

        def __post_init__(self):
            check_limits(self)

    app, seen = typer.Typer(), []

    @app.command()
    @with_options_of(more=More)
    def draw(more: More, name: str = "x") -> None:
        seen.append((more, name))

    invoke = CliRunner().invoke
    assert "Bins of the histogram." in invoke(app, ["--help"], env={"COLUMNS": "100"}).output
    assert invoke(app, ["--number-of-bins", "20", "--quick", "--name", "y"]).exit_code == 0
    assert seen == [(More(number_of_bins=20, quick=True), "y")]
    error = invoke(app, ["--number-of-bins", "1"]).exception
    assert str(error) == "--number-of-bins is 1; it must be at least 2"


@pytest.mark.parametrize("noun", [Settings, Output])
def test_every_field_says_what_it_means(noun):
    assert all(f.metadata["help"] for f in fields(noun))
