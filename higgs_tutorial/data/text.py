"""The bytes of a text file that may be plain, gzipped or the only CSV in a zip archive."""

from __future__ import annotations

import hashlib
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from isal import igzip, isal_zlib

from higgs_tutorial.data.kinds import START_BYTES, what_is
from higgs_tutorial.data.uci import HIGGS_FILE

_AGAIN = "get the file again"
_DAMAGE = (OSError, isal_zlib.error, zlib.error, lzma.LZMAError, zipfile.BadZipFile)
"""What the libraries raise where the bytes are wrong (gzip.BadGzipFile is an OSError)."""


class Text:
    """An opened text.

    Attributes:
        name: of the file; of one in a zip archive that of the archive's member.
        size: of the file, or the member, in bytes.
        checked: whether a checksum will tell at the end that nothing is missing: of gzip and zip, not of plain
            text.
    """

    def __init__(self, path: Path, name: str, size: int, source: BinaryIO, on_bytes: Callable | None) -> None:
        self.path, self.name, self.size = path, name, size
        self.checked = isinstance(source, zipfile.ZipExtFile)
        self._raw = _Hashed(source, on_bytes)
        self._stream: BinaryIO | _Hashed = self._raw
        self._ahead = b""
        self._ahead = self.read(START_BYTES)
        if self._ahead.startswith(b"\x1f\x8b"):
            self._stream, self.checked = igzip.open(_Before(self._ahead, self._raw), "rb"), True
            self._ahead = b""
            self._ahead = self.read(START_BYTES)
        if kind := what_is(self._ahead):
            raise ValueError(
                f"{path}: what is packed in it is {kind}" if self.checked else f"{path} is {kind}"
            )

    @property
    def sha256(self) -> str:
        """The hash of the bytes that were read of the file, or the member."""
        return self._raw.digest.hexdigest()

    def readinto(self, into: memoryview) -> int:
        """Fill ``into`` with the next bytes of the text, or some of it; 0 at its end.

        Raises:
            ValueError: if the file is damaged or cut off.
        """
        if self._ahead:
            got = min(len(self._ahead), len(into))
            into[:got], self._ahead = self._ahead[:got], self._ahead[got:]
            return got
        try:
            return self._stream.readinto(into) or 0
        except EOFError:
            raise ValueError(
                f"{self.path} is cut off, or something follows its packed stream, which does not end with the"
                f" file; {_AGAIN}"
            ) from None
        except _DAMAGE as error:
            if "Not a gzipped file" in str(error):
                raise ValueError(
                    f"{self.path} is damaged: what follows its gzip stream is not gzip; {_AGAIN}"
                ) from error
            raise ValueError(f"{self.path} is damaged ({error}); {_AGAIN}") from error

    def read(self, size: int) -> bytes:
        """Return up to ``size`` of the next bytes, as many as there are; see `readinto`."""
        buffer, filled = memoryview(bytearray(size)), 0
        while filled < size and (got := self.readinto(buffer[filled:])):
            filled += got
        return bytes(buffer[:filled])


@contextmanager
def open_text(path: Path, on_bytes: Callable[[int], None] | None = None) -> Iterator[Text]:
    """Open a text, which its first bytes show to be plain, gzipped or in a zip archive.

    ``on_bytes`` is told how many more of the file's bytes were read.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is something else, which is said, or damaged.
    """
    with ExitStack() as stack:
        file = stack.enter_context(open(path, "rb", buffering=0))
        name, size = path.name, path.stat().st_size
        packed = file.read(4) in (b"PK\x03\x04", b"PK\x05\x06")
        file.seek(0)
        if packed:
            try:
                archive = stack.enter_context(zipfile.ZipFile(file))
                member = _member(path, archive)
                file = stack.enter_context(archive.open(member))
            except (*_DAMAGE, NotImplementedError, EOFError) as error:
                raise ValueError(f"{path} is a damaged or cut off zip archive ({error}); {_AGAIN}") from error
            name, size = PurePosixPath(member.filename).name, member.file_size
        yield Text(path, name, size, file, on_bytes)


def _member(path: Path, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    """Return the only CSV of an archive, or UCI's among several."""
    members = [m for m in archive.infolist() if not (m.is_dir() or m.filename.startswith("__MACOSX/"))]
    tables = [m for m in members if m.filename.lower().endswith((".csv", ".csv.gz"))]
    tables = [m for m in tables if PurePosixPath(m.filename).name == HIGGS_FILE] or tables
    if len(tables) != 1:
        names = [m.filename for m in tables or members]
        listed = ", ".join(repr(name[:40]) for name in names[:3]) + (", …" if len(names) > 3 else "")
        if tables:
            raise ValueError(f"{path} is a zip archive with several CSV files ({listed}): unpack one of them")
        raise ValueError(f"{path} is {_archive_kind(names)}, without a CSV file in it ({listed or 'empty'})")
    if tables[0].flag_bits & 1:
        raise ValueError(f"{path} is an encrypted zip archive: unpack it with its password")
    return tables[0]


def _archive_kind(names: list[str]) -> str:
    if names and all(name.endswith(".npy") for name in names):
        return "a NumPy .npz archive or a model"
    if any(name.startswith("xl/") for name in names):
        return "an Excel workbook"
    if any(name.endswith("data.pkl") for name in names):
        return "a PyTorch file"
    return "a zip archive"


class _Hashed(io.RawIOBase):
    """A file whose bytes are hashed and counted as they are read."""

    def __init__(self, file: BinaryIO, on_bytes: Callable[[int], None] | None) -> None:
        self._file, self._on_bytes, self.digest = file, on_bytes, hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, into: memoryview) -> int:
        got = self._file.readinto(into)
        self.digest.update(memoryview(into)[:got])
        if self._on_bytes:
            self._on_bytes(got)
        return got


class _Before(io.RawIOBase):
    """A file with bytes before it that were read already."""

    def __init__(self, before: bytes, file: io.RawIOBase) -> None:
        self._before, self._file = before, file

    def readable(self) -> bool:
        return True

    def readinto(self, into: memoryview) -> int:
        if not self._before:
            return self._file.readinto(into)
        got = min(len(self._before), len(into))
        into[:got], self._before = self._before[:got], self._before[got:]
        return got
