"""The pictures of notebook 11: what each idea is worth, as a difference to a baseline, and a search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from higgs_tutorial.plots import BACKGROUND, NEUTRAL, SIGNAL, style


def differences(changes: Mapping[str, np.ndarray], title: str) -> Figure:
    """Draw each idea's differences to the baseline, one of each pair, with their mean and its standard error.

    Args:
        changes: for each idea, from the top: AUC minus the baseline's in each pair ``[k]``.
        title: stands above the picture.

    Example:
        >>> import numpy as np
        >>> from higgs_tutorial.draw import more_easy_things
        >>> figure = more_easy_things.differences({"decay": np.array([-0.01, -0.02])}, "what it is worth")
        >>> [label.get_text() for label in figure.axes[0].get_yticklabels()]
        ['decay']
    """
    with style():
        figure, axis = plt.subplots(figsize=(9, 0.38 * len(changes) + 1.4), layout="constrained")
        for height, values in enumerate(changes.values()):
            error = np.std(values, ddof=1) / np.sqrt(len(values))
            again = {"label": "_"} if height else {}
            pairs = {"ms": 4, "color": NEUTRAL, "alpha": 0.6, "label": f"each of the {len(values)} pairs"}
            axis.plot(values, [height] * len(values), "o", **pairs | again)
            mean = {"ms": 6, "capsize": 4, "color": BACKGROUND, "label": "mean and its standard error"}
            axis.errorbar(np.mean(values), height, xerr=error, fmt="D", **mean | again)
        _list(axis, list(changes), title)
        figure.legend(loc="outside lower center", ncols=2, fontsize=9)
    return figure


def runs(worth: Mapping[str, Mapping[str, tuple[float, float]]], title: str) -> Figure:
    """Draw what the same ideas were worth in two runs: a mean difference and its standard error each.

    Args:
        worth: for each of the two runs, by the words that describe it, for each idea: mean difference, standard error.
        title: stands above the picture.

    Example:
        >>> from higgs_tutorial.draw import more_easy_things
        >>> worth = {"here": {"decay": (-0.02, 0.001)}, "longer": {"decay": (-0.01, 0.001)}}
        >>> figure = more_easy_things.runs(worth, "ideas")
        >>> [text.get_text() for text in figure.legends[0].get_texts()]
        ['here', 'longer']
    """
    ideas = list(next(iter(worth.values())))
    with style():
        figure, axis = plt.subplots(figsize=(9, 0.4 * len(ideas) + 1.6), layout="constrained")
        for (label, of), color, marker, shift in zip(
            worth.items(), (BACKGROUND, SIGNAL), "Do", (-0.17, 0.17), strict=True
        ):
            means, errors = np.array([of[idea] for idea in ideas]).T
            heights = np.arange(len(ideas)) + shift
            how = {"fmt": marker, "ms": 5, "capsize": 3, "color": color, "label": label}
            axis.errorbar(means, heights, xerr=errors, **how)
        _list(axis, ideas, title)
        figure.legend(loc="outside lower center", ncols=2, fontsize=9)
    return figure


def search(rates: Sequence[float], aucs: Sequence[float], at_random: int, title: str) -> Figure:
    """Draw the trials of a search: those drawn at random, and those that the tuner proposed.

    Left in their order, with the best so far; right against the learning rate that was tried.

    Args:
        rates: the learning rate of each trial ``[k]``.
        aucs: its validation AUC ``[k]``.
        at_random: so many at the beginning were drawn at random.
        title: stands above the picture.

    Example:
        >>> from higgs_tutorial.draw import more_easy_things
        >>> figure = more_easy_things.search([0.1, 0.001, 0.03], [0.7, 0.6, 0.72], 2, "three trials")
        >>> [text.get_text() for text in figure.legends[0].get_texts()]
        ['drawn at random', 'proposed', 'best so far']
    """
    number = np.arange(1, len(aucs) + 1)
    groups = (
        (slice(None, at_random), "drawn at random", "o", NEUTRAL),
        (slice(at_random, None), "proposed", "D", SIGNAL),
    )
    with style():
        figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True, layout="constrained")
        for which, label, marker, color in groups:
            how = {"linestyle": "none", "marker": marker, "ms": 6, "color": color, "label": label}
            left.plot(number[which], np.asarray(aucs)[which], **how)
            right.plot(np.asarray(rates)[which], np.asarray(aucs)[which], **how)
        best = {"where": "post", "color": BACKGROUND, "lw": 1.2, "label": "best so far"}
        left.step(number, np.maximum.accumulate(aucs), **best)
        left.set(xlabel="trial", ylabel="validation ROC AUC")
        right.set(xscale="log", xlabel="learning rate")
        figure.suptitle(title)
        figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=9)
    return figure


def _list(axis: Axes, ideas: list[str], title: str) -> None:
    """Write the ideas from the top down, and draw the baseline."""
    axis.axvline(0, color=NEUTRAL)
    axis.set_yticks(range(len(ideas)), ideas)
    axis.tick_params(axis="y", labelsize=9)
    axis.set(ylim=(len(ideas) - 0.4, -0.6), xlabel="test ROC AUC minus the baseline's", title=title)
