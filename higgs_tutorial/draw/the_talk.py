"""Pictures of notebook 00, the talk on slides: its own facts in our drawings, and its curves beside ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from higgs_tutorial import talk
from higgs_tutorial.plots import BACKGROUND, NEUTRAL, RUNG_LINES, SIGNAL, style

IMAGENET_TOP5_ERROR = {
    "2010": 28.2,
    "2011": 25.8,
    "2012\nAlexNet": 16.4,
    "2013\nClarifai": 11.7,
    "2014\nGoogLeNet": 6.7,
    "2015\nResNet": 3.57,
}
"""Winners of the ImageNet challenge in classification, top-5 error in percent: O. Russakovsky et al., International
Journal of Computer Vision 115 (2015), table 5, and K. He et al., arXiv:1512.03385, table 5."""

BLEU = {"state of the art": 37.0, "neural translation": 37.3}
"""English to French on WMT'14, the numbers on the talk's slide (Luong et al., arXiv:1410.8206)."""

CAPTIONS = (
    "A man holding a tennis racquet\non a tennis court.",
    "Two pizzas sitting on top\nof a stove top oven",
    "A group of young people\nplaying a game of Frisbee",
    "A man flying through the air\nwhile riding a snowboard",
)
"""What a network wrote below four photographs on the talk's slide."""


def object_recognition() -> Figure:
    """Draw the error of each year's winner of the ImageNet challenge.

    Example:
        >>> from higgs_tutorial.draw.the_talk import object_recognition
        >>> len(object_recognition().axes[0].patches)
        6
    """
    with style():
        figure, axes = plt.subplots(figsize=(8, 4), layout="constrained")
    years, errors = list(IMAGENET_TOP5_ERROR), list(IMAGENET_TOP5_ERROR.values())
    deep = [int(year[:4]) >= 2012 for year in years]
    bars = axes.bar(years, errors, color=[SIGNAL if net else NEUTRAL for net in deep])
    axes.bar_label(bars, fmt="%.1f%%")
    axes.set(title="The ImageNet challenge's winners: deep networks in colour", ylabel="top-5 error (%)")
    axes.grid(axis="x", visible=False)
    return figure


def translation() -> Figure:
    """Draw the two BLEU scores of the talk's slide, from zero, since they are nearly equal.

    Example:
        >>> from higgs_tutorial.draw.the_talk import translation
        >>> [float(bar.get_width()) for bar in translation().axes[0].patches]
        [37.0, 37.3]
    """
    with style():
        figure, axes = plt.subplots(figsize=(8, 2.2), layout="constrained")
    bars = axes.barh(list(BLEU), list(BLEU.values()), color=[NEUTRAL, SIGNAL])
    axes.bar_label(bars, fmt="%.1f", padding=4)
    axes.set(title="English to French, WMT'14", xlabel="BLEU (higher is better)", xlim=(0, 42))
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    return figure


def captions() -> Figure:
    """Write the four captions of the talk's slide below empty frames, where its photographs were.

    Example:
        >>> from higgs_tutorial.draw.the_talk import captions
        >>> len(captions().axes)
        4
    """
    with style():
        figure, axes = plt.subplots(1, 4, figsize=(11, 2.8), layout="constrained")
    for ax, caption in zip(axes, CAPTIONS, strict=True):
        frame = FancyBboxPatch((0.06, 0.4), 0.88, 0.55, boxstyle="round,pad=0.03", facecolor="#eeeeee")
        ax.add_patch(frame)
        ax.text(0.5, 0.67, "a photograph", ha="center", va="center", color=NEUTRAL)
        ax.text(0.5, 0.26, caption, ha="center", va="top", fontsize=10)
        ax.set(xlim=(0, 1), ylim=(0, 1))
        ax.axis("off")
    return figure


def moments(mean: np.ndarray, deviation: np.ndarray, names: Sequence[str], data: str) -> Figure:
    """Draw each column's mean and standard deviation.

    Args:
        mean: ``[columns]``.
        deviation: ``[columns]``.
        names: of the columns.
        data: which events, in words.

    Example:
        >>> import numpy as np
        >>> from higgs_tutorial.draw.the_talk import moments
        >>> moments(np.zeros(2), np.ones(2), ["a", "b"], "two columns").axes[0].get_title()
        'two columns'
    """
    place = np.arange(len(names))
    with style():
        figure, axes = plt.subplots(figsize=(11, 4), layout="constrained")
    axes.plot(place, deviation, "s", color=BACKGROUND, label="standard deviation", markersize=9)
    axes.plot(place, mean, "o", color=SIGNAL, label="mean")
    axes.set_xticks(place, names, rotation=60, ha="right", fontsize=9)
    axes.set(title=data, ylabel="in the file's units")
    figure.legend(loc="outside upper right", ncols=2)
    return figure


