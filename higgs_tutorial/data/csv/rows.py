"""A CSV file as a stream of float32 rows that says which line cannot be used, and why.

pyarrow parses blocks of lines; a block that it refuses, or that looks odd, is parsed again line by line.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from higgs_tutorial.data.csv.edges import check_not_numbered, fields_of, is_number, may_be_cut
from higgs_tutorial.data.text import open_text

BLOCK_BYTES = 4 * 2**20
REPORTED = 10
"""How many events that cannot be used are described one by one."""
_LARGEST = float(np.finfo(np.float32).max)


@dataclass
class Rows:
    """Consecutive events: features ``x`` float32 ``[n, k]``, and what is wrong with those that cannot be used.

    The row of an event that cannot be used is NaN. ``problems`` has a sentence for each of the first ten of
    them, which names the line or row of the file.
    """

    x: NDArray
    problems: list[str] = field(default_factory=list)

    @property
    def bad(self) -> NDArray:
        """Which events cannot be used, bool ``[n]``."""
        return np.isnan(self.x).any(axis=1)

    def refuse(self, i: int, problem: str) -> None:
        """Note that event ``i`` cannot be used."""
        self.x[i] = np.nan
        if len(self.problems) < REPORTED:
            self.problems.append(problem)


class Lines:
    """A CSV file, read from the beginning once.

    Attributes:
        names: of the columns, if the first line has no number in it; else None.
        count: number of columns in the first line.
    """

    def __init__(self, file: Path) -> None:
        """Read the beginning of ``file``.

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: if it is something else, damaged, not text with lines, or its header is of numbers.
        """
        self.file, self._unended = file, False
        self._blocks = self._whole_lines()
        self._head = next(self._blocks, b"").removeprefix(b"\xef\xbb\xbf")
        first, second = [*self._head.split(b"\n", 2), b""][:2]
        line = first.decode("utf-8", "replace")
        check_not_numbered(file, line, second.decode("utf-8", "replace"))
        fields = fields_of(line.removeprefix("#") if line.startswith("#") else line)
        self.names = None if not line.strip() or any(map(is_number, fields)) else fields
        self.count = len(fields)

    def sample(self, column: int, rows: int = 1000) -> list[str]:
        """Return the first values of a column, as they are written, from the lines with all columns."""
        lines = self._head.split(b"\n", rows + 1)[self.names is not None : -1]
        whole = [line for line in lines if line.count(b",") + 1 == self.count]
        return [line.split(b",")[column].decode("utf-8", "replace").strip().strip('"') for line in whole]

    def rows(self, chosen: list[int]) -> Iterator[Rows]:
        """Yield the events, once, with the columns at the ``chosen`` places.

        Raises:
            ValueError: if the file is damaged or cut off.
        """
        number, block = 1, self._head
        if self.names is not None:
            number, block = 2, block.partition(b"\n")[2]
        while block is not None:
            if block:
                rows = _parse(self.file, block, number, self.count, chosen)
                number += block.count(b"\n")
                if self._unended and self.count - 1 in chosen and not rows.bad[-1]:
                    rows.refuse(
                        -1,
                        f"{self.file}, line {number - 1:,}: the line has no end and its last number may be cut"
                        " (if it is whole, end the line)",
                    )
                yield rows
            block = next(self._blocks, None)

    def _whole_lines(self) -> Iterator[bytes]:
        """Yield the bytes of whole lines, some megabytes at a time.

        A last line without an end comes by itself and with one; if it may be cut, that is noted before.
        """
        with open_text(self.file) as text:
            rest = before = b""
            while more := text.read(BLOCK_BYTES):
                lines, end, tail = (rest + more).rpartition(b"\n")
                if end:
                    yield lines + end
                    before = lines[-(2**20) :] + end
                elif len(tail) > BLOCK_BYTES:
                    raise ValueError(
                        f"{self.file} has a line of more than {BLOCK_BYTES:,} bytes; is it a CSV file?"
                    )
                rest = tail
            if rest:
                self._unended = not text.checked and may_be_cut(before, rest)
                yield rest + b"\n"


def _parse(file: Path, block: bytes, first: int, count: int, chosen: list[int]) -> Rows:
    names = [str(i) for i in range(count)]
    used = [names[i] for i in chosen]
    try:
        table = pa.csv.read_csv(
            pa.BufferReader(block),
            pa.csv.ReadOptions(column_names=names, block_size=len(block) + 1),
            pa.csv.ParseOptions(quote_char=False, ignore_empty_lines=False),
            pa.csv.ConvertOptions(
                column_types=dict.fromkeys(used, pa.float32()), include_columns=used, null_values=[]
            ),
        )
        x = np.ascontiguousarray(np.stack([column.to_numpy() for column in table.columns]).T)
        if len(x) == block.count(b"\n") and np.isfinite(x).all():
            return Rows(x)
    except pa.ArrowInvalid:
        pass
    return _parse_by_line(file, block, first, count, chosen)


def _parse_by_line(file: Path, block: bytes, first: int, count: int, chosen: list[int]) -> Rows:
    lines = block.split(b"\n")[:-1]
    rows = Rows(np.full([len(lines), len(chosen)], np.nan, np.float32))
    for i, line in enumerate(lines):
        try:
            rows.x[i] = _values(line.decode("utf-8", "backslashreplace").removesuffix("\r"), count, chosen)
        except ValueError as error:
            rows.refuse(i, f"{file}, line {first + i:,}: {error}")
    return rows


def _values(line: str, count: int, chosen: list[int]) -> list[float]:
    if not line.strip():
        raise ValueError("the line is empty")
    if (columns := line.count(",") + 1) != count:
        raise ValueError(f"{columns:,} columns instead of {count}")
    fields = line.split(",")
    for i in chosen:
        if not is_number(fields[i]):
            raise ValueError(f"column {i + 1} is not a number: {fields[i][:40]!r}")
        if not abs(float(fields[i])) <= _LARGEST:
            raise ValueError(f"column {i + 1} is not finite or does not fit float32: {fields[i][:40]!r}")
    return [float(fields[i]) for i in chosen]
