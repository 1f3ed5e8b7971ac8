"""What a model file may say of its model, and which arrays a model of that kind has."""

from __future__ import annotations

from typing import Any

from higgs_tutorial.nn.ensembles import Ensemble
from higgs_tutorial.nn.models import PRECISIONS, LogisticRegression, NeuralNetwork
from higgs_tutorial.nn.standardized import Standardized
from higgs_tutorial.safe_text import one_line

KINDS = {kind.__name__: kind for kind in (LogisticRegression, NeuralNetwork)}

_MOST = {"num_layers": 1_000, "size": 1_000_000, "features": 1_000_000, "networks": 1_000, "nesting": 8}
_RANGES = {"num_layers": (0, _MOST["num_layers"]), "size": (1, _MOST["size"]), "seed": (0, 2**128)}
_FRACTIONS, _FLAGS = ("keep_prob", "momentum"), ("batch_norm", "synchronized")
_WORDS = {"statistics": ("moving", "batch"), "beta": ("zeros", "uniform"), "precision": PRECISIONS}
_OF = {"LogisticRegression": {"seed"}, "NeuralNetwork": {*_RANGES, *_FRACTIONS, *_FLAGS, *_WORDS}}


def check_header(header: dict[str, Any]) -> None:
    """Check the header of a model file: kind, settings, features, columns and what it says about the model.

    Raises:
        ValueError: naming the entry that is missing or is not what it must be.
    """
    features, columns = header.get("features"), header.get("columns")
    _check_integer("features", features, 1, _MOST["features"])
    if "columns" not in header or not (columns is None or _are_names(columns, features)):
        raise ValueError(f"columns must be {features} different names or null")
    if not isinstance(header.get("about"), dict):
        raise ValueError("about must hold names and values")
    if _check_model(header.get("kind"), header.get("config"), 0) > _MOST["networks"]:
        raise ValueError(f"it has more than {_MOST['networks']:,} networks")


def variable_shapes(kind: str, config: dict[str, Any], features: int, prefix: str = "") -> dict[str, tuple]:
    """Return the shapes of the arrays of a model whose header was checked, by name, without making the model."""
    if kind == Ensemble.__name__:
        shapes = {}
        for i, member in enumerate(config["models"]):
            shapes |= variable_shapes(member["kind"], member["config"], features, f"{prefix}{i}/")
        return shapes
    if kind == Standardized.__name__:
        scaling = {f"{prefix}{name}": (features,) for name in ("mean", "scale")}
        member = config["model"]
        return scaling | variable_shapes(member["kind"], member["config"], features, f"{prefix}model/")
    size, norm, inputs, shapes = config.get("size", 100), config.get("batch_norm", False), features, {}
    for i in range(config.get("num_layers", 1) if kind == NeuralNetwork.__name__ else 0):
        shapes[f"linear_{i}/w"] = (inputs, size)
        if norm:
            names = ("gamma", "beta", "moving_mean", "moving_variance")
            shapes |= {f"bn_{i}/{name}": (size,) for name in names} | {f"bn_{i}/moving_weight": ()}
        else:
            shapes[f"linear_{i}/b"] = (size,)
        inputs = size
    shapes |= {"regression/w": (inputs, 1), "regression/b": (1,)}
    return {prefix + name: shape for name, shape in shapes.items()}


def _check_model(kind: Any, config: Any, depth: int) -> int:
    """Check one model, or the members of an ensemble; return how many networks there are."""
    if depth > _MOST["nesting"]:
        raise ValueError(f"models are nested more than {_MOST['nesting']} times")
    if not isinstance(config, dict):
        raise ValueError("config must hold names and values")
    if kind == Ensemble.__name__:
        members = config.get("models")
        if not isinstance(members, list) or not members or not all(isinstance(m, dict) for m in members):
            raise ValueError("an ensemble must have a list of models")
        return sum(_check_model(m.get("kind"), m.get("config"), depth + 1) for m in members)
    if kind == Standardized.__name__:
        member = config.get("model")
        if not isinstance(member, dict):
            raise ValueError("a standardized model must have a model")
        return _check_model(member.get("kind"), member.get("config"), depth + 1)
    if not isinstance(kind, str) or kind not in KINDS:
        known = ", ".join([*KINDS, Ensemble.__name__, Standardized.__name__])
        raise ValueError(f"kind is {_shown(kind)}; it must be one of: {known}")
    for name, value in config.items():
        if name not in _OF[kind]:
            raise ValueError(f"config has {_shown(name)}, which a {kind} does not")
        _check_setting(name, value)
    return 1


def _check_setting(name: str, value: Any) -> None:
    if name in _RANGES:
        _check_integer(name, value, *_RANGES[name])
    elif name in _FLAGS and not isinstance(value, bool):
        raise ValueError(f"{name} is {_shown(value)}; it must be true or false")
    elif name in _WORDS and value not in _WORDS[name]:
        raise ValueError(f"{name} is {_shown(value)}; it must be one of: {', '.join(_WORDS[name])}")
    elif name in _FRACTIONS:
        usual = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1
        if not usual or (name == "keep_prob" and value == 0) or (name == "momentum" and value == 1):
            raise ValueError(f"{name} is {_shown(value)}; it must lie between 0 and 1")


def _check_integer(name: str, value: Any, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ValueError(f"{name} is {_shown(value)}; it must be an integer from {least} to {most}")


def _are_names(columns: Any, count: int) -> bool:
    return (
        isinstance(columns, list)
        and len(columns) == count
        and all(isinstance(name, str) for name in columns)
        and len(set(columns)) == count
    )


def _shown(value: Any) -> str:
    return one_line(repr(value) if not isinstance(value, (dict, list)) else type(value).__name__, 40)
