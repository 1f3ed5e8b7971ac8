"""Notebook 01: a data flow graph drawn from its own operations, and when each of them ran.

An operation is anything with a ``name``, a ``type`` and ``inputs``, a sequence of tensors whose ``op`` made them:
what ``tf.Graph.get_operations()`` returns, or a stand-in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, PathPatch
from matplotlib.path import Path

from higgs_tutorial.plots import NEUTRAL

Places = dict[str, tuple[float, float]]
"""The middle of each box: its column, and minus its row."""

Ways = list[tuple[Any, list[str]]]
"""Each tensor with the names along its way: its operation, a waypoint in each row between, and who takes it."""


def name_and_type(operation: Any) -> str:
    r"""Return what an operation's box says: its name, and below it its type if that is another word.

    Example:
        >>> from types import SimpleNamespace
        >>> name_and_type(SimpleNamespace(name="layer/sum", type="AddV2"))
        'sum\nAddV2'
    """
    name = operation.name.split("/")[-1]
    return name if operation.type == name else f"{name}\n{operation.type}"


def graph(
    ax: Axes,
    operations: Iterable[Any],
    title: str,
    *,
    label: Callable[[Any], str] = name_and_type,
    colour: Callable[[Any], str] = lambda operation: "white",
    shapes: bool = True,
) -> None:
    """Draw ``operations`` from the top down: a box for each, an arrow for each tensor, marked with its shape.

    Args:
        ax: where to draw; its axes are hidden.
        operations: what to draw, each after those whose results it takes.
        title: the title.
        label: what a box says.
        colour: a box's colour.
        shapes: whether arrows are marked with the shapes of the tensors.
    """
    operations = list(operations)
    places, ways = arrange(operations)
    boxes = {}
    for operation in operations:
        style = {"boxstyle": "round,pad=0.4", "facecolor": colour(operation), "edgecolor": "black"}
        at = places[operation.name]
        text = ax.text(*at, label(operation), ha="center", va="center", fontsize=9, bbox=style)
        boxes[operation.name] = text.get_bbox_patch()
    for tensor, way in ways:
        middle = _arrow(
            ax, np.array([places[name] for name in way], dtype=float), boxes[way[0]], boxes[way[-1]]
        )
        if shapes:
            text = " × ".join(f"{size:,}" if size else "?" for size in tensor.shape) or "scalar"
            style = {"facecolor": "white", "edgecolor": "none", "pad": 1}
            ax.text(*middle, text, ha="center", va="center", fontsize=9, bbox=style, zorder=5)
    columns, rows = np.array(list(places.values())).T
    ax.set(xlim=(columns.min() - 0.6, columns.max() + 0.6), ylim=(rows.min() - 0.4, 0.4), title=title)
    ax.axis("off")


def _arrow(ax: Axes, points: np.ndarray, start: FancyBboxPatch, end: FancyBboxPatch) -> np.ndarray:
    """Draw an arrow through ``points`` ``[n, 2]`` and return where its mark goes."""
    middles = (points[1:] + points[:-1]) / 2
    arrow = {"arrowstyle": "-|>", "color": NEUTRAL, "lw": 1.5, "shrinkA": 0, "shrinkB": 0, "patchB": end}
    if len(points) == 2:
        begin, arrow["patchA"] = points[0], start
    else:  # a smooth curve along the waypoints, then the arrow's tip
        begin = middles[-1]
        curve = [points[0], *np.stack([points[1:-1], middles[1:]], axis=1).reshape(-1, 2)]
        codes = [Path.MOVETO] + [Path.CURVE3] * (len(curve) - 1)
        ax.add_patch(PathPatch(Path(curve, codes), fill=False, edgecolor=NEUTRAL, lw=1.5, zorder=1))
    ax.annotate("", points[-1], begin, arrowprops=arrow, zorder=4)
    return middles[len(middles) // 2]


def arrange(operations: Sequence[Any], sweeps: int = 50) -> tuple[Places, Ways]:
    """Return where each operation goes, and the way of each tensor between them."""
    row, edges = _rows(operations)
    ways, near = _ways(row, edges)
    column = _columns(row, near, {operation.name for operation in operations}, sweeps)
    return {name: (column[name], -row[name]) for name in row}, ways


def _rows(operations: Sequence[Any]) -> tuple[dict[str, int], list[tuple[Any, Any]]]:
    """Put each operation below the lowest of its inputs, and one without inputs just above who takes its result."""
    shown = {operation.name for operation in operations}
    edges = [(tensor, op) for op in operations for tensor in op.inputs if tensor.op.name in shown]
    row = {operation.name: 0 for operation in operations}
    for tensor, operation in edges:  # in the order of their creation: inputs first
        row[operation.name] = max(row[operation.name], row[tensor.op.name] + 1)
    fed = {operation.name for _, operation in edges}
    for operation in operations:
        if operation.name not in fed:
            takers = (row[op.name] for tensor, op in edges if tensor.op.name == operation.name)
            row[operation.name] = min(takers, default=1) - 1
    return row, edges


def _ways(row: dict[str, int], edges: Iterable[tuple[Any, Any]]) -> tuple[Ways, dict[str, list[str]]]:
    """Give a tensor that skips rows a waypoint in each (added to ``row``), so that no box lies on its way."""
    ways: Ways = []
    near: dict[str, list[str]] = {name: [] for name in row}
    for tensor, operation in edges:
        between = range(row[tensor.op.name] + 1, row[operation.name])
        waypoints = [f"{tensor.name} to {operation.name} {r}" for r in between]
        row.update(zip(waypoints, between, strict=True))
        way = [tensor.op.name, *waypoints, operation.name]
        for above, below in pairwise(way):
            near.setdefault(above, []).append(below)
            near.setdefault(below, []).append(above)
        ways.append((tensor, way))
    return ways, near


def _columns(
    row: Mapping[str, int], near: Mapping[str, list[str]], shown: set[str], sweeps: int
) -> dict[str, float]:
    """Order each row, then put everyone as near to its neighbours as the others' width allows."""
    from sklearn.isotonic import isotonic_regression

    rows = [[name for name in row if row[name] == r] for r in range(max(row.values()) + 1)]
    column: dict[str, float] = {}
    for members in rows:
        members.sort(key=lambda name: np.mean([column[o] for o in near[name] if o in column] or [0.0]))
        column.update((name, i - (len(members) - 1) / 2) for i, name in enumerate(members))
    for _ in range(sweeps):
        for members in rows:
            width = np.array([1.0 if name in shown else 0.5 for name in members])
            steps = np.cumsum(width) - width / 2
            wish = np.array([np.mean([column[o] for o in near[name]] or [column[name]]) for name in members])
            column.update(zip(members, isotonic_regression(wish - steps) + steps, strict=True))
    return column


def colour_key(fig: Figure, colours: Mapping[str, str]) -> None:
    """Say below the figure what each colour of a box means."""
    (ax, *_) = fig.axes
    for text, colour in colours.items():
        ax.scatter([], [], marker="s", s=120, facecolor=colour, edgecolor="black", label=text)
    fig.legend(loc="outside lower center", ncols=len(colours))


def timeline(
    ax: Axes, intervals: Mapping[str, Sequence[float]], colours: Mapping[str, str], title: str
) -> None:
    """Draw when each of several things began and ended, a row for each.

    Args:
        ax: where to draw.
        intervals: begin and end of each in ms, in the order of the rows from the top.
        colours: a colour for each of them.
        title: the title.
    """
    for i, (name, (begin, end)) in enumerate(intervals.items()):
        ax.barh(i, end - begin, left=begin, height=0.7, color=colours[name], edgecolor="black")
    ax.set_yticks(range(len(intervals)), list(intervals))
    ax.set(title=title, xlabel="time since the first one began (ms)")
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
