"""The talk "TensorFlow Introduction" with today's TensorFlow, on the HIGGS data set.

The public names are loaded when they are first used: importing the package costs next to nothing, and
TensorFlow starts when a network is first asked for. Where this package is imported before TensorFlow and Keras, it
keeps them from logging what they do not find (see `higgs_tutorial.startup`).
"""

import sys
from importlib import import_module, metadata
from pathlib import Path

from higgs_tutorial.startup import be_quiet

_MODULE_OF = {
    "Dataset": "data.dataset",
    "HiggsDataset": "data.dataset",
    "load": "data.dataset",
    "download": "data.download",
    "prepare": "data.prepare",
    "simulate": "physics.simulate",
    "Linear": "nn.layers",
    "BatchNorm": "nn.layers",
    "Dropout": "nn.layers",
    "LogisticRegression": "nn.models",
    "NeuralNetwork": "nn.models",
    "train": "nn.training",
    "evaluate": "nn.training",
    "predict": "nn.training",
    "fit": "nn.training",
    "make_schedule": "nn.schedules",
    "Ensemble": "nn.ensembles",
    "HiggsClassifier": "nn.estimator",
    "save_model": "nn.files.models",
    "load_model": "nn.files.models",
    "to_keras": "nn.export",
    "export_model": "nn.formats",
    "History": "nn.training",
    "LADDER": "ladder",
}
_MODULES = {"features": "physics.features", "ladder": "ladder", "plots": "plots", "talk": "talk"}

__all__ = [*_MODULE_OF, *_MODULES]
try:
    __version__ = metadata.version("higgs-tutorial")
except metadata.PackageNotFoundError:
    _said = (
        "higgs-tutorial is here, but not installed (its version and what it needs are not known): "
        f'run python -m pip install -e "{Path(__file__).resolve().parents[1]}"'
    )
    if sys.argv[:1] == ["-m"]:  # what Python sets while it looks for higgs_tutorial.__main__
        sys.stderr.write(f"error: {_said}\n")
        raise SystemExit(2) from None
    raise ImportError(_said) from None
be_quiet()


def __getattr__(name: str) -> object:
    if name in _MODULES:
        return import_module(f"{__name__}.{_MODULES[name]}")
    if name in _MODULE_OF:
        value = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
