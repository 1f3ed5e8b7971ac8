"""Pictures of notebook 04: the two processes, a detector, an event, the columns, and how close simulated ones are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from higgs_tutorial.plots import BACKGROUND, NEUTRAL, OKABE_ITO, SIGNAL

LEPTON, NEUTRINO, QUARK, BOTTOM = OKABE_ITO[2], "black", OKABE_ITO[4], OKABE_ITO[3]
PARTON_COLOURS = {
    "lepton": LEPTON,
    "neutrino": NEUTRINO,
    "quark_1": QUARK,
    "quark_2": QUARK,
    "bottom_1": BOTTOM,
    "bottom_2": BOTTOM,
}
Point = tuple[float, float]


def short(column: str) -> str:
    """Return a column's name, short enough for an axis.

    Example:
        >>> from higgs_tutorial.draw import higgs_data
        >>> higgs_data.short("missing_energy_phi")
        'missing_phi'
    """
    return column.replace("missing_energy", "missing")


def diagrams(heavy: float, charged: float, light: float, top: float) -> Figure:
    """Draw the Feynman diagrams of signal and background; the masses of H⁰, H±, h⁰ and t are in GeV.

    Example:
        >>> from higgs_tutorial.draw import higgs_data
        >>> figure = higgs_data.diagrams(heavy=425, charged=325, light=125, top=173)
        >>> [axes.get_title(loc="left").split(":")[0] for axes in figure.axes]
        ['Signal', 'Background']
    """
    figure, axes = plt.subplots(2, 1, figsize=(8.2, 7.2), layout="constrained")
    lines, labels = _signal(heavy, charged, light)
    _diagram(axes[0], lines, labels, "Signal: gg → H⁰ → W∓H± → W∓W±h⁰ → ℓν qq′ bb̄", SIGNAL)
    lines, labels = _background(top)
    _diagram(axes[1], lines, labels, "Background: gg → tt̄ → ℓν qq′ bb̄", BACKGROUND)
    return figure


def _signal(heavy: float, charged: float, light: float) -> tuple[list, list]:
    lines = [
        ((0, 3.4), (1.6, 2), "gluon"),
        ((0, 0.6), (1.6, 2), "gluon"),
        ((1.6, 2), (3.6, 2), "scalar"),
        ((3.6, 2), (6.6, 3.4), "W"),
        ((6.6, 3.4), (8.8, 3.9), "antifermion", LEPTON),
        ((6.6, 3.4), (8.8, 3.1), "fermion", NEUTRINO),
        ((3.6, 2), (5.2, 1.2), "scalar"),
        ((5.2, 1.2), (7.2, 2.0), "W"),
        ((7.2, 2.0), (8.8, 2.4), "fermion", QUARK),
        ((7.2, 2.0), (8.8, 1.65), "antifermion", QUARK),
        ((5.2, 1.2), (7.2, 0.5), "scalar"),
        ((7.2, 0.5), (8.8, 0.9), "fermion", BOTTOM),
        ((7.2, 0.5), (8.8, 0.1), "antifermion", BOTTOM),
    ]
    labels = [
        (-0.3, 3.4, "g"),
        (-0.3, 0.6, "g"),
        (2.6, 2.3, f"H⁰, {heavy:.0f} GeV"),
        (4.9, 3.1, "W∓"),
        (3.75, 1.2, f"H±, {charged:.0f} GeV"),
        (6.1, 2.0, "W±"),
        (5.5, 0.55, f"h⁰, {light:.0f} GeV"),
        (8.95, 3.9, "ℓ   lepton", LEPTON),
        (8.95, 3.1, "ν   missing energy", NEUTRINO),
        (8.95, 2.4, "q   jet", QUARK),
        (8.95, 1.65, "q′  jet", QUARK),
        (8.95, 0.9, "b   jet with b-tag", BOTTOM),
        (8.95, 0.1, "b̄   jet with b-tag", BOTTOM),
    ]
    return lines, labels


def _background(top: float) -> tuple[list, list]:
    lines = [
        ((0, 3.4), (1.6, 2), "gluon"),
        ((0, 0.6), (1.6, 2), "gluon"),
        ((1.6, 2), (3.2, 2), "gluon"),
        ((3.2, 2), (4.9, 3.2), "fermion"),
        ((3.2, 2), (4.9, 0.8), "antifermion"),
        ((4.9, 3.2), (8.8, 3.95), "fermion", BOTTOM),
        ((4.9, 3.2), (6.9, 2.8), "W"),
        ((6.9, 2.8), (8.8, 3.2), "antifermion", LEPTON),
        ((6.9, 2.8), (8.8, 2.45), "fermion", NEUTRINO),
        ((4.9, 0.8), (6.9, 1.2), "W"),
        ((6.9, 1.2), (8.8, 1.6), "fermion", QUARK),
        ((6.9, 1.2), (8.8, 0.85), "antifermion", QUARK),
        ((4.9, 0.8), (8.8, 0.1), "antifermion", BOTTOM),
    ]
    labels = [
        (-0.3, 3.4, "g"),
        (-0.3, 0.6, "g"),
        (2.4, 2.5, "g"),
        (3.5, 3.0, f"t, {top:.0f} GeV"),
        (3.5, 1.0, "t̄"),
        (5.9, 2.6, "W⁺"),
        (5.9, 1.4, "W⁻"),
        (8.95, 3.95, "b   jet with b-tag", BOTTOM),
        (8.95, 3.2, "ℓ   lepton", LEPTON),
        (8.95, 2.45, "ν   missing energy", NEUTRINO),
        (8.95, 1.6, "q   jet", QUARK),
        (8.95, 0.85, "q′  jet", QUARK),
        (8.95, 0.1, "b̄   jet with b-tag", BOTTOM),
    ]
    return lines, labels


def _diagram(axes: Axes, lines: Sequence, labels: Sequence, title: str, colour: str) -> None:
    for line in lines:
        _line(axes, *line)
    for corner in {line[0] for line in lines if line[0][0] > 0}:
        axes.plot(*corner, "o", color="black", ms=4)
    for x, y, text, *shade in labels:
        side = "left" if x > 8 else "center"
        axes.text(x, y, text, color=(*shade, "black")[0], ha=side, va="center", fontsize=12)
    axes.set_title(title, color=colour, loc="left", fontweight="bold")
    axes.set(xlim=(-0.5, 11.2), ylim=(-0.1, 4.3))
    axes.axis("off")


def _line(axes: Axes, start: Point, end: Point, kind: str, colour: str = NEUTRAL) -> None:
    """One line of a Feynman diagram: fermion or antifermion (arrow), scalar (dashed), W (wave), gluon (curls)."""
    start, along = np.array(start, float), np.subtract(end, start)
    length = np.hypot(*along)
    along = along / length
    across = np.array([-along[1], along[0]])
    t = np.linspace(0, 1, 400)[:, None]
    phase = 2 * np.pi * max(3, round(length / 0.26)) * t
    waves = {
        "W": (0, 0.09 * np.sin(phase)),
        "gluon": (0.11 * np.sin(phase), 0.11 * (1 - np.cos(phase))),
    }
    forward, sideways = waves.get(kind, (0, 0))
    points = start + (t * length + forward) * along + sideways * across
    axes.plot(*points.T, color=colour, lw=1.8, ls="--" if kind == "scalar" else "-", solid_capstyle="round")
    if "fermion" in kind:
        step = (-0.08 if kind == "antifermion" else 0.08) * along
        middle = start + 0.55 * length * along
        arrow = {"arrowstyle": "-|>", "color": colour, "mutation_scale": 14, "lw": 0}
        axes.annotate("", middle + step, middle - step, arrowprops=arrow)


def detector() -> Figure:
    """Draw how far each kind of particle gets in a detector, and what pseudorapidity is.

    Example:
        >>> from higgs_tutorial.draw import higgs_data
        >>> [axes.get_title() for axes in higgs_data.detector().axes]
        ['How far a particle gets', 'Pseudorapidity η']
    """
    figure, axes = plt.subplots(1, 2, figsize=(8.2, 4.0), width_ratios=[2.15, 1], layout="constrained")
    _layers(axes[0])
    _tracks(axes[0])
    _pseudorapidity(axes[1])
    return figure


def _layers(axes: Axes) -> None:
    ends = (0, 3, 5, 7.2, 9.5)
    names = ("tracker", "electro-\nmagnetic\ncalorimeter", "hadronic\ncalorimeter", "muon\nchambers")
    shades = ("#ffffff", "#eeeeee", "#dddddd", "#eeeeee")
    for start, end, name, shade in zip(ends, ends[1:], names, shades, strict=False):
        axes.axvspan(start, end, color=shade, lw=0, zorder=0)
        axes.text((start + end) / 2, 5.1, name, ha="center", va="center", fontsize=9)
    particles = [
        "neutrino\n(missing energy)",
        "b quark\n(jet, b-tag)",
        "quark\n(jet)",
        "muon\n(lepton)",
        "electron\n(lepton)",
    ]
    axes.set(yticks=range(5), yticklabels=particles, xticks=[], xlim=(0, 9.5), ylim=(-0.5, 5.7))
    axes.set(title="How far a particle gets", xlabel="distance from the collision (not to scale) →")
    axes.grid(False)
    axes.tick_params(length=0)


def _tracks(axes: Axes) -> None:
    def shower(x: float, y: float, length: float, width: float, colour: str) -> None:
        corners = [x, x + length, x + length], [y, y + width, y - width]
        axes.fill(*corners, color=colour, alpha=0.55, lw=0)

    axes.plot([0, 3.1], [4, 4], color=LEPTON)
    shower(3.1, 4, 1.6, 0.25, LEPTON)
    axes.plot([0, 9.5], [3, 3], color=LEPTON)
    for slope in (-0.09, -0.03, 0.03, 0.09):
        axes.plot([0, 3.1], [2, 2 + 3.1 * slope], color=QUARK, lw=1.4)
        axes.plot([0.7, 3.1], [1, 1 + 2.4 * 1.2 * slope], color=BOTTOM, lw=1.4)
    axes.plot([0, 0.7], [1, 1], ":", color=BOTTOM, lw=1.4)
    axes.plot(0.7, 1, "o", color=BOTTOM, ms=6)
    axes.text(0.1, 1.18, "b hadron", color=BOTTOM, fontsize=8)
    for y, colour in ((2, QUARK), (1, BOTTOM)):
        shower(3.1, y + 0.15, 1.6, 0.2, colour)
        shower(3.6, y - 0.05, 3.3, 0.33, colour)
    axes.plot([0, 9.5], [0, 0], "--", color=NEUTRINO, lw=1.4)


def _pseudorapidity(axes: Axes) -> None:
    for eta in (0, 0.5, 1, 1.5, 2, 3):
        theta = 2 * np.arctan(np.exp(-eta))
        end = np.array([np.cos(theta), np.sin(theta)])
        axes.plot([0, end[0]], [0, end[1]], color=NEUTRAL, lw=1.5)
        place = ("center", "bottom") if eta == 0 else ("left", "center")
        axes.text(*(1.06 * end), f"{eta:g}", ha=place[0], va=place[1], fontsize=10)
    beam = {"arrowstyle": "->", "color": "black", "lw": 2}
    axes.annotate("", (1.3, 0), (-0.1, 0), arrowprops=beam)
    axes.text(0.65, -0.09, "beam", ha="center", fontsize=10)
    axes.set(xlim=(-0.12, 1.32), ylim=(-0.2, 1.2), title="Pseudorapidity η", aspect="equal")
    axes.axis("off")


def event(
    axes: Axes, partons: Mapping[str, NDArray], measured: Mapping[str, Any], reach: float = 135
) -> None:
    """Draw one event across the beam: what was measured as arrows, the six partons as pale bars behind them.

    Args:
        axes: where to draw.
        partons: four-vectors ``[4]`` = (E, px, py, pz) in GeV, by name.
        measured: an event of `higgs_tutorial.physics.simulate.example_events`: lepton, missing energy and jets ``[8]``.
        reach: what the axes go to, in GeV.

    Example:
        >>> import matplotlib.pyplot as plt
        >>> from higgs_tutorial.draw import higgs_data
        >>> from higgs_tutorial.physics.simulate import example_events
        >>> one = [{key: value[..., 0] for key, value in part.items()} for part in example_events(1, signal=True)]
        >>> figure, axes = plt.subplots()
        >>> higgs_data.event(axes, *one)
        >>> [text.get_text() for text in axes.texts if "lepton" in text.get_text()]
        ['lepton']
    """
    for name, colour in PARTON_COLOURS.items():
        _, px, py, _ = partons[name]
        axes.plot([0, px], [0, py], color=colour, lw=10, alpha=0.25, solid_capstyle="butt")
    bars = np.array([partons[name][1:3] for name in PARTON_COLOURS])  # [6, 2]
    for text, pt, phi, colour, line in _arrows(measured):
        _arrow(axes, pt, phi, colour, line)
        _label(axes, text, pt, phi, colour, bars)
    limits = (-reach, reach)
    axes.set(xlim=limits, ylim=limits, aspect="equal")
    axes.set(xlabel="momentum x [GeV]", ylabel="momentum y [GeV]")
    axes.locator_params(nbins=5)


def _arrows(measured: Mapping[str, Any]) -> list[tuple[str, float, float, str, str]]:
    """Label, pT, φ, colour and kind of line of all that was measured."""
    arrows = [
        ("lepton", measured["lepton_pt"], measured["lepton_phi"], LEPTON, "-"),
        ("missing\nenergy", measured["missing_pt"], measured["missing_phi"], NEUTRINO, "--"),
    ]
    jets = zip(*(measured[f"jet_{value}"] for value in ("pt", "phi", "tag")), strict=True)
    for number, (pt, phi, tag) in enumerate(jets, start=1):
        text = f"jet {number}" + (", b-tag" if tag else "") + ("\n(not in the file)" if number > 4 else "")
        if pt > 0:
            arrows.append((text, pt, phi, BOTTOM if tag else QUARK, "-" if number <= 4 else ":"))
    return arrows


def _arrow(axes: Axes, pt: float, phi: float, colour: str, line: str) -> None:
    tip = pt * np.array([np.cos(phi), np.sin(phi)])
    axes.plot([0, 0.93 * tip[0]], [0, 0.93 * tip[1]], line, color=colour, lw=2.4, solid_capstyle="butt")
    head = {"arrowstyle": "-|>", "color": colour, "lw": 0, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 22}
    axes.annotate("", tip, 0.8 * tip, arrowprops=head)


def _label(axes: Axes, text: str, pt: float, phi: float, colour: str, bars: NDArray) -> None:
    """Write beyond the arrow and beyond every bar that points nearly the same way."""
    off = (np.arctan2(bars[:, 1], bars[:, 0]) - phi + np.pi) % (2 * np.pi) - np.pi
    far = max([pt, *np.hypot(*bars.T)[np.abs(off) < 0.35]]) + 7
    right, up = np.cos(phi), np.sin(phi)
    side = "left" if right > 0.5 else "right" if right < -0.5 else "center"
    level = "bottom" if up > 0.5 else "top" if up < -0.5 else "center"
    axes.text(far * right, far * up, text, color=colour, ha=side, va=level, fontsize=9.5)


def columns(physical: ArrayLike, y: ArrayLike, units: Mapping[str, str], title: str) -> Figure:
    """Draw the histogram of each column for signal and background, a panel a column, a row for each jet.

    Args:
        physical: columns in physical units ``[n, 28]``.
        y: labels ``[n]``.
        units: for each column by its name ``"GeV"``, ``"rad"``, ``"1"`` (η), or else a b-tag.
        title: what the events are.

    Example:
        >>> from higgs_tutorial import features, simulate
        >>> from higgs_tutorial.draw import higgs_data
        >>> x, y = simulate(500)
        >>> units = dict.fromkeys(features.COLUMNS, "GeV")
        >>> figure = higgs_data.columns(features.to_physical(x), y, units, "simulated events")
        >>> len(figure.axes), figure.axes[-1].get_title()
        (28, 'm_wwbb')
    """
    physical, y = np.asarray(physical), np.asarray(y)
    names = list(units)
    missing_phi = names.index("missing_energy_phi")
    places = [i for i in range(21) if i != missing_phi] + [missing_phi, *range(21, 28)]
    figure, grid = plt.subplots(7, 4, figsize=(8.2, 12.5), layout="constrained")
    for i, axes in zip(places, grid.flat, strict=True):
        _column(axes, physical[:, i], y, units[names[i]])
        axes.set_title(short(names[i]), fontsize=10, fontweight="bold" if i > 20 else None)
    handles, classes = grid.flat[0].get_legend_handles_labels()
    figure.legend(handles, classes, loc="outside upper center", ncols=2, fontsize=11, title=title)
    return figure


def _column(axes: Axes, values: NDArray, y: NDArray, unit: str) -> None:
    bins = _bins(values, unit)
    for label, name, colour in ((1, "signal", SIGNAL), (0, "background", BACKGROUND)):
        style = {"color": colour, "density": True}
        if label == 0:
            axes.hist(values[y == 0], bins, histtype="stepfilled", alpha=0.25, label=name, **style)
        line = {"lw": 1.2} if label == 0 else {"lw": 1.6, "label": name}
        axes.hist(values[y == label], bins, histtype="step", **line, **style)
    names = {"GeV": "GeV", "rad": "φ [rad]", "1": "η"}
    axes.set_xlabel(names.get(unit, "tag"), fontsize=9, labelpad=1)
    axes.tick_params(labelsize=8)
    axes.set_yticks([])
    axes.grid(False)


def _bins(values: NDArray, unit: str) -> NDArray:
    if unit == "rad":
        return np.linspace(-np.pi, np.pi, 41)
    if unit == "1":
        return np.linspace(-3.2, 3.2, 41)
    if unit != "GeV":
        return np.arange(-0.5, 3)
    low, high = np.percentile(values, [0.1, 99])
    return np.linspace(min(low, 0) if low < 20 else low, high, 41)


def fidelity(
    distance: Mapping[str, Mapping[str, float]], floor: Mapping[str, Mapping[str, float]], title: str
) -> Figure:
    """Draw the Kolmogorov-Smirnov distances of simulated from HIGGS events, column by column, beside their floor.

    Args:
        distance: for ``"signal"`` and ``"background"`` the distance of each column, by its name.
        floor: the same between two samples of simulated events: what chance does.
        title: what was compared.

    Example:
        >>> from higgs_tutorial.draw import higgs_data
        >>> near, far = {"m_bb": 0.01, "m_jj": 0.01}, {"m_bb": 0.03, "m_jj": 0.02}
        >>> distance, floor = {"signal": far, "background": far}, {"signal": near, "background": near}
        >>> figure = higgs_data.fidelity(distance, floor, "a test")
        >>> [axes.get_title() for axes in figure.axes]
        ['signal', 'background']
    """
    figure, axes = plt.subplots(2, 1, figsize=(8.2, 6.2), sharex=True, sharey=True, layout="constrained")
    for axis, name, colour in zip(axes, ("signal", "background"), (SIGNAL, BACKGROUND), strict=True):
        far, least = list(distance[name].values()), list(floor[name].values())
        axis.vlines(range(len(far)), least, far, color=colour, lw=1, alpha=0.5)
        axis.plot(far, "s", color=colour, label="simulated against HIGGS")
        axis.plot(least, "o", mfc="white", color=colour, label="simulated against simulated (chance)")
        axis.set_ylabel("distance")
        axis.set_title(name, fontsize=11)
        axis.legend(fontsize=9, loc="upper left", ncols=2)
    axes[0].set_ylim(0, 1.3 * max(max(values.values()) for values in (*distance.values(), *floor.values())))
    axes[1].set_xticks(range(len(far)), map(short, distance[name]), rotation=90, fontsize=9)
    figure.suptitle(title, fontsize=12)
    return figure


def pairs(
    signal: ArrayLike, background: ArrayLike, wins: ArrayLike, rates: tuple[ArrayLike, ArrayLike]
) -> Figure:
    """Draw a few events by their scores, and the table of their pairs with the ROC curve along its border.

    Args:
        signal: scores of the signal events, the best first ``[s]``.
        background: scores of the background events, the best first ``[b]``.
        wins: how far the signal wins each pair: 1, 1/2 for a tie, or 0 ``[s, b]``.
        rates: the curve: the shares of the background and of the signal that pass.

    Example:
        >>> from higgs_tutorial.draw import higgs_data
        >>> figure = higgs_data.pairs([0.9, 0.4], [0.5], [[1.0], [0.0]], ([0, 0, 1, 1], [0, 0.5, 0.5, 1]))
        >>> figure.axes[1].get_title()
        '1 of 2 pairs: AUC 0.500'
    """
    signal, background, wins = np.asarray(signal), np.asarray(background), np.asarray(wins)
    rows, columns = wins.shape
    shape = {"width_ratios": [1, 1.5], "layout": "constrained"}
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.2, 4.2), **shape)
    left.plot(np.zeros(columns), background, "s", color=BACKGROUND, ms=9)
    left.plot(np.ones(rows), signal, "o", color=SIGNAL, ms=9)
    left.set(xticks=[0, 1], xticklabels=["background", "signal"], xlim=(-0.5, 1.5))
    left.set(ylabel="score", title=f"{rows + columns} events")
    left.grid(axis="x", visible=False)

    cells = {"cmap": "Oranges", "vmin": 0, "vmax": 1.8, "edgecolor": "white", "lw": 2}
    right.pcolormesh(np.arange(columns + 1), np.arange(rows + 1), wins, **cells)
    path = {"color": "black", "lw": 3, "marker": "o", "ms": 5, "clip_on": False}
    right.plot(columns * np.asarray(rates[0]), rows * np.asarray(rates[1]), **path)
    right.set_xticks(np.arange(columns) + 0.5, background)
    right.set_yticks(np.arange(rows) + 0.5, signal)
    right.set(xlabel="background, best score first", ylabel="signal, best score first")
    right.set_title(f"{wins.sum():g} of {wins.size} pairs: AUC {wins.mean():.3f}")
    right.set_aspect("equal")
    right.grid(visible=False)
    return figure


def scores(
    curves: Mapping[str, tuple[ArrayLike, ArrayLike]], areas: Mapping[str, float], title: str
) -> Figure:
    """Draw the ROC curves of a few scores, and the AUCs of more of them as bars, the last one marked.

    Args:
        curves: for each score the shares of the background and of the signal above the threshold.
        areas: the AUC of each score, those of ``curves`` among them, from the bottom up.
        title: what the events are.

    Example:
        >>> from higgs_tutorial.draw import higgs_data
        >>> figure = higgs_data.scores({"m_bb": ([0, 0.2, 1], [0, 0.8, 1])}, {"m_bb": 0.8}, "a test")
        >>> [axes.get_title() for axes in figure.axes]
        ['ROC curves and their AUC', 'One column as the score']
    """
    shape = {"width_ratios": [1.25, 1], "layout": "constrained"}
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.2, 4.6), **shape)
    left.plot([0, 1], [0, 1], ":", color=NEUTRAL, label="guessing: 0.50")
    for (name, rates), colour in zip(curves.items(), OKABE_ITO[2:], strict=False):
        left.plot(*rates, color=colour, label=f"{name}: {areas[name]:.3f}")
    left.set(xlabel="share of the background above the threshold")
    left.set(ylabel="share of the signal above it", title="ROC curves and their AUC")
    left.legend(fontsize=10, loc="lower right")
    right.barh(list(areas), list(areas.values()), color=[OKABE_ITO[5]] * (len(areas) - 1) + [OKABE_ITO[2]])
    right.set(xlim=(0.5, None), xlabel="AUC", title="One column as the score")
    right.tick_params(axis="y", labelsize=9)
    right.grid(axis="y", visible=False)
    figure.suptitle(title, fontsize=11)
    return figure
