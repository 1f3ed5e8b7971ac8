"""The pictures of notebook 11."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest

from higgs_tutorial.draw import more_easy_things


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_each_pair_and_the_mean_with_its_error_are_drawn_the_first_idea_on_top():
    changes = {"decay": np.array([-0.02, -0.01, -0.03]), "rate": np.array([0.07, 0.06, 0.08])}
    figure = more_easy_things.differences(changes, "ideas")
    axis = figure.axes[0]
    assert [list(line.get_xdata()) for line in axis.lines if len(line.get_xdata()) == 3] == [
        list(values) for values in changes.values()
    ]
    (bar,) = axis.containers[0].lines[2]
    assert np.allclose(bar.get_segments()[0][:, 0], -0.02 + np.array([-1, 1]) * 0.01 / np.sqrt(3))
    assert axis.get_ylim()[0] > axis.get_ylim()[1]
    assert len(figure.legends[0].get_texts()) == 2


def test_two_runs_are_told_apart_by_colour_and_by_shape():
    worth = {"here": {"decay": (-0.02, 0.001), "rate": (0.07, 0.002)}, "longer": {"rate": (0.04, 0.001)}}
    worth["longer"]["decay"] = (-0.01, 0.001)  # in another order
    axis = more_easy_things.runs(worth, "ideas").axes[0]
    here, longer = (container.lines[0] for container in axis.containers)
    assert list(here.get_xdata()) == [-0.02, 0.07]
    assert list(longer.get_xdata()) == [-0.01, 0.04]
    assert here.get_color() != longer.get_color()
    assert here.get_marker() != longer.get_marker()


def test_a_search_tells_the_random_trials_from_the_proposed_ones():
    rates, aucs = [0.1, 0.001, 0.03, 0.02], [0.70, 0.60, 0.69, 0.74]
    left, right = more_easy_things.search(rates, aucs, 3, "four trials").axes
    drawn, proposed, best = left.lines
    assert [list(line.get_ydata()) for line in (drawn, proposed)] == [aucs[:3], aucs[3:]]
    assert [list(line.get_xdata()) for line in (drawn, proposed)] == [[1, 2, 3], [4]]
    assert [list(line.get_xdata()) for line in right.lines] == [rates[:3], rates[3:]]
    assert list(best.get_ydata()) == [0.70, 0.70, 0.70, 0.74]
    assert drawn.get_color() != proposed.get_color()
    assert drawn.get_marker() != proposed.get_marker()
    assert right.get_xscale() == "log"
