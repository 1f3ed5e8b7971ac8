"""Files with names: Parquet, ROOT, HDF5 and records, read and written; what is wrong in them is said in a line."""

import hashlib
import os
import sys

import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from higgs_tutorial import simulate
from higgs_tutorial.data import export
from higgs_tutorial.data.dataset import load
from higgs_tutorial.data.prepare import prepare
from higgs_tutorial.data.score import score_file
from higgs_tutorial.data.sources import base
from higgs_tutorial.physics.features import COLUMNS

K, N = 3, 500
NAMES = ["a", "b", "c"]
RNG = np.random.default_rng(1)
FRAME = pd.DataFrame(RNG.normal(size=(N, K)).astype(np.float32), columns=NAMES)
LABELLED = FRAME.assign(label=np.arange(N) % 2, weight=RNG.uniform(0.5, 2, N))
FILES = ["e.csv", "e.parquet", "e.root", "e.h5", "records.h5", "e.npy"]


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(base, "BLOCK_ROWS", 77)


def uproot():
    return pytest.importorskip("uproot", reason="ROOT files need the extra hep")


def write(frame, file, tree="events"):
    if file.suffix == ".csv":
        frame.to_csv(file, index=False)
    elif file.suffix == ".parquet":
        frame.to_parquet(file)
    elif file.suffix == ".root":
        with uproot().recreate(file) as opened:
            columns = {name: values.to_numpy() for name, values in frame.items()}
            made = opened.mktree(tree, {name: values.dtype for name, values in columns.items()})
            made.extend({name: values[:300] for name, values in columns.items()})
            made.extend({name: values[300:] for name, values in columns.items()})
    elif file.suffix == ".npy":
        np.save(file, frame.to_records(index=False))
    else:
        with h5py.File(file, "w") as opened:
            if file.name.startswith("records"):
                opened["deep/events"] = frame.to_records(index=False)
            else:
                for name, values in frame.items():
                    opened[f"events/{name}"] = values.to_numpy()
    return file


def predict(x):
    return x @ np.float32([1, 10, 100])


def scored(file, tmp_path, **options):
    found = score_file(predict, K, file, tmp_path / "p.npy", columns=NAMES, **options)
    return found, np.load(tmp_path / "p.npy")


@pytest.mark.parametrize("name", FILES)
def test_columns_are_found_by_name_with_label_and_weight(name, tmp_path):
    found, p = scored(write(LABELLED[["weight", "c", "label", "a", "b"]], tmp_path / name), tmp_path)
    np.testing.assert_allclose(p, predict(FRAME.to_numpy()), rtol=1e-5)
    y, score, weight = found.labelled.arrays()
    np.testing.assert_array_equal(y, LABELLED["label"])
    np.testing.assert_array_equal(score, p)
    np.testing.assert_allclose(weight, LABELLED["weight"], rtol=1e-6)
    assert (found.rows, found.labelled.label, found.labelled.weighted_by) == (N, "'label'", "'weight'")


@pytest.mark.parametrize("name", FILES)
def test_what_is_missing_is_named_by_row_and_column(name, tmp_path):
    frame = LABELLED.copy()
    frame.loc[[399, 450], "b"] = np.nan
    file = write(frame, tmp_path / name)
    row = (
        "line 401: column 2 is not a number"
        if name == "e.csv"
        else "row 400: column b is missing or not finite"
    )
    with pytest.raises(ValueError, match=row):
        scored(file, tmp_path)
    assert sorted(os.listdir(tmp_path)) == [name]
    found, p = scored(file, tmp_path, bad_rows="nan")
    assert np.flatnonzero(np.isnan(p)).tolist() == [399, 450]
    assert len(found.labelled.arrays()[0]) == N - 2


@pytest.mark.parametrize("name", FILES)
def test_what_is_wrong_with_label_or_weight_refuses_no_event(name, tmp_path):
    frame = LABELLED.astype({"label": float})
    frame.loc[10, "label"] = np.nan
    frame.loc[11, "weight"] = np.nan
    found, p = scored(write(frame, tmp_path / name), tmp_path)
    assert (found.rows, found.bad, np.isfinite(p).all()) == (N, 0, True)
    np.testing.assert_array_equal(found.labelled.arrays()[0], frame["label"].drop([10, 11]))


