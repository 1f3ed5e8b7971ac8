"""Networks as files for other programs: Keras' own, TensorFlow's SavedModel, ONNX and LiteRT."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from higgs_tutorial.files import require_writable_file, require_writable_folder, written
from higgs_tutorial.nn.export import INPUT, to_keras
from higgs_tutorial.nn.files.models import Model, unwrapped

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from higgs_tutorial.nn.estimator import HiggsClassifier

COLUMNS = "columns"
"""What the list of column names is called where a format has a place for it."""


def export_model(
    model: Model | HiggsClassifier | Pipeline,
    out: str | os.PathLike,
    *,
    logits: bool = False,
    columns: Sequence[str] | None = None,
) -> Path:
    """Write ``model`` in the format that the ending of ``out`` names, and return its path.

    ``.keras`` is Keras' format, ``.onnx`` ONNX, ``.tflite`` LiteRT's, and a name without an ending a folder,
    TensorFlow's SavedModel. In each the input is ``events``, float32 ``[batch, k]``, and the output ``probability``,
    or with ``logits`` ``logit``, ``[batch, 1]``; the number of events is free. ONNX files and SavedModels hold the
    names of the columns: as the metadata ``columns``, and in ``assets.extra/columns.json``.

    Args:
        model: what `to_keras` takes.
        out: FILE.keras, FILE.onnx, FILE.tflite or FOLDER.
        logits: whether the output is the logit and not the probability.
        columns: names of the columns ``[k]``; default those a classifier or pipeline was fitted with.

    Raises:
        ValueError: if ``out`` has another ending, or the model has no Keras form (see `to_keras`).
        ImportError: if a package is missing that writes this format.
        FileExistsError: if ``out`` is a folder with something in it.
        OSError: if ``out`` cannot be written; an older file of that name is then still there.

    Example:
        >>> import numpy as np
        >>> import tensorflow as tf
        >>> from higgs_tutorial import NeuralNetwork, predict
        >>> from higgs_tutorial.nn.formats import export_model
        >>> model, x = NeuralNetwork(2, 10), np.ones([5, 28], np.float32)
        >>> expected = predict(model, x)
        >>> served = tf.saved_model.load(export_model(model, "folder")).signatures["serving_default"]
        >>> np.allclose(served(events=tf.constant(x))["probability"][:, 0], expected, atol=1e-6)
        True
    """
    out = Path(out)
    check_format(out)
    network, names = to_keras(model, logits=logits), unwrapped(model)[1]
    names = names if columns is None else [str(name) for name in columns]
    features = network.inputs[0].shape[1]
    if names is not None and len(names) != features:
        raise ValueError(f"columns has {len(names)} names; it must have {features}, one for each column")
    out.parent.mkdir(parents=True, exist_ok=True)
    if not out.suffix:
        _write_folder(network, out, names)
        return out
    with written(out) as part, tempfile.TemporaryDirectory() as folder:
        part.write_bytes(_BYTES[out.suffix](network, Path(folder), names))
    return out


def check_format(out: Path) -> None:
    """Check that a model can be written to ``out``, before anything costs time.

    Raises:
        ValueError: if its ending names no format.
        ImportError: if a package is missing that writes it.
        OSError: if nothing can be written there, or it is a folder with something in it.
    """
    if out.suffix and out.suffix not in _BYTES:
        endings = ", ".join(f"FILE{ending}" for ending in _BYTES)
        raise ValueError(f"{out} has an unknown ending: it must be {endings}, or FOLDER for a SavedModel")
    if out.suffix == ".onnx" and not (find_spec("tf2onnx") and find_spec("onnx")):
        raise ImportError(f'{out} needs tf2onnx and onnx: pip install "higgs-tutorial[export]"')
    if out.suffix:
        require_writable_file(out)
        return
    require_writable_folder(out.parent)
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise FileExistsError(f"{out} is there already: name another folder")


def _write_folder(network: keras.Model, out: Path, names: list[str] | None) -> None:
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name[:50]}.") as folder:
        whole = Path(folder) / "model"
        module = tf.Module()
        module.network = network
        _save(_function(network), whole, module)
        if names is not None:  # the place that TensorFlow leaves to its users
            (whole / "assets.extra").mkdir()
            (whole / "assets.extra" / "columns.json").write_text(json.dumps(names), encoding="utf-8")
        if out.is_dir():
            out.rmdir()  # empty, as was checked; not every system renames over a folder
        os.replace(whole, out)


def _save(serve: Any, folder: Path, module: tf.Module) -> None:
    tf.saved_model.save(module, str(folder), signatures=serve.get_concrete_function())


def _function(network: keras.Model) -> Any:
    """Return the network's inference as a function of TensorFlow, with names for what goes in and comes out."""
    output = network.layers[-1].name

    @tf.function(input_signature=[tf.TensorSpec([None, network.inputs[0].shape[1]], tf.float32, INPUT)])
    def serve(events: tf.Tensor) -> dict[str, tf.Tensor]:
        return {output: network(events, training=False)}

    return serve


def _frozen(network: keras.Model) -> Any:
    """Return the same function with the weights as constants.

    The converters take what a function captures for an input (ONNX), or for a variable that nothing sets (LiteRT).
    """
    serve, output = _function(network), network.layers[-1].name
    constant = convert_variables_to_constants_v2(serve.get_concrete_function())

    @tf.function(input_signature=serve.input_signature)
    def frozen(events: tf.Tensor) -> dict[str, tf.Tensor]:
        (value,) = constant(events)
        return {output: value}

    return frozen


def _keras_bytes(network: keras.Model, folder: Path, names: list[str] | None) -> bytes:
    file = folder / "model.keras"
    network.save(file)
    return file.read_bytes()


def _litert_bytes(network: keras.Model, folder: Path, names: list[str] | None) -> bytes:
    _save(_frozen(network), folder / "model", tf.Module())
    return tf.lite.TFLiteConverter.from_saved_model(str(folder / "model")).convert()


def _onnx_bytes(network: keras.Model, folder: Path, names: list[str] | None) -> bytes:
    import onnx
    import tf2onnx

    serve = _frozen(network)
    proto, _ = tf2onnx.convert.from_function(serve, serve.input_signature)
    (value,) = proto.graph.output
    output, made_up = network.layers[-1].name, value.name
    for node in proto.graph.node:
        node.output[:] = [output if name == made_up else name for name in node.output]
        node.input[:] = [output if name == made_up else name for name in node.input]
    value.name = output
    for end in (proto.graph.input[0], value):
        end.type.tensor_type.shape.dim[0].dim_param = "batch"
    if names is not None:
        onnx.helper.set_model_props(proto, {COLUMNS: json.dumps(names)})
    onnx.checker.check_model(proto)
    return proto.SerializeToString()


_BYTES = {".keras": _keras_bytes, ".onnx": _onnx_bytes, ".tflite": _litert_bytes}
