"""Consecutive events of a file, and what is wrong with those that cannot be used."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

REPORTED = 10
"""How many events that cannot be used are described one by one."""


@dataclass
class Rows:
    """Consecutive events: features ``x`` float32 ``[n, k]``, and what is wrong with those that cannot be used.

    The row of an event that cannot be used is NaN. ``problems`` has a sentence for each of the first ten of
    them, which names the line or row of the file. ``aside`` float32 ``[n, m]`` are columns that are no features, a
    label or a weight: what cannot be used in them is NaN, and refuses no event.
    """

    x: NDArray
    problems: list[str] = field(default_factory=list)
    aside: NDArray | None = None

    @property
    def bad(self) -> NDArray:
        """Which events cannot be used, bool ``[n]``."""
        return np.isnan(self.x).any(axis=1)

    def refuse(self, i: int, problem: str) -> None:
        """Note that event ``i`` cannot be used."""
        self.x[i] = np.nan
        if len(self.problems) < REPORTED:
            self.problems.append(problem)
