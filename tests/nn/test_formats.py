"""Each format predicts, in its own runtime, what `predict` does, and says what goes in and comes out."""

import json
import re
import shutil
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from typer.testing import CliRunner

from higgs_tutorial.cli import app
from higgs_tutorial.nn import NeuralNetwork, predict
from higgs_tutorial.nn.ensembles import Ensemble
from higgs_tutorial.nn.estimator import HiggsClassifier
from higgs_tutorial.nn.files.models import save_model
from higgs_tutorial.nn.formats import export_model
from higgs_tutorial.nn.standardized import Standardized

pytestmark = [
    # Keras 3's variables and tf2onnx make arrays in the way of NumPy 1; TensorFlow's interpreter has moved to LiteRT.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning"),
    pytest.mark.filterwarnings(r"ignore:\s*Warning. tf.lite.Interpreter is deprecated:UserWarning"),
]

X = np.random.default_rng(0).normal(3, 2, size=(50, 5)).astype(np.float32)
NAMES = ["lepton pT", "b", "c", "d", "e"]


@pytest.fixture(scope="module")
def model():
    """Two networks with all that there is, moving averages away from their start, one behind a scaler."""
    members = []
    for seed in range(2):
        network = NeuralNetwork(2, 6, True, 0.8, seed=seed, beta="uniform")
        for step in range(3):
            network((X - 3) / 2, training=True, seed=(0, step))
        members.append(network)
    return Ensemble([Standardized(members[0], np.full(5, 3), np.full(5, 2)), members[1]])


def with_keras(file):
    network = keras.saving.load_model(file)
    assert ([part.name for part in network.inputs], network.input_shape) == (["events"], (None, 5))
    return network.layers[-1].name, lambda x: network.predict(x, verbose=0)


def with_tensorflow(folder):
    served = tf.saved_model.load(folder).signatures["serving_default"]
    assert served.structured_input_signature[1]["events"].shape.as_list() == [None, 5]
    (name,) = served.structured_outputs
    return name, lambda x: served(events=tf.constant(x))[name].numpy()


def with_onnxruntime(file):
    runtime = pytest.importorskip("onnxruntime", reason="needs onnxruntime")
    session = runtime.InferenceSession(file, providers=["CPUExecutionProvider"])
    (given,), (returned,) = session.get_inputs(), session.get_outputs()
    assert (given.name, given.shape, given.type) == ("events", ["batch", 5], "tensor(float)")
    assert returned.shape == ["batch", 1]
    return returned.name, lambda x: session.run(None, {"events": x})[0]


def with_litert(file):
    runner = tf.lite.Interpreter(str(file)).get_signature_runner()
    assert runner.get_input_details()["events"]["shape_signature"].tolist() == [-1, 5]
    (name,) = runner.get_output_details()
    return name, lambda x: runner(events=x)[name]


RUNTIMES = {
    "m.keras": with_keras,
    "folder": with_tensorflow,
    "m.onnx": with_onnxruntime,
    "m.tflite": with_litert,
}


@pytest.mark.parametrize("logits", [False, True], ids=["probability", "logit"])
@pytest.mark.parametrize("name", RUNTIMES)
def test_its_own_runtime_predicts_the_same(name, logits, model, tmp_path):
    if name == "m.onnx":
        pytest.importorskip("tf2onnx", reason="needs tf2onnx")
    file = export_model(model, tmp_path / "deep" / name, logits=logits)
    output, run = RUNTIMES[name](file)
    assert output == ("logit" if logits else "probability")
    for x in (X, X[:1]):
        assert run(x).shape == (len(x), 1)
        assert np.allclose(run(x)[:, 0], predict(model, x, logits=logits), rtol=1e-5, atol=2e-6)
    assert [file.name for file in (tmp_path / "deep").iterdir()] == [name]


@pytest.mark.slow
def test_hls4ml_makes_firmware_of_it_as_the_documentation_says(tmp_path, monkeypatch):
    """The firmware is compiled for the processor, where it computes with the fixed-point numbers of the FPGA."""
    pytest.importorskip("hls4ml", reason="needs hls4ml")
    if shutil.which("g++") is None:
        pytest.skip("hls4ml compiles its firmware with g++")
    page = Path(__file__).resolve().parents[2] / "docs" / "export.md"
    (code,) = re.findall(r"```python\n(import hls4ml\n.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    network = NeuralNetwork(2, 6, True, 0.8, seed=0, beta="uniform")
    for step in range(3):
        network(X, training=True, seed=(0, step))
    monkeypatch.chdir(tmp_path)
    (file,) = re.findall(r'load_model\("(.+?)"\)', code)
    save_model(network, file)
    made = {}
    exec(code, made)
    logits = made["firmware"].predict(X)[:, 0]
    assert np.allclose(logits, predict(network, X, logits=True), atol=0.05)
    assert np.ptp(logits) > 1


def test_names_of_columns_come_along(tmp_path):
    frame = pd.DataFrame(X, columns=NAMES)
    pipeline = make_pipeline(StandardScaler(), HiggsClassifier(1, 4, epochs=1)).fit(frame, X[:, 0] > 3)
    folder = export_model(pipeline, tmp_path / "folder")
    assert json.loads((folder / "assets.extra" / "columns.json").read_text()) == NAMES
    _, run = with_tensorflow(folder)
    assert np.allclose(run(X)[:, 0], pipeline.predict_proba(frame)[:, 1], atol=1e-6)
    onnx = pytest.importorskip("onnx", reason="needs onnx")
    pytest.importorskip("tf2onnx", reason="needs tf2onnx")
    file = export_model(pipeline, tmp_path / "m.onnx")
    (prop,) = onnx.load(file).metadata_props
    assert (prop.key, json.loads(prop.value)) == ("columns", NAMES)
    with pytest.raises(ValueError, match="columns has 2 names; it must have 5"):
        export_model(pipeline, tmp_path / "n.onnx", columns=["a", "b"])


def test_what_cannot_be_written_is_said_first(model, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"m\.h5 has an unknown ending: it must be FILE\.keras, .* FOLDER"):
        export_model(model, tmp_path / "m.h5")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").touch()
    with pytest.raises(FileExistsError, match="full is there already: name another folder"):
        export_model(model, tmp_path / "full")
    monkeypatch.setattr("higgs_tutorial.nn.formats.find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r'm\.onnx needs .*: pip install "higgs-tutorial\[export\]"$'):
        export_model(model, tmp_path / "m.onnx")
    assert [file.name for file in tmp_path.iterdir()] == ["full"]


def test_the_command_writes_it_and_says_what_goes_in(model, tmp_path):
    file = save_model(model, tmp_path / "m.npz", columns=NAMES)
    run = CliRunner().invoke(app, ["export", str(file), "--out", str(tmp_path / "folder"), "--logits"])
    assert run.exit_code == 0, run.output
    assert "events [batch, 5] -> logit [batch, 1]" in run.output.replace("\n", " ")
    assert "lepton pT, b, c, d, e" in run.output
    name, call = with_tensorflow(tmp_path / "folder")
    assert name == "logit"
    assert np.allclose(call(X)[:, 0], predict(model, X, logits=True), rtol=1e-5, atol=2e-6)
    run = CliRunner().invoke(app, ["export", str(file), "--out", str(tmp_path / "m.h5")])
    assert run.exit_code == 2
    run = CliRunner().invoke(app, ["export", str(tmp_path / "no.npz"), "--out", str(tmp_path / "m.onnx")])
    assert run.exit_code == 2
