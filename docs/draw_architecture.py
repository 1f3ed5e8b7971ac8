"""Draw the package's rooms and the imports between them: `python docs/draw_architecture.py`.

It writes `docs/architecture-*.svg` from the imports themselves, which grimp reads without running them. The arrows
are those that matter: where A imports B and B imports C, an arrow from A to C would say nothing new.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterable
from graphlib import TopologicalSorter
from html import escape
from itertools import pairwise
from pathlib import Path

import grimp

DOCS = Path(__file__).resolve().parent
PACKAGE = "higgs_tutorial"
PICTURES = {"architecture-rooms.svg": PACKAGE, "architecture-networks.svg": f"{PACKAGE}.nn"}

Edges = dict[str, set[str]]
"""For each room the rooms that it imports."""

WORDS = 22  # letters in a line of a box
LETTER, LINE, GAP, ROW_GAP, EDGE = 6.6, 15, 24, 44, 12  # in pixels


def read_imports(package: str) -> tuple[Edges, dict[str, list[str]]]:
    """Return which part of ``package`` imports which other one, and the modules within each part."""
    graph = grimp.build_graph(PACKAGE, exclude_type_checking_imports=True, cache_dir=None)
    parts = {name for name in graph.find_children(package) if not name.endswith("__main__")}
    inside = {part: {part, *graph.find_children(part)} for part in parts}
    edges = {
        part: {other for other in parts - {part} if graph.direct_import_exists(
            importer=part, imported=other, as_packages=True)}
        for part in parts
    }  # fmt: skip
    short = {part: part.removeprefix(f"{package}.") for part in parts}
    modules = {
        short[part]: sorted(module.removeprefix(f"{part}.") for module in inside[part] - {part})
        for part in sorted(parts)
    }
    return {short[part]: {short[other] for other in edges[part]} for part in sorted(parts)}, modules


def reduce(edges: Edges) -> Edges:
    """Leave out each import of what is already imported by way of another part.

    Raises:
        graphlib.CycleError: if the parts import each other in a circle.
    """
    reached: Edges = {}
    for part in TopologicalSorter(edges).static_order():  # what is imported comes first
        reached[part] = edges[part].union(*(reached[other] for other in edges[part]))
    return {
        part: {other for other in others if not any(other in reached[third] for third in others)}
        for part, others in edges.items()
    }


def rows_of(edges: Edges) -> tuple[list[list[str]], list[list[str]]]:
    """Return the parts in rows, each above all that it imports, and the way of each arrow from row to row.

    An arrow over several rows has a name of its own in each row between, so that it finds a place there.
    """
    depth: dict[str, int] = {}
    for part in TopologicalSorter(edges).static_order():
        depth[part] = 1 + max((depth[other] for other in edges[part]), default=-1)
    rows: list[list[str]] = [[] for _ in range(max(depth.values()) + 1)]
    for part in sorted(edges):
        rows[depth[part]].append(part)
    ways = []
    for part in sorted(edges):
        for other in sorted(edges[part]):
            between = [f"{part}>{other}:{row}" for row in range(depth[part] - 1, depth[other], -1)]
            for name in between:
                rows[int(name.rpartition(":")[2])].append(name)
            ways.append([part, *between, other])
    return rows, ways


def arrange(rows: list[list[str]], ways: list[list[str]]) -> None:
    """Order each row so that fewer arrows cross: everything goes near the mean place of its neighbours."""
    neighbours: dict[str, list[str]] = {}
    for upper, lower in (step for way in ways for step in pairwise(way)):
        neighbours.setdefault(upper, []).append(lower)
        neighbours.setdefault(lower, []).append(upper)
    for sweep in range(24):
        place = {name: (i + 0.5) / len(row) for row in rows for i, name in enumerate(row)}
        row_number = {name: number for number, row in enumerate(rows) for name in row}
        up = sweep % 2 == 0

        def mean(name: str, place=place, row_number=row_number, up=up) -> float:
            seen = [n for n in neighbours.get(name, []) if (row_number[n] < row_number[name]) == up]
            return sum(place[n] for n in seen) / len(seen) if seen else place[name]

        for row in rows if up else rows[::-1]:
            row.sort(key=lambda name: (round(mean(name), 6), name))
            place.update({name: (i + 0.5) / len(row) for i, name in enumerate(row)})


def box_text(name: str, modules: Iterable[str]) -> list[str]:
    """Return the lines under the name in a box: the modules in it."""
    return textwrap.wrap(", ".join(modules), WORDS, break_long_words=False)


def draw(package: str) -> str:
    """Return the picture of ``package`` as SVG."""
    edges, modules = read_imports(package)
    rows, ways = rows_of(reduce(edges))
    arrange(rows, ways)
    text = {name: box_text(name, inner) for name, inner in modules.items()}
    size = {
        name: (max(map(len, [name, *lines])) * LETTER + 2 * EDGE, (1 + len(lines)) * LINE + EDGE)
        for name, lines in text.items()
    }
    widths = [sum(size.get(name, (EDGE, 0))[0] + GAP for name in row) - GAP for row in rows]
    width, top = max(widths) + 2 * GAP, float(GAP)
    box: dict[str, tuple[float, float, float, float]] = {}  # left, top, width, height
    for row, used in reversed(list(zip(rows, widths, strict=True))):
        left, tallest = (width - used) / 2, max(size.get(name, (0, 0))[1] for name in row)
        for name in row:
            wide, high = size.get(name, (EDGE, tallest))
            box[name] = (left, top, wide, high)
            left += wide + GAP
        top += tallest + ROW_GAP
    shapes = [_arrow([box[name] for name in way]) for way in ways]
    shapes += [_box(name, text[name], *box[name]) for name in sorted(text)]
    return _SVG.format(width=round(width), height=round(top - ROW_GAP + GAP), shapes="\n".join(shapes))


_SVG = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" \
font-family="sans-serif" font-size="12">
<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">\
<path d="M0 0L8 4L0 8z" fill="#0072B2"/></marker></defs>
<rect width="100%" height="100%" fill="white"/>
{shapes}
</svg>
"""