@pytest.mark.parametrize(
    ("name", "label", "says"),
    [
        *((name, 2, "'label' holds '2") for name in FILES),
        *((name, "s", "'label' holds") for name in ("e.csv", "e.parquet")),
    ],
)
def test_a_label_of_something_else_is_no_label(name, label, says, tmp_path):
    frame = FRAME.assign(label=label)
    found, _ = scored(write(frame, tmp_path / name), tmp_path)
    assert found.labelled is None
    assert says in found.no_label


def test_labels_may_be_minus_one_and_one_or_truth_values(tmp_path):
    for values in (2 * LABELLED["label"] - 1, LABELLED["label"] == 1):
        for name in ("e.parquet", "e.root"):
            found, _ = scored(write(FRAME.assign(label=values), tmp_path / name), tmp_path)
            np.testing.assert_array_equal(found.labelled.arrays()[0], LABELLED["label"])
            assert found.labelled.arrays()[2] is None


@pytest.mark.parametrize("name", ["e.root", "e.h5"])
def test_a_column_that_is_not_there_is_named(name, tmp_path):
    with pytest.raises(ValueError, match=r"has no column 'c' \(there is 'C'\), which the model needs"):
        scored(write(LABELLED.rename(columns={"c": "C"}), tmp_path / name), tmp_path)


def test_several_trees_are_listed_and_one_is_named(tmp_path):
    file = tmp_path / "e.root"
    with uproot().recreate(file) as opened:
        for tree, shift in (("first", 0.0), ("dir/second", 1.0)):
            opened.mktree(tree, dict.fromkeys(NAMES, np.float32)).extend(
                {name: values.to_numpy() + np.float32(shift) for name, values in FRAME.items()}
            )
        opened["note"] = "no tree"
    with pytest.raises(
        ValueError, match=r"has 2 trees \(first, dir/second\); name one of them: .*e\.root:first"
    ):
        scored(file, tmp_path)
    with pytest.raises(ValueError, match=r"e\.root has no tree 'third'; it has: first, dir/second"):
        scored(f"{file}:third", tmp_path)
    _, p = scored(f"{file}:dir/second", tmp_path)
    np.testing.assert_allclose(p, predict(FRAME.to_numpy() + 1), rtol=1e-4)


def test_several_tables_of_hdf5_are_listed_and_one_is_named(tmp_path):
    file = tmp_path / "e.h5"
    with h5py.File(file, "w") as opened:
        opened["x/train"], opened["x/test"] = FRAME.to_numpy(), FRAME.to_numpy()[:5]
    with pytest.raises(ValueError, match=r"has 2 tables \(x/test, x/train\); name one of them"):
        scored(file, tmp_path)
    found, _ = scored(f"{file}:/x/test", tmp_path)
    assert (found.rows, found.taken) == (5, "1 to 3, by place, of 3")
    with pytest.raises(
        ValueError, match=r"neither a ROOT nor an HDF5 file; only in these can a table be named"
    ):
        scored(f"{write(FRAME, tmp_path / 'e.parquet')}:tree", tmp_path)


def test_hdf5_without_a_table_of_pandas_or_of_uneven_columns(tmp_path):
    cases = {"has no table in it": {"n": 3}, "of different lengths": {"a": [1.0], "b": [1.0, 2.0]}}
    for says, content in cases.items():
        with h5py.File(tmp_path / "e.h5", "w") as opened:
            for name, values in content.items():
                opened[name] = values
        with pytest.raises(ValueError, match=says):
            scored(tmp_path / "e.h5", tmp_path)
    with h5py.File(tmp_path / "e.h5", "w") as opened:
        opened["df/block0_values"] = FRAME.to_numpy()
        opened["df"].attrs["pandas_type"] = "frame"
    with pytest.raises(ValueError, match=r"of pandas, .*read_hdf\(FILE, KEY\)\.to_parquet"):
        scored(tmp_path / "e.h5", tmp_path)


