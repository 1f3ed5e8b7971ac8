"""Pictures of notebook 07: where batch norm takes its statistics from, and what the units of a layer see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from higgs_tutorial.plots import BACKGROUND, NEUTRAL, OKABE_ITO, SIGNAL

Place = tuple[float, float]


def two_paths() -> Figure:
    """Draw the two paths through batch norm: with the batch's statistics in training, with the averages in inference.

    Example:
        >>> from higgs_tutorial.draw import batch_normalization
        >>> figure = batch_normalization.two_paths()
        >>> [text.get_text() for text in figure.axes[0].texts if text.get_text() in ("training", "inference")]
        ['training', 'inference']
    """
    figure, axes = plt.subplots(figsize=(8.8, 4.4), layout="constrained")
    top, middle, bottom = 3.4, 1.95, 0.5
    for y, name, colour in ((top, "training", SIGNAL), (bottom, "inference", BACKGROUND)):
        axes.text(-0.85, y, name, color=colour, fontweight="bold", rotation=90, ha="center", va="center")
    _box(axes, (0.3, top), "a batch of events\nx  [batch, k]")
    _box(axes, (2.6, top), "mean and variance\nof this batch", SIGNAL)
    _box(axes, (0.3, bottom), "one event, or any\nnumber of them")
    _box(axes, (2.6, middle), "moving averages\nof both", BACKGROUND)
    for y in (top, bottom):
        _box(axes, (5.2, y), "(x − mean) / √(variance + ε)")
        _box(axes, (7.6, y), "γ · … + β")
        _arrow(axes, (6.35, y), (7.15, y), NEUTRAL)
        _arrow(axes, (8.05, y), (8.7, y), NEUTRAL)
    _arrow(axes, (1.12, top), (1.78, top), NEUTRAL)
    _arrow(axes, (3.42, top), (4.08, top), SIGNAL)
    _arrow(axes, (2.6, top - 0.4), (2.6, middle + 0.4), SIGNAL, "each step\nupdates them")
    _arrow(axes, (1.12, bottom), (4.08, bottom), NEUTRAL)
    _arrow(axes, (3.42, middle), (4.6, bottom + 0.4), BACKGROUND, "are used,\nnot changed")
    axes.set(xlim=(-1.1, 8.8), ylim=(0, 4))
    axes.axis("off")
    return figure


def _box(axes: Axes, place: Place, text: str, colour: str = "black") -> None:
    box = {"boxstyle": "round,pad=0.5", "facecolor": "white", "edgecolor": colour, "linewidth": 1.4}
    axes.text(*place, text, ha="center", va="center", fontsize=9.5, bbox=box)


def _arrow(axes: Axes, start: Place, end: Place, colour: str, note: str = "") -> None:
    arrow = {"arrowstyle": "-|>", "color": colour, "lw": 1.6, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", end, start, arrowprops=arrow)
    if note:
        place = (start[0] + end[0]) / 2 + 0.24, (start[1] + end[1]) / 2
        axes.text(*place, note, color=colour, fontsize=9, va="center")


def activations(inside: Mapping[str, Sequence[ArrayLike]], title: str, units: int = 20) -> Figure:
    """Draw the distributions of what some units of each layer see, a row a network and a column a layer.

    Args:
        inside: for each network, by its name, what goes into the relu of each hidden layer ``[n, size]``.
        title: what the events are.
        units: how many units of each layer are drawn.

    Example:
        >>> import numpy as np
        >>> from higgs_tutorial.draw import batch_normalization
        >>> layers = [np.random.default_rng(0).normal(size=(500, 30))] * 2
        >>> figure = batch_normalization.activations({"one": layers, "other": layers}, "a test")
        >>> [axes.get_title() for axes in figure.axes][:2]
        ['one, layer 1: deviation 1.00', 'one, layer 2: deviation 1.00']
    """
    columns = len(next(iter(inside.values())))
    size = (2.8 * columns, 2.1 * len(inside) + 0.6)
    options = {"sharex": True, "sharey": "row", "squeeze": False, "layout": "constrained"}
    figure, grid = plt.subplots(len(inside), columns, figsize=size, **options)
    bins = np.linspace(-4, 4, 60)
    for row, (name, layers) in zip(grid, inside.items(), strict=True):
        for i, (axes, layer) in enumerate(zip(row, layers, strict=True)):
            layer = np.asarray(layer)
            for unit in range(units):
                heights, _ = np.histogram(layer[:, unit], bins, density=True)
                axes.plot((bins[1:] + bins[:-1]) / 2, heights, color=OKABE_ITO[i], lw=0.8, alpha=0.6)
            typical = np.median(layer.std(axis=0))
            axes.set_title(f"{name}, layer {i + 1}: deviation {typical:.2f}", fontsize=9.5)
            axes.set_xlim(-4, 4)
        row[0].set_ylim(bottom=0)  # when the whole row is drawn: it would freeze the top, too
        row[0].set_ylabel("density", fontsize=10)
    for axes in grid[-1]:
        axes.set_xlabel("number before the relu", fontsize=10)
    figure.suptitle(title, fontsize=11)
    return figure
