"""The pictures of notebook 11: what each idea is worth, as a difference to a baseline."""

from __future__ import annotations

from collections.abc import Mapping

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


def _list(axis: Axes, ideas: list[str], title: str) -> None:
    """Write the ideas from the top down, and draw the baseline."""
    axis.axvline(0, color=NEUTRAL)
    axis.set_yticks(range(len(ideas)), ideas)
    axis.tick_params(axis="y", labelsize=9)
    axis.set(ylim=(len(ideas) - 0.4, -0.6), xlabel="test ROC AUC minus the baseline's", title=title)
