"""The rules of the HIGGS format, line by line: slow, and exact about what is wrong where."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from higgs_tutorial.data.prepared import COLUMN_COUNT

_NUMBER = re.compile(rb"[ \t]*[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[ \t]*")
_NOT_FINITE = re.compile(rb"[ \t]*[+-]?(?:nan|inf|infinity)[ \t]*", re.IGNORECASE)
_HINT = (
    "; HIGGS files have no header and no index, only the label and 28 columns"
    " (pandas: to_csv(…, header=False, index=False))"
)
_LARGEST = float(np.finfo(np.float32).max)


def parse_strictly(block: bytes, first_line: int, path: Path) -> np.ndarray:
    """Parse whole lines of a HIGGS CSV into float32 rows ``[lines, 29]``.

    A line is a label (0 or 1) and 28 finite numbers that fit float32, separated by commas and ended by LF or
    CRLF. There is no header, no quoting and no empty line.

    Args:
        block: the lines, the last one ended as well.
        first_line: the number of the first of them in the file, from 1.
        path: the file, for the message.

    Raises:
        ValueError: at the first line that breaks the rules, with its number and what is wrong with it.
    """
    rows = []
    for number, line in enumerate(block.split(b"\n")[:-1], start=first_line):
        try:
            rows.append(_parse_line(line.removesuffix(b"\r")))
        except ValueError as error:
            raise ValueError(f"{path}, line {number:,}: {error}{_HINT if number == 1 else ''}") from None
    return np.asarray(rows, np.float32).reshape(-1, COLUMN_COUNT)


def _parse_line(line: bytes) -> list[float]:
    if not line.strip():
        raise ValueError("the line is empty")
    if (columns := line.count(b",") + 1) != COLUMN_COUNT:
        raise ValueError(f"{columns:,} columns instead of {COLUMN_COUNT}: {_quote(line)}")
    fields = line.split(b",")
    values = [_parse_field(field, column) for column, field in enumerate(fields, start=1)]
    if values[0] not in (0.0, 1.0):
        raise ValueError(f"column 1, the label, is {_quote(fields[0])}; it must be 0 or 1")
    return values


def _parse_field(field: bytes, column: int) -> float:
    if not _NUMBER.fullmatch(field):
        problem = "is not finite" if _NOT_FINITE.fullmatch(field) else "is not a number"
        raise ValueError(f"column {column} {problem}: {_quote(field)}")
    value = float(field)
    if abs(value) > _LARGEST:
        raise ValueError(f"column {column} does not fit float32: {_quote(field)}")
    return value


def _quote(text: bytes) -> str:
    """Show the beginning of any bytes on one line."""
    return repr(text[:40])[1:] + ("…" if len(text) > 40 else "")
