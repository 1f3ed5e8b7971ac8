"""A training run's curves, weights and graph, written for TensorBoard."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import keras
import tensorflow as tf

from higgs_tutorial.nn.engine.device import Events
from higgs_tutorial.nn.history import Epoch
from higgs_tutorial.nn.models import build


class TensorBoard:
    """A callback, `fit`'s ``on_epoch``, by which ``tensorboard --logdir FOLDER`` shows the run.

    After each epoch it writes the loss, the validation AUC, the learning rate and the training events a
    second; after the first also the model's graph; with ``histograms`` the distribution of each weight. The
    step is the epoch's number, so that a run which goes on from a checkpoint goes on in the same curves.
    """

    def __init__(
        self,
        folder: str | os.PathLike,
        model: tf.Module,
        optimizer: keras.optimizers.Optimizer,
        dataset: Events,
        *,
        histograms: bool = False,
    ) -> None:
        """Write to ``folder`` about a run of ``model`` and ``optimizer`` on the training set ``dataset``.

        Raises:
            ModuleNotFoundError: if TensorBoard is not installed.
            OSError: if the folder cannot be made.
        """
        if find_spec("tensorboard") is None:
            raise ModuleNotFoundError(
                "writing summaries needs TensorBoard: pip install tensorboard, or the extra [tensorboard]"
            )
        Path(folder).mkdir(parents=True, exist_ok=True)
        self.model, self.optimizer, self.histograms = model, optimizer, histograms
        self._events, self._features = dataset.n, dataset.x.shape[1]
        self._writer = tf.summary.create_file_writer(os.fspath(folder))
        self._graph_written = False

    def __call__(self, epoch: Epoch) -> None:
        """Write the record of an epoch, and flush it to the disk."""
        with self._writer.as_default(step=epoch.epoch):
            tf.summary.scalar("loss", epoch.loss)
            tf.summary.scalar("validation AUC", epoch.valid_auc)
            tf.summary.scalar("learning rate", float(tf.convert_to_tensor(self.optimizer.learning_rate)))
            tf.summary.scalar("events per second", self._events / epoch.seconds)
            if self.histograms:
                for variable in self.model.trainable_variables:
                    tf.summary.histogram(variable.name.split(":")[0], variable)
            if not self._graph_written:
                self._write_graph()
        self._writer.flush()

    def close(self) -> None:
        """Close the file; nothing can be written after that."""
        self._writer.close()

    def _write_graph(self) -> None:
        self._graph_written = True
        model, features = self.model, self._features
        if tf.distribute.has_strategy():
            # Reading an averaged variable makes all workers talk, and only this one is here. A new model has none,
            # and a new thread is not in the strategy's scope.
            with ThreadPoolExecutor(1) as elsewhere:
                graph = elsewhere.submit(
                    lambda: _prediction_graph(build(type(model)(**model.config), features), features)
                )
                tf.summary.graph(graph.result())
        else:
            tf.summary.graph(_prediction_graph(model, features))


def _prediction_graph(model: tf.Module, features: int) -> tf.Graph:
    @tf.function
    def predict(x: tf.Tensor) -> tf.Tensor:
        return tf.sigmoid(model(x, training=False))

    return predict.get_concrete_function(tf.TensorSpec([None, features], name="x")).graph
