"""The pictures of notebook 12: rejection, what a cut keeps, importance, learning curves and calibration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from higgs_tutorial.plots import BACKGROUND, NEUTRAL, OKABE_ITO, SIGNAL, style

if TYPE_CHECKING:
    from higgs_tutorial.physics.significance import Cut

COLORS = dict(zip(("BDT", "NN", "DN"), OKABE_ITO[2:5], strict=True))
LINES = {"low": "-", "high": "--", "complete": ":"}
CLEARLY = 0.02
"""Ratios nearer to one than this are taken as equal."""


def rejection(curves: Mapping[str, np.ndarray], efficiency: np.ndarray, title: str) -> Figure:
    """Draw background rejection against signal efficiency and, below, the same by that of the first curve.

    Bands are standard errors of the mean over trainings. Where a curve crosses the first one, the place is marked.

    Args:
        curves: for each classifier, called by its method first (``"DN, high"``): rejection in each training and at
            each efficiency ``[trainings, k]``.
        efficiency: signal efficiencies ``[k]``, growing.
        title: stands above the picture.

    Example:
        >>> import numpy as np
        >>> from higgs_tutorial.draw import deep_learning_for_hep
        >>> trees, deep = np.array([[90.0, 10.0], [80.0, 9.0]]), np.array([[99.0, 8.0], [97.0, 9.0]])
        >>> curves = {"BDT, all": trees, "DN, all": deep}
        >>> figure = deep_learning_for_hep.rejection(curves, np.array([0.1, 0.5]), "test events")
        >>> [text.get_text() for text in figure.axes[1].texts]
        ['0.34']
    """
    with style():
        figure, (upper, lower) = plt.subplots(
            2, 1, figsize=(8, 6), sharex=True, height_ratios=(3, 2), layout="constrained"
        )
        reference = next(iter(curves.values()))
        for (name, found), line in zip(curves.items(), ("-", "--", "-."), strict=False):
            color = COLORS[name.partition(",")[0]]
            _band(upper, efficiency, found, label=name, color=color, linestyle=line)
            _band(lower, efficiency, found / reference.mean(0), color=color, linestyle=line)
            _mark_crossings(lower, efficiency, found.mean(0) / reference.mean(0))
        upper.set(yscale="log", ylabel="background rejection", title=title)
        lower.set(xlabel="signal efficiency", ylabel=f"divided by\n{next(iter(curves))}")
        upper.legend()
    return figure


def _band(axis: Axes, x: np.ndarray, found: np.ndarray, **how: str) -> None:
    mean, error = found.mean(0), found.std(0, ddof=1) / np.sqrt(len(found))
    axis.plot(x, mean, **how)
    axis.fill_between(x, mean - error, mean + error, color=how["color"], alpha=0.25, lw=0)


def _mark_crossings(axis: Axes, x: np.ndarray, ratio: np.ndarray) -> None:
    """Write where a ratio passes one, from farther than `CLEARLY` on one side to that on the other."""
    far = np.flatnonzero(np.abs(ratio - 1) > CLEARLY)
    for before, after in pairwise(far):
        if (ratio[before] > 1) != (ratio[after] > 1):
            share = (1 - ratio[before]) / (ratio[after] - ratio[before])
            at = x[before] + share * (x[after] - x[before])
            axis.plot(at, 1, "o", ms=8, mfc="none", mec="black")
            axis.annotate(f"{at:.2f}", (at, 1), (4, 8), textcoords="offset points", fontsize=9)


def stacked(
    background: np.ndarray, signal: np.ndarray, bins: np.ndarray, threshold: float, title: str
) -> Figure:
    """Draw the expected signal on top of the background in bins of a classifier's output, and the cut.

    Args:
        background: expected events in each bin ``[k]``.
        signal: the same of signal ``[k]``.
        bins: edges of the bins ``[k + 1]``.
        threshold: the cut.
        title: stands above the picture.

    Example:
        >>> import numpy as np
        >>> from higgs_tutorial.draw import deep_learning_for_hep
        >>> draw = deep_learning_for_hep.stacked
        >>> figure = draw(np.array([9.0, 1.0]), np.array([1.0, 2.0]), np.array([0, 0.5, 1]), 0.5, "Z = 1")
        >>> figure.axes[0].get_legend_handles_labels()[1]
        ['background (10 events)', 'signal (3 events)']
    """
    with style():
        figure, axis = plt.subplots(layout="constrained")
        top = _stack(axis, background, signal, bins, threshold)
        axis.text(threshold - 0.01, top, "cut chosen on validation", ha="right", va="top", rotation=90)
        axis.set_title(title)
        axis.legend(loc="upper left")
    return figure


def _stack(
    axis: Axes, background: np.ndarray, signal: np.ndarray, bins: np.ndarray, threshold: float
) -> float:
    """Draw both on top of each other and a line at the threshold; return the upper end of the axis."""
    below = {"fill": True, "color": BACKGROUND, "label": f"background ({background.sum():.0f} events)"}
    axis.stairs(background, bins, **below)
    above = {"fill": True, "color": SIGNAL, "label": f"signal ({signal.sum():.0f} events)"}
    axis.stairs(background + signal, bins, baseline=background, **above)
    axis.axvline(threshold, color="black", linestyle="--")
    top = 1.35 * np.max(background + signal)
    axis.set(xlim=(0, 1), ylim=(0, top), xlabel="output", ylabel="expected events per bin")
    return top


def moved_cut(
    figure: Figure,
    expected: tuple[np.ndarray, np.ndarray],
    bins: np.ndarray,
    curve: Mapping[float, float],
    chosen: Cut,
) -> None:
    """Draw a cut on the stacked expectation, and its place on the curve of all cuts' significances.

    Args:
        figure: an empty figure, with a constrained layout.
        expected: background and signal in each bin, each ``[k]``.
        bins: edges of the bins ``[k + 1]``.
        curve: the significance at each threshold.
        chosen: what a search with this cut expects.

    Example:
        >>> import numpy as np
        >>> from matplotlib.figure import Figure
        >>> from higgs_tutorial.draw import deep_learning_for_hep
        >>> from higgs_tutorial.physics.significance import Cut
        >>> figure = Figure(layout="constrained")
        >>> counts = np.array([9.0, 1.0]), np.array([1.0, 2.0])
        >>> cut = Cut(0.5, 3.1, 0.1, 0.7, 0.1)
        >>> deep_learning_for_hep.moved_cut(figure, counts, np.array([0, 0.5, 1]), {0.1: 1.5, 0.5: 3.1}, cut)
        >>> figure.axes[1].get_title()
        'Z = 3.10 ± 0.10'
    """
    left, right = figure.subplots(1, 2)
    _stack(left, *expected, bins, chosen.threshold)
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower left", ncols=2)
    kept = (
        f"{chosen.signal_efficiency:.0%} of the signal, {chosen.background_efficiency:.1%} of the background"
    )
    left.set_title(f"above the cut: {kept}", fontsize=10)
    right.plot(list(curve), list(curve.values()), color=NEUTRAL)
    right.errorbar(chosen.threshold, chosen.significance, chosen.error, fmt="o", color="black", capsize=4)
    right.set(xlim=(0, 1), xlabel="cut on the output", ylabel="significance Z")
    right.set_title(f"Z = {chosen.significance:.2f} ± {chosen.error:.2f}")


def importance(found: Mapping[str, np.ndarray], columns: Sequence[str], title: str) -> Figure:
    """Draw the AUC that shuffling a column costs, mean and standard error over trainings, the largest on top.

    Args:
        found: for each method, AUC lost in each training and for each column ``[trainings, columns]``.
        columns: their names.
        title: stands above the picture.

    Example:
        >>> import numpy as np
        >>> from higgs_tutorial.draw import deep_learning_for_hep
        >>> lost = {"BDT": np.array([[0.1, 0.2], [0.1, 0.3]])}
        >>> figure = deep_learning_for_hep.importance(lost, ["m_jj", "m_bb"], "which columns matter")
        >>> [label.get_text() for label in figure.axes[0].get_yticklabels()]
        ['m_jj', 'm_bb']
    """
    order = np.argsort(next(iter(found.values())).mean(0))
    heights, width = np.arange(len(columns)), 0.8 / len(found)
    with style():
        figure, axis = plt.subplots(figsize=(8, 4), layout="constrained")
        for number, (method, lost) in enumerate(found.items()):
            mean, error = lost.mean(0)[order], lost.std(0, ddof=1)[order] / np.sqrt(len(lost))
            shift = width * ((len(found) - 1) / 2 - number)
            bars = {"height": width, "color": COLORS[method], "label": method}
            axis.barh(heights + shift, mean, xerr=error, capsize=3, **bars)
        axis.set_yticks(heights, [columns[place] for place in order])
        axis.set(xlabel="AUC lost when the column is shuffled", title=title)
        axis.legend(loc="lower right")
    return figure


def learning_curves(
    curves: Mapping[tuple[str, str], tuple[Sequence[float], Sequence[float]]],
    events: Sequence[int],
    title: str,
    crossing: tuple[tuple[str, str], tuple[str, str]] | None = None,
) -> Figure:
    r"""Draw test AUCs with errors against the number of training events; mark where one curve overtakes another.

    Args:
        curves: for each method and set of columns: AUC at each number of events, and its error.
        events: the numbers of events.
        title: stands above the picture.
        crossing: the keys of the curve that overtakes and of the one that is overtaken.

    Example:
        >>> from higgs_tutorial.draw import deep_learning_for_hep
        >>> curves = {("BDT", "high"): ([0.7, 0.72], [0.01, 0.01]), ("DN", "low"): ([0.6, 0.8], [0.01, 0.01])}
        >>> draw = deep_learning_for_hep.learning_curves
        >>> figure = draw(curves, [1_000, 100_000], "test", (("DN", "low"), ("BDT", "high")))
        >>> figure.axes[0].texts[0].get_text()
        'overtakes between\n1,000 and 100,000'
    """
    with style():
        figure, axis = plt.subplots(figsize=(8, 4.8), layout="constrained")
        for (method, columns), (aucs, errors) in curves.items():
            label = f"{method}, {'all' if columns == 'complete' else f'{columns}-level'} columns"
            how = {"color": COLORS[method], "linestyle": LINES[columns], "marker": "o", "capsize": 4}
            axis.errorbar(events, aucs, errors, label=label, **how)
        axis.set(xscale="log", xlabel="events to train on", ylabel="test ROC AUC", title=title)
        axis.legend(loc="lower right", fontsize=10, handlelength=4)  # a dash must be seen beside the marker
        if crossing:
            _mark_overtaking(axis, events, *(curves[key][0] for key in crossing))
    return figure


def _mark_overtaking(axis: Axes, events: Sequence[int], one: Sequence[float], other: Sequence[float]) -> None:
    ahead = np.array(one) - np.array(other)
    passed = np.flatnonzero((ahead[1:] > 0) & (ahead[:-1] <= 0))
    if not len(passed):
        return
    place = passed[-1]
    share = -ahead[place] / (ahead[place + 1] - ahead[place])
    at = np.exp(np.interp(share, [0, 1], np.log(events[place : place + 2])))
    height = np.interp(share, [0, 1], one[place : place + 2])
    axis.plot(at, height, "o", ms=14, mfc="none", mec="black")
    words = f"overtakes between\n{events[place]:,} and {events[place + 1]:,}"
    arrow = {"arrowstyle": "-", "color": NEUTRAL, "shrinkB": 8}
    where = {"xytext": (0.03, 0.95), "textcoords": "axes fraction", "va": "top", "fontsize": 10}
    axis.annotate(words, (at, height), arrowprops=arrow, **where)


def calibration(curves: Mapping[str, tuple[np.ndarray, np.ndarray, np.ndarray]], title: str) -> Figure:
    """Draw, in bins of a classifier's output, the share of signal among the events against the mean output.

    Args:
        curves: for each classifier, called by its method first: mean output, share of signal and error of that ``[k]``.
        title: stands above the picture.

    Example:
        >>> import numpy as np
        >>> from higgs_tutorial.draw import deep_learning_for_hep
        >>> curve = np.array([0.2, 0.8]), np.array([0.3, 0.7]), np.array([0.01, 0.01])
        >>> figure = deep_learning_for_hep.calibration({"DN": curve}, "too sure")
        >>> figure.axes[1].get_ylabel()
        'share − output'
    """
    with style():
        figure, (upper, lower) = plt.subplots(
            2, 1, figsize=(6.5, 6), sharex=True, height_ratios=(3, 2), layout="constrained"
        )
        upper.plot([0, 1], [0, 1], color=NEUTRAL, ls=":", label="calibrated")
        lower.axhline(0, color=NEUTRAL, ls=":")
        for (name, (output, share, error)), marker in zip(curves.items(), "osD^", strict=False):
            color = COLORS.get(name.partition(",")[0], "black")
            upper.errorbar(output, share, error, fmt=f"{marker}-", ms=4, color=color, label=name)
            lower.errorbar(output, share - output, error, fmt=f"{marker}-", ms=4, color=color)
        upper.set(ylabel="share of signal", title=title)
        lower.set(xlabel="output", ylabel="share − output")
        upper.legend()
    return figure
