"""HIGGS.csv.gz from UCI: several addresses, resumed where the server allows it, checked before it counts."""

from __future__ import annotations

import hashlib
import lzma
import os
import struct
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from higgs_tutorial.data.files import explained_write_errors, locked, require_space
from higgs_tutorial.data.progress import progress_bar
from higgs_tutorial.data.settings import data_folder
from higgs_tutorial.data.transfer import CHUNK_BYTES, FetchError, fetch
from higgs_tutorial.data.uci import HIGGS_BYTES, HIGGS_FILE, HIGGS_SHA256, HIGGS_URLS
from higgs_tutorial.safe_text import one_line

_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    RuntimeError,
    ValueError,
    OverflowError,
)
"""What zipfile raises where an archive's bytes are wrong (NotImplementedError is a RuntimeError)."""


class DownloadError(ConnectionError):
    """No address gave the file; the message lists what happened at each."""


def download(
    data_dir: str | os.PathLike | None = None,
    *,
    urls: Sequence[str] = HIGGS_URLS,
    size: int = HIGGS_BYTES,
    sha256: str = HIGGS_SHA256,
    attempts: int = 5,
    backoff: float = 1.0,
    progress: bool = True,
) -> Path:
    """Download the HIGGS data set (2.8 GB, P. Baldi et al., arXiv:1402.4735, DOI 10.24432/C5V312).

    The addresses are tried in order. What was received is kept when a transfer breaks off, within a call and
    between calls, and the next attempt goes on from there if the server answers ranges. The file gets its
    name when its size and hash are right. One that is there already, and right, is left alone.

    Args:
        data_dir: where to put it; by default ``HIGGS_DATA_DIR``, else ``data/`` of a checkout, else
            the user's cache folder.
        urls: addresses of the file, or of a zip archive that holds it (if the path ends with ``.zip``).
        size: the file's size in bytes.
        sha256: the file's SHA-256, in hexadecimal.
        attempts: how often to try one address when the connection fails, breaks off without having brought
            anything, or the server says that it is busy.
        backoff: seconds before the second try; doubled each time.
        progress: whether to show a progress bar if standard error is a terminal.

    Returns:
        The path of ``HIGGS.csv.gz``.

    Raises:
        DownloadError: if no address gave the file.
        OSError: if the disk is too small or a write fails; what was received is kept.

    Example:
        >>> from hashlib import sha256
        >>> from pathlib import Path
        >>> from higgs_tutorial import download
        >>> content = b"in place of 2.8 GB"
        >>> written = Path("HIGGS.csv.gz").write_bytes(content)
        >>> download(".", size=written, sha256=sha256(content).hexdigest()).name  # it is there: nothing is fetched
        'HIGGS.csv.gz'
    """
    folder = data_folder(data_dir)
    target = folder / HIGGS_FILE
    options = {"attempts": attempts, "backoff": backoff, "progress": progress}
    with locked(folder / ".download.lock", "downloading HIGGS", progress=progress):
        if target.is_file() and _problem(target, size, sha256, progress) is None:
            return target
        failures = []
        for url in urls:
            get = _from_archive if urlsplit(url).path.lower().endswith(".zip") else _from_file
            try:
                get(url, target, size, sha256, options)
                return target
            except FetchError as error:
                failures.append(f"  {url}: {error}")
    raise DownloadError(
        f"{HIGGS_FILE} could not be downloaded to {folder}:\n"
        + "\n".join(failures)
        + "\nTry again later (it goes on from what was received), or put the file there yourself"
    )


def _from_file(url: str, target: Path, size: int, sha256: str, options: dict) -> None:
    partial = target.with_name(f".{target.name}.partial")
    resumed = partial.exists()
    fetch(url, partial, size, **options)
    try:
        _accept(partial, target, size, sha256, options["progress"])
    except FetchError:
        if not resumed:
            raise
        _from_file(url, target, size, sha256, options)  # what was there before may have been to blame


def _from_archive(url: str, target: Path, size: int, sha256: str, options: dict) -> None:
    archive = target.with_name(f".{target.name}.zip.partial")
    extracted = target.with_name(f".{target.name}.extracted")
    fetch(url, archive, None, **options)
    try:
        with zipfile.ZipFile(archive) as opened:
            member = next(
                (info for info in opened.infolist() if Path(info.filename).name == HIGGS_FILE), None
            )
            if member is None or member.file_size != size:
                found = "no such file" if member is None else f"one of {member.file_size:,} bytes"
                raise FetchError(f"its archive should hold {HIGGS_FILE} of {size:,} bytes and has {found}")
            require_space(target.parent, size, "unpacking HIGGS")
            _unpack(opened, member, extracted)
        _accept(extracted, target, size, sha256, options["progress"])
    except (*_DAMAGE, FetchError) as error:
        archive.unlink()
        raise FetchError(one_line(error)) from error
    finally:
        extracted.unlink(missing_ok=True)
    archive.unlink()


def _unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo, extracted: Path) -> None:
    write_errors = explained_write_errors(extracted.parent, "unpacking HIGGS", "What was received is kept")
    with archive.open(member) as packed, write_errors, open(extracted, "wb") as file:
        while True:
            try:
                chunk = packed.read(CHUNK_BYTES)
            except OSError as error:  # of bzip2; it is no write error
                raise FetchError(f"its archive is damaged ({one_line(error)})") from error
            if not chunk:
                return
            file.write(chunk)


def _accept(candidate: Path, target: Path, size: int, sha256: str, progress: bool) -> None:
    """Give a right file its name, and delete a wrong one."""
    problem = _problem(candidate, size, sha256, progress)
    if problem:
        candidate.unlink()
        raise FetchError(f"{problem}; it was deleted")
    os.replace(candidate, target)


def _problem(path: Path, size: int, sha256: str, progress: bool) -> str | None:
    """Say what is wrong with a file's size or hash; None if it is right."""
    length = path.stat().st_size
    if length != size:
        return f"the file has {length:,} bytes instead of {size:,}"
    digest = hashlib.sha256()
    with progress_bar("Checking", size, enabled=progress) as advance, open(path, "rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
            advance(len(chunk))
    if digest.hexdigest() != sha256:
        return f"the file has SHA-256 {digest.hexdigest()} instead of {sha256}"
    return None
