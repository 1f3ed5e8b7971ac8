"""The pictures of notebook 10: units switched off in a layer, and the last rung with and without dropout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator, ScalarFormatter

from higgs_tutorial.plots import NEUTRAL, OKABE_ITO, style


def layers(rows: Mapping[str, np.ndarray]) -> Figure:
    """Draw a layer's units as circles with their values, a row for each call, and what the next layer's sum gets.

    Args:
        rows: for each call, by the words that describe it, the units' values ``[n]``; zero means switched off.

    Example:
        >>> import numpy as np
        >>> from higgs_tutorial.draw import dropout
        >>> figure = dropout.layers({"evaluation": np.array([1.0, 2.0]), "training": np.array([0.0, 4.0])})
        >>> [text.get_text() for text in figure.axes[0].texts][-2:]
        ['4', 'sum 4']
    """
    count = max(len(values) for values in rows.values())
    margin = 0.9 + 0.13 * max(map(len, rows))  # for the words on the left
    with style():
        figure, axis = plt.subplots(figsize=(0.7 * (margin + count + 1.4), 0.7 * len(rows)))
        figure.subplots_adjust(left=0, right=1, bottom=0, top=1)
        for height, (label, values) in zip(range(len(rows))[::-1], rows.items(), strict=True):
            axis.text(-0.8, height, label, ha="right", va="center")
            for place, value in enumerate(values):
                _unit(axis, place, height, value)
            axis.text(count - 0.3, height, f"sum {np.sum(values):.3g}", va="center", weight="bold")
        axis.set(xlim=(-margin, count + 1.2), ylim=(-0.5, len(rows) - 0.5), aspect="equal")
        axis.axis("off")
    return figure


def _unit(axis: Axes, x: float, y: float, value: float) -> None:
    on = value != 0
    axis.add_patch(
        plt.Circle((x, y), 0.36, fc="white", ec=OKABE_ITO[0] if on else NEUTRAL, lw=2, ls="-" if on else ":")
    )
    if on:
        axis.text(x, y, f"{value:.3g}", ha="center", va="center")
    else:
        axis.plot(
            [x - 0.2, x + 0.2], [y - 0.2, y + 0.2], [x - 0.2, x + 0.2], [y + 0.2, y - 0.2], color=NEUTRAL
        )


def with_and_without(runs: Mapping[str, Mapping[str, tuple[Sequence[float], float]]]) -> Figure:
    """Draw curves of the validation AUC and the AUC in training at the end, a panel for each run, on equal axes.

    Args:
        runs: for each panel's title, for each network: validation AUC after each epoch, and the AUC in training.

    Example:
        >>> from higgs_tutorial.draw import dropout
        >>> figure = dropout.with_and_without({"the talk": {"plain": ([0.85, 0.88], 0.9)}, "ours": {}})
        >>> figure.axes[0].get_ylim() == figure.axes[1].get_ylim(), figure.axes[0].get_xscale()
        (True, 'log')
    """
    with style():
        figure, axes = plt.subplots(
            1, len(runs), figsize=(9, 4), sharex=True, sharey=True, squeeze=False, layout="constrained"
        )
        for axis, (title, networks) in zip(axes[0], runs.items(), strict=True):
            for (name, (curve, training)), color, line in zip(
                networks.items(), OKABE_ITO[1::-1], ("--", "-"), strict=False
            ):
                axis.plot(range(1, len(curve) + 1), curve, line, color=color, label=f"{name}: validation")
                axis.plot(
                    len(curve), training, "*", ms=12, color=color, label=f"{name}: training, at the end"
                )
            axis.set(xlabel="epoch (logarithmic)", xscale="log")
            axis.set_title(title, fontsize=11)
        axes[0, 0].set_xticks([1, 2, 5, 10, 25, 50])
        axes[0, 0].xaxis.set_major_formatter(ScalarFormatter())
        axes[0, 0].xaxis.set_minor_locator(NullLocator())
        axes[0, 0].set_ylabel("ROC AUC")
        figure.legend(
            *axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=10
        )
    return figure
