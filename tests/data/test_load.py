"""load: which events it gives, and what it refuses to read."""

import gzip
import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from higgs_lines import make_rows

import higgs_tutorial
from higgs_tutorial.data import dataset as dataset_module
from higgs_tutorial.data import prepared, settings
from higgs_tutorial.data.dataset import load
from higgs_tutorial.data.prepare import prepare
from higgs_tutorial.data.settings import data_folder, profile


@pytest.fixture
def folder(csv_gz, tmp_path):
    """A data folder with 2,000 prepared rows."""
    prepare(csv_gz, tmp_path, rows=2_000)
    return tmp_path


def is_mapped(array):
    while array is not None and not isinstance(array, np.memmap):
        array = array.base
    return array is not None


@pytest.mark.parametrize("source", ["uci", "auto"])
def test_prepared_events_are_memory_mapped(source, folder, rows):
    higgs = load(source, data_dir=folder)
    assert higgs.source == "uci"
    assert [part.n for part in (higgs.train, higgs.valid, higgs.test)] == [1_800, 100, 100]
    for part in (higgs.train, higgs.valid, higgs.test):
        assert part.x.dtype == part.y.dtype == np.float32
        assert part.x.shape == (part.n, 28)
        assert part.y.shape == (part.n,)
        assert is_mapped(part.x)
        assert is_mapped(part.y)
        assert not part.x.flags.writeable
    np.testing.assert_array_equal(higgs.test.x, rows[-100:, 1:])
    np.testing.assert_array_equal(higgs.test.y, rows[-100:, 0])


def test_the_seed_fixes_the_batches(folder):
    batches = [load(data_dir=folder, seed=seed).train.next_batch(64)[0] for seed in (3, 3, 4)]
    np.testing.assert_array_equal(batches[0], batches[1])
    assert not np.array_equal(batches[0], batches[2])


def test_fewer_events_are_the_first_of_each_part(folder):
    all_of_it, some = load("uci", data_dir=folder), load("uci", events=400, data_dir=folder)
    assert [part.n for part in (some.train, some.valid, some.test)] == [360, 20, 20]
    for part in ("train", "valid", "test"):
        few, many = getattr(some, part), getattr(all_of_it, part)
        np.testing.assert_array_equal(few.x, many.x[: few.n])
        np.testing.assert_array_equal(few.y, many.y[: few.n])


def test_the_profile_limits_what_is_used_by_default(folder, monkeypatch):
    monkeypatch.setitem(settings.PROFILE_EVENTS, "quick", 1_000)
    assert load("uci", data_dir=folder).train.n == 900
    assert load("uci", data_dir=folder, events=1_500).train.n == 1_350
    monkeypatch.setenv("HIGGS_PROFILE", "talk")
    assert load("uci", data_dir=folder).train.n == 1_800


def test_more_events_than_there_are(folder):
    with pytest.raises(ValueError, match=r"2,001 events wanted, but the file in .* has 2,000"):
        load("uci", events=2_001, data_dir=folder)


