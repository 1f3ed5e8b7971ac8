"""prepare: the same numbers as NumPy reads, the talk's split, and all files or none."""

import gzip
import json
import os
import signal

import numpy as np
import pytest
from higgs_lines import make_rows, to_lines

from higgs_tutorial.data import prepare as prepare_module
from higgs_tutorial.data.csv import reader
from higgs_tutorial.data.dataset import load
from higgs_tutorial.data.prepare import prepare
from higgs_tutorial.data.prepared import PARTS

PRODUCTS = ["higgs_test.npy", "higgs_train.npy", "higgs_valid.npy", "manifest.json"]

SLOW_PREPARE = """
import sys, time
from higgs_tutorial.data.csv import reader
from higgs_tutorial.data.prepare import prepare
reader.BLOCK_BYTES = 65_536
rows = reader.Csv.rows
def slow(self, layout):
    for block in rows(self, layout):
        print("a block", flush=True)
        time.sleep(0.2)
        yield block
reader.Csv.rows = slow
prepare(sys.argv[1], sys.argv[2], rows=None)
"""

FULL_DISK = """
import os, sys
from higgs_tutorial.data import prepare as module
module.require_space = lambda *_: None
try:
    module.prepare(sys.argv[2], sys.argv[1], rows=2_000)
except OSError as error:
    print(error)
print(os.listdir(sys.argv[1]))
"""

LARGE_FILES_FORBIDDEN = """
import resource, sys
from higgs_tutorial.data.prepare import prepare
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    prepare(sys.argv[1], sys.argv[2], rows=2_000)
except OSError as error:
    print(error)
"""


def parts(folder):
    return [np.load(folder / f"higgs_{part}.npy") for part in PARTS]


