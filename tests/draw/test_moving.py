"""A slider's output is a picture wherever there is none, and its pictures are those of its values."""

import builtins

import pytest
from matplotlib.figure import Figure

from higgs_tutorial.draw import moving

VALUES = (0.5, 1.0, 2.0)


@pytest.fixture
def shown(monkeypatch) -> list[dict]:
    """What is displayed."""
    display = pytest.importorskip("IPython.display")
    bundles: list[dict] = []
    monkeypatch.setattr(display, "display", lambda bundle, raw: bundles.append(bundle) if raw else None)
    return bundles


def draw(fig: Figure, value: float) -> None:
    fig.subplots().plot([0, value])
    drawn.append(value)


drawn: list[float] = []


@pytest.fixture(autouse=True)
def nothing_drawn():
    drawn.clear()


def test_moving_the_slider_draws_the_picture_of_its_value(shown, monkeypatch):
    ipywidgets = pytest.importorskip("ipywidgets")
    made = []
    box = ipywidgets.VBox
    monkeypatch.setattr(ipywidgets, "VBox", lambda children: made.append(box(children)) or made[-1])
    moving.slider(draw, "a rate", VALUES, start=1.0)
    ((bundle,), (model,)) = shown, made
    assert bundle[moving.WIDGET]["model_id"] == model.model_id
    choice, image = model.children
    assert choice.description == "a rate"
    assert image.value == bundle["image/png"]
    choice.value = 2.0
    assert drawn == [1.0, 2.0]
    assert bytes(image.value).startswith(b"\x89PNG")
    assert bytes(image.value) != bundle["image/png"]


def test_without_ipywidgets_there_is_the_picture(shown, monkeypatch):
    real = builtins.__import__

    def without(name, *rest):
        if name == "ipywidgets":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    moving.slider(draw, "a rate", VALUES, start=0.5)
    (bundle,) = shown
    assert sorted(bundle) == ["image/png", "text/plain"]
    assert bundle["image/png"].startswith(b"\x89PNG")
    assert bundle["text/plain"] == "<a rate: 0.5>"
    assert drawn == [0.5]


def test_a_start_that_is_no_value_is_refused(shown):
    with pytest.raises(ValueError, match="cannot start at 3"):
        moving.slider(draw, "a rate", VALUES, start=3)
    assert shown == []
