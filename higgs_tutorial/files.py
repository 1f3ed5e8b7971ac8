"""Writing files: under its name there is either nothing, what was there before, or all of it."""

from __future__ import annotations

import json
import os
import platform
import secrets
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import metadata
from pathlib import Path
from types import FrameType
from typing import Any

ENDING = ".partial"
"""Of the temporary names."""
VERSIONED = ("higgs-tutorial", "tensorflow", "keras", "numpy", "scikit-learn")


@contextmanager
def written(file: str | os.PathLike) -> Iterator[Path]:
    """Yield a temporary path to write to; ``file`` gets its content when the block ends well.

    The path lies beside ``file`` and is of this call alone, so that two processes which write the same file do
    not disturb each other: the last one's is kept. What was written reaches the disk before it gets its name.
    It is removed whatever ends the block, SIGTERM included. A symbolic link is followed, and not replaced.

    Raises:
        OSError: if it cannot be flushed to the disk or renamed; ``file`` is then as it was.
    """
    target = Path(os.path.realpath(file))
    # 50 letters of up to four bytes leave room for the rest: file systems take names of 255 bytes
    part = target.with_name(f".{target.name[:50]}.{os.getpid()}-{secrets.token_hex(4)}{ENDING}")
    with ended_by_exceptions():
        try:
            yield part
            _flush(part, os.O_RDWR)
            os.replace(part, target)
        finally:
            part.unlink(missing_ok=True)
    if hasattr(os, "O_DIRECTORY"):  # the rename must reach the disk, too; Windows has no way to ask
        _flush(target.parent, os.O_RDONLY | os.O_DIRECTORY)


def write_json(file: str | os.PathLike, value: Any) -> None:
    """Write ``value`` as JSON, in a folder that is made if it is missing; a reader never sees half a file.

    Raises:
        OSError: if it cannot be written; what was there before stays.

    Example:
        >>> import json
        >>> from pathlib import Path
        >>> from higgs_tutorial.files import write_json
        >>> write_json("results.json", {"auc": 0.75})
        >>> json.loads(Path("results.json").read_text())
        {'auc': 0.75}
    """
    file = Path(file)
    file.parent.mkdir(parents=True, exist_ok=True)
    with written(file) as part:
        part.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")


def parse_json(text: str) -> Any:
    """Return what a JSON text says; a key that comes twice and numbers that are none are refused.

    Raises:
        ValueError: if it is no JSON, nested too deeply, or one of these.
    """

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError("a key comes twice in it")
        return found

    def refuse(word: str) -> None:
        raise ValueError(f"{word} is no number")

    try:
        return json.loads(text, object_pairs_hook=unique, parse_constant=refuse)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def require_writable_folder(folder: str | os.PathLike) -> None:
    """Check that files can be written in ``folder``, or that it can be made; nothing is left behind.

    Raises:
        OSError: if not, naming the folder or file that is in the way.
    """
    folder = found = Path(folder)
    while not os.path.lexists(found):
        found = found.parent
    if not found.is_dir():
        raise NotADirectoryError(f"{folder} can't be made, because {found} is no folder; choose another one")
    try:
        with tempfile.TemporaryFile(dir=found):
            pass
    except OSError as error:
        why = error.strerror or error
        raise OSError(
            error.errno,
            f"{why}: nothing can be written in {found}; make that possible, or choose another folder",
        ) from error


def require_writable_file(file: str | os.PathLike) -> None:
    """Check that ``file`` can be written, before the work whose result it will hold; nothing is left behind.

    Raises:
        OSError: if not, naming the folder or file that is in the way.
    """
    file = Path(file)
    if file.is_dir():
        raise IsADirectoryError(f"{file} is a folder; name a file")
    require_writable_folder(file.parent)


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that the numbers depend on.

    Example:
        >>> from higgs_tutorial.files import versions
        >>> {"numpy", "tensorflow"} <= versions().keys()
        True
    """
    return {"python": platform.python_version(), **{name: metadata.version(name) for name in VERSIONED}}


@contextmanager
def ended_by_exceptions() -> Iterator[None]:
    """Let SIGTERM and SIGHUP, which would end the process on the spot, raise ``SystemExit`` in this block.

    So what has to be tidied up is. Where somebody else handles these signals, or outside of the main thread,
    which alone may handle any, nothing changes.
    """
    ours = []
    if threading.current_thread() is threading.main_thread():
        kinds = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
        ours = [kind for kind in kinds if signal.getsignal(kind) is signal.SIG_DFL]
    try:
        for kind in ours:
            signal.signal(kind, _end)
        yield
    finally:
        for kind in ours:
            signal.signal(kind, signal.SIG_DFL)


def _end(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _flush(path: Path, flags: int) -> None:
    """Wait until a file or folder is on the disk, where the file system knows how to."""
    descriptor = os.open(path, flags | getattr(os, "O_BINARY", 0))
    try:
        if flags & os.O_RDWR:
            os.fsync(descriptor)
        else:
            with suppress(OSError):  # some network file systems cannot flush a folder
                os.fsync(descriptor)
    finally:
        os.close(descriptor)
