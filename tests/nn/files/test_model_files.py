"""A model file gives the same model in another process, holds no code, and is checked when it is read."""

import io
import json
import os
import pickle
import subprocess
import sys
import zipfile

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from higgs_tutorial.nn import LogisticRegression, NeuralNetwork, predict
from higgs_tutorial.nn.ensembles import Ensemble
from higgs_tutorial.nn.estimator import HiggsClassifier
from higgs_tutorial.nn.files.models import load_model, read_header, save_model, variables

X = np.random.default_rng(0).normal(size=(50, 5)).astype(np.float32)

MODELS = {
    "logistic": lambda: LogisticRegression(seed=3),
    "plain": lambda: NeuralNetwork(np.int64(2), np.int64(7), seed=3),
    "no hidden layer": lambda: NeuralNetwork(0, seed=3),
    "everything": lambda: NeuralNetwork(3, 6, True, 0.8, seed=3, momentum=0.5, beta="uniform"),
}


def trained(kind):
    """A model whose every variable, moving averages too, differs from its start."""
    model = MODELS[kind]()
    for step in range(3):
        model(X, training=True, seed=(0, step))
    for i, variable in enumerate(model.trainable_variables):
        variable.assign_add(tf.fill(variable.shape, 0.1 * (i + 1)))
    return model


@pytest.mark.parametrize("kind", MODELS)
def test_round_trip_is_exact(kind, tmp_path):
    model = trained(kind)
    file = save_model(model, tmp_path / "deep" / "model.npz")
    again = load_model(file)
    assert again.config == model.config
    old, new = variables(model), variables(again)
    assert old.keys() == new.keys()
    assert len(old) == len(model.variables)
    assert all(np.array_equal(old[name], new[name]) for name in old)
    assert np.array_equal(predict(model, X), predict(again, X))
    assert not np.array_equal(predict(MODELS[kind](), X), predict(again, X))


def test_an_ensemble_is_one_file(tmp_path):
    members = [trained("plain"), trained("everything"), trained("logistic")]
    ensemble = Ensemble([Ensemble(members[:2]), members[2]])
    file = save_model(ensemble, tmp_path / "m.npz", columns=list("abcde"))
    again = load_model(file)
    assert np.array_equal(predict(again, X), predict(ensemble, X))
    for old, new in zip(members, [*again.models[0].models, again.models[1]], strict=True):
        assert type(new) is type(old)
        assert np.array_equal(predict(new, X), predict(old, X))
    assert (read_header(file)["kind"], read_header(file)["features"]) == ("Ensemble", 5)


def test_a_fitted_classifier_is_saved_with_its_names(tmp_path):
    y = (X[:, 0] > 0).astype(int)
    frame = pd.DataFrame(X, columns=list("abcde"))
    classifier = HiggsClassifier(1, 4, epochs=1).fit(frame, y)
    file = save_model(classifier, tmp_path / "m.npz")
    assert read_header(file)["columns"] == list("abcde")
    assert np.allclose(predict(load_model(file), X), classifier.predict_proba(frame)[:, 1], atol=1e-6)
    with pytest.raises(
        ValueError, match=r"a HiggsClassifier cannot be saved, only: .* a fitted HiggsClassifier"
    ):
        save_model(HiggsClassifier(), tmp_path / "p.npz")


@pytest.mark.parametrize("scaler", [{}, {"with_mean": False}, {"with_std": False}])
def test_a_pipeline_is_saved_with_its_scaler(scaler, tmp_path):
    frame = pd.DataFrame(X * [1, 20, 300, 4, 5] + [7, 0, 50, -2, 1], columns=list("abcde"))
    pipeline = make_pipeline(StandardScaler(**scaler), "passthrough", HiggsClassifier(1, 4, epochs=1))
    expected = pipeline.fit(frame, X[:, 0] > 0).predict_proba(frame)[:, 1]
    file = save_model(pipeline, tmp_path / "m.npz")
    assert (read_header(file)["kind"], read_header(file)["columns"]) == ("Standardized", list("abcde"))
    again = load_model(file)
    assert np.allclose(predict(again, frame.to_numpy(np.float32)), expected, atol=1e-5)
    both = Ensemble([again, trained("plain")])
    file = save_model(both, tmp_path / "both.npz")
    assert np.array_equal(predict(load_model(file), X), predict(both, X))


