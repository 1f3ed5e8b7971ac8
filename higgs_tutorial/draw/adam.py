"""Pictures of notebook 08: how large the gradients of a network are, and two ways down a valley."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from higgs_tutorial.plots import NEUTRAL, OKABE_ITO


def gradient_sizes(typical: Mapping[str, ArrayLike], title: str) -> Figure:
    """Draw how large the gradients of each variable's numbers are, a row a variable, the first on top.

    The dot is the median, the bar the middle half, the line all but one in a hundred at either end.

    Args:
        typical: for each variable the typical size of the gradient of each of its numbers ``[k]``, positive.
        title: what the events are.

    Example:
        >>> import numpy as np
        >>> from higgs_tutorial.draw import adam
        >>> figure = adam.gradient_sizes({"w": np.geomspace(1e-4, 1e-2, 101), "b": [1e-3]}, "a test")
        >>> [label.get_text() for label in figure.axes[0].get_yticklabels()]
        ['w', 'b']
    """
    figure, axes = plt.subplots(figsize=(8, 0.36 * len(typical) + 1.1), layout="constrained")
    for row, sizes in enumerate(typical.values()):
        low, quarter, middle, three_quarters, high = np.percentile(sizes, [1, 25, 50, 75, 99])
        axes.plot([low, high], [row] * 2, color=OKABE_ITO[0], lw=1.5)
        axes.plot([quarter, three_quarters], [row] * 2, color=OKABE_ITO[0], lw=7, solid_capstyle="butt")
        axes.plot(middle, row, "o", color=OKABE_ITO[1])
    axes.set_yticks(range(len(typical)), list(typical))
    axes.set_xscale("log")
    axes.set(xlabel="typical size of a number's gradient (root mean square over batches)", title=title)
    axes.tick_params(axis="y", labelsize=9)
    axes.invert_yaxis()
    return figure


def valley(paths: Mapping[str, ArrayLike], curvature: ArrayLike) -> Figure:
    """Draw ways to the bottom of a valley from above, and how far down each has come after each step.

    Args:
        paths: for each method its points ``[steps + 1, 2]``; the bottom is the origin.
        curvature: of the valley along the two axes ``[2]``: its height is half the sum of curvature times square.

    Example:
        >>> import numpy as np
        >>> from higgs_tutorial.draw import adam
        >>> straight = np.linspace([-4.0, 1.0], [0.0, 0.0], 11)
        >>> figure = adam.valley({"straight": straight}, curvature=[1, 100])
        >>> float(figure.axes[1].lines[0].get_ydata()[0])
        58.0
    """
    curvature = np.asarray(curvature, float)

    def height(points: ArrayLike) -> np.ndarray:
        return (curvature * np.square(points)).sum(-1) / 2

    figure, axes = plt.subplots(1, 2, figsize=(8.4, 3.9), width_ratios=[1.4, 1], layout="constrained")
    mesh = np.stack(np.meshgrid(np.linspace(-4.5, 2, 120), np.linspace(-1.3, 1.3, 120)), -1)
    lines = {"levels": np.geomspace(0.1, 100, 10), "colors": "#bbbbbb", "linewidths": 1}
    axes[0].contour(mesh[..., 0], mesh[..., 1], height(mesh), **lines)
    for (name, path), colour in zip(paths.items(), OKABE_ITO[1:], strict=False):
        axes[0].plot(*np.transpose(path), "o-", ms=2.5, lw=1, color=colour)
        axes[1].semilogy(height(path), color=colour, label=name)
    axes[0].plot(0, 0, "*", ms=12, color=NEUTRAL)
    axes[0].set(xlabel="along the valley", ylabel="across", title="From above")
    axes[1].set(xlabel="step", ylabel="height above the bottom", title="How far down")
    figure.legend(loc="outside lower center", ncols=len(paths), fontsize=9)
    return figure
