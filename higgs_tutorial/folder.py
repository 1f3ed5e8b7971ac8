"""The folder of a run: looked at before there is anything to write, and used by one run at a time."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

LOCK = Path("checkpoints", ".lock")


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


@contextmanager
def claimed(folder: str | os.PathLike) -> Iterator[None]:
    """Keep ``folder``, which is made if it is missing, from other runs; the claim ends with the process.

    Raises:
        BlockingIOError: if another run has it.
        OSError: if nothing can be written there.
    """
    file = Path(folder) / LOCK
    file.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(file)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise BlockingIOError(
            f"another run is writing to {folder}: wait until it has ended, or choose another folder"
        ) from None
    except NotImplementedError:  # some network file systems
        warnings.warn(f"no files can be locked in {folder}: start no other run there", stacklevel=3)
    try:
        yield
    finally:
        lock.release()
