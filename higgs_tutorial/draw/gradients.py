"""Notebook 03: weights and their means, the chain rule on a graph, and paths over a loss surface."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.contour import QuadContourSet
from matplotlib.figure import Figure

from higgs_tutorial.plots import BACKGROUND, NEUTRAL, OKABE_ITO, SIGNAL

FORWARD, BACKWARD = BACKGROUND, SIGNAL
"""The colours of values and of gradients."""


def weights_and_means(fig: Figure, weights: Any, over_units: Any, over_inputs: Any) -> None:
    """Draw a matrix of weights with its means along both dimensions.

    Args:
        fig: an empty figure.
        weights: ``[inputs, units]``.
        over_units: ``[inputs]``, the means along the second dimension.
        over_inputs: ``[units]``, the means along the first.
    """
    weights = np.asarray(weights)
    inputs, units = weights.shape
    largest = np.abs(weights).max()
    grid = fig.subplots(2, 2, width_ratios=[5, 1.3], height_ratios=[3, 1.6])
    options = {"aspect": "auto", "cmap": "PuOr", "interpolation": "nearest"}
    picture = grid[0, 0].imshow(weights, vmin=-largest, vmax=largest, **options)
    grid[0, 0].set(title=f"weights, [{inputs}, {units}]", ylabel="input", xlabel="unit")
    grid[0, 0].grid(visible=False)
    grid[0, 1].barh(range(inputs), over_units, color=OKABE_ITO[2])
    grid[0, 1].set_title(f"mean, axis=1: [{inputs}]", fontsize=11)
    grid[0, 1].set(ylim=(inputs - 0.5, -0.5))
    grid[1, 0].bar(range(units), over_inputs, color=OKABE_ITO[2], width=1)
    grid[1, 0].set(xlabel="unit", title=f"mean, axis=0: [{units}]", xlim=(-0.5, units - 0.5))
    grid[1, 1].axis("off")
    key = grid[1, 1].inset_axes([0, 0.6, 1, 0.25])
    fig.colorbar(picture, cax=key, label="weight", orientation="horizontal")


def chain(
    ax: Axes,
    places: Mapping[str, tuple[float, float]],
    values: Mapping[str, float],
    gradients: Mapping[str, float],
    slopes: Sequence[tuple[str, str, float]],
) -> None:
    """Draw a calculation as a graph, with each number's value, its gradient, and the slope of each step.

    Args:
        ax: where to draw; its axes are hidden.
        places: the middle of each number's box; boxes are about 1 apart.
        values: each number's value.
        gradients: the derivative of the result in each number.
        slopes: for each arrow the input's name, the result's name, and the derivative of one in the other.
    """
    style = {"boxstyle": "round,pad=0.45", "facecolor": "white", "edgecolor": "black"}
    boxes = {}
    for name, (x, y) in places.items():
        text = ax.text(x, y, name, ha="center", va="center", fontsize=12, bbox=style, zorder=3)
        boxes[name] = text.get_bbox_patch()
        ax.text(x, y + 0.27, f"{values[name]:.3f}", ha="center", color=FORWARD)
        ax.text(x, y - 0.27, f"{gradients[name]:.3f}", ha="center", va="top", color=BACKWARD)
    for source, result, slope in slopes:
        arrow = {"arrowstyle": "-|>", "color": NEUTRAL, "patchA": boxes[source], "patchB": boxes[result]}
        ax.annotate("", places[result], places[source], arrowprops={**arrow, "shrinkA": 0, "shrinkB": 0})
        x, y = np.mean([places[source], places[result]], axis=0)
        plain = {"facecolor": "white", "edgecolor": "none", "pad": 1}
        ax.text(x, y, f"× {slope:.3g}", ha="center", va="center", fontsize=9, bbox=plain)
    ends = np.array(list(places.values()))
    low, high = ends.min(0), ends.max(0)
    ax.set(xlim=(low[0] - 0.5, high[0] + 0.5), ylim=(low[1] - 0.6, high[1] + 0.6))
    ax.axis("off")


def surface(ax: Axes, x: Any, y: Any, path: np.ndarray, best: Sequence[float], colour: str) -> QuadContourSet:
    """Draw the mean square of a straight line's misses over slope and intercept, and a path of training on it.

    Args:
        ax: where to draw.
        x: the points' ``[n]``, y likewise.
        y: where the line should be there.
        path: slope and intercept in its first two columns, a row a step.
        best: slope and intercept of the least squares, marked by a star.
        colour: the path's.

    Returns:
        The filled contours, for a colour bar.
    """
    slopes, intercepts = np.linspace(-0.6, 2.6, 161), np.linspace(-3.6, 2.2, 161)
    lines = slopes[None, :, None] * np.asarray(x) + intercepts[:, None, None]  # [intercepts, slopes, n]
    height = ((lines - np.asarray(y)) ** 2).mean(-1)
    levels = np.geomspace(0.3, 60, 16)
    filled = ax.contourf(slopes, intercepts, height, levels, cmap="Greys", norm="log", extend="both")
    ax.plot(path[:, 0], path[:, 1], "o-", color=colour, ms=3.5, lw=1.3)
    ax.plot(*best, "*", color=OKABE_ITO[7], mec="black", ms=15)
    ax.set(xlim=(-0.6, 2.6), ylim=(-3.6, 2.2), xlabel="slope", ylabel="intercept")
    ax.grid(visible=False)
    return filled


def lines(ax: Axes, x: Any, y: Any, path: np.ndarray, steps: Sequence[int]) -> None:
    """Draw points and the line after some of the steps of ``path``, the later the darker."""
    ax.plot(x, y, ".", color=NEUTRAL)
    ends = np.array([np.min(x), np.max(x)])
    for step, shade in zip(steps, np.linspace(0.25, 1, len(steps)), strict=True):
        slope, intercept = path[step, :2]
        ax.plot(ends, slope * ends + intercept, color=SIGNAL, alpha=shade, lw=1 + 1.5 * shade)
        ax.text(ends[1] + 0.1, slope * ends[1] + intercept, f"step {step}", va="center", fontsize=9)
    ax.set(xlabel="x", ylabel="y", xlim=(ends[0] - 0.2, ends[1] + 1.1))


def tensorboard_page() -> bytes:
    """Return a PNG of TensorBoard's page with the notebook's logs: `tests/browser/test_tensorboard.py` takes it."""
    return files("higgs_tutorial.draw").joinpath("tensorboard.png").read_bytes()