def _arrow(boxes: list[tuple[float, float, float, float]]) -> str:
    """Draw from the lower edge of the first box, through those between, to the upper edge of the last."""
    left, top, wide, high = boxes[0]
    x, y = left + wide / 2, top + high
    path = f"M{x:.0f} {y:.0f}"
    for number, (left, top, wide, high) in enumerate(boxes[1:], start=2):
        middle, bend = left + wide / 2, (top - y) / 2
        path += f"C{x:.0f} {y + bend:.0f} {middle:.0f} {top - bend:.0f} {middle:.0f} {top:.0f}"
        x, y = middle, top
        if number < len(boxes):
            y += high
            path += f"V{y:.0f}"
    return f'<path d="{path}" fill="none" stroke="#0072B2" stroke-width="1.4" marker-end="url(#tip)"/>'


def _box(name: str, lines: list[str], left: float, top: float, wide: float, high: float) -> str:
    middle, base = left + wide / 2, top + LINE + 2
    rows = [f'<tspan x="{middle:.0f}" dy="{LINE}">{escape(line)}</tspan>' for line in lines]
    return (
        f'<rect x="{left:.0f}" y="{top:.0f}" width="{wide:.0f}" height="{high:.0f}" rx="4" fill="#f4f7fa" '
        f'stroke="#333333"/>\n<text x="{middle:.0f}" y="{base:.0f}" text-anchor="middle" fill="#222222">'
        f'<tspan font-weight="bold">{escape(name)}</tspan>{"".join(rows)}</text>'
    )


def main() -> None:
    """Write the pictures."""
    for name, package in PICTURES.items():
        (DOCS / name).write_text(draw(package), encoding="utf-8")
        sys.stdout.write(f"docs/{name}\n")


if __name__ == "__main__":
    main()
