"""Every figure that the notebooks and the command line draw: one palette and one style.

The colours are Okabe and Ito's, which readers with any of the common colour vision deficiencies can tell
apart (M. Okabe, K. Ito, "Color Universal Design", 2008).
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import cycle, pairwise
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from higgs_tutorial import talk
from higgs_tutorial.files import written
from higgs_tutorial.recorded import recorded

OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")
SIGNAL, BACKGROUND, NEUTRAL = "#D55E00", "#0072B2", "#666666"
# Nine rungs are more than the palette has, and a thin line in its yellow can't be seen on white.
RUNG_LINES = dict(
    zip(
        talk.RUNGS,
        zip((*OKABE_ITO[:7], NEUTRAL, "#882255"), cycle(("-", "--", "-.", ":")), strict=False),
        strict=True,
    )
)
"""Colour and line style of each rung's curve, the same in every picture."""

STYLE = {
    "figure.figsize": (8.0, 4.5),
    "figure.dpi": 100,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "axes.facecolor": "white",
    "axes.prop_cycle": mpl.cycler(color=OKABE_ITO),
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 13,
    "axes.labelsize": 12,
    "grid.color": "#dddddd",
    "font.size": 11,
    "legend.frameon": False,
    "lines.linewidth": 2.0,
    "image.cmap": "viridis",
}


def use_style() -> None:
    """Set the project's figure style for the rest of the session; a notebook's first cell calls it.

    Example:
        >>> from higgs_tutorial import plots
        >>> import matplotlib as mpl
        >>> plots.use_style()
        >>> mpl.rcParams["axes.grid"], mpl.rcParams["figure.figsize"]
        (True, [8.0, 4.5])
    """
    mpl.rcParams.update(STYLE)


@contextmanager
def style() -> Iterator[None]:
    """Draw one figure in the project's style and leave the caller's settings as they were.

    Example:
        >>> import matplotlib.pyplot as plt
        >>> from higgs_tutorial import plots
        >>> with plots.style():
        ...     figure, axis = plt.subplots()
        >>> figure.get_size_inches().tolist()
        [8.0, 4.5]
    """
    with mpl.rc_context(STYLE):
        yield


def ladder(results: dict[str, Any]) -> Figure:
    """Draw the validation AUC after each epoch, a panel a rung, over the talk's recorded curve.

    Args:
        results: what `higgs_tutorial.ladder.run` returns and ``results.json`` holds.

    Example:
        >>> from higgs_tutorial import ladder, plots
        >>> figure = plots.ladder(ladder.recorded("quick"))
        >>> len(figure.axes), figure.axes[0].get_ylabel()
        (9, 'validation ROC AUC')
    """
    import matplotlib.pyplot as plt

    with style():
        return _draw_ladder(results, plt.figure)


