"""Random events, and how HIGGS.csv.gz prints them."""

import numpy as np


def make_rows(count, seed=0):
    """Random rows in HIGGS format: float32 [count, 29], label first."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(count, 29)).astype(np.float32)
    rows[:, 0] = rng.random(count) < 0.53
    return rows


def to_lines(rows):
    """The lines of rows, printed as in HIGGS.csv.gz."""
    return [",".join(f"{value:.18e}" for value in row).encode() for row in rows.tolist()]
