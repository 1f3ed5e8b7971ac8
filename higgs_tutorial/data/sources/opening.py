"""What a file is, its first bytes decide."""

from __future__ import annotations

from higgs_tutorial.data.sources.base import Source
from higgs_tutorial.data.sources.several import Location

KINDS = {b"PAR1": "parquet", b"\x93NUMPY": "npy", b"root": "root", b"\x89HDF\r\n\x1a\n": "hdf5"}
"""First bytes of the kinds of file that are no text."""
WITH_TABLES = ("root", "hdf5")
"""Those that may hold several tables."""


def kind_at(location: Location) -> str:
    """Return what kind of file is at ``location``: one of `KINDS`, or ``"csv"`` for anything else.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is empty, or a table in it is named and its kind has no tables with names.
    """
    with location.path.open("rb") as stream:
        start = stream.read(max(map(len, KINDS)))
    if not start:
        raise ValueError(f"{location.path} is empty: there is no event in it")
    kind = next((kind for magic, kind in KINDS.items() if start.startswith(magic)), "csv")
    if location.inside is not None and kind not in WITH_TABLES:
        raise ValueError(
            f"{location.path} is neither a ROOT nor an HDF5 file; only in these can a table be named"
            f" (:{location.inside})"
        )
    return kind


def open_source(location: Location, columns: int) -> Source:
    """Open the table at ``location``; ``columns`` is about how many it should have, for messages.

    Raises:
        FileNotFoundError: if there is no such file.
        ImportError: if what reads this kind of file is not installed.
        ValueError: if it is of no known kind, damaged, or has several tables of which none was named.
    """
    kind = kind_at(location)
    if kind == "parquet":
        from higgs_tutorial.data.sources.parquet import ParquetFile

        return ParquetFile(location.path)
    if kind == "npy":
        from higgs_tutorial.data.sources.arrays import open_npy

        return open_npy(location.path, columns)
    if kind == "root":
        from higgs_tutorial.data.sources.root import RootTree

        return RootTree(location.path, location.inside)
    if kind == "hdf5":
        from higgs_tutorial.data.sources.hdf5 import open_hdf5

        return open_hdf5(location.path, location.inside, columns)
    from higgs_tutorial.data.sources.lines import CsvFile

    return CsvFile(location.path)
