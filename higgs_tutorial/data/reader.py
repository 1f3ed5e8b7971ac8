"""A HIGGS CSV as a stream of float32 rows: inflated in one thread, parsed in others, in bounded memory.

The fast way is isal's inflate and pyarrow's CSV parser. A block that pyarrow refuses, or that looks odd, is
parsed again by the strict rules, which decide whether it is right and which line is wrong.
"""

from __future__ import annotations

import hashlib
import io
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
from isal import igzip, isal_zlib

from higgs_tutorial.data.store import COLUMN_COUNT
from higgs_tutorial.data.strict import parse_strictly

BLOCK_BYTES = 4 * 2**20
WORKERS = 2
_NAMES = [str(column) for column in range(COLUMN_COUNT)]
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class HiggsCsv:
    """A plain or gzipped CSV file in HIGGS format, read from beginning to end.

    Attributes:
        path: the file.
        lines: how many lines the last pass has delivered so far.
        sha256: the hash of the file's bytes, in hexadecimal, after a complete pass.
    """

    def __init__(self, path: Path, on_bytes: Callable[[int], None] | None = None) -> None:
        """Read ``path``, telling ``on_bytes`` how many more of the file's bytes were read."""
        self.path, self.lines, self.sha256 = path, 0, ""
        self._on_bytes = on_bytes

    def count_rows(self) -> int:
        """Return how many lines there are, without looking into them.

        Raises:
            ValueError: if the file is not text with lines, or its gzip stream is damaged or cut off.
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
            ValueError: at a line that is not in HIGGS format (naming the line), or if the gzip stream is
                damaged or cut off.
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
        with open(self.path, "rb", buffering=0) as file:
            raw = _Hashed(file, self._on_bytes)
            is_gzip = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            stream = igzip.open(raw, "rb") if is_gzip else raw
            rest, at_end = b"", False
            while not at_end:
                buffer = free.popleft()
                view, filled = memoryview(buffer), len(rest)
                view[:filled] = rest
                while filled < BLOCK_BYTES and not at_end:
                    got = self._read(stream, view[filled:])
                    filled, at_end = filled + got, got == 0
                if at_end and filled and buffer[filled - 1] != ord("\n"):
                    buffer[filled] = ord("\n")
                    filled += 1
                end = buffer.rfind(b"\n", 0, filled) + 1
                if not end and filled:
                    raise ValueError(
                        f"{self.path}: a line of more than {BLOCK_BYTES:,} bytes; this is no HIGGS file"
                    )
                rest = bytes(buffer[end:filled])
                if end:
                    yield buffer, end
                else:
                    free.append(buffer)
            self.sha256 = raw.digest.hexdigest()

    def _read(self, stream: io.BufferedIOBase, into: memoryview) -> int:
        try:
            return stream.readinto(into) or 0
        except EOFError:
            raise ValueError(
                f"{self.path} is cut off: its gzip stream has no end; get the file again"
            ) from None
        except (OSError, isal_zlib.error) as error:  # gzip.BadGzipFile is an OSError
            raise ValueError(f"{self.path} is damaged ({error}); get the file again") from error


class _Hashed(io.RawIOBase):
    """A raw file whose bytes are hashed and counted as they are read."""

    def __init__(self, file: io.RawIOBase, on_bytes: Callable[[int], None] | None) -> None:
        self._file, self._on_bytes, self.digest = file, on_bytes, hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, into: memoryview) -> int:
        got = self._file.readinto(into)
        self.digest.update(memoryview(into)[:got])
        if self._on_bytes:
            self._on_bytes(got)
        return got


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
