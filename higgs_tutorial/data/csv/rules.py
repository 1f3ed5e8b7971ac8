"""What a line of numbers is: polars reads blocks of them, and slower rules tell what is wrong with a block's lines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from higgs_tutorial.data.csv.rows import Rows

_NUMBER = re.compile(rb"[ \t]*[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[ \t]*")
_NOT_FINITE = re.compile(rb"[ \t]*[+-]?(?:nan|inf|infinity)[ \t]*", re.IGNORECASE)
_BLANKS_AT_END = re.compile(rb"[ \t]+(?=,|\r?\n)")
_TOO_LARGE = 2.0**128 - 2.0**103
"""From here on a number is rounded to infinity in float32."""
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Layout:
    """How many columns a line has, the places of those that are read, and whether the first is a label, 0 or 1."""

    count: int
    places: Sequence[int]
    labelled: bool = False


def parse_fast(block: bytes, layout: Layout) -> NDArray | None:
    r"""Parse whole lines of a CSV into float32 ``[lines, k]``; None if a line may break the rules.

    A line has ``layout.count`` fields, separated by commas, and ends with LF or CRLF. In those that are read are
    finite decimal numbers that fit float32, with blanks around them or not. There is no quoting and no empty line.

    >>> parse_fast(b"1,2.5\n1, 7 \n", Layout(2, [1]))
    array([[2.5],
           [7. ]], dtype=float32)
    >>> parse_fast(b"1,2.5\n1,\n", Layout(2, [1])) is None
    True
    """
    if block.startswith(_BYTE_ORDER_MARK):  # polars would skip it
        return None
    if b"\r" in block and block.count(b"\r") != block.count(b"\r\n"):  # and drop one at the end of any field
        return None
    if len(layout.places) < layout.count and not _is_table(
        block, layout.count
    ):  # and not miss fields it need not read
        return None
    x = _parse_with_polars(block, layout)
    if x is None and (bare := _BLANKS_AT_END.sub(b"", block)) != block:  # these it does not take
        x = _parse_with_polars(bare, layout)
    return x


def _parse_with_polars(block: bytes, layout: Layout) -> NDArray | None:
    import polars as pl  # only where it is needed: it takes a tenth of a second

    names = [str(column) for column in range(layout.count)]
    schema = dict.fromkeys(names, pl.String) | {names[place]: pl.Float32 for place in layout.places}
    read = sorted(layout.places)
    try:
        table = pl.read_csv(block, has_header=False, schema=schema, columns=read, quote_char=None)
    except pl.exceptions.PolarsError:
        return None
    x = table.select([names[place] for place in layout.places]).to_numpy(order="c")
    lines = np.count_nonzero(np.frombuffer(block, np.uint8) == ord("\n"))  # faster than block.count
    usual = len(x) == lines and np.isfinite(x).all()  # NaN is also what was empty or not there
    if layout.labelled:
        usual = usual and ((x[:, 0] == 0) | (x[:, 0] == 1)).all()
    return x if usual else None


def _is_table(block: bytes, count: int) -> bool:
    """Say whether each line has so many columns."""
    letters = np.frombuffer(block, np.uint8)
    ends = letters[(letters == ord(",")) | (letters == ord("\n"))]
    if len(ends) % count:
        return False
    ends = ends.reshape(-1, count)
    return bool((ends[:, :-1] == ord(",")).all() and (ends[:, -1] == ord("\n")).all())


def parse_strictly(block: bytes, layout: Layout, path: Path, first_line: int) -> Rows:
    r"""Parse whole lines as `parse_fast` does, but slowly, and say which of them are wrong, and why.

    Args:
        block: the lines, the last one ended as well.
        layout: the columns.
        path: the file, for the messages.
        first_line: the number of the first of the lines in the file, from 1.

    >>> from pathlib import Path
    >>> parse_strictly(b"1,2.5\n1,\n", Layout(2, [1]), Path("a.csv"), 7).problems
    ["a.csv, line 8: column 2 is not a number: ''"]
    """
    lines = block.split(b"\n")[:-1]
    rows = Rows(np.full([len(lines), len(layout.places)], np.nan, np.float32))
    right = {}
    for i, line in enumerate(lines):
        try:
            right[i] = _fields(line.removesuffix(b"\r"), layout)
        except ValueError as error:
            rows.refuse(i, f"{path}, line {first_line + i:,}: {error}")
    if right:
        bare = b"".join(b",".join(fields) + b"\n" for fields in right.values())
        # not by way of float, which rounds twice: a number is the same whatever stands beside it
        rows.x[list(right)] = parse_fast(bare, Layout(len(layout.places), range(len(layout.places))))
    return rows


def _fields(line: bytes, layout: Layout) -> list[bytes]:
    if not line.strip():
        raise ValueError("the line is empty")
    if (columns := line.count(b",") + 1) != layout.count:
        raise ValueError(f"{columns:,} columns instead of {layout.count}: {_quote(line)}")
    fields = line.split(b",")
    for place in layout.places:
        _check_number(fields[place], place + 1)
    if layout.labelled and float(fields[0]) not in (0.0, 1.0):
        raise ValueError(f"column 1, the label, is {_quote(fields[0])}; it must be 0 or 1")
    return [fields[place].strip() for place in layout.places]


def _check_number(field: bytes, column: int) -> None:
    if not _NUMBER.fullmatch(field):
        problem = "is not finite" if _NOT_FINITE.fullmatch(field) else "is not a number"
        raise ValueError(f"column {column} {problem}: {_quote(field)}")
    if abs(float(field)) >= _TOO_LARGE:
        raise ValueError(f"column {column} does not fit float32: {_quote(field)}")


def _quote(text: bytes) -> str:
    """Show the beginning of any bytes on one line."""
    return repr(text[:40])[1:] + ("…" if len(text) > 40 else "")
