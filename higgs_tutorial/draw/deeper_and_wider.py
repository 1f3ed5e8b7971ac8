"""The pictures of notebook 09: the ladder as stairs, what parameters buy, and the gap between training and others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import fill

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from higgs_tutorial.plots import BACKGROUND, NEUTRAL, OKABE_ITO, SIGNAL, style

FLIGHTS = ((NEUTRAL, "--"), (SIGNAL, "-"), (BACKGROUND, "-."))
ROW = 12
"""Points between two rows of numbers below the stairs."""


def staircase(flights: Mapping[str, Mapping[str, float]], ideas: Mapping[str, str]) -> Figure:
    """Draw the ladder as stairs, one flight for each run: a rung is a step, as high as its AUC.

    Below each step stand its name, what it adds, and by how much each run rises there.

    Args:
        flights: for each run, by the words that describe it, the AUC of each rung that it has; three runs at most.
        ideas: for each rung of the ladder, in order, what it adds.

    Example:
        >>> from higgs_tutorial.draw import deeper_and_wider
        >>> ideas = {"logistic": "a straight cut", "nn-1x100": "one hidden layer"}
        >>> figure = deeper_and_wider.staircase({"the talk": {"logistic": 0.686, "nn-1x100": 0.780}}, ideas)
        >>> [text.get_text() for text in figure.axes[0].texts]
        ['+0.094']
    """
    with style():
        figure, axes = plt.subplots(figsize=(10.5, 4.8), layout="constrained")
        labels = [f"{name}\n{fill(idea, 13)}" for name, idea in ideas.items()]
        axes.set_xticks(np.arange(len(ideas)) + 0.5, labels, fontsize=8)
        for row, ((label, aucs), look) in enumerate(zip(flights.items(), FLIGHTS, strict=False)):
            _flight(axes, [aucs.get(name, np.nan) for name in ideas], label, look, row)
        axes.set(xlim=(0, len(ideas)), ylabel="validation ROC AUC")
        axes.tick_params(
            axis="x", length=0, pad=8 + ROW * len(flights)
        )  # the rows of numbers are above the names
        axes.grid(visible=False, axis="x")
        axes.legend(loc="upper left")
    return figure


def _flight(axes: Axes, aucs: Sequence[float], label: str, look: tuple[str, str], row: int) -> None:
    color, line = look
    axes.stairs(aucs, np.arange(len(aucs) + 1), baseline=None, color=color, linestyle=line, lw=2, label=label)
    for place, gain in enumerate(np.diff(aucs), start=1):
        if np.isfinite(gain):
            axes.annotate(
                f"{gain:+.3f}",
                (place + 0.5, 0),
                (0, -5 - ROW * row),
                xycoords=("data", "axes fraction"),
                textcoords="offset points",
                ha="center",
                va="top",
                fontsize=8,
                color=color,
                annotation_clip=False,
            )


def against_parameters(
    runs: Mapping[str, Mapping[str, tuple[float, float, float]]], parameters: Mapping[str, int]
) -> Figure:
    """Draw AUCs in training and on validation events against the number of parameters, a panel for each run.

    Args:
        runs: for each panel's title, for each network that was run: AUC in training, on validation events, and the
            error of the latter.
        parameters: of each network, by its name.

    Example:
        >>> from higgs_tutorial.draw import deeper_and_wider
        >>> aucs = {"adam-6x100": (0.867, 0.863, 0.0005), "adam-6x200": (0.881, 0.873, 0.0005)}
        >>> counts = {"adam-6x100": 54_101, "adam-6x200": 208_201}
        >>> figure = deeper_and_wider.against_parameters({"the talk": aucs}, counts)
        >>> [label.get_text() for label in figure.axes[0].get_xticklabels()]
        ['6×100', '6×200']
    """
    with style():
        figure, axes = plt.subplots(
            1,
            len(runs),
            figsize=(3.5 * len(runs), 4),
            sharex=True,
            sharey=True,
            squeeze=False,
            layout="constrained",
        )
        for axis, (title, aucs) in zip(axes[0], runs.items(), strict=True):
            _parameters_panel(axis, aucs, parameters)
            axis.set_title(title, fontsize=11)
        names = [name.partition("-")[2].replace("x", "×") for name in parameters]
        axes[0, 0].set_xticks(list(parameters.values()), names)
        axes[0, 0].xaxis.set_minor_locator(NullLocator())
        axes[0, 0].set_ylabel("ROC AUC after the last epoch")
        for axis in axes[0]:
            axis.tick_params(axis="x", labelsize=8)
            axis.set_xlabel("number of parameters (logarithmic)", fontsize=10)
        figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def _parameters_panel(
    axis: Axes, aucs: Mapping[str, tuple[float, float, float]], parameters: Mapping[str, int]
) -> None:
    numbers = [parameters[name] for name in aucs]
    training, validation, errors = np.array(list(aucs.values())).T
    axis.set_xscale("log")
    axis.set_xlim(min(parameters.values()) / 1.6, max(parameters.values()) * 1.6)
    gap(axis, numbers, training, validation, marker="o")
    axis.errorbar(numbers, validation, errors, fmt="none", ecolor=OKABE_ITO[0], capsize=4)


def gap(
    axis: Axes, at: Sequence[float], training: Sequence[float], validation: Sequence[float], **how: str
) -> None:
    """Draw a quantity on the events trained on and on others, the space between them shaded.

    Args:
        axis: where to draw.
        at: places on the horizontal axis ``[n]``.
        training: the quantity on the events that were trained on ``[n]``.
        validation: the quantity on events held out ``[n]``.
        how: passed to ``plot``, such as ``marker="o"``.

    Example:
        >>> import matplotlib.pyplot as plt
        >>> from higgs_tutorial.draw import deeper_and_wider
        >>> figure, axis = plt.subplots()
        >>> deeper_and_wider.gap(axis, [1, 2], training=[0.7, 0.9], validation=[0.7, 0.8])
        >>> axis.get_legend_handles_labels()[1]
        ['gap', 'events trained on', 'events held out']
    """
    axis.fill_between(at, validation, training, color=NEUTRAL, alpha=0.15, label="gap")
    axis.plot(at, training, "--", color=OKABE_ITO[1], label="events trained on", **how)
    axis.plot(at, validation, "-", color=OKABE_ITO[0], label="events held out", **how)


def gaps(
    designs: Mapping[str, Mapping[str, Mapping[int, tuple[float, float]]]], events: Sequence[int]
) -> Figure:
    """Draw the gap in AUC against the number of training events, a panel for each design, with errors.

    Args:
        designs: for each panel's title, for each network, for each number of events: the gap and its error.
        events: the numbers of events.

    Example:
        >>> from higgs_tutorial.draw import deeper_and_wider
        >>> found = {"6×20": {5_000: (0.2, 0.01), 20_000: (0.1, 0.01)}}
        >>> figure = deeper_and_wider.gaps({"equal steps": found, "equal passes": found}, [5_000, 20_000])
        >>> len(figure.axes), figure.axes[1].get_title()
        (2, 'equal passes')
    """
    with style():
        figure, axes = plt.subplots(
            1, len(designs), figsize=(9.5, 4), sharey=True, squeeze=False, layout="constrained"
        )
        for axis, (title, networks) in zip(axes[0], designs.items(), strict=True):
            for (name, found), color, marker in zip(networks.items(), OKABE_ITO, "o^sD", strict=False):
                values, errors = np.array([found[n] for n in events]).T
                axis.errorbar(events, values, errors, fmt=f"{marker}-", capsize=4, color=color, label=name)
            axis.set(xscale="log", xlabel="events to train on", title=title)
            axis.set_xticks(events, [f"{n:,}" for n in events])
            axis.xaxis.set_minor_locator(NullLocator())
        axes[0, 0].set_ylabel("AUC in training − AUC held out")
        axes[0, 0].set_ylim(bottom=0)
        axes[0, -1].legend()
    return figure


def panels(
    curves: Mapping[str, tuple[Sequence[float], Sequence[float], Sequence[float]]],
    marks: Mapping[str, Mapping[str, float]],
    title: str,
) -> Figure:
    """Draw AUCs in training and held out, a panel for each training, three in a row.

    Args:
        curves: for each panel's title the steps, the AUCs in training and those held out.
        marks: for each panel's title where to draw a vertical line, by its name; the same names in each.
        title: of the whole.

    Example:
        >>> from higgs_tutorial.draw import deeper_and_wider
        >>> curve = ([40, 80], [0.7, 0.9], [0.65, 0.6])
        >>> figure = deeper_and_wider.panels({"6×20": curve}, {"6×20": {"800 steps": 800}}, "a test")
        >>> figure.axes[0].get_title()
        '6×20'
    """
    rows = -(-len(curves) // 3)
    shared = {"sharex": "col", "sharey": True, "squeeze": False, "layout": "constrained"}
    figure, grid = plt.subplots(rows, 3, figsize=(9.5, 2.6 * rows), **shared)
    looks = ({"color": "black", "ls": ":"}, {"color": OKABE_ITO[2], "ls": "-"})
    for axis, (name, curve) in zip(grid.flat, curves.items(), strict=False):
        gap(axis, *curve)
        for (mark, place), look in zip(marks[name].items(), looks, strict=False):
            axis.axvline(place, lw=1.2, label=mark, **look)
        axis.set_title(name, fontsize=11)
    for axis in grid[-1]:
        axis.set_xlabel("steps")
    for axis in grid[:, 0]:
        axis.set_ylabel("ROC AUC")
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=5)
    figure.suptitle(title, fontsize=12)
    return figure
