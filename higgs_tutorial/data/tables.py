"""Events of any origin as a stream of float32 features: CSV (also gzipped), NumPy or Parquet.

What a file is, its first bytes decide. It has one column a feature, in the model's order, or a label before
them, which is not used. If its columns have names (Parquet, or a CSV whose first line has no number in it)
and the features' names are among them, those columns are taken, wherever they stand.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from higgs_tutorial.data.lines import Lines, Rows

BLOCK_ROWS = 20_000


@dataclass
class Table:
    """An opened file.

    Attributes:
        named: whether its columns have names.
        chosen: places of the features among its columns.
        blocks: the events, read as they are asked for.
        rows: how many there are; None if that is not known in advance.
    """

    named: bool
    chosen: list[int]
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
    if start.startswith(b"PK"):
        raise ValueError(f"{file} is a zip archive: unpack it, and score the CSV, .npy or Parquet file in it")
    return _open_csv(file, features, columns)


def choose(
    file: Path, count: int, names: list[str] | None, features: int, wanted: Sequence[str] | None
) -> list:
    """Return which of a file's ``count`` columns are the model's features, by name or by place."""
    if names and wanted:
        missing = [name for name in wanted if name not in names]
        if not missing:
            return [names.index(name) for name in wanted]
        if len(missing) < len(wanted):
            raise ValueError(f"{file} has no column {', '.join(map(repr, missing))}, which the model needs")
    if count not in (features, features + 1):
        raise ValueError(
            f"{file} has {count} column{'s' if count != 1 else ''};"
            f" the model takes {features}, or a label and then {features}"
        )
    return list(range(count - features, count))


def _open_parquet(file: Path, features: int, columns: Sequence[str] | None) -> Table:
    try:
        parquet = pq.ParquetFile(file, page_checksum_verification=True)
    except pa.ArrowException as error:
        raise ValueError(f"{file} is a damaged or cut off Parquet file ({error})") from error
    schema = parquet.schema_arrow
    chosen = choose(file, len(schema.names), schema.names, features, columns)
    for column in (schema.field(i) for i in chosen):
        if not (pa.types.is_floating(column.type) or pa.types.is_integer(column.type)):
            raise ValueError(f"{file}: column {column.name!r} holds {column.type} and not numbers")

    def blocks() -> Iterator[Rows]:
        names, done = [schema.names[i] for i in chosen], 0
        try:
            for batch in parquet.iter_batches(BLOCK_ROWS, columns=names):
                values = [batch.column(name).to_numpy(zero_copy_only=False) for name in names]
                yield _checked(file, np.stack(values, axis=1), done + 1, names)
                done += batch.num_rows
        except (pa.ArrowException, OSError) as error:
            raise ValueError(f"{file} is damaged after row {done:,} ({error})") from error

    return Table(True, chosen, blocks(), parquet.metadata.num_rows)


def _open_npy(file: Path, features: int, columns: Sequence[str] | None) -> Table:
    try:
        array = np.load(file, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise ValueError(f"{file} is a damaged or cut off .npy file ({error})") from error
    if array.ndim != 2 or array.dtype.kind not in "fiu":
        found = f"{array.dtype} {list(array.shape)}"
        raise ValueError(f"{file} holds {found}; it must be numbers [n, {features}]")
    chosen = choose(file, array.shape[1], None, features, columns)

    def blocks() -> Iterator[Rows]:
        for start in range(0, len(array), BLOCK_ROWS):
            block = array[start : start + BLOCK_ROWS, chosen[0] : chosen[-1] + 1]
            yield _checked(file, block, start + 1, [f"{i + 1}" for i in chosen])

    return Table(False, chosen, blocks(), len(array))


def _checked(file: Path, values: NDArray, first: int, names: Sequence[str]) -> Rows:
    """Convert to float32 and find the rows with a value that is missing, not finite or too large."""
    with np.errstate(over="ignore"):
        x = values.astype(np.float32)
    wrong = ~np.isfinite(x)
    bad = {}
    for i in np.flatnonzero(wrong.any(axis=1)):
        column = int(np.argmax(wrong[i]))
        problem = "does not fit float32" if np.isfinite(values[i, column]) else "is missing or not finite"
        bad[int(i)] = f"{file}, row {first + i:,}: column {names[column]} {problem}: {values[i, column]}"
        x[i] = np.nan
    return Rows(x, bad)


def _open_csv(file: Path, features: int, columns: Sequence[str] | None) -> Table:
    lines = Lines(file)
    chosen = choose(file, lines.count, lines.names, features, columns)
    return Table(lines.names is not None, chosen, lines.rows(chosen), None)
