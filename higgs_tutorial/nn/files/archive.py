"""A ``.npz`` archive that may come from a stranger: what is in it is known before any array is made from it."""

from __future__ import annotations

import math
import re
import zipfile
from collections import Counter
from collections.abc import Iterable
from typing import Any, BinaryIO

import numpy as np

from higgs_tutorial.safe_text import one_line

_LIMIT_OF_TEXT = 16 * 2**20
_HEADER = re.compile(
    rb"\{'descr': '([<|=]?[A-Za-z][0-9]{1,9})', 'fortran_order': (True|False), 'shape': \(([0-9, ]{0,200})\), \}\s*"
)
_NUMBERS = re.compile(r"[<|=][fiub][0-9]+")


class Archive:
    """The members of an archive that NumPy's ``savez`` wrote: names, types and shapes at once, values on demand.

    Members are not compressed (``savez`` does not), so that a small file makes no large arrays, and their sizes
    are those that their own headers ask for.

    Attributes:
        types: NumPy's code of each array's type, such as ``<f4``, by name.
        shapes: its shape, by name.
    """

    def __init__(self, stream: BinaryIO) -> None:
        """Look into ``stream``.

        Raises:
            ValueError: if it is no such archive, or damaged, with what is wrong.
        """
        if stream.read(4) != b"PK\x03\x04":  # zipfile would take one with anything before it
            raise ValueError("it does not begin like an archive")
        try:
            self._zip = zipfile.ZipFile(stream)
            members = self._zip.infolist()
        except Exception as error:  # zipfile raises whatever the bytes lead it to
            raise ValueError(one_line(error)) from error
        self.types: dict[str, str] = {}
        self.shapes: dict[str, tuple[int, ...]] = {}
        self._fortran: dict[str, bool] = {}
        for name, times in Counter(member.filename for member in members).items():
            if times > 1:
                raise ValueError(f"{one_line(name, 60)!r} is in it twice")
        if sum(member.file_size for member in members) > stream.seek(0, 2):
            raise ValueError("its members are larger than the file")
        for member in members:
            self._look(member)

    def _look(self, member: zipfile.ZipInfo) -> None:
        shown = repr(one_line(member.filename, 60))
        name = member.filename.removesuffix(".npy")
        if name == member.filename:
            raise ValueError(f"{shown} is no array")
        if member.flag_bits & 1 or member.compress_type != zipfile.ZIP_STORED:
            raise ValueError(f"{shown} is {'encrypted' if member.flag_bits & 1 else 'compressed'}")
        with self._opened(name) as array:
            kind, fortran, shape, length = _header(array, shown)
        count = math.prod(shape)
        if length + count * _bytes_each(kind, shown) != member.file_size:
            raise ValueError(f"{shown} is not as long as its shape {list(shape)} asks for")
        self.types[name], self.shapes[name], self._fortran[name] = kind, shape, fortran

    def read(self, name: str) -> np.ndarray:
        """Return the array called ``name``.

        Raises:
            ValueError: if its bytes are not those that were written.
        """
        with self._opened(name) as array:
            _header(array, name)
            try:
                data = array.read()  # checks the checksum at the end
            except Exception as error:
                raise ValueError(one_line(error)) from error
        values = np.frombuffer(data, self.types[name])
        return values.reshape(self.shapes[name], order="F" if self._fortran[name] else "C")

    def read_text(self, name: str) -> str:
        """Return the text that is kept as an array called ``name``.

        Raises:
            ValueError: if there is none, or it is very long.
        """
        if name not in self.types:
            raise ValueError(f"it has no {name!r}")
        if self.types[name][1] != "U" or self.shapes[name] != ():
            raise ValueError(f"its {name!r} is no text")
        if int(self.types[name][2:]) * 4 > _LIMIT_OF_TEXT:
            raise ValueError(f"its {name!r} is longer than {_LIMIT_OF_TEXT // 4:,} letters")
        return str(self.read(name)[()])

    def require(self, wanted: dict[str, tuple[int, ...]], kinds: Iterable[str] = ("<f4",)) -> None:
        """Check, before anything is read, that the archive holds the arrays ``wanted`` and no others.

        Raises:
            ValueError: if one is missing, too many, or of another shape or type.
        """
        for names, problem in (
            (wanted.keys() - self.types.keys(), "no"),
            (self.types.keys() - wanted.keys(), "also"),
        ):
            if names:
                raise ValueError(f"it has {problem} variable {one_line(min(names), 60)!r}")
        for name, shape in wanted.items():
            if self.shapes[name] != shape:
                raise ValueError(f"{name} has shape {self.shapes[name]} instead of {shape}")
            if self.types[name] not in kinds:
                raise ValueError(f"{name} holds {self.types[name]} and not {' or '.join(kinds)}")

    def _opened(self, name: str) -> Any:
        try:
            return self._zip.open(f"{name}.npy")
        except Exception as error:
            raise ValueError(one_line(error)) from error


def _header(stream: BinaryIO, shown: str) -> tuple[str, bool, tuple[int, ...], int]:
    """Read the beginning of a ``.npy``: type, whether columns come first, shape, and how long the beginning is.

    It is matched and not, as NumPy does, evaluated as Python, which text of a stranger can bring down.
    """
    try:
        magic = stream.read(8)
        digits = 2 if magic[6:] == b"\x01\x00" else 4
        length = int.from_bytes(stream.read(digits), "little")
        match = _HEADER.fullmatch(stream.read(min(length, 2**16))) if magic[:6] == b"\x93NUMPY" else None
    except Exception as error:
        raise ValueError(f"{shown}: {one_line(error)}") from error
    if not match:
        raise ValueError(f"{shown} does not begin like an array of numbers or text")
    shape = tuple(int(part) for part in match[3].decode().split(",") if part.strip())
    return match[1].decode(), match[2] == b"True", shape, 8 + digits + length


def _bytes_each(kind: str, shown: str) -> int:
    if kind[1] == "U":
        return 4 * int(kind[2:])
    if not _NUMBERS.fullmatch(kind) or int(kind[2:]) not in (1, 2, 4, 8):
        raise ValueError(f"{shown} holds {kind} and not numbers")
    return int(kind[2:])
