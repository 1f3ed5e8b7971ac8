"""Model files of strangers: each is refused in one line that says what is wrong, before anything is made of it."""

import io
import json
import time
import tracemalloc
import warnings
import zipfile

import numpy as np
import pytest

from higgs_tutorial.nn import LogisticRegression, NeuralNetwork
from higgs_tutorial.nn.ensembles import Ensemble
from higgs_tutorial.nn.files.header import variable_shapes
from higgs_tutorial.nn.files.models import load_model, read_header, save_model, variables
from higgs_tutorial.nn.models import build

HEADER = {
    "format": "higgs-tutorial model",
    "schema": 1,
    "kind": "LogisticRegression",
    "config": {"seed": 0},
    "features": 3,
    "columns": None,
    "about": {},
}
ARRAYS = {"regression/w": np.ones([3, 1], np.float32), "regression/b": np.zeros(1, np.float32)}


def npy(array):
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def packed(members, method=zipfile.ZIP_STORED):
    stream = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(stream, "w", method) as archive:
        warnings.simplefilter("ignore")  # of a name that comes twice
        for name, content in members:
            archive.writestr(f"{name}.npy", content)
    return stream.getvalue()


def model(header=None, text=None, method=zipfile.ZIP_STORED, more=(), **arrays):
    text = json.dumps(HEADER | (header or {})) if text is None else text
    arrays = ARRAYS | {name.replace("_", "/", 1): array for name, array in arrays.items()}
    members = [("header", npy(np.array(text))), *((n, npy(a)) for n, a in arrays.items()), *more]
    return packed(members, method)


def nested(depth):
    config = {"kind": "LogisticRegression", "config": {}}
    for _ in range(depth):
        config = {"kind": "Ensemble", "config": {"models": [config]}}
    return config


def replaced(old, new):
    content = model()
    assert old in content
    return content.replace(old, new)


