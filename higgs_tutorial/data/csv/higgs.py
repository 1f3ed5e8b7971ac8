"""A CSV file in HIGGS format: a label and 28 features, no header, and no line that is not in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from numpy.typing import NDArray

from higgs_tutorial.data.csv.reader import Csv
from higgs_tutorial.data.csv.rules import Layout, parse_strictly
from higgs_tutorial.data.prepared import COLUMN_COUNT

LAYOUT = Layout(COLUMN_COUNT, range(COLUMN_COUNT), labelled=True)
_HINT = (
    "; HIGGS files have no header and no index, only the label and 28 columns"
    " (pandas: to_csv(…, header=False, index=False))"
)


def open_higgs(path: Path, on_bytes: Callable[[int], None] | None = None) -> Csv:
    """Open a file in HIGGS format, telling ``on_bytes`` how many more of the file's bytes were read.

    Raises:
        ValueError: if the file is not text with lines, its first line is not in HIGGS format, or it is damaged: before
            the rest of it is read, which may be a lot.
    """
    csv = Csv(path, on_bytes)
    if problems := parse_strictly(csv.beginning, LAYOUT, path, 1).problems:
        raise ValueError(f"{problems[0]}{_HINT}")
    return csv


def count_rows(path: Path, on_bytes: Callable[[int], None] | None = None) -> int:
    """Return how many lines there are, without looking into them; see `open_higgs`."""
    return sum(block.count(b"\n") for block in open_higgs(path, on_bytes).blocks())


def events(csv: Csv) -> Iterator[NDArray]:
    """Yield the events in order, as float32 ``[n, 29]``.

    Raises:
        ValueError: at a line that is not in HIGGS format (naming the line), or if the file is damaged or cut off.
    """
    for rows in csv.rows(LAYOUT):
        if rows.problems:
            raise ValueError(rows.problems[0])
        yield rows.x
