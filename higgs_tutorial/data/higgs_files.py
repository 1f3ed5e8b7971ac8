"""Files with HIGGS events, label and 28 columns, of any kind: the CSV of the format, or a table by names or places."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from higgs_tutorial.data.columns import LABELS
from higgs_tutorial.data.csv import higgs
from higgs_tutorial.data.prepared import COLUMN_COUNT
from higgs_tutorial.data.sources.base import Source
from higgs_tutorial.data.sources.opening import kind_at, open_source
from higgs_tutorial.data.sources.several import Location
from higgs_tutorial.physics.features import COLUMNS
from higgs_tutorial.safe_text import one_line

_LISTED = 40


class HiggsFile(Protocol):
    """An opened file with HIGGS events.

    Attributes:
        name: of the file, or of the one in a zip archive, when all is read.
        size: its bytes.
        sha256: their hash, in hexadecimal.
    """

    name: str
    size: int
    sha256: str

    def blocks(self) -> Iterator[NDArray]:
        """Yield the events in order, as float32 ``[n, 29]``.

        Raises:
            ValueError: at an event that cannot be used (naming its row), or if the file is damaged or cut off.
        """


def open_higgs(file: Location, on_bytes: Callable[[int], None] | None = None) -> HiggsFile:
    """Open ``file``, telling ``on_bytes`` how many more of its bytes were read.

    Raises:
        ImportError: if what reads this kind of file is not installed.
        ValueError: if it is no table of HIGGS events, or damaged.
    """
    return _Table(file, on_bytes) if _is_table(file) else _Csv(file, on_bytes)


def count_rows(file: Location, on_bytes: Callable[[int], None] | None = None) -> int:
    """Return how many events there are; see `open_higgs`. Only the lines of a CSV need be read for that."""
    return open_source(file, COLUMN_COUNT).rows if _is_table(file) else higgs.count_rows(file.path, on_bytes)


def _is_table(file: Location) -> bool:
    # an empty file and whatever else is no table is the CSV reader's to explain
    return file.path.stat().st_size > 0 and kind_at(file) != "csv"


class _Csv:
    def __init__(self, file: Location, on_bytes: Callable[[int], None] | None) -> None:
        self._csv = higgs.open_higgs(file.path, on_bytes)

    def blocks(self) -> Iterator[NDArray]:
        yield from higgs.events(self._csv)
        self.name, self.size, self.sha256 = self._csv.name, self._csv.size, self._csv.sha256


class _Table:
    def __init__(self, file: Location, on_bytes: Callable[[int], None] | None) -> None:
        self._file, self._on_bytes = file, on_bytes or (lambda amount: None)
        self._source = open_source(file, COLUMN_COUNT)
        self._label, self._places = _choose(self._source)
        self.name, self.size = str(file.path.name), file.path.stat().st_size
        if file.inside is not None:
            self.name += f":{file.inside}"

    def blocks(self) -> Iterator[NDArray]:
        done, rows = 0, max(self._source.rows, 1)
        for block in self._source.blocks(self._places, [self._label]):
            if block.problems:
                raise ValueError(block.problems[0])
            label = block.aside[:, 0]
            if (wrong := np.flatnonzero((label != 0) & (label != 1))).size:
                raise ValueError(
                    f"{self._source.file}, row {done + wrong[0] + 1:,}: the label is {label[wrong[0]]:g}; it must be"
                    " 0 or 1"
                )
            yield np.column_stack([label, block.x])
            done += len(label)
            self._on_bytes(self.size * done // rows - self.size * (done - len(label)) // rows)
        with self._file.path.open("rb") as stream:
            self.sha256 = _sha256(stream)


def _sha256(stream: object) -> str:
    digest = hashlib.sha256()
    while chunk := stream.read(2**20):
        digest.update(chunk)
    return digest.hexdigest()


def _choose(source: Source) -> tuple[int, list[int]]:
    """Return the place of the label and those of the 28 features: by name, or the label first where there are none."""
    if source.names is None or all(re.fullmatch(r"\d+", name) for name in source.names):
        if source.count != COLUMN_COUNT:
            raise ValueError(
                f"{source.file} has {source.count} columns; HIGGS events have {COLUMN_COUNT}, the label first"
            )
        return 0, list(range(1, COLUMN_COUNT))
    places = by_names(source.file, source.names)
    if (kind := source.kind(places[0])) not in (None, "bool"):
        raise ValueError(f"{source.file}: the label {source.names[places[0]]!r} holds {kind} and not 0 and 1")
    return places[0], places[1:]


def by_names(file: str, names: Sequence[str]) -> list[int]:
    """Return the places of the label and of the 28 features among columns with ``names``, which ``file`` has.

    Capitals and what is neither a letter nor a digit do not matter: ``jet1pt`` is ``jet_1_pt``.

    Raises:
        ValueError: if one is missing or there twice; the message lists what there is.
    """
    plain = [_plain(name) for name in names]
    labels = [i for i, name in enumerate(names) if name.casefold() in LABELS]
    listed = one_line(", ".join(names[:_LISTED]) + (", …" if len(names) > _LISTED else ""), 700)
    if len(labels) != 1:
        found = "no label" if not labels else f"{len(labels)} labels"
        raise ValueError(
            f"{file} has {found} among its columns ({listed}); one column must be called label or class"
        )
    places = labels
    for column in COLUMNS:
        if (times := plain.count(_plain(column))) != 1:
            problem = f"has no column {column!r}" if not times else f"has {times} columns called {column!r}"
            raise ValueError(f"{file} {problem}; its columns are: {listed}")
        places = [*places, plain.index(_plain(column))]
    return places


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold()
