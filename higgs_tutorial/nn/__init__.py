"""Networks: layers, models and training."""

from higgs_tutorial.startup import require_tensorflow_backend

require_tensorflow_backend()  # before Keras is imported, below, which would only miss the other backend's package

from higgs_tutorial.nn.history import Epoch, History
from higgs_tutorial.nn.layers import BatchNorm, Dropout, Linear
from higgs_tutorial.nn.models import LogisticRegression, NeuralNetwork
from higgs_tutorial.nn.training import evaluate, fit, predict, train

__all__ = [
    "BatchNorm",
    "Dropout",
    "Epoch",
    "History",
    "Linear",
    "LogisticRegression",
    "NeuralNetwork",
    "evaluate",
    "fit",
    "predict",
    "train",
]