def test_nothing_prepared(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"higgs-tutorial download && higgs-tutorial prepare"):
        load("uci", data_dir=tmp_path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"source": "cern"}, "source is 'cern'; it must be one of: auto, uci, openml, simulated"),
        ({"events": 19}, "at least 20"),
        ({"events": 0}, "at least 20"),
        ({"events": 1e6}, "give an integer"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": 0.5}, "seed is 0.5"),
    ],
)
def test_wrong_arguments(arguments, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        load(**arguments, data_dir=tmp_path)
    assert list(tmp_path.iterdir()) == []


class Trap:
    """An object whose unpickling leaves a trace."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def _save(array):
    def write(path):
        np.save(path, array, allow_pickle=True)

    return write


def _archive(path):
    with open(path, "wb") as file:
        np.savez(file, rows=make_rows(1_800))


def _pickled_objects(path):
    np.save(path, np.array([[Trap(path.with_name("unpickled"))] * 29], dtype=object), allow_pickle=True)


def _bare_pickle(path):
    path.write_bytes(pickle.dumps(Trap(path.with_name("unpickled"))))


def npy_header(text):
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


DAMAGES = {
    "pickled objects": (_pickled_objects, "cannot be read"),
    "a bare pickle": (_bare_pickle, "cannot be read"),
    "cut off": (lambda path: os.truncate(path, 100_000), "cannot be read"),
    "cut off in its header": (lambda path: os.truncate(path, 20), "cannot be read"),
    "empty": (lambda path: path.write_bytes(b""), "cannot be read"),
    "text": (lambda path: path.write_text("not a number\n" * 100), "cannot be read"),
    "gzipped": (lambda path: path.write_bytes(gzip.compress(path.read_bytes())), "it is a gzip file"),
    "a ROOT file": (lambda path: path.write_bytes(b"root\x00\x00" + bytes(99)), "it is a ROOT file"),
    "a folder": (lambda path: (path.unlink(), path.mkdir()), "it is a folder"),
    "a header that goes on and on": (
        lambda path: path.write_bytes(npy_header(b"(" * 5_000)),
        "cannot be read",
    ),
    "a header without an end": (
        lambda path: path.write_bytes(npy_header(b"{'descr': '<f4")),
        "cannot be read",
    ),
    "a header of a huge shape": (
        lambda path: path.write_bytes(
            npy_header(b"{'descr': '<f4', 'fortran_order': False, 'shape': (%d, 29)}" % 10**30)
        ),
        "cannot be read",
    ),
    "an archive": (_archive, "is an archive"),
    "the wrong columns": (_save(make_rows(1_800)[:, :28]), r"float32 \[1800, 28\] instead of float32"),
    "no columns": (_save(np.zeros(1_800, np.float32)), r"float32 \[1800\] instead"),
    "float64": (_save(make_rows(1_800).astype(float)), r"float64 \[1800, 29\] instead"),
    "integers": (_save(make_rows(1_800).astype(int)), "int64"),
    "too few rows": (_save(make_rows(1_799)), "1,799 rows instead of 1,800"),
    "missing": (Path.unlink, "is missing"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_part_is_refused(damage, folder):
    spoil, message = DAMAGES[damage]
    path = folder / "higgs_train.npy"
    spoil(path)
    with pytest.raises((ValueError, FileNotFoundError), match=message) as caught:
        load("uci", data_dir=folder)
    assert str(path) in str(caught.value)
    assert f"higgs-tutorial prepare --data-dir {folder}" in str(caught.value)
    assert not (folder / "unpickled").exists()


def test_labels_that_are_neither_0_nor_1_are_refused(folder):
    rows = make_rows(1_800)
    rows[77, 0] = 3
    np.save(folder / "higgs_train.npy", rows)
    with pytest.raises(ValueError, match=r"y\[77\] is 3.0"):
        load("uci", data_dir=folder)


@pytest.mark.parametrize(
    "contents",
    ["", "{", "[]", "{}", '{"schema": 99}', '{"schema": 1, "rows": 2000}', '{"schema": 1, "rows": "many"}'],
)
def test_a_damaged_manifest_is_refused(contents, folder):
    (folder / "manifest.json").write_text(contents)
    with pytest.raises(ValueError, match=r"manifest.json is damaged .* run: higgs-tutorial prepare"):
        load(data_dir=folder)


def test_a_manifest_whose_parts_do_not_add_up(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["parts"]["test"]["rows"] = 99
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ValueError, match="do not add up"):
        prepared.read_manifest(folder)


def test_profiles(monkeypatch):
    assert profile() == "quick"
    monkeypatch.setenv("HIGGS_PROFILE", "talk")
    assert profile() == "talk"
    monkeypatch.setenv("HIGGS_PROFILE", "")
    assert profile() == "quick"
    monkeypatch.setenv("HIGGS_PROFILE", "Talk")
    with pytest.raises(ValueError, match="HIGGS_PROFILE is 'Talk'; it must be one of: lesson, quick, talk"):
        profile()


def test_a_notebooks_profile_is_its_own_unless_another_is_chosen(monkeypatch):
    assert profile(default="lesson") == "lesson"
    monkeypatch.setenv("HIGGS_PROFILE", "talk")
    assert profile(default="lesson") == "talk"
    assert profile("quick", default="lesson") == "quick"
    with pytest.raises(ValueError, match="profile is ''; it must be one of"):
        profile("")
    monkeypatch.delenv("HIGGS_PROFILE")
    with pytest.raises(ValueError, match="default is 'lessons'; it must be one of"):
        profile(default="lessons")


def test_a_wrong_profile_stops_load(folder, monkeypatch):
    monkeypatch.setenv("HIGGS_PROFILE", "fast")
    with pytest.raises(ValueError, match="HIGGS_PROFILE"):
        load(data_dir=folder)


def test_the_data_folder(tmp_path, monkeypatch):
    assert data_folder(tmp_path) == tmp_path
    monkeypatch.setenv("HIGGS_DATA_DIR", str(tmp_path / "chosen"))
    assert data_folder() == tmp_path / "chosen"
    assert data_folder(tmp_path) == tmp_path
    monkeypatch.delenv("HIGGS_DATA_DIR")

    module = tmp_path / "higgs_tutorial" / "data" / "settings.py"
    monkeypatch.setattr(settings, "__file__", str(module))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    installed = data_folder()
    assert installed.name == "higgs-tutorial"
    assert installed != tmp_path / "data"
    (tmp_path / "pyproject.toml").touch()
    assert data_folder() == tmp_path / "data"


def test_the_public_name_is_this_function():
    assert higgs_tutorial.load is dataset_module.load
