"""The first and the last line of a CSV: a header that looks like an event, and a number that was cut."""

from __future__ import annotations

import re

_INTEGER = re.compile(r"[0-9]{1,9}")
_FLOAT = re.compile(r"[0-9]{1,9}\.0*")
_NUMBER = re.compile(rb"[ \t]*[+-]?([0-9]*)(\.[0-9]*)?(?:[eE][+-]?([0-9]+))?")
_COMPARED = 1000
"""Lines before the last one that it is compared with."""
_ENOUGH = 10
"""Numbers of one form that make a form known."""


def fields_of(line: str) -> list[str]:
    """Split the first line of a CSV into its fields, without quotes and blanks around them."""
    return [text.strip().strip('"').strip() for text in line.removeprefix("\ufeff").split(",")]


def is_number(text: str) -> bool:
    """Say whether ``text`` is a number, as Python writes it, without underscores between the digits."""
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text


def check_not_numbered(file: object, first: str, second: str) -> None:
    """Refuse a header that consists of numbers: the column numbers that pandas gives columns without names.

    A first line is one if its numbers are integers that count up by one, or are all different and written
    without a decimal point where the second line's numbers have one. Names among them (``label,0,1,2``, and
    pandas' empty name of an index) change nothing.

    Raises:
        ValueError: with what to do about it.
    """
    fields = fields_of(first)
    places = [i for i, text in enumerate(fields) if is_number(text)]
    numbers = [fields[i] for i in places]
    if not numbers:
        return
    bare = all(_INTEGER.fullmatch(text) for text in numbers)
    # pandas writes 0.0,1.0,… for columns numbered by floats; a few such numbers may be an event
    if not bare and not (len(numbers) >= _ENOUGH and all(_FLOAT.fullmatch(text) for text in numbers)):
        return
    values = [int(float(text)) for text in numbers]
    counting = len(values) > 1 and values == list(range(values[0], values[0] + len(values)))
    below = fields_of(second)
    other = len(below) == len(fields) and any(not _INTEGER.fullmatch(below[i]) for i in places)
    if counting or (bare and other and len(set(values)) == len(values)):
        raise ValueError(
            f"{file}, line 1: a header of column numbers ({first.strip()[:30]}{'…' if len(first) > 30 else ''})"
            " and no event: leave it out (pandas: to_csv(…, header=False, index=False); in a shell:"
            " tail -n +2 FILE), or, if it is an event, write its numbers with a decimal point"
        )


def may_be_cut(before: bytes, last: bytes) -> bool:
    r"""Say whether ``last``, a line without an end, may have lost digits of its last number.

    It is whole for certain only if the numbers in ``before``, whole lines, have one form (so many decimals,
    so many digits of exponent; of integers so many digits) and its last number has it, too. What is compared
    is the last column, or where there are few lines, all columns.

    >>> may_be_cut(b"", b"0.25,0.5")
    True
    >>> may_be_cut(b"0.25,0.50\n" * 10, b"0.25,0.5")
    True
    >>> may_be_cut(b"0.25,0.50\n" * 10, b"0.25,0.75")
    False
    """
    if last[-1:].isspace():  # half of a CRLF, or a blank after the number
        return False
    *earlier, final = last.split(b",")
    lines = before.rstrip(b"\n").split(b"\n")[-_COMPARED:] if before else []
    compared = [line.rpartition(b",")[2] for line in lines]
    if len(compared) < _ENOUGH:
        compared = [*(field for line in lines for field in line.split(b",")), *earlier]
    forms = {_form(field.rstrip()) for field in compared}
    return len(compared) < _ENOUGH or forms != {_form(final)} or None in forms


def _form(number: bytes) -> tuple | None:
    """Return the numbers of digits that a printing format fixes; None if it is no number."""
    match = _NUMBER.fullmatch(number)
    if not match or not (match[1] or match[2]):
        return None
    if match[2] is None and match[3] is None:
        return "integer", len(match[1])
    return match[2] and len(match[2]), match[3] and len(match[3])
