"""Which columns of a file are scored: by name in any order, never an index or a label, never by guess."""

import numpy as np
import pandas as pd
import pytest

from higgs_tutorial.data.score import COLUMN, LOGITS, probabilities, score_file

K, N = 4, 40
COLUMNS = ["jet 1 pt", "jet 1 eta", "m_jj", "m_bb"]
X = np.random.default_rng(0).normal(size=(N, K)).astype(np.float32)
Y = np.arange(N) % 2
FRAME = pd.DataFrame(X, columns=COLUMNS)


def predict(x):
    return x @ np.float32([1, 10, 100, 1000])


def write(frame, file, index=False):
    if file.suffix == ".csv":
        frame.to_csv(file, index=index)
    else:
        frame.to_parquet(file, index=index)
    return file


def check(file, columns, tmp_path, says=None):
    scored = score_file(predict, K, file, tmp_path / "p.npy", columns=columns)
    np.testing.assert_allclose(np.load(tmp_path / "p.npy"), predict(X), rtol=1e-5)
    if says is not None:
        assert scored.taken == says
    return scored


FORMATS = pytest.mark.parametrize("name", ["e.csv", "e.parquet"])


@FORMATS
def test_names_in_any_order_among_others(name, tmp_path):
    frame = FRAME[COLUMNS[::-1]].assign(label=Y, weight=0.5)
    says = "4 by name (jet 1 pt, jet 1 eta, m_jj, m_bb); not used: 'label', 'weight'"
    scored = check(write(frame, tmp_path / name), COLUMNS, tmp_path, says)
    assert scored.columns == [3, 2, 1, 0]


@FORMATS
@pytest.mark.parametrize("index", [None, "event"])
def test_an_index_is_no_feature(name, index, tmp_path):
    frame = FRAME.set_index(pd.Index(np.arange(N) * 7 + 5, name=index))
    file = write(frame, tmp_path / name, index=True)
    check(file, COLUMNS, tmp_path)
    if name == "e.csv" and index:
        with pytest.raises(ValueError, match="the first is no label"):
            check(file, None, tmp_path)
    else:
        place, by = (1, "2 to 5") if name == "e.csv" else (5, "1 to 4")
        check(file, None, tmp_path, f"{by}, by place, of 5; not used: column {place}, the index")


@pytest.mark.parametrize("index", ["__index_level_0__", "Unnamed: 0", "Unnamed: 0.1", "index", "level_0", ""])
@pytest.mark.parametrize("place", [0, 2, 4])
def test_known_names_of_an_index(index, place, tmp_path):
    frame = FRAME.copy()
    frame.insert(place, index, np.linspace(0, 1, N))
    file = write(frame, tmp_path / "e.csv")
    check(file, COLUMNS, tmp_path)
    check(file, None, tmp_path)


@FORMATS
@pytest.mark.parametrize("label", ["label", "Class", "target", "y", "is_signal"])
@pytest.mark.parametrize("place", [0, 2, 4])
def test_a_label_wherever_it_stands_is_no_feature(name, label, place, tmp_path):
    frame = FRAME.copy()
    frame.insert(place, label, Y)
    file = write(frame, tmp_path / name)
    check(file, COLUMNS, tmp_path)
    assert check(file, None, tmp_path).taken.endswith(f"not used: column {place + 1}, the label")


def test_label_index_and_features_without_names_in_the_model(tmp_path):
    frame = FRAME.assign(label=Y).set_index(pd.Index(np.arange(N) + 100))
    check(write(frame, tmp_path / "e.csv", index=True), None, tmp_path)
    check(write(frame, tmp_path / "e.parquet", index=True), None, tmp_path)


def test_x_y_and_z_are_coordinates(tmp_path):
    frame = pd.DataFrame(X, columns=["x", "y", "z", "t"])
    check(write(frame, tmp_path / "e.csv"), None, tmp_path, "1 to 4, by place, of 4")


@pytest.mark.parametrize(
    ("change", "near"),
    [
        ({"m_jj": "mjj"}, "'m_jj' (there is 'mjj')"),
        ({"jet 1 pt": "jet_1_pt"}, "'jet 1 pt' (there is 'jet_1_pt')"),
        ({"jet 1 eta": "Jet 1 Eta "}, "'jet 1 eta' (there is 'Jet 1 Eta"),
        ({"m_bb": "m_bv"}, "'m_bb' (there is 'm_bv')"),
        ({"m_bb": "nothing like it"}, "no column 'm_bb', which the model needs"),
        ({name: name.replace(" ", "_") + "_" for name in COLUMNS}, "'m_jj' (there is 'm_jj_')"),
        ({name: str(i) * 9 + "x" for i, name in enumerate(COLUMNS)}, "no column 'jet 1 pt', 'jet 1 eta'"),
    ],
)
@FORMATS
def test_names_that_miss_are_refused_with_what_is_near(name, change, near, tmp_path):
    file = write(FRAME.rename(columns=change)[[*FRAME.rename(columns=change)][::-1]], tmp_path / name)
    with pytest.raises(ValueError, match="has no column") as caught:
        check(file, COLUMNS, tmp_path)
    assert near in str(caught.value)
    assert "\n" not in str(caught.value)


