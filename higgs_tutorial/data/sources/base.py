"""What every kind of file offers its readers: columns, perhaps with names, in blocks of events."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from higgs_tutorial.data.columns import check_distinct
from higgs_tutorial.data.csv.rows import REPORTED, Rows
from higgs_tutorial.safe_text import one_line

BLOCK_ROWS = 20_000
SAMPLED = 1000


class Source(Protocol):
    """An opened table.

    Attributes:
        file: what messages call it: the file's path, with ``:tree`` where one table of several is meant.
        names: of the columns; None if they have none.
        count: number of columns.
        index: names of columns that the file says are an index.
        rows: number of events; None if that is not known in advance.
    """

    file: str
    names: list[str] | None
    count: int
    index: Sequence[str]
    rows: int | None

    def spelled(self, name: str) -> str:
        """Return how this kind of file spells a column's name."""

    def kind(self, place: int) -> str | None:
        """Return what the column at ``place`` holds, if that is anything but numbers; ``"bool"`` of truth values."""

    def sample(self, place: int) -> Sequence:
        """Return the first values of the column at ``place``."""

    def blocks(self, places: Sequence[int], aside: Sequence[int] = ()) -> Iterator[Rows]:
        """Yield the events, once, in order, with the columns at ``places``.

        Those at the places ``aside`` come as `Rows.aside`: what is wrong in them makes no event unusable.

        Raises:
            ValueError: if a column at ``places`` does not hold numbers, or the file is damaged or cut off.
        """


class Columns(ABC):
    """A `Source` whose values a library hands out as NumPy arrays."""

    file: str
    names: list[str] | None
    count: int
    index: Sequence[str] = ()
    rows: int | None

    @abstractmethod
    def kind(self, place: int) -> str | None:
        """See `Source.kind`."""

    @abstractmethod
    def values(self, places: Sequence[int], size: int) -> Iterator[NDArray]:
        """Yield the numbers in the columns at ``places``, ``[n, k]`` with n up to ``size`` at a time."""

    def spelled(self, name: str) -> str:
        """See `Source.spelled`."""
        return name

    def sample(self, place: int) -> Sequence:
        """See `Source.sample`."""
        self._check_distinct([place])
        if self.kind(place) not in (None, "bool"):
            return []
        return next((block[:, 0].tolist() for block in self.values([place], SAMPLED)), [])

    def blocks(self, places: Sequence[int], aside: Sequence[int] = ()) -> Iterator[Rows]:
        """See `Source.blocks`."""
        self._check_distinct(places)
        for place in places:
            if kind := self.kind(place):
                called = place + 1 if self.names is None else repr(self.names[place])
                raise ValueError(f"{self.file}: column {called} holds {kind} and not numbers")
        return self._blocks([*places], [*aside])

    def _blocks(self, places: list[int], aside: list[int]) -> Iterator[Rows]:
        called, done, k = [self._called(place) for place in places], 0, len(places)
        for values in self.values(places + aside, BLOCK_ROWS):
            rows = checked(self.file, values[:, :k], done + 1, called)
            rows.aside = to_float32(values[:, k:])
            yield rows
            done += len(values)

    def _check_distinct(self, places: Sequence[int]) -> None:
        if self.names is not None:
            check_distinct(self.file, self.names, places)

    def _called(self, place: int) -> str:
        return f"{place + 1}" if self.names is None else self.names[place]


def checked(file: str, values: NDArray, first: int, called: Sequence[str]) -> Rows:
    """Convert ``values`` ``[n, k]`` to float32 and find the rows with one that is missing, not finite or too large.

    Args:
        file: for the messages.
        values: numbers of any kind.
        first: the number of the first row, from 1.
        called: what the messages call the columns.
    """
    x = to_float32(values)
    rows, wrong = Rows(x), ~np.isfinite(x)
    bad = np.flatnonzero(wrong.any(axis=1))
    for i in bad[:REPORTED]:
        column = int(np.argmax(wrong[i]))
        problem = "does not fit float32" if np.isfinite(values[i, column]) else "is missing or not finite"
        rows.refuse(
            int(i),
            f"{file}, row {first + i:,}: column {one_line(called[column])} {problem}: {values[i, column]}",
        )
    x[bad] = np.nan
    return rows


def to_float32(values: NDArray) -> NDArray:
    """Return a copy of ``values`` as float32; what is too large becomes infinite."""
    with np.errstate(over="ignore"):
        return values.astype(np.float32)