def curves(names: Sequence[str], here: Mapping[str, Sequence[float]], events: str) -> Figure:
    """Draw validation AUCs of some rungs: left what the talk recorded, right ours at its size, as far as they were run.

    Args:
        names: the rungs, the newest first; it is drawn strongest.
        here: AUCs after each epoch by rung. Rungs that are missing are named in the right title.
        events: what ours were trained on, in words.

    Example:
        >>> from higgs_tutorial.draw.the_talk import curves
        >>> figure = curves(["nn-1x100", "logistic"], {"logistic": [0.66, 0.67]}, "simulated events")
        >>> print(figure.axes[1].get_title())
        simulated events
        (not run: nn-1x100)
    """
    with style():
        figure, axes = plt.subplots(1, 2, figsize=(11, 4.4), sharey=True, layout="constrained")
    said = {name: talk.RUNGS[name].valid_auc for name in names}
    missing = [name for name in names if name not in here]
    title = events + (f"\n(not run: {', '.join(missing)})" if missing else "")
    _lines(axes[0], names, said, "the talk: HIGGS")
    _lines(axes[1], names, here, title)
    if axes[1].lines:
        axes[1].set_xlim(axes[0].get_xlim())  # a run that was cut short is seen to be
    axes[0].set_ylabel("validation ROC AUC")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right center")
    return figure


def _lines(axes: Axes, names: Sequence[str], aucs: Mapping[str, Sequence[float]], title: str) -> None:
    for place, name in enumerate(names):
        if name in aucs:
            curve = aucs[name]
            axes.plot(
                range(1, len(curve) + 1),
                curve,
                color=RUNG_LINES[name][0],
                label=name,
                lw=3 if place == 0 else 1.6,
            )
            axes.annotate(
                f"{curve[-1]:.3f}", (len(curve), curve[-1]), (4, 0), textcoords="offset points", fontsize=9
            )
    axes.set(title=title, xlabel="epoch")
    axes.margins(x=0.12)
    if not axes.lines:
        axes.text(0.5, 0.5, "not run at this size", ha="center", transform=axes.transAxes, color=NEUTRAL)
        axes.set_xticks([])


def dropout(keep: Sequence[np.ndarray]) -> Figure:
    """Draw a network before and after dropout: (a) all units, (b) those that were kept.

    Args:
        keep: for each layer, which of its units are kept, ``[units]`` booleans.

    Example:
        >>> import numpy as np
        >>> from higgs_tutorial.draw.the_talk import dropout
        >>> figure = dropout([np.array([True, False]), np.array([True])])
        >>> [axes.get_title() for axes in figure.axes]
        ['(a) standard network', '(b) after applying dropout']
    """
    with style():
        figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
    _network(axes[0], [np.ones(len(layer), bool) for layer in keep], "(a) standard network")
    _network(axes[1], keep, "(b) after applying dropout")
    return figure


def _network(axes: Axes, keep: Sequence[np.ndarray], title: str) -> None:
    heights = [np.linspace(-1, 1, len(layer) + 2)[1:-1] for layer in keep]
    for level in range(len(keep) - 1):
        for low, alive in zip(heights[level], keep[level], strict=True):
            for high, next_alive in zip(heights[level + 1], keep[level + 1], strict=True):
                if alive and next_alive:
                    axes.plot([low, high], [level, level + 1], color=NEUTRAL, lw=0.7, zorder=1)
    for level, (places, layer) in enumerate(zip(heights, keep, strict=True)):
        for place, alive in zip(places, layer, strict=True):
            axes.scatter(
                place, level, s=320, facecolor="white", edgecolor="black" if alive else NEUTRAL, zorder=2
            )
            if not alive:
                axes.scatter(place, level, s=150, marker="x", color=SIGNAL, zorder=3)
    axes.set_title(title)
    axes.set_ylim(-0.35, len(keep) - 0.65)
    axes.axis("off")