def _draw_ladder(results: dict[str, Any], new_figure: Callable[..., Figure]) -> Figure:
    rungs = _begun(results)
    columns = min(3, len(rungs))
    rows = -(-len(rungs) // columns)
    figure = new_figure(figsize=(max(3.4 * columns + 0.6, 5.2), 2.5 * rows + 1.1), layout="constrained")
    axes = figure.subplots(rows, columns, sharey=True, squeeze=False)
    for axis in axes.flat[len(rungs) :]:
        axis.set_visible(False)
    for axis, rung in zip(axes.flat, rungs, strict=False):
        _draw_rung(axis, results, rung)
    for axis in axes[:, 0]:
        axis.set_ylabel("validation ROC AUC")
    for axis in axes[-1]:
        axis.set_xlabel("epoch")
    handles, labels = axes.flat[0].get_legend_handles_labels()
    train = results["events"]["train"]
    labels[1] += f", {train:,} to train on, seed {results['seed']}"
    figure.legend(handles, labels, loc="outside upper center", ncols=2 if columns == 3 else 1)
    return figure


def _draw_rung(axis: Axes, results: dict[str, Any], rung: dict[str, Any]) -> None:
    said, ours = rung["talk"]["valid_auc"], [epoch["valid_auc"] for epoch in rung["epochs"]]
    talk_label = "the talk: HIGGS, 10 million events"
    axis.plot(range(1, len(said) + 1), said, color=NEUTRAL, linestyle="--", label=talk_label)
    label = f"here: {_plain(results['data'])}"
    axis.plot(range(1, len(ours) + 1), ours, color=SIGNAL, marker="o", markersize=3.5, label=label)
    for member in rung.get("members", [])[1:]:
        auc = [epoch["valid_auc"] for epoch in member["epochs"]]
        axis.plot(range(1, len(auc) + 1), auc, color=SIGNAL, linewidth=0.8)
    final = rung.get("valid_auc", ours[-1])
    if "members" in rung:
        together = f"mean prediction of {len(rung['members'])} networks"
        axis.plot(len(ours), final, "*", color=SIGNAL, markersize=11, label=together)
    when = f"after {len(ours)}: " if is_cut_short(results, rung) else ""
    axis.set_title(
        f"{rung['name']}   {when}talk {talk_beside(results, rung):.3f}, here {final:.3f}", fontsize=10
    )
    axis.set_xlim(0, max(len(said), len(ours)) + 1)


def _plain(text: str) -> str:
    """Return ``text`` so that Matplotlib draws it as it is: no formula between dollar signs, only characters."""
    return text.encode("utf-8", "replace").decode().replace("$", r"\$")


def save_ladder(results: dict[str, Any], file: str | os.PathLike) -> None:
    """Draw `ladder` into a PNG file, under a temporary name until it is whole.

    Matplotlib's Agg draws it, whatever backend was chosen for windows.

    Example:
        >>> from pathlib import Path
        >>> from higgs_tutorial import ladder, plots
        >>> plots.save_ladder(ladder.recorded("quick"), "ladder.png")
        >>> Path("ladder.png").read_bytes()[1:4]
        b'PNG'
    """
    _save(_draw_ladder, results, file)


def _save(
    draw: Callable[[dict[str, Any], Callable[..., Figure]], Figure],
    results: dict[str, Any],
    file: str | os.PathLike,
) -> None:
    with mpl.rc_context({**STYLE, "text.usetex": False}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # of a file's name: drawn as a box
        figure = draw(results, Figure)
        with written(file) as part:
            FigureCanvasAgg(figure).print_figure(part, dpi=120, format="png")


def staircase(results: dict[str, Any]) -> Figure:
    """Draw the climb at one look: a step a rung, as high as its validation AUC, the training AUC and the talk's beside.

    Args:
        results: what `higgs_tutorial.ladder.run` returns and ``results.json`` holds. A rung that is not finished has no
            training AUC yet, and one without an epoch is left out.

    Raises:
        ValueError: if no rung has an epoch.

    Example:
        >>> from higgs_tutorial import ladder, plots
        >>> figure = plots.staircase(ladder.recorded("quick"))
        >>> [text.get_text().splitlines()[0] for text in figure.axes[0].get_xticklabels()][:2]
        ['logistic', 'nn-1x100']
    """
    import matplotlib.pyplot as plt

    with style():
        return _draw_staircase(results, plt.figure)


def save_staircase(results: dict[str, Any], file: str | os.PathLike) -> None:
    """Draw `staircase` into a PNG file, as `save_ladder` does.

    Raises:
        ValueError: if no rung has an epoch.

    Example:
        >>> from pathlib import Path
        >>> from higgs_tutorial import ladder, plots
        >>> plots.save_staircase(ladder.recorded("quick"), "staircase.png")
        >>> Path("staircase.png").read_bytes()[1:4]
        b'PNG'
    """
    _save(_draw_staircase, results, file)


def _draw_staircase(results: dict[str, Any], new_figure: Callable[..., Figure]) -> Figure:
    rungs = _begun(results)
    figure = new_figure(figsize=(max(1.22 * len(rungs) + 0.9, 6.0), 5.0), layout="constrained")
    axis = figure.subplots()
    ours = [rung.get("valid_auc", rung["epochs"][-1]["valid_auc"]) for rung in rungs]
    said = [talk_beside(results, rung) for rung in rungs]
    whole = [not is_cut_short(results, rung) for rung in rungs]
    for place, rung in enumerate(rungs):
        aucs = ours[place], rung.get("train_auc"), said[place]
        _draw_step(axis, place, *aucs, label=place == 0, whole=whole[place])
    for place, (low, high) in enumerate(pairwise(ours)):
        if whole[place] and whole[place + 1]:
            axis.plot([place + 0.5] * 2, [low, high], color=SIGNAL, linewidth=2)
    lowest = min(auc for auc in (*ours, *said) if auc is not None)
    axis.set_ylim(bottom=lowest - 0.04)
    axis.set_xlim(-0.5, len(rungs) - 0.5)
    axis.set_xticks(range(len(rungs)), [_step_name(results, rung) for rung in rungs], fontsize=8.5)
    axis.grid(visible=False, axis="x")
    axis.set_ylabel("ROC AUC after the last epoch")
    counts, seed = results["events"], results["seed"]
    here = f"{_plain(results['data'])}, {counts['train']:,} to train on, seed {seed}"
    axis.set_title(
        f"The talk: HIGGS, {talk.EVENTS['train']:,} events to train on\nHere: {here}", fontsize=10.5
    )
    axis.legend(loc="upper left")
    return figure


def _draw_step(
    axis: Axes,
    place: int,
    valid: float,
    train: float | None,
    said: float | None,
    *,
    label: bool,
    whole: bool,
) -> None:
    """Draw one step: its tread at the validation AUC, the gap to the training AUC above it, the talk's dashed.

    The step of a rung that was cut short is fainter.
    """
    sides = [place - 0.5, place + 0.5]

    def named(text: str) -> str | None:
        return text if label else None

    axis.fill_between(sides, 0, valid, color=SIGNAL, alpha=0.12 if whole else 0.04, linewidth=0)
    axis.plot(
        sides, [valid] * 2, color=SIGNAL, linewidth=2.5 if whole else 1.2, label=named("here, validation")
    )
    if train is not None:
        axis.fill_between(sides, valid, train, color=BACKGROUND, alpha=0.2, linewidth=0)
        axis.plot(sides, [train] * 2, color=BACKGROUND, linewidth=1.2, label=named("here, training"))
    if said is not None:
        axis.plot(sides, [said] * 2, "--", color=NEUTRAL, linewidth=1.5, label=named("the talk, validation"))
    lines = [auc for auc in (valid, train, said) if auc is not None]
    # above and below all the lines of the step, which can lie closer together than a number is high
    for auc, height, away, color in ((valid, min(lines), -14, SIGNAL), (said, max(lines), 5, NEUTRAL)):
        if auc is not None:
            place_of = {"xytext": (0, away), "textcoords": "offset points", "ha": "center"}
            axis.annotate(f"{auc:.3f}", (place, height), color=color, fontsize=9.5, weight="bold", **place_of)


def _step_name(results: dict[str, Any], rung: dict[str, Any]) -> str:
    """Return a rung's name and, where the talk has it, what it adds; and how far it got, if it was cut short."""
    name = rung["name"]
    lines = [_plain(name), talk.RUNGS[name].idea if name in talk.RUNGS else ""]
    if is_cut_short(results, rung):
        lines.append(f"both after {len(rung['epochs'])}\nof {len(rung['talk']['valid_auc'])} epochs")
    return "\n".join(lines)


def is_cut_short(results: dict[str, Any], rung: dict[str, Any]) -> bool:
    """Say whether a rung of a run in the talk's profile has fewer epochs than the talk's.

    Args:
        results: the run, as ``results.json`` holds it.
        rung: the record of one of its rungs.

    Example:
        >>> from higgs_tutorial import ladder, plots
        >>> scale = ladder.recorded("talk-scale")
        >>> plots.is_cut_short(scale, scale["rungs"][0])
        False
    """
    said = rung["talk"]["valid_auc"] if rung.get("talk") else []
    return results.get("profile") == "talk" and len(rung["epochs"]) < len(said)


def talk_beside(results: dict[str, Any], rung: dict[str, Any]) -> float | None:
    """Return the talk's last validation AUC or, of a rung that was cut short, the one after as many epochs.

    Args:
        results: the run, as ``results.json`` holds it.
        rung: the record of one of its rungs; without the talk's AUCs there is None.

    Example:
        >>> from higgs_tutorial import ladder, plots
        >>> scale = ladder.recorded("talk-scale")
        >>> plots.talk_beside(scale, scale["rungs"][0])
        0.686
        >>> shorter = {**scale["rungs"][0], "epochs": scale["rungs"][0]["epochs"][:2]}
        >>> plots.is_cut_short(scale, shorter), plots.talk_beside(scale, shorter)
        (True, 0.673)
    """
    if not rung.get("talk"):
        return None
    said = rung["talk"]["valid_auc"]
    return said[len(rung["epochs"]) - 1] if is_cut_short(results, rung) else said[-1]


def _begun(results: dict[str, Any]) -> list[dict[str, Any]]:
    rungs = [rung for rung in results["rungs"] if rung["epochs"]]
    if not rungs:
        raise ValueError("no rung has an epoch yet: there is nothing to draw")
    return rungs


def curves_so_far(here: Mapping[str, Sequence[float]], data: str, *, lowest: float | None = None) -> Figure:
    """Draw validation AUCs after each epoch in three panels: the talk's, ours at the talk's size, and yours.

    A rung has one colour in all three and in all notebooks. The middle panel is the recorded run ``"talk-scale"``; it
    has those of the rungs that were run at that size.

    Args:
        here: for each rung, by its name in the ladder, your AUC after each epoch.
        data: what yours were measured on, in words, such as ``"simulated events"``.
        lowest: where the axis of the AUC begins, to see the upper rungs closely; by default it holds all curves.

    Example:
        >>> from higgs_tutorial import plots
        >>> aucs = {"logistic": [0.61, 0.63], "nn-1x100": [0.62, 0.66]}
        >>> figure = plots.curves_so_far(aucs, "simulated events")
        >>> [axis.get_title().splitlines()[0] for axis in figure.axes]
        ['the talk', "ours at the talk's size", 'yours']
    """
    import matplotlib.pyplot as plt

    with style():
        figure, axes = plt.subplots(1, 3, figsize=(10.5, 4.6), sharey=True, layout="constrained")
        for axis, (title, curves) in zip(axes, _so_far(here, data).items(), strict=True):
            for name, (color, line) in RUNG_LINES.items():
                if name in here and name in curves:
                    auc = curves[name]
                    axis.plot(range(1, len(auc) + 1), auc, color=color, linestyle=line, label=name)
            axis.set_title(title, fontsize=11)
            axis.set_xlabel("epoch")
            axis.xaxis.get_major_locator().set_params(integer=True)
        axes[0].set_ylabel("validation ROC AUC")
        if lowest is not None:
            axes[0].set_ylim(bottom=lowest)
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right center")
    return figure


def _so_far(here: Mapping[str, Sequence[float]], data: str) -> dict[str, Mapping[str, Sequence[float]]]:
    """Return the curves of each panel under its title."""
    scale = recorded("talk-scale")
    ours = {rung["name"]: [epoch["valid_auc"] for epoch in rung["epochs"]] for rung in scale["rungs"]}
    return {
        "the talk\nHIGGS, 10 million events": {name: talk.RUNGS[name].valid_auc for name in here},
        f"ours at the talk's size\n{scale['data']}, {scale['events']['train'] / 1e6:.0f} million": ours,
        f"yours\n{_plain(data)}": here,
    }
