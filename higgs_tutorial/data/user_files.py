"""Events of any origin as a stream of float32 features: CSV (also gzipped or zipped), NumPy or Parquet.

What a file is, its first bytes decide. Columns with names (Parquet, or a CSV whose first line has no number in
it) are taken by the model's names if it has any; else by place, in the model's order (`columns.choose`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from higgs_tutorial.data.columns import Choice, check_distinct, choose
from higgs_tutorial.data.csv.reader import Csv
from higgs_tutorial.data.csv.rows import REPORTED, Rows
from higgs_tutorial.data.csv.rules import Layout
from higgs_tutorial.safe_text import one_line

BLOCK_ROWS = 20_000
_SAMPLED = 1000
_DAMAGE = (pa.ArrowException, OSError, ValueError, KeyError, OverflowError)
"""What pyarrow raises where a Parquet file's bytes are wrong."""


@dataclass
class Table:
    """An opened file.

    Attributes:
        named: whether its columns have names.
        choice: which of its columns are the features.
        blocks: the events, read as they are asked for.
        rows: how many there are; None if that is not known in advance.
    """

    named: bool
    choice: Choice
    blocks: Iterator[Rows]
    rows: int | None


def open_table(file: Path, features: int, columns: Sequence[str] | None = None) -> Table:
    """Open ``file`` for a model of ``features`` columns, which may have names.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is of no known kind, or its columns do not fit the model; later, while the blocks
            are read, if it is damaged or cut off.
    """
    with file.open("rb") as stream:
        start = stream.read(6)
    if not start:
        raise ValueError(f"{file} is empty: there is no event in it")
    if start.startswith(b"PAR1"):
        return _open_parquet(file, features, columns)
    if start == b"\x93NUMPY":
        return _open_npy(file, features, columns)
    return _open_csv(file, features, columns)


def _open_parquet(file: Path, features: int, columns: Sequence[str] | None) -> Table:
    try:
        parquet = pq.ParquetFile(file, page_checksum_verification=True)
        schema, rows = parquet.schema_arrow, parquet.metadata.num_rows
        index = [
            name for name in (schema.pandas_metadata or {}).get("index_columns", []) if type(name) is str
        ]
        fields = [schema.field(i) for i in range(len(schema.names))]
    except (*_DAMAGE, AttributeError, TypeError) as error:
        raise ValueError(f"{file} is a damaged or cut off Parquet file ({one_line(error)})") from error

    def sample(place: int) -> Sequence:
        check_distinct(file, schema.names, [place])
        with _parquet_damage(file, 0):
            batch = next(parquet.iter_batches(_SAMPLED, columns=[schema.names[place]]), None)
            return [] if batch is None else batch.column(0).to_pylist()

    choice = choose(file, len(schema.names), schema.names, features, columns, sample, index)
    check_distinct(file, schema.names, choice.places)
    for column in (fields[i] for i in choice.places):
        if not (pa.types.is_floating(column.type) or pa.types.is_integer(column.type)):
            raise ValueError(f"{file}: column {column.name!r} holds {one_line(column.type)} and not numbers")

    def blocks() -> Iterator[Rows]:
        names, done = [schema.names[i] for i in choice.places], 0
        batches = parquet.iter_batches(BLOCK_ROWS, columns=names)
        while True:
            with _parquet_damage(file, done):
                batch = next(batches, None)
                if batch is None:
                    return
                values = [batch.column(name).to_numpy(zero_copy_only=False) for name in names]
            yield _checked(file, np.stack(values, axis=1), done + 1, names)
            done += batch.num_rows

    return Table(True, choice, blocks(), rows)


@contextmanager
def _parquet_damage(file: Path, rows: int) -> Iterator[None]:
    try:
        yield
    except _DAMAGE as error:
        raise ValueError(f"{file} is damaged after row {rows:,} ({one_line(error)})") from error


def _open_npy(file: Path, features: int, columns: Sequence[str] | None) -> Table:
    try:
        array = np.load(file, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # NumPy parses the header as Python: SyntaxError, RecursionError, TypeError, …
        raise ValueError(f"{file} is a damaged or cut off .npy file ({one_line(error)})") from error
    if array.ndim != 2 or array.dtype.kind not in "fiu":
        found = f"{one_line(array.dtype)} {list(array.shape)}"
        raise ValueError(f"{file} holds {found}; it must be numbers [n, {features}]")
    choice = choose(
        file, array.shape[1], None, features, columns, lambda place: array[:_SAMPLED, place].tolist()
    )
    places = choice.places

    def blocks() -> Iterator[Rows]:
        for start in range(0, len(array), BLOCK_ROWS):
            block = array[start : start + BLOCK_ROWS, places[0] : places[-1] + 1]
            yield _checked(file, block, start + 1, [f"{i + 1}" for i in places])

    return Table(False, choice, blocks(), len(array))


def _checked(file: Path, values: NDArray, first: int, names: Sequence[str]) -> Rows:
    """Convert to float32 and find the rows with a value that is missing, not finite or too large."""
    with np.errstate(over="ignore"):
        x = values.astype(np.float32)
    rows, wrong = Rows(x), ~np.isfinite(x)
    bad = np.flatnonzero(wrong.any(axis=1))
    for i in bad[:REPORTED]:
        column = int(np.argmax(wrong[i]))
        problem = "does not fit float32" if np.isfinite(values[i, column]) else "is missing or not finite"
        where = f"{file}, row {first + i:,}: column {one_line(names[column])}"
        rows.refuse(int(i), f"{where} {problem}: {values[i, column]}")
    x[bad] = np.nan
    return rows


def _open_csv(file: Path, features: int, columns: Sequence[str] | None) -> Table:
    csv = Csv(file)
    choice = choose(file, csv.count, csv.names, features, columns, csv.sample)
    return Table(csv.names is not None, choice, csv.rows(Layout(csv.count, choice.places)), None)
