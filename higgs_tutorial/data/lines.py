"""A CSV file, plain or gzipped, as a stream of float32 rows that says which line cannot be used, and why.

pyarrow parses blocks of lines; a block that it refuses, or that looks odd, is parsed again line by line.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.csv
from isal import igzip, isal_zlib
from numpy.typing import NDArray

BLOCK_BYTES = 4 * 2**20
_LARGEST = float(np.finfo(np.float32).max)


@dataclass
class Rows:
    """Consecutive events: features ``x`` float32 ``[n, k]``, and what is wrong with those that cannot be used.

    ``bad`` maps a place in ``x``, whose row is then NaN, to a sentence that names the line or row of the
    file.
    """

    x: NDArray
    bad: dict[int, str] = field(default_factory=dict)


class Lines:
    """An opened CSV file.

    Attributes:
        names: of the columns, if the first line has no number in it; else None.
        count: number of columns in the first line.
    """

    def __init__(self, file: Path) -> None:
        """Read the beginning of ``file``.

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: if it is damaged, or not text with lines.
        """
        self.file = file
        self._blocks = _line_blocks(file)
        self._head = next(self._blocks, b"").removeprefix(b"\xef\xbb\xbf")
        first = self._head.partition(b"\n")[0].decode("utf-8", "replace")
        fields = [text.strip().strip('"') for text in first.split(",")]
        self.names = None if not first.strip() or any(map(_is_number, fields)) else fields
        self.count = len(fields)

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
                yield _parse(self.file, block, number, self.count, chosen)
                number += block.count(b"\n")
            block = next(self._blocks, None)


def _line_blocks(file: Path) -> Iterator[bytes]:
    """Yield the bytes of whole lines, some megabytes at a time; the last line gets an end if it has none."""
    with file.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        stream = igzip.open(raw, "rb") if packed else raw
        rest = b""
        while more := _read(file, stream):
            lines, end, tail = (rest + more).rpartition(b"\n")
            if end:
                yield lines + end
            elif len(tail) > BLOCK_BYTES:
                raise ValueError(f"{file} has a line of more than {BLOCK_BYTES:,} bytes; is it a CSV file?")
            rest = tail
        if rest:
            yield rest + b"\n"


def _read(file: Path, stream: BinaryIO) -> bytes:
    try:
        return stream.read(BLOCK_BYTES)
    except EOFError:
        raise ValueError(f"{file} is cut off: its gzip stream has no end") from None
    except (OSError, isal_zlib.error) as error:
        raise ValueError(f"{file} is damaged ({error})") from error


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
            rows.bad[i] = f"{file}, line {first + i:,}: {error}"
    return rows


def _values(line: str, count: int, chosen: list[int]) -> list[float]:
    if not line.strip():
        raise ValueError("the line is empty")
    fields = line.split(",")
    if len(fields) != count:
        raise ValueError(f"{len(fields)} columns instead of {count}")
    for i in chosen:
        if not _is_number(fields[i]):
            raise ValueError(f"column {i + 1} is not a number: {fields[i][:40]!r}")
        if not abs(float(fields[i])) <= _LARGEST:
            raise ValueError(f"column {i + 1} is not finite or does not fit float32: {fields[i][:40]!r}")
    return [float(fields[i]) for i in chosen]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text
