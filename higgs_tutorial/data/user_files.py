"""Events of any origin as a stream of float32 features, with their labels and weights if they have any.

Columns with names are taken by the model's names if it has any; else by place, in the model's order (`columns.choose`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from higgs_tutorial.data.columns import Choice, choose
from higgs_tutorial.data.csv.edges import is_number
from higgs_tutorial.data.csv.rows import Rows
from higgs_tutorial.data.sources.base import Source
from higgs_tutorial.data.sources.opening import open_source
from higgs_tutorial.data.sources.several import Location


@dataclass
class Table:
    """An opened file.

    Attributes:
        named: whether its columns have names.
        choice: which of its columns are the features.
        blocks: the events, read as they are asked for.
        rows: how many there are; None if that is not known in advance.
        label: what the label is called, if the events have one that is 0 or 1; its values are in `Rows.aside`.
        weight: the same of the weight.
        no_label: why what seems to be a label is none; empty if nothing does.
    """

    named: bool
    choice: Choice
    blocks: Iterator[Rows]
    rows: int | None
    label: str | None = None
    weight: str | None = None
    no_label: str = ""


def open_table(file: Location, features: int, columns: Sequence[str] | None = None) -> Table:
    """Open ``file`` for a model of ``features`` columns, which may have names.

    Raises:
        FileNotFoundError: if there is no such file.
        ImportError: if what reads this kind of file is not installed.
        ValueError: if it is of no known kind, or its columns do not fit the model; later, while the blocks
            are read, if it is damaged or cut off.
    """
    source = open_source(file, features)
    if columns is not None and source.names is not None:
        columns = [source.spelled(name) for name in columns]
    choice = choose(source.file, source.count, source.names, features, columns, source.sample, source.index)
    no_label = "" if choice.label is None else _no_label(source, choice.label)
    label = None if no_label else choice.label
    weight = choice.weight if label is not None and _holds_numbers(source, choice.weight) else None
    blocks = source.blocks(choice.places, [place for place in (label, weight) if place is not None])
    called = (_called(source, place) for place in (label, weight))
    return Table(source.names is not None, choice, blocks, source.rows, *called, no_label)


def is_signal(label: NDArray) -> NDArray:
    """Return 1 where ``label`` ``[n]`` is 1, 0 where it is 0 or -1, and NaN where it is anything else, ``[n]``."""
    return np.select([label == 1, (label == 0) | (label == -1)], [np.float32(1), np.float32(0)], np.nan)


def _called(source: Source, place: int | None) -> str | None:
    if place is None:
        return None
    return f"column {place + 1}" if source.names is None else repr(source.names[place])


def _no_label(source: Source, place: int) -> str:
    """Say why a column is no label of 0 and 1 (or -1 and 1), by its first values; else say nothing."""
    called, values = _called(source, place), source.sample(place)
    if kind := source.kind(place):
        return "" if kind == "bool" else f"{called} holds {kind}"
    for value in values:
        if not _is_missing(value) and not (is_number(str(value)) and float(value) in (-1, 0, 1)):
            return f"{called} holds {str(value)[:20]!r}, and not 0 and 1"
    return ""


def _holds_numbers(source: Source, place: int | None) -> bool:
    if place is None or source.kind(place) is not None:
        return False
    return all(_is_missing(value) or is_number(str(value)) for value in source.sample(place))


def _is_missing(value: object) -> bool:
    return str(value).strip().casefold() in ("", "none", "nan")