def visible(folder):
    return sorted(path.name for path in folder.iterdir() if path.name[0] != ".")


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks of some 90 lines, so that small files have many."""
    monkeypatch.setattr(reader, "BLOCK_BYTES", 65_536)


@pytest.mark.usefixtures("small_blocks")
def test_the_split_is_the_talks(rows, csv_gz, tmp_path):
    manifest = prepare(csv_gz, tmp_path, rows=2_000)
    train, valid, test = parts(tmp_path)
    assert manifest["rows"] == 2_000
    assert (len(train), len(valid), len(test)) == (1_800, 100, 100)
    np.testing.assert_array_equal(test, rows[-100:])
    place = {row.tobytes(): index for index, row in enumerate(rows)}  # the rows are all different
    train_places = [place[row.tobytes()] for row in train]
    valid_places = [place[row.tobytes()] for row in valid]
    assert sorted(train_places + valid_places) == list(range(1_900))
    assert train_places == sorted(train_places), "training keeps the order of the file"
    assert max(np.diff(valid_places)) > 20, "validation is chosen all over the file"


def test_the_seed_chooses_the_validation_events(csv_gz, tmp_path):
    choices = []
    for folder, seed in (("a", 0), ("b", 0), ("c", 1)):
        assert prepare(csv_gz, tmp_path / folder, rows=2_000, seed=seed)["split"]["seed"] == seed
        choices.append(parts(tmp_path / folder))
    for first, second in zip(choices[0], choices[1], strict=True):
        np.testing.assert_array_equal(first, second)
    assert not np.array_equal(choices[0][1], choices[2][1])
    np.testing.assert_array_equal(choices[0][2], choices[2][2])


def test_numbers_are_those_that_numpy_reads(tmp_path):
    rng = np.random.default_rng(5)
    values = rng.normal(size=(300, 29)) * 10.0 ** rng.integers(-44, 38, size=(300, 29))
    values[:, 0] = rng.random(300) < 0.5
    lines = [",".join(f"{value:.18e}" for value in row) for row in values]
    csv = tmp_path / "wide.csv"
    csv.write_text("\n".join(lines))
    prepare(csv, tmp_path, rows=300)
    expected = np.loadtxt(csv, delimiter=",").astype(np.float32)
    np.testing.assert_array_equal(parts(tmp_path)[2], expected[-15:])
    together = np.concatenate(parts(tmp_path)[:2])
    np.testing.assert_array_equal(
        together[np.lexsort(together.T)], expected[:-15][np.lexsort(expected[:-15].T)]
    )


def test_the_manifest_says_where_it_all_came_from(csv_gz, tmp_path):
    import hashlib

    manifest = prepare(csv_gz, tmp_path, rows=2_000)
    assert json.loads((tmp_path / "manifest.json").read_text()) == manifest
    assert manifest["source"] == {
        "name": "events.csv.gz",
        "bytes": csv_gz.stat().st_size,
        "sha256": hashlib.sha256(csv_gz.read_bytes()).hexdigest(),
        "is_uci": False,
    }
    assert manifest["parts"]["valid"] == {"file": "higgs_valid.npy", "rows": 100}
    assert {"python", "numpy", "polars", "isal", "higgs-tutorial"} == set(manifest["versions"])


def _crlf(lines):
    return b"\r\n".join(lines) + b"\r\n"


def _members(lines):
    return gzip.compress(b"\n".join(lines[:70]) + b"\n") + gzip.compress(b"\n".join(lines[70:]) + b"\n")


FORMS = {
    "plain": lambda lines: b"\n".join(lines) + b"\n",
    "no newline at the end": b"\n".join,
    "CRLF": _crlf,
    "CRLF, none at the end": b"\r\n".join,
    "gzip": lambda lines: gzip.compress(b"\n".join(lines) + b"\n"),
    "gzip of two members": _members,
    "gzip, zeros after it": lambda lines: gzip.compress(b"\n".join(lines)) + bytes(512),
    "blanks around numbers": lambda lines: b"\n".join(line.replace(b",", b" , ") for line in lines),
    "plus signs": lambda lines: b"\n".join(b"+" + line for line in lines),
}


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("stated", [200, None])
def test_forms_that_are_accepted(form, stated, tmp_path):
    rows = make_rows(200)
    csv = tmp_path / "events.bin"  # the contents decide, not the name
    csv.write_bytes(FORMS[form](to_lines(rows)))
    assert prepare(csv, tmp_path / "out", rows=stated)["rows"] == 200
    train, valid, test = parts(tmp_path / "out")
    np.testing.assert_array_equal(test, rows[-10:])
    assert np.isin(np.concatenate([train, valid])[:, 1], rows[:-10, 1]).all()


@pytest.mark.parametrize(("stated", "found"), [(1_999, "more than 1,999"), (2_001, "2,000 rows instead of")])
def test_another_number_of_rows_is_refused(stated, found, csv_gz, tmp_path):
    with pytest.raises(ValueError, match=f"{found}.*--any-rows"):
        prepare(csv_gz, tmp_path, rows=stated)
    assert visible(tmp_path) == []


def test_eleven_million_rows_are_expected_by_default(csv_gz, tmp_path, monkeypatch):
    monkeypatch.setattr(prepare_module, "require_space", lambda *_: None)
    with pytest.raises(ValueError, match="2,000 rows instead of 11,000,000"):
        prepare(csv_gz, tmp_path)


def test_a_file_too_short_to_split(tmp_path):
    csv = tmp_path / "short.csv"
    csv.write_bytes(b"\n".join(to_lines(make_rows(19))))
    with pytest.raises(ValueError, match=r"short.csv has 19 rows; at least 20"):
        prepare(csv, tmp_path, rows=None)
    csv.write_bytes(b"")
    with pytest.raises(ValueError, match=r"short.csv has 0 rows"):
        prepare(csv, tmp_path, rows=None)


def test_the_downloaded_file_is_the_default(csv_gz, tmp_path, monkeypatch):
    monkeypatch.setenv("HIGGS_DATA_DIR", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="higgs-tutorial download"):
        prepare()
    (tmp_path / "HIGGS.csv.gz").write_bytes(csv_gz.read_bytes())
    assert prepare(rows=None)["source"]["name"] == "HIGGS.csv.gz"
    with pytest.raises(FileNotFoundError, match="is not a file"):
        prepare(tmp_path)


def test_a_failure_leaves_what_was_prepared_before(csv_gz, tmp_path):
    prepare(csv_gz, tmp_path, rows=2_000)
    before = {name: (tmp_path / name).read_bytes() for name in PRODUCTS}
    bad = tmp_path / "bad.csv"
    bad.write_bytes(b"\n".join([*to_lines(make_rows(500)), b"1,2,3"]))
    with pytest.raises(ValueError, match="line 501"):
        prepare(bad, tmp_path, rows=501)
    bad.unlink()
    assert visible(tmp_path) == PRODUCTS
    assert {name: (tmp_path / name).read_bytes() for name in PRODUCTS} == before
    assert not (tmp_path / ".prepare.partial").exists()


def test_killed_half_way_and_run_again(csv_gz, tmp_path, start_python):
    process = start_python(SLOW_PREPARE, csv_gz, tmp_path)
    for _ in range(3):
        assert process.stdout.readline() == "a block\n"
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait(120) == -signal.SIGKILL
    assert (tmp_path / ".prepare.partial" / "higgs_train.npy").exists(), "killed too late"
    assert visible(tmp_path) == []
    with pytest.raises(FileNotFoundError, match="higgs-tutorial prepare"):
        load("uci", data_dir=tmp_path)
    prepare(csv_gz, tmp_path, rows=2_000)
    assert visible(tmp_path) == PRODUCTS
    assert not (tmp_path / ".prepare.partial").exists()
    assert load("uci", data_dir=tmp_path).train.n == 1_800


def test_sigterm_leaves_nothing_behind(csv_gz, tmp_path, start_python):
    process = start_python(SLOW_PREPARE, csv_gz, tmp_path)
    assert process.stdout.readline() == "a block\n"
    process.send_signal(signal.SIGTERM)
    assert process.wait(120) == 128 + signal.SIGTERM
    assert os.listdir(tmp_path) == [".prepare.lock"]


def test_stopped_between_renames_no_mixture_counts(csv_gz, tmp_path, monkeypatch):
    prepare(csv_gz, tmp_path, rows=2_000, seed=1)
    renamed = []

    def stop_at_second(source, target):
        if renamed:
            raise KeyboardInterrupt
        renamed.append(source.rename(target))

    with monkeypatch.context() as patch:
        patch.setattr(prepare_module.os, "replace", stop_at_second)
        with pytest.raises(KeyboardInterrupt):
            prepare(csv_gz, tmp_path, rows=2_000, seed=2)
    with pytest.raises(FileNotFoundError, match="higgs-tutorial prepare"):
        load("uci", data_dir=tmp_path)
    prepare(csv_gz, tmp_path, rows=2_000, seed=2)
    assert load("uci", data_dir=tmp_path).train.n == 1_800


def test_two_at_once_take_turns(rows, csv_gz, tmp_path, start_python):
    processes = [start_python(SLOW_PREPARE.replace("0.2", "0.02"), csv_gz, tmp_path) for _ in range(2)]
    for process in processes:
        _, errors = process.communicate(timeout=180)
        assert (process.returncode, errors) == (0, "")
    assert visible(tmp_path) == PRODUCTS
    np.testing.assert_array_equal(load("uci", data_dir=tmp_path).test.x, rows[-100:, 1:])


def test_a_full_disk_leaves_nothing_behind(csv_gz, run_on_small_disk):
    message, left = run_on_small_disk(FULL_DISK, csv_gz).splitlines()
    assert "No space left on device: preparing HIGGS failed in" in message
    assert left == "['.prepare.lock']"


def test_a_failed_write_leaves_nothing_behind(csv_gz, tmp_path, start_python):
    output, errors = start_python(LARGE_FILES_FORBIDDEN, csv_gz, tmp_path).communicate(timeout=180)
    assert errors == ""
    assert "preparing HIGGS failed in" in output
    assert str(tmp_path) in output
    assert "run it again" in output
    assert visible(tmp_path) == []
    assert not (tmp_path / ".prepare.partial").exists()


def test_too_small_a_disk_is_noticed_before_reading(csv_gz, tmp_path):
    with pytest.raises(OSError, match=r"needs 11600000.00 GB in .* HIGGS_DATA_DIR"):
        prepare(csv_gz, tmp_path, rows=100_000_000_000_000)
    assert visible(tmp_path) == []


@pytest.mark.real
def test_real_rows(tmp_path):
    sample = os.environ.get("HIGGS_REAL_SAMPLE")
    if not sample:
        pytest.skip("HIGGS_REAL_SAMPLE is not set")
    manifest = prepare(sample, tmp_path, rows=None)
    expected = np.loadtxt(sample, delimiter=",").astype(np.float32)
    train, valid, test = parts(tmp_path)
    assert manifest["rows"] == len(expected) == len(train) + len(valid) + len(test)
    np.testing.assert_array_equal(test, expected[-len(test) :])
    mine, theirs = np.concatenate([train, valid]), expected[: -len(test)]
    np.testing.assert_array_equal(mine[np.lexsort(mine.T)], theirs[np.lexsort(theirs.T)])
    higgs = load("uci", data_dir=tmp_path)
    assert higgs.source == "uci"
    assert 0.5 < higgs.train.y.mean() < 0.56