def test_a_pipeline_with_other_steps_is_refused(tmp_path):
    pipeline = make_pipeline(PCA(2), HiggsClassifier(1, 4, epochs=1)).fit(X, X[:, 0] > 0)
    with pytest.raises(
        ValueError, match=r"has a PCA, and only a StandardScaler can come along: .*joblib\.dump"
    ):
        save_model(pipeline, tmp_path / "p.npz")


def test_what_is_wrong_with_an_ensemble_is_said(tmp_path):
    other = LogisticRegression()
    other(X[:, :4], training=False)
    with pytest.raises(ValueError, match="take different numbers of features"):
        save_model(Ensemble([trained("plain"), other]), tmp_path / "m.npz")
    with pytest.raises(ValueError, match="a Module cannot be saved"):
        save_model(Ensemble([trained("plain"), tf.Module()]), tmp_path / "m.npz")
    assert not list(tmp_path.iterdir())
    file = save_model(Ensemble([trained("plain"), trained("plain")]), tmp_path / "m.npz")
    for name in ("2/regression/b", "b", "x/b"):
        with np.load(file) as archive:
            arrays = {(key == "1/regression/b" and name) or key: archive[key] for key in archive}
        np.savez(tmp_path / "wrong.npz", **arrays)
        with pytest.raises(ValueError, match=r"wrong\.npz is damaged"):
            load_model(tmp_path / "wrong.npz")


def test_a_loaded_model_trains_on(tmp_path):
    model = load_model(save_model(trained("everything"), tmp_path / "m.npz"))
    before = variables(model)
    model(X, training=True, seed=(0, 9))
    assert not np.array_equal(before["bn_0/moving_mean"], variables(model)["bn_0/moving_mean"])


def test_the_header_says_what_it_is(tmp_path):
    columns = ["a", "b", "c", "d", "e"]
    file = save_model(trained("plain"), tmp_path / "m.npz", columns=columns, about={"source": "simulated"})
    header = read_header(file)
    assert header["columns"] == columns
    assert header["about"] == {"source": "simulated"}
    assert (header["kind"], header["features"]) == ("NeuralNetwork", 5)


def test_same_model_same_bytes(tmp_path):
    a, b = (save_model(trained("plain"), tmp_path / f"{i}.npz").read_bytes() for i in "ab")
    assert a == b


def test_a_new_process_predicts_the_same(tmp_path):
    model = trained("everything")
    file = save_model(model, tmp_path / "m.npz")
    code = (
        "import sys, numpy as np\n"
        "from higgs_tutorial.nn import predict\n"
        "from higgs_tutorial.nn.files.models import load_model\n"
        "np.save(sys.argv[2], predict(load_model(sys.argv[1]), np.load(sys.argv[3])))"
    )
    np.save(tmp_path / "x.npy", X)
    subprocess.run(
        [sys.executable, "-c", code, str(file), str(tmp_path / "p.npy"), str(tmp_path / "x.npy")],
        check=True,
        capture_output=True,
    )
    assert np.array_equal(np.load(tmp_path / "p.npy"), predict(model, X))


class Bomb:
    def __reduce__(self):
        return os.mkdir, ("exploded",)


def test_pickled_code_is_never_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savez(tmp_path / "m.npz", header=np.array([Bomb()], dtype=object))
    (tmp_path / "p.npz").write_bytes(pickle.dumps(Bomb()))
    for name in ("m.npz", "p.npz"):
        with pytest.raises(ValueError, match=f"{name} is not a model of this package"):
            load_model(tmp_path / name)
    assert not (tmp_path / "exploded").exists()


