"""Writing files so that under their names there is either nothing, what was there before, or all of them."""

from __future__ import annotations

import os
import secrets
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

ENDING = ".partial"
"""Of the temporary names."""


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
