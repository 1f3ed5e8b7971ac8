"""Mutated files: what is accepted equals what NumPy or pandas reads, what is refused is one line, no more happens.

A long search: ``pytest tests/fuzz --hypothesis-profile=long``.
"""

import gzip
import hashlib
import io
import json
import shutil
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from higgs_lines import make_rows, to_lines
from hypothesis import given
from hypothesis import strategies as st

from higgs_tutorial.data.prepare import prepare
from higgs_tutorial.data.prepared import read_manifest
from higgs_tutorial.data.score import score_file
from higgs_tutorial.ladder import recorded
from higgs_tutorial.ladder.schema import read_results
from higgs_tutorial.nn import NeuralNetwork
from higgs_tutorial.nn.files import checkpoints
from higgs_tutorial.nn.files.models import load_model, read_header, save_model, variables
from higgs_tutorial.nn.models import build

X = np.random.default_rng(0).normal(size=(12, 3))
PIECES = [
    *(
        b"\x00",
        b"\xff",
        b"\n",
        b"\r",
        b",",
        b"-",
        b"+",
        b".",
        b"e",
        b"0",
        b"1",
        b"9",
        b" ",
        b'"',
        b"\t",
        b"#",
        b"_",
    ),
    *(
        b"nan",
        b"inf",
        b"1e39",
        b"1e-46",
        b"0x1",
        b"NA",
        b"1,2",
        b"\xef\xbb\xbf",
        b"'",
        b"{",
        b"[",
        b"null",
        b"-1",
    ),
    *(
        b"9" * 400,
        b"\x1b[31m",
        b"PK\x03\x04",
        b"\x1f\x8b",
        b"<f8",
        b"<U9",
        b"|O",
        b"(",
        b"True",
        b"\xe2\x80\xa8",
    ),
]
MUTATION = st.tuples(
    st.sampled_from(["insert", "replace", "delete", "double", "cut", "bit"]),
    st.integers(0, 2**20),
    st.sampled_from(PIECES) | st.binary(min_size=1, max_size=4),
    st.integers(1, 40),
)
MUTATIONS = st.lists(MUTATION, min_size=1, max_size=4)


def mutated(content, mutations):
    for kind, place, piece, length in mutations:
        place %= len(content) + 1
        before, after = content[:place], content[place:]
        if kind == "insert":
            content = before + piece + after
        elif kind == "replace":
            content = before + piece + after[len(piece) :]
        elif kind == "delete":
            content = before + after[length:]
        elif kind == "double":
            content = before + after[:length] * 2 + after[length:]
        elif kind == "cut":
            content = before
        elif after:
            content = before + bytes([after[0] ^ (1 << length % 8)]) + after[1:]
    return content