@pytest.mark.parametrize(
    ("branch", "says"),
    [
        ("jagged", r"column 'b' holds a list of values an event \(var \* float32\) and not numbers"),
        ("vector", r"column 'b' holds a list of values an event \(3 \* float32\) and not numbers"),
        ("truth", "column 'b' holds bool and not numbers"),
    ],
)
def test_branches_of_other_types_are_refused(branch, says, tmp_path):
    awkward = pytest.importorskip("awkward", reason="ROOT files need the extra hep")
    kind, values = {
        "jagged": ("var * float32", awkward.Array([[1.0, 2.0], [3.0]])),
        "vector": (np.dtype(("f4", (3,))), np.zeros((2, 3), np.float32)),
        "truth": (np.dtype(bool), np.ones(2, bool)),
    }[branch]
    with uproot().recreate(tmp_path / "e.root") as opened:
        opened.mktree("t", {"a": np.float32, "b": kind, "c": np.int32}).extend(
            {"a": np.zeros(2, np.float32), "b": values, "c": np.zeros(2, np.int32)}
        )
    with pytest.raises(ValueError, match=says):
        scored(tmp_path / "e.root", tmp_path)


@pytest.mark.parametrize("name", ["e.root", "e.h5"])
def test_a_cut_or_damaged_file_is_noticed(name, tmp_path):
    file = write(LABELLED, tmp_path / name)
    whole = file.read_bytes()
    for part in (0.02, 0.5, 0.9):
        file.write_bytes(whole[: int(part * len(whole))])
        with pytest.raises(ValueError, match=r"damaged|cut off") as caught:
            scored(file, tmp_path)
        assert "\n" not in str(caught.value)
    assert os.listdir(tmp_path) == [name]


def test_without_uproot_the_extra_is_named(tmp_path, monkeypatch):
    (tmp_path / "e.root").write_bytes(b"root" + bytes(300))
    monkeypatch.setitem(sys.modules, "uproot", None)
    advice = r'is a ROOT file, which needs uproot: pip install "higgs-tutorial\[hep\]"'
    with pytest.raises(ImportError, match=advice):
        scored(tmp_path / "e.root", tmp_path)
    with pytest.raises(ImportError, match=advice):
        score_file(predict, K, write(FRAME, tmp_path / "e.csv"), tmp_path / "p.root")
    with pytest.raises(ImportError, match=advice):
        export.write_simulated(tmp_path / "s.root", 20)
    assert sorted(os.listdir(tmp_path)) == ["e.csv", "e.root"]


def test_scores_go_into_a_tree(tmp_path):
    score_file(predict, K, write(FRAME, tmp_path / "e.parquet"), tmp_path / "p.root", columns=NAMES)
    with uproot().open(tmp_path / "p.root") as opened:
        found = opened["scores"].arrays(library="np")
    np.testing.assert_allclose(found["signal_probability"], predict(FRAME.to_numpy()), rtol=1e-5)


@pytest.mark.parametrize("name", ["s.parquet", "s.root"])
def test_simulated_events_are_written_with_names_and_scored_by_them(name, tmp_path, monkeypatch):
    if name == "s.root":
        uproot()
    monkeypatch.setattr(export, "CHUNK", 60)
    x, y = simulate(150, seed=3)
    file = export.write_simulated(tmp_path / name, 150, seed=3)
    found = score_file(lambda x: x[:, 8], 28, file, tmp_path / "p.npy", columns=COLUMNS)
    np.testing.assert_array_equal(np.load(tmp_path / "p.npy"), x[:, 8])
    np.testing.assert_array_equal(found.labelled.arrays()[0], y)
    assert sorted(os.listdir(tmp_path)) == ["p.npy", name]


def test_no_more_of_a_parquet_file_is_kept_than_a_group_of_rows(tmp_path):
    values = pd.DataFrame(RNG.normal(size=(100_000, K)), columns=NAMES)
    values.to_parquet(tmp_path / "e.parquet", row_group_size=2_000)
    before, most = pa.total_allocated_bytes(), []

    def watched(x):
        most.append(pa.total_allocated_bytes() - before)
        return predict(x)

    score_file(watched, K, tmp_path / "e.parquet", tmp_path / "p.npy")
    assert max(most) < 0.2 * values.to_numpy().nbytes


