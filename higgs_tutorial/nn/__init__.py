"""Networks: layers, models and training."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # read when TensorFlow is imported, below

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
