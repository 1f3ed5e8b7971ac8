"""Files that are no CSV: prepare and score say what they are and what to do; zip archives with one CSV are read."""

import bz2
import gzip
import hashlib
import io
import json
import lzma
import os
import tarfile
import zipfile

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pytest
from higgs_lines import make_rows, to_lines

from higgs_tutorial.data import prepare as prepare_module
from higgs_tutorial.data.dataset import load
from higgs_tutorial.data.prepare import prepare
from higgs_tutorial.data.score import score_file

ROWS = make_rows(60)
TEXT = b"\n".join(to_lines(ROWS)) + b"\n"
COMPRESSION = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA}


def zipped(method=zipfile.ZIP_DEFLATED, **members):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("_csv", ".csv").replace("_gz", ".gz").replace("__", "/"), content)
    return stream.getvalue()


def tarred():
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        member = tarfile.TarInfo("HIGGS.csv")
        member.size = len(TEXT)
        archive.addfile(member, io.BytesIO(TEXT))
    return stream.getvalue()


def saved(write):
    stream = io.BytesIO()
    write(stream)
    return stream.getvalue()


def arrow():
    stream = io.BytesIO()
    table = pa.Table.from_pandas(pd.DataFrame(ROWS, columns=[f"c{i}" for i in range(29)]))
    with pa.ipc.new_file(stream, table.schema) as writer:
        writer.write_table(table)
    return stream.getvalue()


def codec(name):
    return pa.compress(TEXT, codec=name, asbytes=True)