X, Y = simulate(100, seed=4)
EVENTS = pd.DataFrame(X, columns=COLUMNS)
EVENTS.insert(0, "label", Y)
PREPARED = ["e.parquet", "e.root", "e.h5", "records.h5", "e.npy"]


@pytest.mark.parametrize("rows", [100, None])
@pytest.mark.parametrize("name", PREPARED)
def test_prepare_takes_columns_by_name(name, rows, tmp_path):
    """In any order, among others, and called a little differently, as OpenML and ROOT do."""
    other = {"label": "class", "jet_1_pt": "jet1pt", "jet_2_b-tag": "jet_2_b_tag"}
    frame = EVENTS.rename(columns=other).assign(run=7)
    file = write(frame[[*frame][::-1]], tmp_path / name)
    manifest = prepare(file, tmp_path / "out", rows=rows)
    higgs = load("uci", data_dir=tmp_path / "out")
    np.testing.assert_array_equal(higgs.test.x, X[-5:])
    np.testing.assert_array_equal(higgs.test.y, Y[-5:])
    assert (higgs.train.n, higgs.data) == (90, f"events of {name}")
    assert manifest["source"]["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert manifest["source"]["bytes"] == file.stat().st_size


@pytest.mark.parametrize("name", ["e.npy", "e.h5", "e.parquet"])
def test_prepare_takes_columns_without_names_by_place(name, tmp_path):
    rows = np.column_stack([Y, X])
    if name == "e.npy":
        np.save(tmp_path / name, rows)
    elif name == "e.h5":
        with h5py.File(tmp_path / name, "w") as opened:
            opened["rows"] = rows
    else:
        pd.DataFrame(rows).rename(columns=str).to_parquet(tmp_path / name)
    prepare(tmp_path / name, tmp_path / "out", rows=None)
    np.testing.assert_array_equal(load("uci", data_dir=tmp_path / "out").test.x, X[-5:])


@pytest.mark.parametrize("name", PREPARED)
@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            lambda frame: frame.drop(columns="m_bb"),
            "has no column 'm_bb'; its columns are: .*lepton_pT, ",
        ),
        (lambda frame: frame.drop(columns="label"), "has no label among its columns"),
        (lambda frame: frame.assign(target=1), "has 2 labels among its columns"),
        (lambda frame: frame.assign(mbb=1.0), "has 2 columns called 'm_bb'"),
        (
            lambda frame: frame.assign(label=2 * frame["label"] - 1),
            "row [0-9]+: the label is -1; it must be 0 or 1",
        ),
        (lambda frame: frame.assign(m_jj=[*X[:80, 21], *[np.nan] * 20]), "row 81: column m_jj is missing"),
        (lambda frame: frame.assign(m_jj=[*X[:99, 21], 1e300]), "row 100: column m_jj does not fit float32"),
        (lambda frame: frame[:19], "has 19 rows; at least 20 are needed"),
    ],
)
def test_prepare_says_what_is_wrong_in_a_table(name, change, says, tmp_path):
    file = write(change(EVENTS), tmp_path / name)
    with pytest.raises(ValueError, match=says) as caught:
        prepare(file, tmp_path / "out", rows=None)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert os.listdir(tmp_path / "out") == [".prepare.lock"]


def test_prepare_says_how_many_rows_a_table_has(tmp_path):
    file = write(EVENTS, tmp_path / "e.parquet")
    for rows, found in ((99, "more than 99"), (101, "100")):
        with pytest.raises(ValueError, match=f"has {found} rows instead of {rows}.*--any-rows"):
            prepare(file, tmp_path / "out", rows=rows)
    np.save(tmp_path / "e.npy", X)
    with pytest.raises(ValueError, match="has 28 columns; HIGGS events have 29, the label first"):
        prepare(tmp_path / "e.npy", tmp_path / "out", rows=None)


def test_prepare_names_a_tree(tmp_path):
    file = write(EVENTS, tmp_path / "e.root", tree="dir/events")
    assert prepare(f"{file}:dir/events", tmp_path / "out", rows=100)["source"]["name"] == "e.root:dir/events"
