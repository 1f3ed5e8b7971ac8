"""Care with large files: one process at a time, room on the disk, and errors that say what to do."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
from filelock import FileLock, Timeout
from isal import igzip
from numpy.typing import DTypeLike

from higgs_tutorial.data.progress import spinner


@contextmanager
def locked(path: Path, activity: str, *, progress: bool = True) -> Iterator[None]:
    """Hold the lock file ``path``, so that processes take turns; its folder is made if there is none.

    The lock ends with the process that holds it, however that ends.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        with spinner(f"Waiting for another process, which is {activity}", enabled=progress):
            lock.acquire()
    try:
        yield
    finally:
        lock.release()


def require_space(folder: Path, needed: int, purpose: str) -> None:
    """Check that ``folder`` has room for ``needed`` bytes.

    Raises:
        OSError: if it has not, naming the folder and both numbers.
    """
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise OSError(
            f"{purpose} needs {needed / 1e9:.2f} GB in {folder}, where {free / 1e9:.2f} GB are free; "
            "make room there, or set HIGGS_DATA_DIR to another folder"
        )


@contextmanager
def explained_write_errors(
    folder: Path, purpose: str, kept: str = "Nothing half-written was kept"
) -> Iterator[None]:
    """Let the ``OSError`` of a failed write (a full disk) say where it was and what is left of it."""
    try:
        yield
    except OSError as error:
        raise OSError(
            error.errno,
            f"{error.strerror or error}: {purpose} failed in {folder}. {kept}; make room there, "
            "or set HIGGS_DATA_DIR to another folder, and run it again",
        ) from error


def write_npy_header(file: BinaryIO, shape: tuple[int, ...], dtype: DTypeLike = np.float32) -> None:
    """Write the header of a ``.npy`` file of this shape and type; the rows follow as they come."""
    header = {
        "descr": np.lib.format.dtype_to_descr(np.dtype(dtype)),
        "fortran_order": False,
        "shape": shape,
    }
    np.lib.format.write_array_header_1_0(file, header)


@contextmanager
def text_file(path: Path, *, gzipped: bool) -> Iterator[BinaryIO]:
    """Open a file for text, gzipped or not: the same text makes the same bytes.

    (Left alone, gzip would note the time and the temporary name.)
    """
    with path.open("wb") as raw:
        if not gzipped:
            yield raw
            return
        with igzip.IGzipFile("", "wb", compresslevel=2, fileobj=raw, mtime=0) as packed:
            yield packed
