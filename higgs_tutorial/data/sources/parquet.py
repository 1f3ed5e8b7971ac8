"""Parquet, read by pyarrow, a batch at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from higgs_tutorial.data.sources.arrays import damage
from higgs_tutorial.data.sources.base import SAMPLED, Columns
from higgs_tutorial.safe_text import one_line

_DAMAGE = (pa.ArrowException, OSError, ValueError, KeyError, OverflowError)
"""What pyarrow raises where a Parquet file's bytes are wrong."""


class ParquetFile(Columns):
    """A Parquet file as a `Source`."""

    def __init__(self, path: Path) -> None:
        """Read the schema of ``path``.

        Raises:
            ValueError: if it is damaged.
        """
        self.file = str(path)
        try:
            self._parquet = pq.ParquetFile(path, page_checksum_verification=True)
            schema, self.rows = self._parquet.schema_arrow, self._parquet.metadata.num_rows
            index = (schema.pandas_metadata or {}).get("index_columns", [])
            self.index = [name for name in index if type(name) is str]
            self._types = [schema.field(i).type for i in range(len(schema.names))]
        except (*_DAMAGE, AttributeError, TypeError) as error:
            raise ValueError(f"{path} is a damaged or cut off Parquet file ({one_line(error)})") from error
        self.names, self.count = schema.names, len(schema.names)

    def kind(self, place: int) -> str | None:
        """See `Source.kind`."""
        kind = self._types[place]
        return None if pa.types.is_floating(kind) or pa.types.is_integer(kind) else one_line(kind)

    def sample(self, place: int) -> Sequence:
        """See `Source.sample`."""
        self._check_distinct([place])
        with damage(self.file, 0):
            batch = next(self._parquet.iter_batches(SAMPLED, columns=[self.names[place]]), None)
            return [] if batch is None else batch.column(0).to_pylist()

    def values(self, places: Sequence[int], size: int) -> Iterator[NDArray]:
        """See `Columns.values`."""
        names, done = [self.names[i] for i in places], 0
        batches = (
            batch
            for group in range(self._parquet.num_row_groups)  # pyarrow keeps what it has read of several
            for batch in self._parquet.iter_batches(size, row_groups=[group], columns=names)
        )
        while True:
            with damage(self.file, done):
                batch = next(batches, None)
                if batch is None:
                    return
                columns = [_numbers(batch.column(name)) for name in names]
            yield np.stack(columns, axis=1)
            done += batch.num_rows


def _numbers(column: pa.Array) -> NDArray:
    """Return a column as an array in which what is missing is NaN."""
    values = column.to_numpy(zero_copy_only=False)
    return values.astype(np.float64) if values.dtype == object else values  # truth values, some missing