@pytest.fixture(scope="module")
def folder():
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def attempt(read, file):
    """Return what ``read`` gives; None if it refuses the file, in one line that names it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return read()
    except ValueError as error:
        message = str(error)
        assert message.isprintable(), repr(message)
        assert str(file) in message
        assert len(message) < 1000
    return None


def saved(write, *arguments, **options):
    stream = io.BytesIO()
    write(stream, *arguments, **options)
    return stream.getvalue()


def scored(folder, name, content):
    """Score every feature of the file; None if it is refused, and then nothing is left behind."""
    file, out = folder / name, folder / "p.npy"
    out.unlink(missing_ok=True)
    file.write_bytes(content)
    places = {}

    def run():
        columns = []
        for i in range(3):
            found = score_file(lambda x, i=i: x[:, i], 3, file, out)
            columns.append(np.load(out))
            places["taken"] = found.columns
        return np.stack(columns, axis=1)

    x = attempt(run, file)
    assert {path.name for path in folder.iterdir()} <= {name, "p.npy"} | (
        {"p.npy"} if x is not None else set()
    )
    file.unlink()
    return x, places.get("taken")


TEXT = "\n".join(",".join(f"{v:.4f}" for v in row) for row in X).encode() + b"\n"
NAMED = b"label,a,b,c\n" + b"".join(b"1," + line + b"\n" for line in TEXT.splitlines())


@given(st.sampled_from([TEXT, NAMED]), MUTATIONS)
def test_csv_to_score(folder, text, mutations):
    content = mutated(text, mutations)
    x, places = scored(folder, "e.csv", content)
    if x is not None:
        lines = content.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace").split("\n")
        lines = lines[: len(lines) - (lines[-1] == "")]
        values = [line.split(",") for line in lines[len(lines) - len(x) :]]
        assert len(lines) - len(x) in (0, 1)
        if len(lines) > len(x):  # then the first line was a header: no number in it
            assert not any(
                field.strip().strip('"').replace(".", "").isdigit() for field in lines[0].split(",")
            )
        expected = np.array([[np.float64(row[i]) for i in places] for row in values]).astype(np.float32)
        np.testing.assert_allclose(x, expected, rtol=2e-7, atol=1e-45)


@given(MUTATIONS)
def test_gzipped_csv_to_score(folder, mutations):
    x, _ = scored(folder, "e.csv", mutated(gzip.compress(TEXT, mtime=0), mutations))
    if x is not None:
        np.testing.assert_allclose(x, np.loadtxt(io.BytesIO(TEXT), delimiter=","), rtol=1e-6)


@given(st.sampled_from([X, X.astype(np.float32), (X * 100).astype(int)]), MUTATIONS)
def test_npy_to_score(folder, values, mutations):
    content = mutated(saved(np.save, values), mutations)
    x, places = scored(folder, "e.npy", content)
    if x is not None and content.startswith(b"\x93NUMPY"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = np.load(io.BytesIO(content), allow_pickle=False)
        np.testing.assert_array_equal(x, expected[:, places].astype(np.float32))


@given(MUTATIONS)
def test_parquet_to_score(folder, mutations):
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    content = mutated(saved(lambda s: frame.to_parquet(s, write_page_checksum=True)), mutations)
    x, places = scored(folder, "e.parquet", content)
    if x is not None and content.startswith(b"PAR1"):
        table = pq.read_table(io.BytesIO(content))  # pandas stumbles over its own metadata
        expected = table.to_pandas(ignore_metadata=True).to_numpy()[:, places]
        np.testing.assert_array_equal(x, expected.astype(np.float32))


HIGGS = b"\n".join(to_lines(make_rows(22))) + b"\n"


@given(MUTATIONS)
def test_csv_to_prepare(folder, mutations):
    file, out = folder / "h.csv", folder / "out"
    content = mutated(HIGGS, mutations)
    file.write_bytes(content)
    manifest = attempt(lambda: prepare(file, out, rows=None), file)
    if manifest is not None:
        rows = np.concatenate([np.load(out / f"higgs_{part}.npy") for part in ("train", "valid", "test")])
        lines = content.decode().split("\n")
        expected = [[np.float64(v) for v in line.split(",")] for line in lines if line]
        assert manifest["rows"] == len(rows) == len(expected)
        order = [np.lexsort(array.T) for array in (rows, np.float32(expected))]
        np.testing.assert_allclose(rows[order[0]], np.float32(expected)[order[1]], rtol=2e-7, atol=1e-45)
    shutil.rmtree(out)
    file.unlink()


@given(MUTATIONS)
def test_manifests(folder, mutations):
    source = {"name": "x.csv", "bytes": 1, "sha256": "0", "is_uci": False}
    parts = {part: {"file": "f", "rows": n} for part, n in (("train", 20), ("valid", 1), ("test", 1))}
    text = json.dumps({"schema": 1, "source": source, "rows": 22, "parts": parts}).encode()
    (folder / "manifest.json").write_bytes(mutated(text, mutations))
    manifest = attempt(lambda: read_manifest(folder), folder / "manifest.json")
    assert manifest is None or sum(manifest["parts"][part]["rows"] for part in parts) == manifest["rows"]
    (folder / "manifest.json").unlink()


@pytest.fixture(scope="module")
def model_bytes():
    with tempfile.TemporaryDirectory() as name:
        model = build(NeuralNetwork(1, 4, True), 3)
        return save_model(model, Path(name) / "m.npz", columns=["a", "b", "c"], about={"x": 1}).read_bytes()


@given(mutations=MUTATIONS)
def test_models(folder, model_bytes, mutations):
    file = folder / "m.npz"
    content = mutated(model_bytes, mutations)
    file.write_bytes(content)
    model, header = attempt(lambda: load_model(file), file), attempt(lambda: read_header(file), file)
    if model is not None:
        assert header["features"] == 3
        assert type(header["about"]) is dict
        with np.load(io.BytesIO(content)) as arrays:
            for name, array in variables(model).items():
                assert np.isfinite(array).all()
                np.testing.assert_array_equal(array, arrays[name])
    file.unlink()


@given(MUTATIONS, st.booleans())
def test_checkpoints(folder, mutations, signed):
    about = {"schema": 1, "identity": {"seed": 0}, "history": []}
    arrays = {"about": np.array(json.dumps(about)), "model/000/w": np.float32(X)}
    content = mutated(checkpoints._pack(arrays), mutations)
    if signed:  # by somebody who means it
        body = content[: -checkpoints._DIGITS]
        content = body + hashlib.sha256(body).hexdigest().encode()
    found = attempt(lambda: checkpoints._unpack(content), "")
    if found is not None:
        with np.load(io.BytesIO(content)) as expected:
            assert set(found) == set(expected.files)
            for name, array in found.items():
                np.testing.assert_array_equal(array, expected[name])


RESULTS = recorded("quick")
RESULTS["rungs"] = [{**rung, "epochs": rung["epochs"][:2]} for rung in RESULTS["rungs"][:2]]


@given(MUTATIONS)
def test_results(folder, mutations):
    file = folder / "results.json"
    content = mutated(json.dumps(RESULTS).encode(), mutations)
    file.write_bytes(content)
    results = attempt(lambda: read_results(file), file)
    if results is not None:
        assert results == json.loads(content)
        for rung in results["rungs"]:
            done = [epoch["valid_auc"] for epoch in rung["epochs"]]
            scores = [rung[name] for name in ("train_auc", "valid_auc", "test_auc") if rung.get("test_auc")]
            assert all(0 <= auc <= 1 for auc in done + scores)
    file.unlink()
