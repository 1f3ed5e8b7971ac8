"""Batch norm's pictures show what they are given."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from higgs_tutorial.draw import batch_normalization


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_only_training_changes_the_averages():
    (axes,) = batch_normalization.two_paths().axes
    notes = {text.get_text(): text for text in axes.texts}
    assert (
        notes["each step\nupdates them"].get_position()[1]
        > notes["moving averages\nof both"].get_position()[1]
    )
    assert (
        notes["are used,\nnot changed"].get_position()[1]
        < notes["moving averages\nof both"].get_position()[1]
    )
    paths = [text for text in axes.texts if text.get_text() == "(x − mean) / √(variance + ε)"]
    assert len(paths) == 2


def test_activations_are_densities_of_the_units_and_say_their_spread():
    rng = np.random.default_rng(0)
    inside = {"narrow": [rng.normal(0, 0.5, (2000, 8))] * 2, "wide": [rng.normal(0, 1, (2000, 8))] * 2}
    figure = batch_normalization.activations(inside, "", units=5)
    narrow, *_, wide = figure.axes
    assert narrow.get_title().startswith("narrow, layer 1: deviation 0.5")
    assert wide.get_title().startswith("wide, layer 2: deviation 1.0")
    assert len(wide.lines) == 5
    x, height = wide.lines[0].get_data()
    assert np.sum(height) * (x[1] - x[0]) == pytest.approx(1, rel=1e-6)
