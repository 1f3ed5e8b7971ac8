"""The pictures of notebook 02: equal numbers look alike, and every piece of work has its bar."""

import numpy as np
import pytest

from higgs_tutorial.draw import operations


def test_grey_pictures_share_a_scale(fig):
    dark, light = np.full((4, 5, 1), 0.2), np.full((2, 3, 1), 0.9)
    operations.images(fig, {"dark": dark, "light": light, "edges": light - 1}, columns=2, signed=["edges"])
    shown = [ax.images[0] for ax in fig.axes[:3]]
    assert [image.get_clim() for image in shown] == [(0, 1), (0, 1), (-1, 1)]
    assert shown[0].get_cmap()(shown[0].norm(0.2)) == pytest.approx((0.2, 0.2, 0.2, 1), abs=0.01)
    assert np.array_equal(shown[2].get_array(), light[..., 0] - 1)
    assert not fig.axes[3].axison  # the fourth place stays empty


def test_colours_stay_as_they_are(fig):
    colours = np.random.default_rng(0).random((4, 5, 3))
    operations.images(fig, {"colours": colours}, columns=1)
    assert np.allclose(fig.axes[0].images[0].get_array(), colours)


def test_a_sparse_matrix_shows_what_is_not_zero(fig):
    dense = np.array([[0.0, 3.0], [4.0, 0.0]])
    operations.sparse(fig, dense, [[0, 1], [1, 0]], [3.0, 4.0])
    matrix, listed = fig.axes
    assert {(text.get_position(), text.get_text()) for text in matrix.texts} == {((1, 0), "3"), ((0, 1), "4")}
    assert "[1, 0]    4" in listed.texts[0].get_text()
    assert "(2, 2)" in listed.texts[0].get_text()


def test_every_piece_of_work_has_a_bar(fig):
    ax = fig.add_subplot()
    operations.overlap(ax, {"prepare": [(0, 2), (2, 4)], "use": [(2, 3)]}, "who works")
    assert [(bar.get_x(), bar.get_width(), round(bar.get_y() + 0.35)) for bar in ax.patches] == [
        (0, 2, 0),
        (2, 2, 0),
        (2, 1, 1),
    ]
    assert [text.get_text() for text in ax.texts] == ["0", "1", "0"]
