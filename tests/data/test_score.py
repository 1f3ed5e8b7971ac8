"""Any file of events in, one probability a row out: the same numbers whatever the format; bad rows by number."""

import gzip
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from higgs_tutorial import files
from higgs_tutorial.data import score
from higgs_tutorial.data.csv import reader
from higgs_tutorial.data.score import score_file
from higgs_tutorial.data.sources import base

K, N = 4, 1000
COLUMNS = ["a", "b", "c", "d"]
X = np.random.default_rng(0).normal(size=(N, K)).astype(np.float32)


def predict(x):
    assert x.dtype == np.float32
    assert x.ndim == 2
    return (1 / (1 + np.exp(-(x @ np.arange(1.0, K + 1))))).astype(np.float32)


P = predict(X)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Blocks so small that each file has many, and lines are cut by their ends."""
    monkeypatch.setattr(reader, "BLOCK_BYTES", 1000)
    monkeypatch.setattr(base, "BLOCK_ROWS", 77)


def write(path, x=X, label=False, header=False, names=COLUMNS):
    x = np.column_stack([np.arange(len(x)) % 2, x]) if label else x
    names = ["label", *names] if label else names
    if path.suffix == ".npy":
        np.save(path, x.astype(np.float32))
    elif path.suffix == ".parquet":
        pd.DataFrame(x, columns=names).to_parquet(path)
    else:
        pd.DataFrame(x, columns=names).to_csv(path, index=False, header=header, float_format="%.9g")
    return path


def read(path):
    if path.suffix == ".npy":
        return np.load(path)
    if path.suffix == ".parquet":
        return pd.read_parquet(path)["signal_probability"].to_numpy()
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt") as stream:
        return np.array([float(line) for line in stream.read().splitlines() if line != "signal_probability"])


@pytest.mark.parametrize("label", [False, True])
@pytest.mark.parametrize("source", ["e.csv", "e.csv.gz", "e.npy", "e.parquet"])
def test_every_format_gives_the_same_numbers(source, label, tmp_path):
    file = write(tmp_path / source, label=label)
    for out in ("p.csv", "p.csv.gz", "p.npy", "p.parquet"):
        scored = score_file(predict, K, file, tmp_path / out)
        assert np.array_equal(read(tmp_path / out).astype(np.float32), P)
        assert (scored.rows, scored.bad, scored.problems) == (N, 0, [])
        assert scored.columns == list(range(label, K + label))
    assert np.load(tmp_path / "p.npy").dtype == np.float32
    assert sorted(os.listdir(tmp_path)) == sorted([source, "p.csv", "p.csv.gz", "p.npy", "p.parquet"])


@pytest.mark.parametrize("source", ["e.csv", "e.parquet"])
def test_columns_are_found_by_name(source, tmp_path):
    shuffled = X[:, [2, 0, 3, 1]]
    file = write(tmp_path / source, shuffled, label=True, header=True, names=["c", "a", "d", "b"])
    score_file(predict, K, file, tmp_path / "p.csv", columns=COLUMNS)
    assert np.array_equal(read(tmp_path / "p.csv").astype(np.float32), P)


def test_a_header_is_answered_by_a_header(tmp_path):
    for header in (True, False):
        file = write(tmp_path / "e.csv", header=header)
        score_file(predict, K, file, tmp_path / "p.csv")
        assert len((tmp_path / "p.csv").read_text().splitlines()) == len(file.read_text().splitlines())
    first = (tmp_path / "p.csv").read_text().splitlines()[0]
    assert float(first) == pytest.approx(P[0])


@pytest.mark.parametrize(
    "text",
    [
        "1.,2,3,4\n",
        "1,2,3,4.0 ",
        "1.0,2,3,4\r\n",
        "1.0,2,3,4\r",
        "\ufeff1.0,2,3,4\n",
        ' a ,"b",c,d\n1,2,3,4\n',
        "# a,b,c,d\n1,2,3,4\n",
        "+1e0, 2.0,3.,4\n",
        "yes,1,2.0,3,4\n",
    ],
)
def test_forms_of_csv(text, tmp_path):
    (tmp_path / "e.csv").write_bytes(text.encode())
    score_file(predict, K, tmp_path / "e.csv", tmp_path / "p.npy")
    assert np.array_equal(np.load(tmp_path / "p.npy"), predict(np.float32([[1, 2, 3, 4]])))


BAD_LINES = {
    "1,2,3": "3 columns instead of 4",
    "1,2,3,4,5": "5 columns instead of 4",
    "1,x,3,4": "column 2 is not a number: 'x'",
    "1,,3,4": "column 2 is not a number: ''",
    "1,2,nan,4": "column 3 is not finite",
    "1,2,3,-inf": "column 4 is not finite",
    "1,2,3,1e39": "column 4 does not fit float32",
    "1_0,2,3,4": "column 1 is not a number: '1_0'",
    "": "the line is empty",
    "1;2;3;4": "1 columns instead of 4",
}


@pytest.mark.parametrize("line", BAD_LINES)
@pytest.mark.parametrize("header", [False, True])
def test_a_bad_line_is_named_and_nothing_written(line, header, tmp_path):
    good = ["1.0,2,3,4"] * 300
    text = "\n".join([*(["a,b,c,d"] if header else []), *good[:199], line, *good[200:]]) + "\n"
    (tmp_path / "e.csv").write_text(text)
    with pytest.raises(ValueError, match=f"e\\.csv, line {200 + header}: {BAD_LINES[line]}") as caught:
        score_file(predict, K, tmp_path / "e.csv", tmp_path / "p.csv")
    assert "\n" not in str(caught.value)
    assert os.listdir(tmp_path) == ["e.csv"]


def test_bad_rows_can_be_scored_as_nan(tmp_path):
    text = [",".join(map(str, row)) for row in X.tolist()]
    bad = [0, 1, 17, 500, 501, N - 1]
    for place, line in zip(bad, BAD_LINES, strict=False):
        text[place] = line
    text[0] = "1,x,3,4"  # the first line decides how many columns there are
    (tmp_path / "e.csv").write_text("\n".join(text) + "\n")
    scored = score_file(predict, K, tmp_path / "e.csv", tmp_path / "p.npy", bad_rows="nan")
    expected = P.copy()
    expected[bad] = np.nan
    assert np.array_equal(np.load(tmp_path / "p.npy"), expected, equal_nan=True)
    assert scored.bad == len(bad)
    assert [int(p.split("line ")[1].split(":")[0].replace(",", "")) for p in scored.problems] == [
        i + 1 for i in bad
    ]


@pytest.mark.parametrize("source", ["e.npy", "e.parquet"])
def test_bad_rows_of_binary_files(source, tmp_path):
    x = X.copy()
    x[[123, 456], [2, 0]] = np.nan, np.inf
    file = write(tmp_path / source, x)
    name = "c" if source == "e.parquet" else "3"
    with pytest.raises(ValueError, match=f"row 124: column {name} is missing or not finite"):
        score_file(predict, K, file, tmp_path / "p.npy")
    scored = score_file(predict, K, file, tmp_path / "p.npy", bad_rows="nan")
    assert scored.bad == 2
    assert np.flatnonzero(np.isnan(np.load(tmp_path / "p.npy"))).tolist() == [123, 456]


def test_many_bad_rows_are_counted_and_ten_are_named(tmp_path):
    file = write(tmp_path / "e.npy", np.full((N, K), np.nan))
    scored = score_file(predict, K, file, tmp_path / "p.npy", bad_rows="nan")
    assert (scored.rows, scored.bad, len(scored.problems)) == (N, N, 10)


def test_doubles_that_do_not_fit_and_integers_that_do(tmp_path):
    np.save(tmp_path / "e.npy", np.array([[1.0, 2, 3, 4], [1, 2, 3, 1e300]]))
    with pytest.raises(ValueError, match=r"row 2: column 4 does not fit float32: 1e\+300"):
        score_file(predict, K, tmp_path / "e.npy", tmp_path / "p.npy")
    np.save(tmp_path / "e.npy", np.array([[1, 2, 3, 4]]))
    score_file(predict, K, tmp_path / "e.npy", tmp_path / "p.npy")
    assert np.load(tmp_path / "p.npy").shape == (1,)


def test_missing_values_in_parquet(tmp_path):
    pd.DataFrame({"a": [1.0, None], "b": [1, 2], "c": [1, 2], "d": [1, 2]}).to_parquet(tmp_path / "e.parquet")
    with pytest.raises(ValueError, match="row 2: column a is missing"):
        score_file(predict, K, tmp_path / "e.parquet", tmp_path / "p.csv")


class Other:
    """Files that are no events, by name."""

    wide = "1.0,2,3,4,5,6\n"
    words = "once upon a time\n"
    empty = ""
    blank = "\n"
    only_a_header = "a,b,c,d\n"
    zip = b"PK\x03\x04 and so on"
    parquet = b"PAR1 and so on"
    npy = b"\x93NUMPY and so on"
    binary = bytes(range(256)) * 20


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("wide", "has 6 columns; the model takes 4, or a label and then 4"),
        ("words", "has 1 column;"),
        ("empty", "is empty"),
        ("blank", "has 1 column;"),
        ("only_a_header", "has no events"),
        ("zip", "is a damaged or cut off zip archive"),
        ("parquet", "damaged or cut off Parquet file"),
        ("npy", "damaged or cut off .npy file"),
        ("binary", "is a binary file and not text"),
    ],
)
def test_other_files_are_refused(name, says, tmp_path):
    content = getattr(Other, name)
    (tmp_path / "e.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ValueError, match=says):
        score_file(predict, K, tmp_path / "e.csv", tmp_path / "p.csv")
    assert os.listdir(tmp_path) == ["e.csv"]


@pytest.mark.parametrize("source", ["e.csv.gz", "e.npy", "e.parquet"])
def test_a_cut_off_file_is_noticed(source, tmp_path):
    file = write(tmp_path / source)
    whole = file.read_bytes()
    for part in (0.1, 0.5, 0.99):
        file.write_bytes(whole[: int(part * len(whole))])
        with pytest.raises(ValueError, match=r"cut off|damaged"):
            score_file(predict, K, file, tmp_path / "p.csv")
    assert os.listdir(tmp_path) == [source]


def test_damage_inside_parquet_is_noticed(tmp_path):
    file = tmp_path / "e.parquet"
    pd.DataFrame(X, columns=COLUMNS).to_parquet(file, write_page_checksum=True)
    content = bytearray(file.read_bytes())
    content[200:260] = b"\xff" * 60
    file.write_bytes(content)
    with pytest.raises(ValueError, match="damaged"):
        score_file(predict, K, file, tmp_path / "p.csv")


def test_columns_that_do_not_fit(tmp_path):
    file = write(tmp_path / "e.parquet", names=["a", "b", "e", "f"])
    with pytest.raises(ValueError, match="has no column 'c', 'd', which the model needs"):
        score_file(predict, K, file, tmp_path / "p.csv", columns=COLUMNS)
    pd.DataFrame({"a": ["x"], "b": [1], "c": [1], "d": [1]}).to_parquet(file)
    with pytest.raises(ValueError, match=r"column 'a' holds .*str.* and not numbers"):
        score_file(predict, K, file, tmp_path / "p.csv")
    np.save(tmp_path / "e.npy", X[0])
    with pytest.raises(ValueError, match=r"holds float32 \[4\]; it must be numbers \[n, 4\]"):
        score_file(predict, K, tmp_path / "e.npy", tmp_path / "p.csv")


def test_arguments(tmp_path):
    file = write(tmp_path / "e.csv")
    with pytest.raises(ValueError, match="must end in one of"):
        score_file(predict, K, file, tmp_path / "p.txt")
    with pytest.raises(ValueError, match="is the input"):
        score_file(predict, K, file, file)
    with pytest.raises(ValueError, match="bad_rows is 'skip'"):
        score_file(predict, K, file, tmp_path / "p.csv", bad_rows="skip")
    with pytest.raises(FileNotFoundError, match=r"none\.csv is not there"):
        score_file(predict, K, tmp_path / "none.csv", tmp_path / "p.csv")


@pytest.mark.parametrize("out", ["p.csv", "p.csv.gz", "p.npy", "p.parquet"])
def test_a_fault_in_the_middle_keeps_the_older_output(out, tmp_path):
    file, target = write(tmp_path / "e.npy"), tmp_path / out
    score_file(predict, K, file, target)
    before, calls = target.read_bytes(), []

    def failing(x):
        calls.append(len(x))
        if len(calls) == 5:
            raise RuntimeError("the model failed")
        return predict(x)

    with pytest.raises(RuntimeError, match="the model failed"):
        score_file(failing, K, file, target)
    assert target.read_bytes() == before
    assert sorted(os.listdir(tmp_path)) == sorted(["e.npy", out])


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full, which Linux has")
@pytest.mark.parametrize("out", ["p.csv", "p.csv.gz", "p.npy", "p.parquet"])
def test_a_full_disk_is_explained(out, tmp_path, monkeypatch):
    file = write(tmp_path / "e.npy")
    monkeypatch.setattr(files.secrets, "token_hex", lambda _: "known")
    part = tmp_path / f".{out}.{os.getpid()}-known.partial"
    part.symlink_to("/dev/full")
    with pytest.raises(OSError, match=f"cannot write .*{out}; nothing half-written was kept"):
        score_file(predict, K, file, tmp_path / out)
    assert os.listdir(tmp_path) == ["e.npy"]


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="needs Linux's record of the peak memory")
def test_memory_does_not_grow_with_the_file(tmp_path):
    """The peak is the same for ten times as many lines."""
    code = (
        "import re, sys\n"
        "from higgs_tutorial.data.score import score_file\n"
        "scored = score_file(lambda x: x[:, 0], 4, sys.argv[1], sys.argv[2])\n"
        "print(scored.rows, re.search(r'VmHWM:\\s+(\\d+) kB', open('/proc/self/status').read())[1])"
    )
    peaks = []
    for lines_written in (600_000, 6_000_000):
        with (tmp_path / "e.csv").open("wb") as stream:
            for _ in range(lines_written // 100_000):
                stream.write(b"0.25,0.5,0.75,1.0\n" * 100_000)
        command = [sys.executable, "-c", code, str(tmp_path / "e.csv"), str(tmp_path / "p.npy")]
        run = subprocess.run(command, check=True, capture_output=True, text=True)
        rows, peak = map(int, run.stdout.split())
        assert rows == lines_written == len(np.load(tmp_path / "p.npy", mmap_mode="r"))
        peaks.append(peak / 1024)
    assert peaks[1] - peaks[0] < 40, peaks  # MB; the longer file has 97 MB more


def test_the_endings_are_those_that_are_written():
    assert sorted(
        e for kind in (score._csv, score._npy, score._parquet, score._root) for e in kind.endings
    ) == sorted(score.ENDINGS)
