"""Simulated events written in the real file's format."""

import gzip

import numpy as np
import pytest

from higgs_tutorial.data.export import write_simulated
from higgs_tutorial.physics.simulate import simulate


def test_csv_holds_every_bit_of_the_npy(tmp_path):
    rows = np.load(write_simulated(tmp_path / "events.npy", 500, seed=3))
    x, y = simulate(500, 3)
    assert rows.dtype == np.float32
    assert np.array_equal(rows, np.column_stack([y, x]))
    text = write_simulated(tmp_path / "events.csv.gz", 500, seed=3)
    assert np.array_equal(np.loadtxt(text, delimiter=",", dtype=np.float32), rows)
    plain = write_simulated(tmp_path / "events.csv", 500, seed=3)
    lines = gzip.decompress(text.read_bytes()).decode()
    assert plain.read_text() == lines
    assert lines.startswith(("0.000000000000000000e+00,", "1.000000000000000000e+00,"))
    assert lines.count("\n") == 500
    assert sorted(file.name for file in tmp_path.iterdir()) == ["events.csv", "events.csv.gz", "events.npy"]


@pytest.mark.parametrize(("name", "events"), [("events.parquet", 5), ("events.gz", 5), ("events.npy", 0)])
def test_bad_arguments_leave_nothing(tmp_path, name, events):
    with pytest.raises(ValueError, match="must"):
        write_simulated(tmp_path / name, events)
    assert list(tmp_path.iterdir()) == []
