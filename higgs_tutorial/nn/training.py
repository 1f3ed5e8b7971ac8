"""Training and evaluation: one epoch, a score, and a whole run."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Protocol

import keras
import numpy as np
import tensorflow as tf
from sklearn.metrics import roc_auc_score

from higgs_tutorial.nn.checkpoints import resume
from higgs_tutorial.nn.device import Events, place
from higgs_tutorial.nn.engine import epoch_graph
from higgs_tutorial.nn.history import Epoch, History


class Split(Protocol):
    """What `fit` needs of a `HiggsDataset`."""

    train: Events
    valid: Events


def train(
    model: tf.Module,
    dataset: Events,
    optimizer: keras.optimizers.Optimizer,
    batch_size: int,
    *,
    seed: int | None = None,
) -> float:
    """Train for one epoch: every event once, in a new order, and return the mean loss.

    The loss is the cross-entropy in nats, averaged over the epoch's events, each at the step that used it.
    Order and dropout masks are a function of ``seed``; without one it is drawn from ``dataset.rng``. If the
    data set has an attribute ``weight`` ``[n]``, each event's loss is multiplied by its weight.

    Raises:
        ValueError: if ``batch_size`` is not a positive integer, or the events do not fit the model.
        FloatingPointError: if the loss is not finite; the model's weights are then of no use.
        MemoryError: if the events do not fit into the device's memory.
    """
    _check_batch_size(batch_size)
    placed = place(dataset)
    model(placed.x[:1], training=False)  # makes the weights, if this is the first call
    if seed is None:
        seed = int(dataset.rng.integers(2**63))
    words = np.random.SeedSequence(seed).generate_state(2).view(np.int32)
    loss = float(epoch_graph(model, optimizer, int(batch_size))(*placed, tf.constant(words)))
    if not np.isfinite(loss):
        raise FloatingPointError(
            f"the loss is {loss}: training has diverged; try a smaller learning rate, and check the features"
            " for values that are not finite"
        )
    return loss


def predict(model: tf.Module, x: np.ndarray | tf.Tensor, batch_size: int = 20_000) -> np.ndarray:
    """Return the probability of signal, float32 ``[n]``, for the features ``x`` ``[n, k]``.

    ``batch_size`` bounds the memory; it changes the result only where a model normalises with the statistics
    of the batch it is given.

    Raises:
        ValueError: if ``batch_size`` is not a positive integer, or ``x`` does not fit the model.
    """
    _check_batch_size(batch_size)
    if x.ndim != 2:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected [n, k]")
    parts = [
        tf.sigmoid(model(tf.convert_to_tensor(x[start : start + batch_size], tf.float32), training=False))
        for start in range(0, x.shape[0], batch_size)
    ]
    return np.concatenate([p.numpy() for p in parts]) if parts else np.zeros(0, np.float32)


def evaluate(model: tf.Module, dataset: Events, batch_size: int = 20_000) -> float:
    """Return the ROC AUC over every event of ``dataset``.

    Raises:
        ValueError: if ``batch_size`` is not a positive integer, the events do not fit the model, or all of
            them are of one class.
        FloatingPointError: if a prediction is not finite.
    """
    probabilities = predict(model, place(dataset).x, batch_size)
    if not np.isfinite(probabilities).all():
        raise FloatingPointError("the model predicts NaN; its weights or the features are not finite")
    if len(np.unique(dataset.y)) < 2:
        raise ValueError("all events are of one class; the ROC AUC needs signal and background")
    return float(roc_auc_score(dataset.y, probabilities))


def fit(
    model: tf.Module,
    higgs: Split,
    optimizer: keras.optimizers.Optimizer,
    epochs: int,
    batch_size: int,
    *,
    seed: int = 0,
    on_epoch: Callable[[Epoch], object] | None = None,
    history: History | None = None,
    checkpoint_dir: str | os.PathLike | None = None,
    keep: int = 3,
) -> History:
    """Train on ``higgs.train`` until ``epochs`` epochs are done, scoring ``higgs.valid`` after each.

    Epoch e's order and dropout masks are a function of ``seed`` and e alone, so that a run which is given
    the ``history`` of its first epochs, with the model and the optimizer as they were after them, goes on as
    if it had never stopped. ``on_epoch`` is called with each epoch's record; ``print`` will do.

    With ``checkpoint_dir`` that is done after each epoch: the folder gets a checkpoint, the ``keep`` newest
    stay, and a run that finds some there goes on from the newest that is intact (see `Checkpoints`).

    Raises:
        ValueError: if ``epochs``, ``batch_size`` or ``keep`` is not a positive integer, the events do not fit
            the model, or the checkpoints are of another run or of more epochs.
        FloatingPointError: if the loss is not finite; the message names the epoch.
        OSError: if a checkpoint cannot be written.
    """
    if isinstance(epochs, bool) or not isinstance(epochs, (int, np.integer)) or epochs < 1:
        raise ValueError(f"epochs is {epochs!r}; it must be a positive integer")
    history = History() if history is None else history
    _check_batch_size(batch_size)
    checkpoints = None
    if checkpoint_dir is not None:
        checkpoints = resume(checkpoint_dir, model, higgs, optimizer, batch_size, seed, keep, history)
    if checkpoints and len(history) > epochs:
        raise ValueError(
            f"the checkpoints in {checkpoint_dir} are of {len(history)} epochs, and {epochs} are wanted: "
            f"give epochs={len(history)} or more, or choose another folder"
        )
    for number in range(len(history) + 1, epochs + 1):
        start = time.perf_counter()
        try:
            loss = train(model, higgs.train, optimizer, batch_size, seed=epoch_seed(seed, number))
            seconds = time.perf_counter() - start
            record = Epoch(number, loss, evaluate(model, higgs.valid), seconds)
        except FloatingPointError as error:
            raise FloatingPointError(f"epoch {number}: {error}") from error
        history.epochs.append(record)
        if checkpoints:
            checkpoints.save(model, optimizer, history)
        if on_epoch is not None:
            on_epoch(record)
    return history


def epoch_seed(seed: int, epoch: int) -> int:
    """Return the seed of `train` that `fit` uses for epoch number ``epoch`` (from 1)."""
    return int(np.random.SeedSequence([seed, epoch]).generate_state(1, np.uint64)[0])


def _check_batch_size(batch_size: int) -> None:
    if isinstance(batch_size, bool) or not isinstance(batch_size, (int, np.integer)) or batch_size < 1:
        raise ValueError(f"batch_size is {batch_size!r}; it must be a positive integer")
