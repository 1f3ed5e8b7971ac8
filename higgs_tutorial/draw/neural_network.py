"""Pictures of notebook 06: a small network with all its numbers, for one event."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from higgs_tutorial.plots import BACKGROUND, NEUTRAL, SIGNAL

COLUMNS = {"input": 0.0, "sum": 2.2, "relu": 3.4, "logit": 5.6, "probability": 6.9}
"""Where each kind of number stands."""


def with_numbers(
    hidden: tuple[ArrayLike, ArrayLike],
    last: tuple[ArrayLike, ArrayLike],
    inputs: ArrayLike,
    names: Sequence[str],
) -> Figure:
    """Draw a network of one hidden layer with its weights, and what it makes of one event.

    A line is a weight: as thick as it is large, orange if it is positive and blue if negative.

    Args:
        hidden: weights ``[k, units]`` and biases ``[units]`` of the hidden layer.
        last: weights ``[units, 1]`` and bias ``[1]`` of the logistic regression at the end.
        inputs: the event ``[k]``.
        names: what the inputs are called ``[k]``.

    Example:
        >>> import numpy as np
        >>> from higgs_tutorial.draw import neural_network
        >>> hidden, last = (np.eye(2), np.array([0.0, -3.0])), (np.array([[1.0], [1.0]]), np.zeros(1))
        >>> figure = neural_network.with_numbers(hidden, last, [2.0, 1.0], ["a", "b"])
        >>> [text.get_text() for text in figure.axes[0].texts if text.get_text().endswith("88")]  # sigmoid of 2
        ['0.88']
    """
    (w, b), (v, c) = ([np.asarray(part, float) for part in layer] for layer in (hidden, last))
    inputs, v = np.asarray(inputs, float), v.ravel()
    sums = inputs @ w + b  # [units]
    active = np.maximum(sums, 0)
    logit = float(active @ v + c.item())
    figure, axes = plt.subplots(figsize=(8.6, 1.0 + 1.05 * len(sums)), layout="constrained")
    high, rows = _rows(len(inputs), len(sums)), _rows(len(sums), len(sums))
    middle = (len(sums) - 1) / 2
    _weights(axes, "input", high, "sum", rows, w, at=0.72)
    _weights(axes, "relu", rows, "logit", [middle], v[:, None], at=0.55)
    for y, value, name in zip(high, inputs, names, strict=True):
        _number(axes, "input", y, value, name)
    for y, total, bias, kept in zip(rows, sums, b, active, strict=True):
        _arrow(axes, "sum", "relu", y)
        _number(axes, "sum", y, total, f"bias {bias:+.2f}")
        _number(axes, "relu", y, kept, faint=kept == 0)
    _arrow(axes, "logit", "probability", middle)
    _number(axes, "logit", middle, logit, f"bias {c.item():+.2f}")
    _number(axes, "probability", middle, 1 / (1 + np.exp(-logit)), "of signal")
    _heads(axes, len(sums))
    return figure


def _rows(count: int, of: int) -> NDArray:
    """Heights of ``count`` numbers in a picture of ``of`` rows, the first on top."""
    return np.linspace(of - 1, 0, count + 2)[1:-1] if count < of else np.arange(of)[::-1].astype(float)


def _weights(
    axes: Axes, start: str, starts: ArrayLike, end: str, ends: ArrayLike, w: NDArray, at: float
) -> None:
    x_1, x_2 = COLUMNS[start] + 0.28, COLUMNS[end] - 0.3
    for i, y_1 in enumerate(np.asarray(starts)):
        for j, y_2 in enumerate(np.asarray(ends)):
            value = w[i, j]
            width = 0.6 + 4.5 * abs(value) / np.abs(w).max()
            colour = SIGNAL if value > 0 else BACKGROUND
            axes.plot([x_1, x_2], [y_1, y_2], color=colour, lw=width, alpha=0.55, solid_capstyle="butt")
            share = at - 0.26 * (i % 2)  # lines that cross have their numbers at different places
            place = x_1 + share * (x_2 - x_1), y_1 + share * (y_2 - y_1)
            box = {"facecolor": "white", "edgecolor": "none", "pad": 0.8, "alpha": 0.85}
            axes.text(*place, f"{value:+.2f}", color=colour, fontsize=8, ha="center", va="center", bbox=box)


def _number(axes: Axes, column: str, y: float, value: float, note: str = "", faint: bool = False) -> None:
    box = {"boxstyle": "round,pad=0.35", "facecolor": "white", "edgecolor": "#bbbbbb" if faint else "black"}
    shade = "#bbbbbb" if faint else "black"
    x = COLUMNS[column]
    axes.text(x, y, f"{value:.2f}", ha="center", va="center", fontsize=10, color=shade, bbox=box, zorder=3)
    if note:
        axes.text(x, y - 0.37, note, ha="center", va="center", fontsize=8, color=NEUTRAL)


def _arrow(axes: Axes, start: str, end: str, y: float) -> None:
    arrow = {"arrowstyle": "->", "color": NEUTRAL}
    axes.annotate("", (COLUMNS[end] - 0.3, y), (COLUMNS[start] + 0.3, y), arrowprops=arrow)


def _heads(axes: Axes, rows: int) -> None:
    heads = {
        "input": "input",
        "sum": "weighted sum",
        "relu": "relu",
        "logit": "weighted sum:\nthe logit",
        "probability": "sigmoid:\nprobability",
    }
    for column, text in heads.items():
        axes.text(COLUMNS[column], rows - 0.35, text, ha="center", va="bottom", fontsize=9.5)
    axes.set(xlim=(-0.7, 7.6), ylim=(-0.6, rows + 0.2))
    axes.axis("off")
