"""Training and evaluation: one epoch, a score, and a whole run."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Protocol

import keras
import numpy as np
import tensorflow as tf

from higgs_tutorial.nn.averaging import make_averaging
from higgs_tutorial.nn.distributed import cluster
from higgs_tutorial.nn.distributed import epoch as shared_epoch
from higgs_tutorial.nn.engine.device import Batch, Events, columns, does_not_fit, free_memory, place
from higgs_tutorial.nn.engine.programs import train_epoch
from higgs_tutorial.nn.engine.shuffle import seed_words
from higgs_tutorial.nn.engine.streaming import windows
from higgs_tutorial.nn.files.checkpoints import Run, resume
from higgs_tutorial.nn.history import Epoch, History
from higgs_tutorial.nn.scoring import check_classes, roc_auc

ROWS_AT_ONCE = 20_000
"""Events that are predicted at once, as in the talk."""
CACHED_NUMBERS = 4_000_000
"""A layer's outputs for the events that are predicted at once, about as many as processors' caches hold."""


class Split(Protocol):
    """What `fit` needs of a `HiggsDataset`."""

    @property
    def train(self) -> Events:
        """The events to train on."""

    @property
    def valid(self) -> Events:
        """The events to score after each epoch."""


def train(
    model: tf.Module,
    dataset: Events,
    optimizer: keras.optimizers.Optimizer,
    batch_size: int,
    *,
    seed: int | None = None,
    stream: bool = False,
) -> float:
    """Train for one epoch: every event once, in a new order, and return the mean loss.

    The loss is the cross-entropy in nats, averaged over the epoch's events, each at the step that used it.
    Order and dropout masks are a function of ``seed``; without one it is drawn from ``dataset.rng``. If the
    data set has weights ``[n]``, each event's loss is multiplied by its own; the mean is over the number of
    events, so weights that are 1 on average leave the learning rate its meaning.

    With ``stream`` the events stay where they are, in a memory-mapped file for instance, and are read while
    the network trains (see `streaming`), in another order than without. In the scope of a `tf.distribute`
    strategy its replicas share the work (see `distributed`).

    Raises:
        ValueError: if ``batch_size`` is not a positive integer, the events do not fit the model, a weight is
            negative, the optimizer cannot train the model, or they were not made in the strategy's scope.
        FloatingPointError: if the loss is not finite; the model's weights are then of no use.
        MemoryError: if the events do not fit into the device's memory.

    Example:
        >>> import keras
        >>> from higgs_tutorial import LogisticRegression, load, train
        >>> higgs = load("simulated", events=2_000)
        >>> model, optimizer = LogisticRegression(), keras.optimizers.SGD(0.1)
        >>> losses = [train(model, higgs.train, optimizer, batch_size=100) for epoch in range(3)]
        >>> losses[0] > losses[1] > losses[2]
        True
    """
    _check_batch_size(batch_size)
    _check_trainable(dataset)
    model(tf.zeros([1, dataset.x.shape[1]]), training=False)  # makes the weights, if this is the first call
    if seed is None:
        seed = int(dataset.rng.integers(2**63))
    if stream:
        parts = windows(dataset, int(batch_size), seed)
        losses = [
            part.n * _epoch(model, part, optimizer, int(batch_size), epoch_seed(seed, number))
            for number, part in enumerate(parts)
        ]
        loss = sum(losses) / dataset.n
    else:
        loss = _epoch(model, dataset, optimizer, int(batch_size), seed)
    if not np.isfinite(loss):
        raise FloatingPointError(
            f"the loss is {loss}: training has diverged; try a smaller learning rate, and check the features"
            " for values that are not finite"
        )
    return loss


def _epoch(
    model: tf.Module,
    events: Events | Batch,
    optimizer: keras.optimizers.Optimizer,
    batch_size: int,
    seed: int,
) -> float:
    start = seed_words(seed)
    if tf.distribute.has_strategy():
        return shared_epoch.train_epoch(model, events, optimizer, batch_size, start)
    placed = events if isinstance(events, Batch) else place(events)
    try:
        return train_epoch(model, optimizer, batch_size, placed, tf.constant(start))
    except tf.errors.ResourceExhaustedError as error:
        raise does_not_fit(events.n, 4 * tf.size(placed[0]).numpy(), free_memory()) from error


def predict(
    model: tf.Module, x: np.ndarray | tf.Tensor, batch_size: int | None = None, *, logits: bool = False
) -> np.ndarray:
    """Return the probability of signal, float32 ``[n]``, for the features ``x`` ``[n, k]``.

    With ``logits`` it is the logit ``log(p / (1 - p))``: rank events and cut on that, since in float32 a
    probability is exactly 1 where the logit is above 17. ``batch_size`` bounds the memory (default: 20,000 as in the
    talk, or fewer where a layer is wide); it changes the result only where a model normalises with the statistics of
    the batch it is given.

    Raises:
        ValueError: if ``batch_size`` is not a positive integer, or ``x`` does not fit the model.

    Example:
        >>> import numpy as np
        >>> from higgs_tutorial import LogisticRegression, predict
        >>> model, x = LogisticRegression(), np.ones([5, 28], np.float32)
        >>> probability, logit = predict(model, x), predict(model, x, logits=True)
        >>> probability.shape, np.allclose(probability, 1 / (1 + np.exp(-logit)))
        ((5,), True)
    """
    batch_size = rows_at_once(model) if batch_size is None else batch_size
    _check_batch_size(batch_size)
    if x.ndim != 2:
        raise ValueError(f"x has shape {tuple(x.shape)}; it must be [n, k]")
    if tf.distribute.has_strategy():
        parts = [shared_epoch.predict_shares(model, x, int(batch_size))]
    else:
        parts = [
            model(tf.convert_to_tensor(x[start : start + batch_size], tf.float32), training=False)
            for start in range(0, x.shape[0], batch_size)
        ]
    parts = [np.asarray(part if logits else tf.sigmoid(part)) for part in parts]
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)


def evaluate(
    model: tf.Module, dataset: Events, batch_size: int | None = None, *, stream: bool = False
) -> float:
    """Return the ROC AUC over every event of ``dataset``, ranked by logits and weighted if it has weights.

    ``batch_size`` is that of `predict`. With ``stream`` the features are read batch by batch.

    Raises:
        ValueError: if ``batch_size`` is not a positive integer, the events do not fit the model, or one class
            is missing among them (see `roc_auc`).
        FloatingPointError: if a prediction is not finite.

    Example:
        >>> from higgs_tutorial import LogisticRegression, evaluate, load
        >>> higgs = load("simulated", events=2_000)
        >>> 0 < evaluate(LogisticRegression(), higgs.valid) < 1  # not trained yet: near 0.5
        True
    """
    x, y, weight = columns(dataset)
    check_classes(y, weight)
    if not (stream or tf.distribute.has_strategy()):
        x = place(dataset).x
    logits = predict(model, x, batch_size, logits=True)
    if not np.isfinite(logits).all():
        raise FloatingPointError(
            f"the model's output for event {np.argmin(np.isfinite(logits))} is not finite; its weights or the"
            " features are not"
        )
    return roc_auc(y, logits, weight)


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
    stream: bool = False,
    average: str | int | None = None,
) -> History:
    """Train on ``higgs.train`` until ``epochs`` epochs are done, scoring ``higgs.valid`` after each.

    Epoch e's order and dropout masks are a function of ``seed`` and e alone, so that a run which is given
    the ``history`` of its first epochs, with the model and the optimizer as they were after them, goes on as
    if it had never stopped. ``on_epoch`` is called with each epoch's record; ``print`` will do.

    With ``checkpoint_dir`` that is done after each epoch: the folder gets a checkpoint, the ``keep`` newest
    stay, and a run that finds some there goes on from the newest that is intact (see `Checkpoints`).

    With ``average`` what is scored is an average of the weights after the epoch's steps, its batch norm
    measured on training events: ``"ema"``, the exponential moving average of an optimizer that keeps one
    (``keras.optimizers.Adam(1e-3, use_ema=True, ema_momentum=0.999)``), or a number of epochs, 2 or more,
    whose last weights are averaged, as many as there are yet (see `averaging`). The loss is that of the
    weights themselves, from which training goes on; ``on_epoch`` sees the average in the model, and at the
    end it stays there. Such a run can go on from checkpoints only: a history does not hold the average.

    With ``stream`` the events stay on the disk, as in `train`. In the scope of a `tf.distribute` strategy its
    replicas share the work, the seconds of an epoch include the exchange between them, and only the chief worker
    writes.

    Raises:
        ValueError: if ``epochs``, ``batch_size`` or ``keep`` is not a positive integer, the events do not fit
            the model, a class is missing among those of ``higgs.valid``, the checkpoints are of another run or of
            more epochs, ``average`` cannot be had, or the workers' runs differ.
        ConnectionError: if another worker was lost.
        FloatingPointError: if the loss is not finite; the message names the epoch.
        OSError: if a checkpoint cannot be written.

    Example:
        >>> import keras
        >>> from higgs_tutorial import LogisticRegression, evaluate, fit, load
        >>> higgs = load("simulated", events=2_000)
        >>> model, optimizer = LogisticRegression(), keras.optimizers.SGD(0.1)
        >>> history = fit(model, higgs, optimizer, epochs=2, batch_size=100)
        >>> history.epochs[-1].valid_auc == evaluate(model, higgs.valid)
        True
        >>> len(fit(model, higgs, optimizer, epochs=3, batch_size=100, history=history))  # one more
        3
    """
    if isinstance(epochs, bool) or not isinstance(epochs, (int, np.integer)) or epochs < 1:
        raise ValueError(f"epochs is {epochs!r}; it must be a positive integer")
    history = History() if history is None else history
    _check_batch_size(batch_size)
    check_classes(*columns(higgs.valid)[1:], "the validation events")
    averaging, checkpoints = make_averaging(average, model, optimizer, higgs.train, seed), None
    if average is not None and len(history):
        raise ValueError(
            "with average a run goes on from its checkpoints (checkpoint_dir), not from a history"
        )
    run = Run(model, optimizer, higgs, batch_size, seed, average, averaging)
    with cluster.naming_lost_workers():
        if cluster.workers() > 1:
            cluster.agree(run.identity())
        if checkpoint_dir is not None:
            checkpoints = resume(checkpoint_dir, run, keep, history)
        if checkpoints and len(history) > epochs:
            raise ValueError(
                f"the checkpoints in {checkpoint_dir} are of {len(history)} epochs, and {epochs} are wanted: "
                f"give epochs={len(history)} or more, or choose another folder"
            )
        for number in range(len(history) + 1, epochs + 1):
            start = time.perf_counter()
            try:
                loss = train(
                    model, higgs.train, optimizer, batch_size, seed=epoch_seed(seed, number), stream=stream
                )
                seconds = time.perf_counter() - start
                averaging.update(number)
                with averaging.swapped():
                    record = Epoch(number, loss, evaluate(model, higgs.valid, stream=stream), seconds)
            except FloatingPointError as error:
                raise FloatingPointError(f"epoch {number}: {error}") from error
            history.epochs.append(record)
            if checkpoints:
                checkpoints.save(history)
            if on_epoch is not None:
                with averaging.swapped():
                    on_epoch(record)
        averaging.finish()
    return history


def epoch_seed(seed: int, epoch: int) -> int:
    """Return the seed of `train` that `fit` uses for epoch number ``epoch`` (from 1)."""
    return int(np.random.SeedSequence([seed, epoch]).generate_state(1, np.uint64)[0])


def _check_trainable(dataset: Events) -> None:
    weight = columns(dataset)[2]
    if weight is not None and (weight < 0).any():
        raise ValueError(
            f"weight[{np.argmax(weight < 0)}] is {weight[np.argmax(weight < 0)]}; with negative weights the loss"
            " has no minimum: train with np.abs(weight) or without those events (scores may keep them)"
        )


def rows_at_once(model: tf.Module) -> int:
    """Return how many events to predict at once: as the talk did, unless a layer's outputs leave the cache then.

    With 500 units blocks of 8,000 take some 0.6 of the time of blocks of 20,000; narrow networks gain by few calls. A
    model whose weights are still to be made has no widths yet.

    Example:
        >>> from higgs_tutorial import NeuralNetwork
        >>> from higgs_tutorial.nn.models import build
        >>> from higgs_tutorial.nn.training import rows_at_once
        >>> [rows_at_once(build(NeuralNetwork(2, size), features=28)) for size in (100, 500)]
        [20000, 8000]
    """
    widths = [variable.shape[-1] for variable in model.variables if variable.shape.rank]
    return max(min(ROWS_AT_ONCE, CACHED_NUMBERS // max(widths, default=1)), 1)


def _check_batch_size(batch_size: int) -> None:
    if isinstance(batch_size, bool) or not isinstance(batch_size, (int, np.integer)) or batch_size < 1:
        raise ValueError(f"batch_size is {batch_size!r}; it must be a positive integer")
