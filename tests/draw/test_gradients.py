"""The pictures of notebook 03 show the numbers that they are given."""

import numpy as np

from higgs_tutorial.draw import gradients


def texts(ax):
    return [text.get_text() for text in ax.texts if text.get_text()]


def test_weights_and_means(fig):
    weights = np.random.default_rng(0).normal(size=(3, 5))
    gradients.weights_and_means(fig, weights, weights.mean(1), weights.mean(0))
    matrix, rows, columns = fig.axes[:3]
    assert np.array_equal(matrix.images[0].get_array(), weights)
    assert np.allclose([bar.get_width() for bar in rows.patches], weights.mean(1))
    assert np.allclose([bar.get_height() for bar in columns.patches], weights.mean(0))


def test_a_chain_shows_values_gradients_and_slopes(fig):
    ax = fig.add_subplot()
    places = {"a": (0, 0), "b": (1, 0)}
    gradients.chain(ax, places, {"a": 2.0, "b": 6.0}, {"a": 3.0, "b": 1.0}, [("a", "b", 3.0)])
    assert sorted(texts(ax)) == sorted(["a", "2.000", "3.000", "b", "6.000", "1.000", "× 3"])


def test_the_surface_is_lowest_at_the_star(fig):
    ax = fig.add_subplot()
    x = np.linspace(0, 4, 9)
    y = 1.5 * x - 2
    path = np.array([[0.0, 1.0, 9.0], [1.0, 0.0, 3.0]])
    filled = gradients.surface(ax, x, y, path, (1.5, -2.0), "red")
    assert filled.zmin < 1e-3  # the points are on a line, which is a point of the grid
    trail, star = ax.lines
    assert np.array_equal(trail.get_xydata(), path[:, :2])
    assert np.array_equal(star.get_xydata(), [[1.5, -2.0]])


def test_lines_of_some_steps(fig):
    ax = fig.add_subplot()
    gradients.lines(ax, [0.0, 2.0], [1.0, 1.0], np.array([[0.0, 1.0, 0], [1.0, 2.0, 0]]), [0, 1])
    assert texts(ax) == ["step 0", "step 1"]
    assert np.array_equal(ax.lines[2].get_ydata(), [2.0, 4.0])
