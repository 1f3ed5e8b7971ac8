"""A CSV file of any origin as a `Source`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from higgs_tutorial.data.csv.reader import Csv
from higgs_tutorial.data.csv.rows import Rows
from higgs_tutorial.data.csv.rules import Layout


class CsvFile:
    """A CSV file, plain, gzipped or in a zip archive, as a `Source`."""

    index: Sequence[str] = ()
    rows = None

    def __init__(self, path: Path) -> None:
        """Read the beginning of ``path``; see `Csv`."""
        self._csv, self.file = Csv(path), str(path)
        self.names, self.count = self._csv.names, self._csv.count

    def spelled(self, name: str) -> str:
        """See `Source.spelled`."""
        return name

    def kind(self, place: int) -> str | None:
        """See `Source.kind`: what is no number is said where it stands."""
        return None

    def sample(self, place: int) -> Sequence:
        """See `Source.sample`."""
        return self._csv.sample(place)

    def blocks(self, places: Sequence[int], aside: Sequence[int] = ()) -> Iterator[Rows]:
        """See `Source.blocks`."""
        return self._csv.rows(Layout(self.count, list(places)), aside)
