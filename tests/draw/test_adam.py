"""Pictures of notebook 08 show what they are given."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from higgs_tutorial.draw import adam


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_the_rows_are_in_the_order_given_with_their_percentiles():
    sizes = {"first": np.linspace(1, 2, 101), "second": np.linspace(10, 20, 101)}
    (axes,) = adam.gradient_sizes(sizes, "").axes
    assert axes.yaxis_inverted()
    whole, half, dot = axes.lines[:3]
    np.testing.assert_allclose(whole.get_xdata(), [1.01, 1.99])
    np.testing.assert_allclose(half.get_xdata(), [1.25, 1.75])
    assert dot.get_xdata() == [1.5]
    assert axes.lines[5].get_xdata() == [15]


def test_heights_are_those_of_the_valley():
    path = np.array([[2.0, 0.0], [0.0, 0.5], [0.0, 0.0]])
    figure = adam.valley({"one": path, "other": path / 2}, curvature=[3, 8])
    above, down = figure.axes
    np.testing.assert_allclose(down.lines[0].get_ydata(), [6, 1, 0])
    np.testing.assert_allclose(down.lines[1].get_ydata(), [1.5, 0.25, 0])
    np.testing.assert_allclose(above.lines[0].get_xydata(), path)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["one", "other"]