def npz(**arrays):
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def foreign_zip():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("header.npy", "nothing")
    return stream.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"1,2,3\n",
        b"\x93NUMPY broken",
        b"PK",
        npz(x=np.zeros(3)),
        npz(header=np.array("no json")),
        npz(header=np.array("[1]")),
        npz(header=np.array('{"format": "another"}')),
        npz(header=np.zeros(3)),
        foreign_zip(),
    ],
)
def test_a_file_that_is_not_ours(content, tmp_path):
    file = tmp_path / "m.npz"
    file.write_bytes(content)
    with pytest.raises(ValueError, match=r"m\.npz is (not a model of this package|damaged)") as caught:
        load_model(file)
    assert "\n" not in str(caught.value)


def test_an_array_file_a_folder_and_no_file(tmp_path):
    np.save(tmp_path / "x.npy", X)
    with pytest.raises(ValueError, match="not a model"):
        load_model(tmp_path / "x.npy")
    with pytest.raises(ValueError, match="is a folder"):
        load_model(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"nothing\.npz"):
        load_model(tmp_path / "nothing.npz")


def test_every_truncation_is_noticed(tmp_path):
    whole = save_model(trained("plain"), tmp_path / "m.npz").read_bytes()
    for length in range(0, len(whole), 97):
        (tmp_path / "cut.npz").write_bytes(whole[:length])
        with pytest.raises(ValueError, match=r"cut\.npz is (damaged or cut off|not a model)"):
            load_model(tmp_path / "cut.npz")


def test_a_flipped_bit_in_a_weight_is_noticed(tmp_path):
    file = save_model(trained("plain"), tmp_path / "m.npz")
    content = bytearray(file.read_bytes())
    weights = variables(load_model(file))["linear_0/w"].tobytes()
    content[content.index(weights) + 5] ^= 1
    file.write_bytes(content)
    with pytest.raises(ValueError, match="damaged or cut off"):
        load_model(file)


def change(file, **arrays):
    with np.load(file) as archive:
        old = dict(archive)
    np.savez(file, **{**old, **arrays})


def test_weights_of_another_shape_or_from_a_newer_version(tmp_path):
    file = save_model(trained("plain"), tmp_path / "m.npz")
    change(file, **{"linear_1/w": np.zeros((7, 8), np.float32)})
    with pytest.raises(ValueError, match=r"linear_1/w has shape \(7, 8\) instead of \(7, 7\)"):
        load_model(file)
    change(file, **{"linear_1/w": np.zeros((7, 7), np.float32), "extra": np.zeros(1)})
    with pytest.raises(ValueError, match="extra"):
        load_model(file)
    file = save_model(trained("plain"), tmp_path / "m.npz")
    newer = {**read_header(file), "schema": 2}
    change(file, header=np.array(json.dumps(newer)))
    with pytest.raises(ValueError, match="format version 2; this version reads 1"):
        load_model(file)


def test_refuses_what_cannot_be_saved(tmp_path):
    with pytest.raises(ValueError, match="first call"):
        save_model(NeuralNetwork(), tmp_path / "m.npz")
    with pytest.raises(ValueError, match=r"must end in \.npz"):
        save_model(trained("plain"), tmp_path / "m.pkl")
    with pytest.raises(ValueError, match="a Module cannot be saved"):
        save_model(tf.Module(), tmp_path / "m.npz")
    with pytest.raises(ValueError, match="columns has 2 names, 2 of them different; it must have 5"):
        save_model(trained("plain"), tmp_path / "m.npz", columns=["a", "b"])
    broken = trained("plain")
    broken.regression.b.assign([np.nan])
    with pytest.raises(ValueError, match="regression/b holds values that are not finite"):
        save_model(broken, tmp_path / "m.npz")
    assert not list(tmp_path.iterdir())


def test_a_failed_write_keeps_the_older_file(tmp_path, monkeypatch):
    file = save_model(trained("plain"), tmp_path / "m.npz")
    before = file.read_bytes()

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match="No space left"):
        save_model(trained("plain"), file)
    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["m.npz"]
