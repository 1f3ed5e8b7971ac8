"""What a file is that should be a CSV and is not, by its first bytes; and what to do about it."""

from __future__ import annotations

import re
from pathlib import Path

START_BYTES = 1024
"""How many first bytes `what_is` wants to see."""

_UNPACK = "unpack it first: {} FILE"
_FRAME = '{}.to_csv("events.csv", header=False, index=False)'
_AS_CSV = "write its columns as a CSV file first: "

_KINDS: tuple[tuple[str, bytes, str], ...] = (
    ("a gzip file", rb"\x1f\x8b", _UNPACK.format("gunzip")),
    ("a bzip2 file", rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)", _UNPACK.format("bunzip2")),
    ("an xz file", rb"\xfd7zXZ\x00", _UNPACK.format("unxz")),
    ("an LZMA file", rb"\x5d\x00\x00[\x00-\xff]{2}", _UNPACK.format("unlzma")),
    ("a lzip file", rb"LZIP[\x00\x01]", _UNPACK.format("lzip -d")),
    ("a Zstandard file", rb"\x28\xb5\x2f\xfd", _UNPACK.format("unzstd")),
    ("an LZ4 file", rb"\x04\x22\x4d\x18", _UNPACK.format("lz4 -d")),
    ("a Snappy file", rb"\xff\x06\x00\x00sNaPpY", _UNPACK.format("snzip -d")),
    ("a compress (.Z) file", rb"\x1f\x9d", _UNPACK.format("uncompress")),
    ("a zip archive", rb"PK(?:\x03\x04|\x05\x06|\x07\x08)", _UNPACK.format("unzip")),
    ("a 7-Zip archive", rb"7z\xbc\xaf\x27\x1c", _UNPACK.format("7z x")),
    ("a RAR archive", rb"Rar!\x1a\x07", _UNPACK.format("unrar x")),
    ("a tar archive", rb"[\x00-\xff]{257}ustar", _UNPACK.format("tar xf")),
    ("a Parquet file", rb"PAR[1E]", _AS_CSV + _FRAME.format("pandas.read_parquet(FILE)")),
    ("an Arrow or Feather file", rb"ARROW1\x00|FEA1", _AS_CSV + _FRAME.format("pandas.read_feather(FILE)")),
    ("an ORC file", rb"ORC[^ -~]", _AS_CSV + _FRAME.format("pandas.read_orc(FILE)")),
    ("an Avro file", rb"Obj\x01", "write its columns as a CSV file first"),
    (
        "a NumPy .npy file",
        rb"\x93NUMPY",
        _AS_CSV + 'numpy.savetxt("events.csv", numpy.load(FILE), delimiter=",")',
    ),
    ("an HDF5 file", rb"\x89HDF\r\n\x1a\n", _AS_CSV + _FRAME.format("pandas.read_hdf(FILE, KEY)")),
    ("a netCDF file", rb"CDF[\x01\x02\x05]", "write its columns as a CSV file first"),
    (
        "a ROOT file",
        rb"root\x00",
        _AS_CSV + _FRAME.format('uproot.open(FILE)[TREE].arrays(library="pd")'),
    ),
    ("a MATLAB file", rb"MATLAB 5\.0", "write its columns as a CSV file first: scipy.io.loadmat(FILE)"),
    ("a FITS file", rb"SIMPLE  =", "write its columns as a CSV file first"),
    ("an SQLite data base", rb"SQLite format 3\x00", _AS_CSV + _FRAME.format("pandas.read_sql(…)")),
    ("an Excel file", rb"\xd0\xcf\x11\xe0", _AS_CSV + _FRAME.format("pandas.read_excel(FILE)")),
    ("a pickle", rb"\x80[\x02-\x05][\x00-\xff]", "write its columns as a CSV file where you trust it"),
    ("a PDF file", rb"%PDF-", "name the CSV file"),
    ("a picture", rb"\x89PNG|\xff\xd8\xff|GIF8", "name the CSV file"),
    (
        "a web page",
        rb"\s*(?i:<!doctype html|<html|<\?xml)",
        "the download got a page instead of the file: get it again",
    ),
    ("a git-lfs pointer", rb"version https://git-lfs", "get the file itself: git lfs pull"),
    ("a JSON file", rb"\s*[\[{]", _AS_CSV + _FRAME.format("pandas.read_json(FILE)")),
    (
        "an ARFF file",
        rb"(?:%[^\n]*\n|\s)*@(?i:relation)\b",
        "keep the lines after @data only: sed '1,/^@data/Id' FILE > events.csv",
    ),
    ("text in UTF-32", rb"\xff\xfe\x00\x00|\x00\x00\xfe\xff", "iconv -f UTF-32 -t UTF-8 FILE > events.csv"),
    (
        "text in UTF-16",
        rb"\xff\xfe|\xfe\xff|(?:[\t -~]\x00){8}|(?:\x00[\t -~]){8}",
        "write it as UTF-8: iconv -f UTF-16 -t UTF-8 FILE > events.csv",
    ),
)
_CONTROLS = bytes(byte for byte in range(32) if chr(byte) not in "\t\n\v\f\r")
_PATTERNS = [(name, re.compile(pattern), advice) for name, pattern, advice in _KINDS]


def what_is(start: bytes) -> str | None:
    """Say what a file is whose first bytes are no CSV's, and what to do; None for what may be a CSV.

    >>> what_is(b"PAR1 and so on")[:15]
    'a Parquet file;'
    >>> what_is(b"1.0,2.0") is None
    True
    """
    for name, pattern, advice in _PATTERNS:
        if pattern.match(start):
            return f"{name}; {advice}"
    if len(start.translate(None, _CONTROLS)) < 0.95 * len(start):
        return "a binary file and not text; name a CSV file"
    return None


def kind_of(path: Path) -> str | None:
    """Say what the file at ``path`` is, without advice, as `what_is` does; a folder is one."""
    if path.is_dir():
        return "a folder"
    with path.open("rb") as file:
        kind = what_is(file.read(START_BYTES))
    return kind and kind.partition(";")[0]
