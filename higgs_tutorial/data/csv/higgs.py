"""A HIGGS CSV as a stream of float32 rows: inflated in one thread, parsed in others, in bounded memory.

The fast way is isal's inflate and pyarrow's CSV parser. A block that pyarrow refuses, or that looks odd, is
parsed again by the strict rules, which decide whether it is right and which line is wrong.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv

from higgs_tutorial.data.csv.edges import check_not_numbered, may_be_cut
from higgs_tutorial.data.csv.rules import parse_strictly
from higgs_tutorial.data.prepared import COLUMN_COUNT
from higgs_tutorial.data.text import open_text

BLOCK_BYTES = 4 * 2**20
WORKERS = 2
_NAMES = [str(column) for column in range(COLUMN_COUNT)]
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class HiggsCsv:
    """A CSV file in HIGGS format, plain, gzipped or in a zip archive, read from beginning to end.

    Attributes:
        path: the file.
        lines: how many lines the last pass has delivered so far.
        name: of the file, or of the one in the zip archive, after a complete pass.
        size: its bytes.
        sha256: their hash, in hexadecimal.
    """

    def __init__(self, path: Path, on_bytes: Callable[[int], None] | None = None) -> None:
        """Read ``path``, telling ``on_bytes`` how many more of the file's bytes were read."""
        self.path, self.lines = path, 0
        self.name, self.size, self.sha256 = path.name, 0, ""
        self._on_bytes = on_bytes

    def count_rows(self) -> int:
        """Return how many lines there are, without looking into them.

        Raises:
            ValueError: if the file is not text with lines, its first line is not in HIGGS format, or it is
                damaged or cut off.
        """
        self.lines = 0
        free = deque([bytearray(BLOCK_BYTES)])
        for buffer, end in self._blocks(free):
            self.lines += buffer.count(b"\n", 0, end)
            free.append(buffer)
        return self.lines

    def rows(self) -> Iterator[np.ndarray]:
        """Yield the events in order, as float32 ``[n, 29]``.

        Raises:
            ValueError: at a line that is not in HIGGS format (naming the line), or if the file is something
                else, damaged or cut off.
        """
        self.lines = 0
        free = deque(bytearray(BLOCK_BYTES) for _ in range(WORKERS + 3))
        waiting: deque[tuple[bytearray, int, Future]] = deque()
        with ThreadPoolExecutor(WORKERS) as pool:
            try:
                for buffer, end in self._blocks(free):
                    waiting.append((buffer, end, pool.submit(_parse_fast, buffer, end)))
                    if len(waiting) > WORKERS:
                        yield self._finish(waiting, free)
            except ValueError:
                while waiting:  # a bad line before the damage is the first thing to tell
                    yield self._finish(waiting, free)
                raise
            while waiting:
                yield self._finish(waiting, free)

    def _finish(self, waiting: deque, free: deque) -> np.ndarray:
        buffer, end, parsed = waiting.popleft()
        rows = parsed.result()
        if rows is None:
            rows = parse_strictly(bytes(buffer[:end]), self.lines + 1, self.path)
        free.append(buffer)
        self.lines += len(rows)
        return rows

    def _blocks(self, free: deque) -> Iterator[tuple[bytearray, int]]:
        """Yield buffers of ``free``, filled with whole lines, and their ends; the caller gives them back."""
        with open_text(self.path, self._on_bytes) as text:
            rest, at_end, first, unended = b"", False, True, False
            while not at_end:
                buffer = free.popleft()
                view, filled = memoryview(buffer), len(rest)
                view[:filled] = rest
                while filled < BLOCK_BYTES and not at_end:
                    got = text.readinto(view[filled:])
                    filled, at_end = filled + got, got == 0
                if at_end and filled and buffer[filled - 1] != ord("\n"):
                    unended = not text.checked and _lacks_its_end(buffer, filled)
                    buffer[filled] = ord("\n")
                    filled += 1
                end = buffer.rfind(b"\n", 0, filled) + 1
                if not end and filled:
                    raise ValueError(
                        f"{self.path}: a line of more than {BLOCK_BYTES:,} bytes; this is no HIGGS file"
                    )
                rest = bytes(buffer[end:filled])
                if not end:
                    free.append(buffer)
                    continue
                if first:
                    first = False
                    self._check_beginning(buffer, end)
                yield buffer, end
            self.name, self.size, self.sha256 = text.name, text.size, text.sha256
        if unended:
            raise ValueError(
                f"{self.path}: the last line has no end and its last number may be cut; get the file again,"
                f" or, if it is whole, end it: echo >> {self.path}"
            )

    def _check_beginning(self, buffer: bytearray, end: int) -> None:
        """Refuse a file whose first line is wrong before the rest of it is read, which may be a lot."""
        after = buffer.find(b"\n") + 1
        second = bytes(buffer[after : max(buffer.find(b"\n", after, end), after)])
        first = bytes(buffer[:after])
        check_not_numbered(self.path, first.decode("utf-8", "replace"), second.decode("utf-8", "replace"))
        parse_strictly(first, 1, self.path)


def _lacks_its_end(buffer: bytearray, filled: int) -> bool:
    """Say whether the last line, which has no newline, has all its columns but perhaps not all its digits."""
    start = buffer.rfind(b"\n", 0, filled) + 1
    last = bytes(buffer[start:filled])
    before = bytes(buffer[max(0, start - 2**20) : start])
    return last.count(b",") == COLUMN_COUNT - 1 and may_be_cut(before, last)


def _parse_fast(buffer: bytearray, end: int) -> np.ndarray | None:
    """Parse whole lines into float32 ``[n, 29]``; None if anything is unusual."""
    if buffer.startswith(_BYTE_ORDER_MARK):  # pyarrow would skip it
        return None
    try:
        table = pa.csv.read_csv(
            pa.BufferReader(pa.py_buffer(memoryview(buffer)[:end])),
            pa.csv.ReadOptions(column_names=_NAMES, use_threads=False, block_size=BLOCK_BYTES + 1),
            pa.csv.ParseOptions(quote_char=False, escape_char=False, ignore_empty_lines=False),
            pa.csv.ConvertOptions(column_types=dict.fromkeys(_NAMES, pa.float32()), null_values=[]),
        )
    except pa.ArrowInvalid:
        return None
    columns = np.empty((COLUMN_COUNT, table.num_rows), np.float32)
    for values, column in zip(columns, table.columns, strict=True):
        values[:] = column.to_numpy()
    rows = np.ascontiguousarray(columns.T)  # filling [n, 29] column by column is far slower
    labels = columns[0]
    usual = (
        # pyarrow takes a lone CR for the end of a line
        (buffer.find(b"\r", 0, end) < 0 or len(rows) == buffer.count(b"\n", 0, end))
        and np.isfinite(rows).all()
        and ((labels == 0) | (labels == 1)).all()
    )
    return rows if usual else None
