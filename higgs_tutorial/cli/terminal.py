"""What is printed reaches every terminal, file and pipe: it never ends a run."""

from __future__ import annotations

import codecs
import io
import os
import sys
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

WIDTH_IN_A_PIPE = 110
HANDLER = "higgs_tutorial.spelled"
SPELLED = {"±": "+-", "…": "...", "×": "x", "·": ".", "•": "*", "→": "->", "≥": ">=", "≤": "<=", "−": "-"}
SPELLED |= {"‐": "-", "‑": "-", "–": "-", "—": "-", "‘": "'", "’": "'", "“": '"', "”": '"'}
PIPE_CLOSED = 1
"""The exit code of a command whose reader is gone, which is also Click's."""


def console(width: int = WIDTH_IN_A_PIPE) -> Console:
    """Return what prints tables on standard output: as wide as the terminal or, where there is none, ``width``."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else width)


def spelled(character: str) -> str:
    """Return a character in ASCII: a word for a sign, a letter without its accent, lines for a box, else `?`."""
    if character in SPELLED:
        return SPELLED[character]
    name = unicodedata.name(character, "")
    if name.startswith("BOX DRAWINGS"):
        upright, level = "VERTICAL" in name, "HORIZONTAL" in name
        return "+" if upright == level else "|" if upright else "-"
    return unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode() or "?"


def _spell(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(spelled, error.object[error.start : error.end])), error.end


codecs.register_error(HANDLER, _spell)


@contextmanager
def legible() -> Iterator[None]:
    """Let standard output and error spell the characters that they can't show, instead of raising an error.

    A handler that the user chose, as in ``PYTHONIOENCODING=ascii:ignore``, stays.
    """
    pythons_own = ("strict", "surrogateescape", "backslashreplace")
    streams = [stream for stream in (sys.stdout, sys.stderr) if isinstance(stream, io.TextIOWrapper)]
    before = [(stream, stream.errors) for stream in streams if stream.errors in pythons_own]
    for stream, _ in before:
        stream.reconfigure(errors=HANDLER)
    try:
        yield
    finally:
        for stream, errors in before:
            with suppress(OSError, ValueError):  # its reader may be gone, or the stream closed
                stream.reconfigure(errors=errors)


def end_quietly_without_reader(run: Callable[[], object]) -> int | str | None:
    """Call ``run``, which may raise `SystemExit`, and return the exit code; a pipe that nobody reads is no error."""
    try:
        try:
            run()
            code = 0
        except SystemExit as ended:
            code = ended.code
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)  # Python flushes once more when it ends
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError, AttributeError):
                os.dup2(nowhere, stream.fileno())
        return PIPE_CLOSED
