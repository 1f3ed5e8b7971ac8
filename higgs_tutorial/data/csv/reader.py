"""A CSV file as a stream of events: inflated in one thread, parsed in others, in bounded memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np

from higgs_tutorial.data.csv.edges import check_not_numbered, fields_of, is_number, may_be_cut
from higgs_tutorial.data.csv.rows import Rows
from higgs_tutorial.data.csv.rules import Layout, parse_fast, parse_strictly
from higgs_tutorial.data.text import open_text

BLOCK_BYTES = 4 * 2**20
WORKERS = 2
_COMPARED_BYTES = 2**20
"""Of whole lines, in which the form of numbers is looked for."""


class Csv:
    """A CSV file, plain, gzipped or in a zip archive, read from the beginning to the end once.

    Attributes:
        path: the file.
        beginning: its first line, with a byte order mark if it has one; empty if there is no line.
        names: of the columns, if the first line has no number in it; else None.
        count: number of columns in the first line.
        name: of the file, or of the one in the zip archive, when all is read.
        size: its bytes.
        sha256: their hash, in hexadecimal.
    """

    def __init__(self, path: Path, on_bytes: Callable[[int], None] | None = None) -> None:
        """Read the beginning of ``path``, telling ``on_bytes`` how many more of the file's bytes were read.

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: if it is something else, damaged, not text with lines, or its header is of numbers.
        """
        self.path, self._on_bytes, self._unended = path, on_bytes, False
        self.name, self.size, self.sha256 = path.name, 0, ""
        self._blocks = self._whole_lines()
        head = next(self._blocks, b"")
        self.beginning, self._head = head[: head.find(b"\n") + 1], head.removeprefix(b"\xef\xbb\xbf")
        first, second = (line.decode("utf-8", "replace") for line in [*self._head.split(b"\n", 2), b""][:2])
        check_not_numbered(path, first, second)
        fields = fields_of(first.removeprefix("#"))
        self.names = None if not first.strip() or any(map(is_number, fields)) else fields
        self.count = len(fields)

    def sample(self, column: int, rows: int = 1000) -> list[str]:
        """Return the first values of a column, as they are written, from the lines with all columns."""
        lines = self._head.split(b"\n", rows + 1)[self.names is not None : -1]
        whole = [line for line in lines if line.count(b",") + 1 == self.count]
        return [line.split(b",")[column].decode("utf-8", "replace").strip().strip('"') for line in whole]

    def blocks(self) -> Iterator[bytes]:
        """Yield the file's bytes, once, in blocks of whole lines; a last line without an end gets one.

        Raises:
            ValueError: if the file is damaged or cut off.
        """
        if self._head:
            yield self._head
        yield from self._blocks

    def rows(self, layout: Layout, aside: Sequence[int] = ()) -> Iterator[Rows]:
        """Yield the events, once, in order: the lines after a header, with the columns that ``layout`` names.

        Those at the places ``aside`` come as `Rows.aside`: what is wrong in them makes no event unusable.

        Raises:
            ValueError: if the file is damaged or cut off.
        """
        waiting: deque[tuple[bytes, bool, Future]] = deque()
        together = Layout(layout.count, [*layout.places, *aside], layout.labelled)
        others = Layout(layout.count, list(aside))
        self._lines = 0
        with ThreadPoolExecutor(WORKERS) as pool:
            try:
                for block in self._events():
                    waiting.append((block, self._unended, pool.submit(parse_fast, block, together)))
                    if len(waiting) > WORKERS:
                        yield self._finish(layout, others, *waiting.popleft())
            except ValueError:
                while waiting:  # a bad line before the damage is the first thing to tell
                    yield self._finish(layout, others, *waiting.popleft())
                raise
            while waiting:
                yield self._finish(layout, others, *waiting.popleft())

    def _events(self) -> Iterator[bytes]:
        """Yield the blocks without a header."""
        blocks = self.blocks()
        first = next(blocks, b"")
        yield from filter(None, [first if self.names is None else first.partition(b"\n")[2]])
        yield from blocks

    def _finish(self, layout: Layout, others: Layout, block: bytes, unended: bool, parsed: Future) -> Rows:
        """Return the events of the next block, parsed again if the fast way refused them, and count their lines."""
        values, first_line = parsed.result(), self._lines + 1 + (self.names is not None)
        if values is None:
            rows = parse_strictly(block, layout, self.path, first_line)
            rows.aside = parse_strictly(block, others, self.path, first_line).x
        else:
            k = len(layout.places)
            rows = Rows(values[:, :k] if others.places else values, aside=values[:, k:])
        self._lines += len(rows.x)
        if not unended:
            return rows
        if layout.count - 1 in others.places:
            rows.aside[-1] = np.nan
        if layout.count - 1 in layout.places and not rows.bad[-1]:
            why = "the line has no end and its last number may be cut"
            mend = f"get the file again, or, if it is whole, end it: echo >> {self.path}"
            rows.refuse(-1, f"{self.path}, line {first_line:,}: {why}; {mend}")
        return rows

    def _whole_lines(self) -> Iterator[bytes]:
        """Yield blocks of whole lines. A last line without an end comes by itself; if it may be cut, that is noted."""
        buffer, filled, block = bytearray(BLOCK_BYTES), 0, b""
        view = memoryview(buffer)
        with open_text(self.path, self._on_bytes) as text:
            while got := text.readinto(view[filled:]):
                filled += got
                if filled == len(buffer):
                    end = buffer.rfind(b"\n") + 1
                    if not end:
                        raise ValueError(
                            f"{self.path}: a line of more than {filled:,} bytes; is it a CSV file?"
                        )
                    block = bytes(view[:end])
                    yield block
                    view[: filled - end] = bytes(view[end:])
                    filled -= end
            end = buffer.rfind(b"\n", 0, filled) + 1
            if end:
                block = bytes(view[:end])
                yield block
            if end < filled:
                last = bytes(view[end:filled])
                self._unended = not text.checked and may_be_cut(block[-_COMPARED_BYTES:], last)
                yield last + b"\n"
            self.name, self.size, self.sha256 = text.name, text.size, text.sha256