W = np.ones([3, 1], np.float32)
HOSTILE = {
    "NaN weights": (model(regression_w=W * np.nan), "regression/w holds values that are not finite"),
    "infinite weights": (
        model(regression_b=np.float32([np.inf])),
        "regression/b holds values that are not finite",
    ),
    "text for weights": (model(regression_w=np.full([3, 1], "1.0")), "regression/w holds <U3 and not <f4"),
    "complex weights": (model(regression_w=W.astype(complex)), "<c16"),
    "bytes for weights": (model(regression_w=np.full([3, 1], b"1")), "S1 and not numbers"),
    "records for weights": (model(regression_w=np.zeros([3, 1], "f4,f4")), "does not begin like an array"),
    "objects for weights": (
        packed(
            [
                ("header", npy(np.array(json.dumps(HEADER)))),
                ("regression/w", b"\x93NUMPY\x01\x00\x10\x00{'descr': '|O'}"),
            ]
        ),
        "does not begin like",
    ),
    "doubles for weights": (model(regression_w=W.astype(float)), "holds <f8 and not <f4"),
    "a weight twice": (model(more=[("regression/w", npy(W * 2))]), "'regression/w.npy' is in it twice"),
    "the header twice": (model(more=[("header", npy(np.array("{}")))]), "'header.npy' is in it twice"),
    "a weight too many": (model(more=[("spam", npy(W))]), "it has also variable 'spam'"),
    "no weight": (
        packed([("header", npy(np.array(json.dumps(HEADER))))]),
        "it has no variable 'regression/b'",
    ),
    "about is a list": (model({"about": [1]}), "about must hold names and values"),
    "about is null": (model({"about": None}), "about must hold"),
    "about is text": (model({"about": "x"}), "about must hold"),
    "no about": (
        model(text=json.dumps({k: v for k, v in HEADER.items() if k != "about"})),
        "about must hold",
    ),
    "no columns": (
        model(text=json.dumps({k: v for k, v in HEADER.items() if k != "columns"})),
        "columns must be 3",
    ),
    "numbers for columns": (model({"columns": [1, 2, 3]}), "columns must be 3 different names"),
    "one number for columns": (model({"columns": 3}), "columns must be 3 different names"),
    "a text for columns": (model({"columns": "abc"}), "columns must be 3 different names"),
    "too few columns": (model({"columns": ["a", "b"]}), "columns must be 3 different names"),
    "a column twice": (model({"columns": ["a", "b", "a"]}), "columns must be 3 different names"),
    "no header": (packed([(n, npy(a)) for n, a in ARRAYS.items()]), "it has no 'header'"),
    "a header nested deeply": (model(text="[" * 100_000), "nested too deeply|not a model"),
    "an about nested deeply": (model(text='{"about":' * 100_000), "nested too deeply|not a model"),
    "a header with a key twice": (
        model(text=json.dumps(HEADER)[:-1] + ', "kind": "x"}'),
        "a key comes twice",
    ),
    "NaN in the header": (model({"about": {"auc": float("nan")}}), "NaN is no number"),
    "a number of 10,000 digits": (model(text='{"format": ' + "1" * 10_000 + "}"), "not a model"),
    "features of -1": (model({"features": -1}), "features is -1; it must be an integer"),
    "features of 0": (model({"features": 0}), "features is 0; it must be"),
    "features of a billion": (model({"features": 10**9}), "features is 1000000000; it must be"),
    "features that do not fit": (model({"features": 900_000}), r"regression/w has shape \(3, 1\) instead of"),
    "features of true": (model({"features": True}), "features is True"),
    "features of a fraction": (model({"features": 3.0}), r"features is 3\.0"),
    "an unknown kind": (model({"kind": "Bomb"}), "kind is 'Bomb'; it must be one of: LogisticRegression"),
    "a kind that is a list": (model({"kind": ["x"]}), "kind is list"),
    "an unknown setting": (model({"config": {"spam": 1}}), "config has 'spam'"),
    "a config that is a list": (model({"config": []}), "config must hold"),
    "a million layers": (
        model({"kind": "NeuralNetwork", "config": {"num_layers": 10**6}}),
        "num_layers is 1000000",
    ),
    "a large layer": (
        model({"kind": "NeuralNetwork", "config": {"size": 10**6}}),
        "it has no variable 'linear_0/b'",
    ),
    "keep_prob of text": (model({"kind": "NeuralNetwork", "config": {"keep_prob": "x"}}), "keep_prob is 'x'"),
    "keep_prob of 0": (model({"kind": "NeuralNetwork", "config": {"keep_prob": 0}}), "keep_prob is 0"),
    "beta of a list": (
        model({"kind": "NeuralNetwork", "config": {"beta": []}}),
        "beta is list; it must be one of",
    ),
    "ensembles in ensembles": (model(nested(300)), "nested more than 8 times|nested too deeply"),
    "an ensemble of nothing": (
        model({"kind": "Ensemble", "config": {"models": []}}),
        "must have a list of models",
    ),
    "an ensemble of numbers": (
        model({"kind": "Ensemble", "config": {"models": [1]}}),
        "must have a list of models",
    ),
    "compressed": (model(method=zipfile.ZIP_DEFLATED), "is compressed|larger than the file"),
    "a small bomb": (
        packed([("header", npy(np.zeros(30_000_000, np.float32)))], zipfile.ZIP_DEFLATED),
        "is compressed|larger than the file",
    ),
    "LZMA": (model(method=zipfile.ZIP_LZMA), "is compressed|larger than the file"),
    "encrypted": (
        replaced(b"PK\x01\x02\x14\x03\x14\x00\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01\x00"),
        "is encrypted",
    ),
    "an unfinished array header": (
        model(more=[("x", b"\x93NUMPY\x01\x00\xff\xff{'descr': '<f4'")]),
        "does not begin like",
    ),
    "an array header of brackets": (
        model(more=[("x", b"\x93NUMPY\x01\x00\xff\x7f" + b"(" * 0x7FFF)]),
        "does not begin like",
    ),
    "a shape of nothing like its length": (
        replaced(b"'shape': (3, 1)", b"'shape': (9, 9)"),
        "not as long as its shape|Bad CRC",
    ),
    "a huge shape": (
        model(more=[("x", npy(W).replace(b"(3, 1), }          ", b"(3000000000, 1), }"))]),
        "not as long as its shape|does not begin",
    ),
    "a member that is no array": (packed([("header", b"x")]).replace(b".npy", b".txt"), "is no array"),
    "escape sequences": (model({"kind": "\x1b]0;owned\x07"}), r"kind is '\\x1b\]0;owned\\x07'"),
    "escape sequences in a name": (model(more=[("\x1b[31m", npy(W))]), r"\\x1b\[31m"),
}


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("read", [load_model, read_header])
def test_a_hostile_model_file_is_refused_in_one_line(kind, read, tmp_path):
    content, says = HOSTILE[kind]
    file = tmp_path / "m.npz"
    file.write_bytes(content)
    if read is read_header and "not finite" in says:
        read(file)  # reads no weights
        return
    tracemalloc.start()
    start = time.perf_counter()
    with pytest.raises(ValueError, match=says) as caught:
        read(file)
    assert time.perf_counter() - start < 10
    assert tracemalloc.get_traced_memory()[1] < 50e6
    tracemalloc.stop()
    message = str(caught.value)
    assert str(file) in message
    assert message.isprintable()
    assert len(message) < 600


def test_the_right_one_is_read(tmp_path):
    (tmp_path / "m.npz").write_bytes(model({"columns": ["a", "b", "c"]}))
    assert isinstance(load_model(tmp_path / "m.npz"), LogisticRegression)


@pytest.mark.parametrize(
    "made",
    [
        LogisticRegression(),
        NeuralNetwork(0),
        NeuralNetwork(2, 5),
        NeuralNetwork(2, 5, True, statistics="batch"),
        Ensemble([NeuralNetwork(1, 4, True), Ensemble([LogisticRegression()])]),
    ],
)
def test_the_shapes_are_those_of_a_model_that_is_made(made, tmp_path):
    build(made, 7)
    header = read_header(save_model(made, tmp_path / "m.npz"))
    shapes = variable_shapes(header["kind"], header["config"], 7)
    if not isinstance(made, Ensemble):
        assert shapes == {name: array.shape for name, array in variables(made).items()}
    assert len(shapes) == len(made.variables)
