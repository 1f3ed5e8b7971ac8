"""Notebook 13: one training step on two devices, and the time of an epoch on many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.text import Text

from higgs_tutorial.plots import NEUTRAL, OKABE_ITO


def step_on_two_devices(ax: Axes, batch_size: int = 512) -> None:
    """Draw a step of data parallel training: what is copied, what is split, what is added up."""
    half = batch_size // 2
    ax.set(xlim=(0, 11.2), ylim=(0, 5.4), title="One step on two devices")
    ax.axis("off")
    total = _box(ax, (9.9, 3.0), "sum", OKABE_ITO[3])
    for device, y in enumerate((4.1, 1.9)):
        first, last = device * half, (device + 1) * half - 1
        share = _box(ax, (1.0, y), f"events\n{first} … {last}", OKABE_ITO[5])
        network = _box(ax, (4.2, y), f"device {device}\nits copy of\nthe network", OKABE_ITO[2])
        gradient = _box(ax, (7.2, y), "gradient\nof its share", OKABE_ITO[4])
        for start, end in ((share, network), (network, gradient), (gradient, total)):
            _arrow(ax, start, end)
        _arrow(ax, total, network, bend=0.45 if device == 0 else -0.45)
    words = {"batch: split": 1.0, "network: copied": 4.2, "gradient: added up": 9.9}
    for text, x in words.items():
        ax.text(x, 0.35, text, ha="center", fontsize=11, weight="bold")


def _box(ax: Axes, middle: tuple[float, float], words: str, colour: str) -> Text:
    style = {"boxstyle": "round,pad=0.5", "facecolor": colour, "edgecolor": "black", "alpha": 0.4}
    return ax.text(*middle, words, ha="center", va="center", fontsize=9, bbox=style)


def _arrow(ax: Axes, start: Text, end: Text, bend: float = 0.0) -> None:
    """Draw from box to box; the boxes' edges cut the arrow, so that it ends where they begin."""
    style = {"arrowstyle": "-|>", "color": NEUTRAL, "lw": 1.5, "shrinkA": 1, "shrinkB": 2}
    style |= {"patchA": start.get_bbox_patch(), "patchB": end.get_bbox_patch()}
    style |= {"connectionstyle": f"arc3,rad={bend}"}
    ax.annotate("", end.get_position(), start.get_position(), arrowprops=style)


def epoch_times(
    ax: Axes,
    devices: Sequence[int],
    models: Mapping[str, Any],
    measured: Mapping[str, tuple[int, float]],
) -> None:
    """Draw the time of an epoch against the number of devices: lines of a model, and measured points.

    Args:
        ax: where to draw.
        devices: the numbers of devices, ``[n]``.
        models: for each name the seconds of an epoch, ``[n]``.
        measured: for each name a number of devices and the seconds of an epoch.
    """
    colours = (NEUTRAL, OKABE_ITO[2], OKABE_ITO[0], OKABE_ITO[1])
    for (name, seconds), colour in zip(models.items(), colours, strict=False):
        ax.plot(devices, seconds, "--", color=colour, label=f"model: {name}")
    for (name, point), marker in zip(measured.items(), "ovsD", strict=False):
        ax.plot(*point, marker, color="black", ms=9, label=f"measured: {name}")
    ax.set(xscale="log", yscale="log", xlabel="devices", ylabel="time per epoch (s)")
    powers = [2**i for i in range(int(max(devices)).bit_length())]
    ax.set_xticks(powers, powers)
    ax.minorticks_off()
    ax.legend(fontsize=9, loc="upper center", bbox_to_anchor=(0.5, -0.15), ncols=2)
