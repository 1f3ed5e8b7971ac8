"""The pictures of notebook 12."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest

from higgs_tutorial.draw import deep_learning_for_hep as draw
from higgs_tutorial.physics.significance import Cut


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_a_crossing_is_marked_where_it_is_and_equal_curves_have_none():
    efficiency = np.linspace(0.1, 0.9, 9)
    reference = np.ones([2, 9]) * 10
    crossing = reference * (1 + 0.5 * (0.42 - efficiency))
    touching = reference * (1 + 0.01 * np.cos(40 * efficiency))
    figure = draw.rejection({"BDT": reference, "DN": crossing, "NN": touching}, efficiency, "test")
    assert [text.get_text() for text in figure.axes[1].texts] == ["0.42"]


def test_bands_are_errors_of_the_mean_over_trainings():
    curves = {"BDT": np.array([[10.0, 5.0], [14.0, 5.0]])}
    upper, lower = draw.rejection(curves, np.array([0.1, 0.9]), "test").axes
    low, high = np.sort(upper.collections[0].get_paths()[0].vertices[:, 1])[[0, -1]]
    assert np.allclose([low, high], [5, 12 + np.std([10, 14], ddof=1) / np.sqrt(2)])
    assert np.allclose(lower.lines[0].get_ydata(), 1)


def test_signal_stands_on_the_background():
    background, signal = np.array([9.0, 1.0]), np.array([1.0, 2.0])
    axis = draw.stacked(background, signal, np.array([0, 0.5, 1]), 0.5, "Z").axes[0]
    lower, upper = (patch.get_data() for patch in axis.patches)
    assert list(lower.values) == [9, 1]
    assert list(upper.values) == [10, 3]
    assert list(upper.baseline) == [9, 1]
    assert list(axis.lines[0].get_xdata()) == [0.5, 0.5]


def test_columns_are_sorted_by_the_first_method():
    lost = {"BDT": np.array([[0.1, 0.3, 0.2]] * 2), "DN": np.array([[0.0, 0.1, 0.4]] * 2)}
    axis = draw.importance(lost, ["a", "b", "c"], "test").axes[0]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["a", "c", "b"]
    assert [bar.get_width() for bar in axis.patches] == [0.1, 0.2, 0.3, 0.0, 0.4, 0.1]


@pytest.mark.parametrize(("deep", "marked"), [((0.6, 0.8), True), ((0.6, 0.65), False), ((0.8, 0.9), False)])
def test_only_a_curve_that_overtakes_is_marked(deep, marked):
    curves = {("BDT", "high"): ([0.7, 0.72], [0.01, 0.01]), ("DN", "low"): (deep, [0.01, 0.01])}
    figure = draw.learning_curves(curves, [1_000, 100_000], "test", (("DN", "low"), ("BDT", "high")))
    texts = figure.axes[0].texts
    assert len(texts) == int(marked)
    if marked:
        at, height = texts[0].xy
        assert 1_000 < at < 100_000
        assert 0.70 < height < 0.72


def test_calibration_shows_how_far_the_share_is_from_the_output():
    curve = np.array([0.2, 0.8]), np.array([0.3, 0.7]), np.array([0.01, 0.01])
    upper, lower = draw.calibration({"DN": curve, "mended": curve}, "test").axes
    assert list(upper.containers[0].lines[0].get_ydata()) == [0.3, 0.7]
    assert np.allclose(lower.containers[0].lines[0].get_ydata(), [0.1, -0.1])
    assert len({container.lines[0].get_color() for container in upper.containers}) == 2


def test_a_moved_cut_stands_on_the_curve_of_all_cuts(fig):
    counts, bins = (np.array([9.0, 4.0, 1.0]), np.array([1.0, 2.0, 3.0])), np.linspace(0, 1, 4)
    chosen = Cut(0.5, 3.1, 0.2, 0.7, 0.125)
    fig.set_layout_engine("constrained")
    draw.moved_cut(fig, counts, bins, {0.1: 1.5, 0.5: 3.1, 0.9: 2.0}, chosen)
    left, right = fig.axes
    background, signal = left.patches
    assert list(background.get_data().values) == [9, 4, 1]
    assert list(signal.get_data().values) == [10, 6, 4]
    assert left.lines[0].get_xdata()[0] == 0.5
    assert left.get_title() == "above the cut: 70% of the signal, 12.5% of the background"
    assert [list(axis) for axis in right.lines[0].get_data()] == [[0.1, 0.5, 0.9], [1.5, 3.1, 2.0]]
    (point, _, _) = right.containers[0]
    assert [float(number[0]) for number in point.get_data()] == [0.5, 3.1]
    assert right.get_title() == "Z = 3.10 ± 0.20"
