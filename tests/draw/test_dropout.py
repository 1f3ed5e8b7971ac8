"""The pictures of notebook 10."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest

from higgs_tutorial.draw import dropout


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_units_that_are_off_are_crossed_out_and_the_sum_is_of_the_others():
    rows = {"evaluation": np.array([1.0, 2.0, 3.0]), "training": np.array([2.0, 0.0, 6.0])}
    axis = dropout.layers(rows).axes[0]
    assert len(axis.patches) == 6
    assert len(axis.lines) == 2  # one cross
    assert [text.get_text() for text in axis.texts if "sum" in text.get_text()] == ["sum 6", "sum 8"]
    heights = {text.get_text(): text.get_position()[1] for text in axis.texts if text.get_text() in rows}
    assert heights["evaluation"] > heights["training"]


def test_both_runs_have_equal_axes_and_a_star_at_the_end_of_each_curve():
    talk = {"plain": ([0.85, 0.88], 0.90), "dropped": ([0.84, 0.87, 0.88], 0.88)}
    ours = {"plain": ([0.75], 0.80), "dropped": ([0.74, 0.76], 0.77)}
    left, right = dropout.with_and_without({"the talk": talk, "ours": ours}).axes
    assert left.get_ylim() == right.get_ylim()
    assert left.get_xlim() == right.get_xlim()
    stars = [line for line in left.lines if line.get_marker() == "*"]
    assert [(star.get_xdata()[0], star.get_ydata()[0]) for star in stars] == [(2, 0.90), (3, 0.88)]
    assert [len(line.get_ydata()) for line in right.lines if line.get_marker() != "*"] == [1, 2]
