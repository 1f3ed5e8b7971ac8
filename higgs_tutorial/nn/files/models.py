"""Models as files that hold numbers and no code, so that opening somebody else's runs nothing.

A file is a NumPy ``.npz`` archive: one array a variable, and a member ``header`` that says in JSON which model
they belong to. The archive carries a checksum of each member. A file may come from a stranger: its header is
checked, and the arrays' types and shapes compared with it, before any is read. Of an ensemble it holds all networks,
the variables of number i named ``i/…``; of a pipeline the scaler's ``mean`` and ``scale``, and the network's as
``model/…``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from higgs_tutorial.files import parse_json, written
from higgs_tutorial.nn.ensembles import Ensemble
from higgs_tutorial.nn.files.archive import Archive
from higgs_tutorial.nn.files.header import KINDS, check_header, variable_shapes
from higgs_tutorial.nn.models import LogisticRegression, NeuralNetwork, build, feature_count
from higgs_tutorial.nn.standardized import Standardized
from higgs_tutorial.safe_text import one_line

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from higgs_tutorial.nn.estimator import HiggsClassifier

Model = LogisticRegression | NeuralNetwork | Ensemble | Standardized
FORMAT, SCHEMA = "higgs-tutorial model", 1


def save_model(
    model: Model | HiggsClassifier | Pipeline,
    file: str | os.PathLike,
    *,
    columns: Sequence[str] | None = None,
    about: dict[str, Any] | None = None,
) -> Path:
    """Write ``model`` to ``file``, under a temporary name until it is whole, and return its path.

    Args:
        model: the model, after its first call; of a fitted `HiggsClassifier` the network is written, and of a
            scikit-learn pipeline the ``StandardScaler`` before it, too.
        file: its name must end in ``.npz``.
        columns: names of the features that it takes, in their order; default those a classifier was fitted with.
        about: what else a reader of the file should know, such as ``{"source": "simulated"}``; anything that
            JSON can hold.

    Raises:
        ValueError: if the model was never called, is no model of this package (nor an ensemble of such, with
            the same features), a pipeline has other steps than scalers, an argument does not fit, or a weight is
            not finite.
        OSError: if the file cannot be written; an older file of that name is then still there.

    Example:
        >>> import tensorflow as tf
        >>> from higgs_tutorial import LogisticRegression, save_model
        >>> from higgs_tutorial.nn.files.models import read_header
        >>> model = LogisticRegression()
        >>> logits = model(tf.zeros([1, 28]), training=False)
        >>> file = save_model(model, "model.npz", about={"source": "simulated"})
        >>> header = read_header(file)
        >>> header["kind"], header["features"], header["about"]
        ('LogisticRegression', 28, {'source': 'simulated'})
    """
    model, names = unwrapped(model)
    columns = names if columns is None else columns
    file = Path(file)
    if file.suffix != ".npz":
        raise ValueError(f"{file}: the name of a model file must end in .npz")
    kind, config, arrays, features = _described(model)
    if columns is not None and (len(columns) != features or len(set(columns)) != features):
        raise ValueError(
            f"columns has {len(columns)} names, {len(set(columns))} of them different; it must have {features},"
            " a different one for each feature of the model"
        )
    wrong = [name for name, array in arrays.items() if not np.isfinite(array).all()]
    if wrong:
        raise ValueError(f"{wrong[0]} holds values that are not finite: training has diverged")
    header = {
        "format": FORMAT,
        "schema": SCHEMA,
        "kind": kind,
        "config": config,
        "features": features,
        "columns": None if columns is None else [str(name) for name in columns],
        "about": about or {},
    }
    check_header(header)
    file.parent.mkdir(parents=True, exist_ok=True)
    with written(file) as part, part.open("wb") as stream:
        np.savez(stream, header=np.array(json.dumps(header, allow_nan=False)), **arrays)
    return file


def load_model(file: str | os.PathLike) -> Model:
    """Return the model that `save_model` wrote: it predicts what the saved one predicted.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not a model file, is cut off or damaged, or comes from a newer version.

    Example:
        >>> import numpy as np
        >>> from higgs_tutorial import NeuralNetwork, load_model, predict, save_model
        >>> model, x = NeuralNetwork(size=10), np.ones([5, 28], np.float32)
        >>> before = predict(model, x)
        >>> np.array_equal(predict(load_model(save_model(model, "network.npz")), x), before)
        True
    """
    with _opened(Path(file)) as (header, archive):
        return _rebuilt(header["kind"], header["config"], header["features"], archive.read)


def read_header(file: str | os.PathLike) -> dict[str, Any]:
    """Return what a model file says of its model: ``kind``, ``config``, ``features``, ``columns``, ``about``.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not a model file, is cut off or damaged, or comes from a newer version.
    """
    with _opened(Path(file)) as (header, _):
        return header


def variables(model: tf.Module) -> dict[str, np.ndarray]:
    """Return the model's variables by name, the moving averages among them.

    Raises:
        ValueError: if the model was never called and so has none.
    """
    if not model.variables:
        raise ValueError("the model has no weights yet: they are made on its first call")
    return {variable.name.partition(":")[0]: variable.numpy() for variable in model.variables}


def restore(model: tf.Module, arrays: dict[str, np.ndarray]) -> None:
    """Set the model's variables to ``arrays``, as returned by `variables` for a model of the same kind.

    Raises:
        ValueError: if a name or a shape is not the model's.
    """
    wanted = {variable.name.partition(":")[0]: variable for variable in model.variables}
    if wanted.keys() != arrays.keys():
        raise ValueError(f"variables {sorted(arrays)} instead of {sorted(wanted)}")
    for name, variable in wanted.items():
        if arrays[name].shape != tuple(variable.shape):
            raise ValueError(f"{name} has shape {arrays[name].shape} instead of {tuple(variable.shape)}")
    for name, variable in wanted.items():
        variable.assign(arrays[name])


def unwrapped(model: Model | HiggsClassifier | Pipeline) -> tuple[Model, list[str] | None]:
    """Return the network of a fitted classifier or pipeline and the names of its columns; a model itself without.

    Raises:
        ValueError: if a step of the pipeline before the classifier is no ``StandardScaler``.
    """
    names = getattr(model, "feature_names_in_", None)
    *before, last = [step for _, step in getattr(model, "steps", [("", model)])]
    if not hasattr(last, "model_"):  # no fitted HiggsClassifier
        return model, None
    network = last.model_
    for step in reversed(before):
        network = _standardized(network, step)
    return network, None if names is None else [str(name) for name in names]


def _standardized(network: Model, step: Any) -> Model:
    from sklearn.preprocessing import StandardScaler

    if step is None or step == "passthrough":
        return network
    if type(step) is not StandardScaler:
        raise ValueError(
            f"the pipeline has a {type(step).__name__}, and only a StandardScaler can come along: give the classifier"
            " and apply the other steps before it, or keep the pipeline with joblib.dump, for your own use"
        )
    mean = step.mean_ if step.with_mean else np.zeros(step.n_features_in_)
    return Standardized(network, mean, step.scale_ if step.with_std else np.ones(step.n_features_in_))


def _described(model: Model) -> tuple[str, dict[str, Any], dict[str, np.ndarray], int]:
    """Return kind, config, variables by name and number of features."""
    kind = type(model).__name__
    if isinstance(model, Ensemble):
        members = [_described(member) for member in model.models]
        features = {features for *_, features in members}
        if len(features) > 1:
            raise ValueError(f"the networks of the ensemble take different numbers of features: {features}")
        config = {"models": [{"kind": k, "config": c} for k, c, *_ in members]}
        arrays = {f"{i}/{name}": a for i, member in enumerate(members) for name, a in member[2].items()}
        return kind, config, arrays, features.pop()
    if isinstance(model, Standardized):
        inner, config, arrays, features = _described(model.model)
        arrays = {f"model/{name}": array for name, array in arrays.items()}
        scaling = {"mean": model.mean.numpy(), "scale": model.scale.numpy()}
        return kind, {"model": {"kind": inner, "config": config}}, scaling | arrays, features
    if kind not in KINDS:
        advice = (
            "; joblib.dump keeps any scikit-learn object, for your own use" if hasattr(model, "fit") else ""
        )
        known = f"{', '.join(KINDS)}, an ensemble of these, a fitted HiggsClassifier"
        known += ", and a pipeline of a StandardScaler and one"
        raise ValueError(f"a {kind} cannot be saved, only: {known}{advice}")
    config = {k: v.item() if isinstance(v, np.generic) else v for k, v in model.config.items()}
    return kind, config, variables(model), feature_count(model)


def _rebuilt(
    kind: str, config: dict[str, Any], features: int, read: Callable[[str], np.ndarray], prefix: str = ""
) -> Model:
    if kind == Ensemble.__name__:
        return Ensemble(
            _rebuilt(member["kind"], member["config"], features, read, f"{prefix}{i}/")
            for i, member in enumerate(config["models"])
        )
    if kind == Standardized.__name__:
        member = config["model"]
        network = _rebuilt(member["kind"], member["config"], features, read, f"{prefix}model/")
        return Standardized(network, *(_finite(f"{prefix}{name}", read) for name in ("mean", "scale")))
    model = build(KINDS[kind](**config), features)
    for variable in model.variables:
        variable.assign(_finite(prefix + variable.name.partition(":")[0], read))
    return model


def _finite(name: str, read: Callable[[str], np.ndarray]) -> np.ndarray:
    array = read(name)
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds values that are not finite")
    return array


@contextmanager
def _opened(file: Path) -> Iterator[tuple[dict[str, Any], Archive]]:
    """Open a model file whose header is right and whose arrays have the shapes that it asks for."""
    try:
        stream = file.open("rb")
    except IsADirectoryError:
        raise ValueError(f"{file} is a folder, not a model file") from None
    with stream:
        try:
            archive = Archive(stream)
            header = parse_json(archive.read_text("header"))
            if not isinstance(header, dict) or header.get("format") != FORMAT:
                raise ValueError("its header is another one")
        except ValueError as error:
            raise ValueError(
                f"{file} is not a model of this package, or damaged or cut off ({error}): models are"
                " written by save_model and by higgs-tutorial ladder --save-models"
            ) from error
        if header.get("schema") != SCHEMA:
            version = one_line(header.get("schema"), 20)
            raise ValueError(f"{file} has format version {version}; this version reads {SCHEMA}")
        try:
            check_header(header)
            shapes = variable_shapes(header["kind"], header["config"], header["features"])
            archive.require(shapes | {"header": ()}, ("<f4", archive.types["header"]))
            yield header, archive
        except ValueError as error:
            raise ValueError(f"{file} is damaged or cut off ({error}); save the model again") from error
