"""The pictures of notebook 09 show the numbers that they are given, also where a run has fewer rungs."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest

from higgs_tutorial import talk
from higgs_tutorial.draw import deeper_and_wider
from higgs_tutorial.ladder import LADDER

IDEAS = {name: rung.idea for name, rung in LADDER.items()}
TALK = {name: rung.valid_auc[-1] for name, rung in talk.RUNGS.items()}


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_staircase_has_a_flight_for_each_run_and_only_the_rungs_that_were_run():
    some = dict(list(TALK.items())[:6])
    axes = deeper_and_wider.staircase({"the talk": TALK, "ours": some}, IDEAS).axes[0]
    full, part = (patch.get_data().values for patch in axes.patches)
    assert list(full) == list(TALK.values())
    assert list(part[:6]) == list(some.values())
    assert np.isnan(part[6:]).all()
    assert len(axes.texts) == 8 + 5  # a gain for every step
    assert [label.get_text().split()[0] for label in axes.get_xticklabels()] == list(IDEAS)


def test_staircase_leaves_a_hole_where_a_rung_in_the_middle_was_not_run():
    holed = {name: auc for name, auc in TALK.items() if name != "bn-3x100"}
    axes = deeper_and_wider.staircase({"ours": holed}, IDEAS).axes[0]
    assert np.isnan(axes.patches[0].get_data().values[3])
    assert len(axes.texts) == 6


def test_networks_stand_at_their_number_of_parameters_on_equal_axes():
    counts = {"adam-6x100": 54_101, "adam-6x200": 208_201}
    runs = {
        "the talk": {"adam-6x100": (0.867, 0.863, 0.001), "adam-6x200": (0.881, 0.873, 0.001)},
        "ours": {"adam-6x100": (0.87, 0.85, 0.002)},
    }
    figure = deeper_and_wider.against_parameters(runs, counts)
    left, right = figure.axes
    training, validation = left.lines[:2]
    assert list(training.get_xdata()) == [54_101, 208_201]
    assert list(training.get_ydata()) == [0.867, 0.881]
    assert list(validation.get_ydata()) == [0.863, 0.873]
    assert list(right.lines[0].get_xdata()) == [54_101]
    assert left.get_ylim() == right.get_ylim()


def test_gaps_are_drawn_with_their_errors_on_equal_axes():
    found = {"6×20": {5: (0.2, 0.01), 20: (0.1, 0.02)}, "6×60": {5: (0.4, 0.01), 20: (0.3, 0.02)}}
    figure = deeper_and_wider.gaps({"equal steps": found, "equal passes": found}, [5, 20])
    left, right = figure.axes
    assert [list(container.lines[0].get_ydata()) for container in left.containers] == [[0.2, 0.1], [0.4, 0.3]]
    (bar,) = left.containers[0].lines[2]
    assert np.allclose([np.ptp(segment[:, 1]) / 2 for segment in bar.get_segments()], [0.01, 0.02])
    assert left.get_ylim() == right.get_ylim()
    assert left.get_ylim()[0] == 0


def test_panels_have_their_curves_and_their_marks():
    curves = {f"6×20, {n}": ([40, 80], [0.7, 0.8 + n / 100], [0.65, 0.6]) for n in range(6)}
    marks = {name: {"800 steps": 800, "10 passes": 100 * n} for n, name in enumerate(curves)}
    figure = deeper_and_wider.panels(curves, marks, "a test")
    assert [axis.get_title() for axis in figure.axes] == list(curves)
    for n, axis in enumerate(figure.axes):
        training, held_out, *lines = axis.lines
        assert list(training.get_ydata()) == [0.7, 0.8 + n / 100]
        assert list(held_out.get_ydata()) == [0.65, 0.6]
        assert [line.get_xdata()[0] for line in lines] == [800, 100 * n]
    (legend,) = figure.legends
    assert {"800 steps", "10 passes"} <= {text.get_text() for text in legend.get_texts()}