def test_many_missing_names_are_one_line(tmp_path):
    names = [f"feature number {i}" for i in range(28)]
    file = write(FRAME, tmp_path / "e.csv")
    with pytest.raises(ValueError, match="and 23 more, which the model needs") as caught:
        score_file(predict, 28, file, tmp_path / "p.npy", columns=names)
    assert len(str(caught.value)) < 700


def test_two_columns_of_one_name(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = ["m_bb", *COLUMNS]
    table = pa.Table.from_arrays([pa.array(X[:, i]) for i in (3, 0, 1, 2, 3)], names=names)
    pq.write_table(table, tmp_path / "e.parquet")
    pd.DataFrame(X[:, [3, 0, 1, 2, 3]], columns=names).to_csv(tmp_path / "e.csv", index=False)
    for file in ("e.parquet", "e.csv"):
        with pytest.raises(ValueError, match=f"{file} has 2 columns called 'm_bb': give each a name"):
            check(tmp_path / file, COLUMNS, tmp_path)
    with pytest.raises(ValueError, match="has 2 columns called 'm_bb'"):
        check(tmp_path / "e.parquet", None, tmp_path)
    table = table.rename_columns(["other", *COLUMNS[:3], "other"]).append_column("m_bb", pa.array(X[:, 3]))
    pq.write_table(table, tmp_path / "e.parquet")
    check(tmp_path / "e.parquet", COLUMNS, tmp_path)


def test_parquet_of_numbered_columns_goes_by_place(tmp_path):
    frame = pd.DataFrame(np.column_stack([Y, X])).rename(columns=str)
    check(
        write(frame, tmp_path / "e.parquet"),
        COLUMNS,
        tmp_path,
        "2 to 5, by place, of 5; not used: column 1, the label",
    )


@pytest.mark.parametrize("suffix", [".csv", ".npy"])
def test_without_names_the_label_is_first_or_nowhere(suffix, tmp_path):
    def save(*columns):
        rows = np.column_stack(columns)
        if suffix == ".npy":
            np.save(tmp_path / "e.npy", rows)
        else:
            np.savetxt(tmp_path / "e.csv", rows, delimiter=",")
        return tmp_path / f"e{suffix}"

    for label in (Y, 2 * Y - 1):
        check(save(label, X), COLUMNS, tmp_path, "2 to 5, by place, of 5; not used: column 1, the label")
    check(save(np.arange(N), X), COLUMNS, tmp_path, "2 to 5, by place, of 5; not used: column 1, the index")
    with pytest.raises(ValueError, match=r"the label seems to be the last column \(5\): put it first"):
        check(save(X, Y), COLUMNS, tmp_path)
    with pytest.raises(ValueError, match=r"the first is no label .*leave out what is no feature"):
        check(save(X[:, 1], X), COLUMNS, tmp_path)
    with pytest.raises(ValueError, match="its first column counts the rows"):
        check(save(np.arange(N), X[:, 1:]), COLUMNS, tmp_path)


@pytest.mark.parametrize("out", ["p.csv", "p.npy", "p.parquet"])
@pytest.mark.parametrize(("column", "highest"), [(LOGITS, 900), (COLUMN, 20)])
def test_the_order_of_saturated_outputs_is_kept(column, highest, out, tmp_path):
    """Neighbours among float32 logits stay different, where float32 probabilities are all 1."""
    top = np.float32(highest)
    for _ in range(3):
        top = np.nextafter(top, np.float32(0), dtype=np.float32)
    z = np.array(
        [-90, -80, 0, *np.linspace(1, highest - 1), top, np.nextafter(top, np.float32(1e9))], np.float32
    )
    np.save(tmp_path / "e.npy", z[:, None])
    convert = np.asarray if column == LOGITS else probabilities
    scored = score_file(lambda x: convert(x[:, 0]), 1, tmp_path / "e.npy", tmp_path / out, column=column)
    read = {".csv": np.loadtxt, ".npy": np.load, ".parquet": pd.read_parquet}[(tmp_path / out).suffix]
    values = np.asarray(read(tmp_path / out)).ravel()
    assert (np.diff(values) > 0).all()
    np.testing.assert_array_equal(values.astype(convert(z).dtype), convert(z))
    assert scored.saturated == 0


def test_outputs_whose_order_is_lost_are_counted(tmp_path):
    np.save(tmp_path / "e.npy", np.float32([[-800.0], [0.0], [20.0], [25.0], [40.0]]))
    scored = score_file(lambda x: probabilities(x[:, 0]), 1, tmp_path / "e.npy", tmp_path / "p.npy")
    assert scored.saturated == 3