OTHERS = {
    "bzip2": (bz2.compress(TEXT), "is a bzip2 file; unpack it first: bunzip2"),
    "xz": (lzma.compress(TEXT), "is an xz file; unpack it first: unxz"),
    "LZMA": (lzma.compress(TEXT, lzma.FORMAT_ALONE), "is an LZMA file"),
    "Zstandard": (codec("zstd"), "is a Zstandard file; unpack it first: unzstd"),
    "LZ4": (codec("lz4"), "is an LZ4 file"),
    "compress": (b"\x1f\x9d\x90" + TEXT, "is a compress"),
    "7-Zip": (b"7z\xbc\xaf\x27\x1c\x00\x04" + bytes(50), "is a 7-Zip archive"),
    "tar": (tarred(), "is a tar archive"),
    "tar.gz": (gzip.compress(tarred()), "what is packed in it is a tar archive"),
    "gzip twice": (gzip.compress(gzip.compress(TEXT)), "what is packed in it is a gzip file"),
    "gzipped zip": (gzip.compress(zipped(HIGGS_csv=TEXT)), "what is packed in it is a zip archive"),
    "HDF5": (b"\x89HDF\r\n\x1a\n\x00" + bytes(500), "is a damaged or cut off HDF5 file"),
    "ROOT": (b"root\x00\x00\xf4\x91" + bytes(500), "has no tree in it|is a ROOT file, which needs uproot"),
    "netCDF": (b"CDF\x01" + bytes(100), "is a netCDF file"),
    "Arrow": (arrow(), "is an Arrow or Feather file"),
    "SQLite": (b"SQLite format 3\x00" + bytes(100), "is an SQLite data base"),
    "a pickle": (pd.DataFrame(ROWS).__reduce__() and saved(lambda s: pd.DataFrame(ROWS).to_pickle(s)), "is a pickle"),
    "UTF-16": (TEXT.decode().encode("utf-16"), "is text in UTF-16; .*iconv"),
    "UTF-16, little endian": (TEXT.decode().encode("utf-16-le"), "is text in UTF-16"),
    "UTF-16, big endian": (TEXT.decode().encode("utf-16-be"), "is text in UTF-16"),
    "UTF-32": (TEXT.decode().encode("utf-32"), "is text in UTF-32"),
    "gzipped UTF-16": (gzip.compress(TEXT.decode().encode("utf-16")), "what is packed in it is text in UTF-16"),
    "a web page": (b"\n<!DOCTYPE html><html><body>404</body></html>", "is a web page; .*get it again"),
    "JSON": (json.dumps(ROWS.tolist()).encode(), "is a JSON file"),
    "ARFF": (b"% HIGGS\n@RELATION higgs\n@attribute a real\n@data\n" + TEXT, "is an ARFF file"),
    "git-lfs": (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", "is a git-lfs pointer"),
    "zeros": (bytes(5_000), "is a binary file"),
    "garbage after gzip": (gzip.compress(TEXT) + b"garbage" * 9, "what follows its gzip stream is not gzip"),
    "little garbage after it": (gzip.compress(TEXT) + b"x", "is cut off, or something follows"),
    "gzip of zeros": (gzip.compress(bytes(10_000_000)), "what is packed in it is a binary file"),
    "zip of something else": (zipped(notes=b"hello"), r"is a zip archive, without a CSV file in it \('notes'\)"),
    "an empty zip": (zipped(), "is a zip archive, without a CSV file in it .empty"),
    "zip of two CSVs": (zipped(a_csv=TEXT, b_csv=TEXT), "with several CSV files .*unpack one"),
    "npz": (saved(lambda s: np.savez(s, x=ROWS)), r"is a NumPy \.npz archive or a model"),
    "an Excel workbook": (zipped(xl__workbook="", docProps__app=""), "is an Excel workbook"),
    "a cut zip": (zipped(HIGGS_csv=TEXT)[:-30], "is a damaged or cut off zip archive"),
    "a damaged zip": (zipped(zipfile.ZIP_STORED, HIGGS_csv=TEXT).replace(TEXT[9000:9010], b"1234567890"), "damaged"),
}  # fmt: skip


@pytest.mark.parametrize("kind", OTHERS)
@pytest.mark.parametrize("rows", [60, None])
def test_prepare_says_what_it_is(kind, rows, tmp_path):
    content, says = OTHERS[kind]
    file = tmp_path / "HIGGS.csv.gz"
    file.write_bytes(content)
    with pytest.raises((ValueError, ImportError), match=says) as caught:
        prepare(file, tmp_path / "out", rows=rows)
    assert "\n" not in str(caught.value)
    assert str(file) in str(caught.value)
    assert os.listdir(tmp_path / "out") == [".prepare.lock"]


@pytest.mark.parametrize("kind", OTHERS)
def test_score_says_what_it_is(kind, tmp_path):
    content, says = OTHERS[kind]
    file = tmp_path / "events.csv"
    file.write_bytes(content)
    with pytest.raises((ValueError, ImportError), match=says) as caught:
        score_file(lambda x: x[:, 0], 28, file, tmp_path / "p.npy")
    assert "\n" not in str(caught.value)
    assert os.listdir(tmp_path) == ["events.csv"]


@pytest.mark.parametrize("method", sorted(COMPRESSION))
@pytest.mark.parametrize("name", ["HIGGS_csv_gz", "higgs__HIGGS_csv_gz", "mine_csv"])
def test_a_zip_with_one_csv_is_read_as_if_it_were_unpacked(name, method, tmp_path):
    content = gzip.compress(TEXT) if name.endswith("gz") else TEXT
    file = tmp_path / "higgs.zip"
    file.write_bytes(zipped(method, README=b"the Higgs data set", **{name: content}))
    manifest = prepare(file, tmp_path / "out", rows=None)
    assert manifest["source"]["sha256"] == hashlib.sha256(content).hexdigest()
    assert manifest["source"]["bytes"] == len(content)
    assert manifest["source"]["name"] == ("mine.csv" if name == "mine_csv" else "HIGGS.csv.gz")
    np.testing.assert_array_equal(load("uci", data_dir=tmp_path / "out").test.x, ROWS[-3:, 1:])
    score_file(lambda x: x[:, 0], 28, file, tmp_path / "p.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "p.npy"), ROWS[:, 1])


def test_ucis_zip_is_known_as_uci(tmp_path, monkeypatch):
    packed = gzip.compress(TEXT)
    monkeypatch.setattr(prepare_module, "HIGGS_SHA256", hashlib.sha256(packed).hexdigest())
    file = tmp_path / "higgs.zip"
    file.write_bytes(zipped(zipfile.ZIP_STORED, HIGGS_csv_gz=packed, other_csv=b"1,2"))
    assert prepare(file, tmp_path, rows=60)["source"]["is_uci"]


def test_an_encrypted_zip(tmp_path):
    content = bytearray(zipped(HIGGS_csv=TEXT))
    content[6] |= 1  # the flags of the member, there
    content[content.index(b"PK\x01\x02") + 8] |= 1  # and in the directory
    (tmp_path / "higgs.zip").write_bytes(content)
    with pytest.raises(ValueError, match="is an encrypted zip archive"):
        prepare(tmp_path / "higgs.zip", tmp_path, rows=60)


def test_a_gzip_of_newlines_is_refused_at_its_first_line(tmp_path, monkeypatch):
    file = tmp_path / "HIGGS.csv.gz"
    file.write_bytes(gzip.compress(b"\n" * 100_000_000, 1))
    seen = []
    with pytest.raises(ValueError, match="line 1: the line is empty"):
        prepare(file, tmp_path, rows=None)
    with pytest.raises(ValueError, match="has 1 column"):
        score_file(seen.append, 28, file, tmp_path / "p.npy")
    assert not seen


FIXED = [f"{v:.18e}" for v in (0.1, -2.5, 3.25)]
CUT = {
    "%.18e": (",".join(FIXED), [5, 12, 22]),
    "%.6f": ("0.250000,-1.500000,0.123456", [3, 5]),
    "repr": ("0.1234567,0.25,-0.333333333", [4, 9]),
}


@pytest.mark.parametrize("kind", CUT)
@pytest.mark.parametrize("lines_before", [0, 1, 500])
def test_a_last_number_that_was_cut_is_noticed(kind, lines_before, tmp_path):
    line, cuts = CUT[kind]
    file = tmp_path / "e.csv"
    for digits in cuts:
        last = line.rpartition(",")[0] + "," + line.rpartition(",")[2][:digits]
        file.write_text((line + "\n") * lines_before + last)
        with pytest.raises(ValueError, match=f"line {lines_before + 1}: .*(may be cut|is not a number)"):
            score_file(lambda x: x[:, 0], 3, file, tmp_path / "p.npy")
        scored = score_file(lambda x: x[:, 2], 3, file, tmp_path / "p.npy", bad_rows="nan")
        assert (scored.rows, scored.bad) == (lines_before + 1, 1)
        assert np.isnan(np.load(tmp_path / "p.npy")[-1])
        file.write_bytes(gzip.compress(file.read_bytes()))  # its checksum vouches for the end
        if kind == "repr":
            assert score_file(lambda x: x[:, 0], 3, file, tmp_path / "p.npy").bad == 0


@pytest.mark.parametrize("kind", ["%.18e", "%.6f"])
def test_a_last_line_that_is_whole_needs_no_end(kind, tmp_path):
    line = CUT[kind][0]
    (tmp_path / "e.csv").write_text("\n".join([line] * 20))
    assert score_file(lambda x: x[:, 2], 3, tmp_path / "e.csv", tmp_path / "p.npy").rows == 20


def test_what_is_cut_does_not_matter_where_it_is_not_used(tmp_path):
    (tmp_path / "e.csv").write_text("a,b,label\n0.5,0.25,1")
    score_file(lambda x: x[:, 0], 2, tmp_path / "e.csv", tmp_path / "p.npy", columns=["b", "a"])
    assert np.load(tmp_path / "p.npy").tolist() == [0.25]


@pytest.mark.parametrize("digits", range(1, 24))
@pytest.mark.parametrize("rows", [60, None])
def test_prepare_notices_it_too(digits, rows, tmp_path):
    (tmp_path / "e.csv").write_bytes(TEXT[: -1 - digits])
    with pytest.raises(
        ValueError, match=r"last number may be cut.*echo >>|line 60: column 29 is not a number"
    ):
        prepare(tmp_path / "e.csv", tmp_path / "out", rows=rows)
    assert os.listdir(tmp_path / "out") == [".prepare.lock"]
