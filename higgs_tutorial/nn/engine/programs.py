"""The compiled epochs, one for each shape of training and not one for each network.

Compiling an epoch takes longer than running it. What is compiled depends on the architecture, the kind of
optimiser, the size of the batches and the number of events, and not on the values of the weights, of the
optimiser's variables or of the learning rate, also of one that falls from a first value: those go in and come out. So
the second network of a shape, and the hundredth, trains with the program of the first one.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from higgs_tutorial.nn.engine.device import Batch
from higgs_tutorial.nn.engine.epoch import build_optimizer, epoch_graph, without_names
from higgs_tutorial.nn.models import LogisticRegression, NeuralNetwork

KEPT = 16
"""Number of programs that are kept, those used last; each holds the weights of a network and compiled code."""

PLAIN = (bool, int, float, str, type(None))
"""Kinds of attributes whose values are a part of a network's shape."""
SEEDS = ("seed", "config")
"""Attributes that decide only the initial values of the weights, which are not compiled."""

_lock = threading.Lock()
_programs: OrderedDict[Hashable, Program | None] = OrderedDict()


def train_epoch(
    model: tf.Module,
    optimizer: keras.optimizers.Optimizer,
    batch_size: int,
    events: Batch,
    seed: tf.Tensor,
) -> float:
    """Train ``model`` for one epoch on ``events`` and return the mean loss.

    The order is drawn from ``seed`` (int32 ``[2]``). The model must have its weights.

    Raises:
        ValueError: if the optimizer cannot train the model.
    """
    build_optimizer(optimizer, model)
    program = _program(model, optimizer, batch_size, events)
    if program is None:
        return float(epoch_graph(model, optimizer, batch_size, events)(*events, seed))
    return program.run(model, optimizer, events, seed)


class Program:
    """An epoch, compiled with a network and an optimiser of its own, which take the values of those it trains."""

    def __init__(
        self, model: tf.Module, optimizer: keras.optimizers.Optimizer, batch_size: int, events: Batch
    ) -> None:
        """Take ``model`` and ``optimizer``, both with their variables, for ``events`` of these shapes."""
        variables, schedule = _values(model, optimizer), _schedule(optimizer)
        inputs = list(variables)
        if schedule is not None:
            schedule.initial_learning_rate = tf.Variable(schedule.initial_learning_rate, trainable=False)
            inputs.append(schedule.initial_learning_rate)
        self._held = model, optimizer  # `epoch_graph` holds them weakly
        self._lock = threading.Lock()
        epoch = epoch_graph(model, optimizer, batch_size, events)

        @tf.function(autograph=False)
        def run(values: list[tf.Tensor], events: Batch, seed: tf.Tensor) -> tuple:
            for variable, value in zip(inputs, values, strict=True):
                variable.assign(value)
            loss = epoch(*events, seed)
            return loss, [variable.read_value() for variable in variables]

        values = [tf.TensorSpec(variable.shape, variable.dtype) for variable in inputs]
        columns = (None if column is None else tf.TensorSpec(column.shape, column.dtype) for column in events)
        self._run = run.get_concrete_function(values, Batch(*columns), tf.TensorSpec([2], tf.int32))

    def run(
        self, model: tf.Module, optimizer: keras.optimizers.Optimizer, events: Batch, seed: tf.Tensor
    ) -> float:
        """Train ``model`` with ``optimizer`` for one epoch over ``events`` and return the mean loss.

        If it fails or is interrupted, both are as they were.
        """
        variables, schedule = _values(model, optimizer), _schedule(optimizer)
        # The plain operations: what a variable's own methods do around them was a quarter of a small epoch's time.
        given = [tf.raw_ops.ReadVariableOp(resource=v.handle, dtype=v.dtype) for v in variables]
        if schedule is not None:
            given.append(tf.constant(schedule.initial_learning_rate))
        with self._lock:  # threads take turns: the values in between are the program's own
            loss, values = self._run(given, events, seed)
        for variable, value in zip(variables, values, strict=True):
            tf.raw_ops.AssignVariableOp(resource=variable.handle, value=value)
        return float(loss)


def _program(model, optimizer, batch_size: int, events: Batch) -> Program | None:
    """Return the program for this shape, or None where the model or the optimizer can only have one of its own."""
    try:
        shape = _shape(model, optimizer)
    except (TypeError, ValueError, AttributeError, NotImplementedError):
        return None
    key = (*shape, batch_size, tuple(events.x.shape), events.weight is None)
    with _lock:
        if key not in _programs:
            twins = _twins(model, optimizer, events.x.shape[1])
            # A twin of another shape: the config did not say everything, so it cannot stand for the network.
            alike = _shape(*twins) == shape
            _programs[key] = Program(*twins, batch_size, events) if alike else None
        _programs.move_to_end(key)
        while len(_programs) > KEPT:
            _programs.popitem(last=False)
        return _programs[key]


def _twins(model, optimizer, features: int) -> tuple[tf.Module, keras.optimizers.Optimizer]:
    twin = type(model)(**model.config)
    twin(tf.zeros([1, features]), training=False)
    other = type(optimizer).from_config(optimizer.get_config())
    build_optimizer(other, twin)
    return twin, other


def _shape(model: tf.Module, optimizer: keras.optimizers.Optimizer) -> tuple:
    """Return all that decides what is compiled, and raise TypeError if that cannot be known.

    Two equal shapes compute the same function of the values of their variables. A subclass, a function that was
    put into an object, an optimizer with exceptions from its weight decay: these have no shape that says it all.
    """
    if type(model) not in (LogisticRegression, NeuralNetwork):
        raise TypeError(f"{type(model).__name__} may compute anything")
    kind = type(optimizer)
    known = getattr(keras.optimizers, kind.__name__, None) is kind
    # A MultiOptimizer, which early versions of Keras 3 lack, asks a function what a variable gets.
    if not known or kind.__name__ == "MultiOptimizer":
        raise TypeError(f"{kind.__name__} may compute anything")
    rate = getattr(optimizer, "_learning_rate", None)
    if callable(rate) and not isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
        raise TypeError("the learning rate is a function, which may return anything")
    config = without_names(optimizer.get_config())
    if isinstance(config.get("learning_rate"), float):
        config["learning_rate"] = "one of its variables"
    elif _schedule(optimizer) is not None:
        config["learning_rate"]["config"]["initial_learning_rate"] = "an input"
    config = json.dumps(config, sort_keys=True)
    made = tuple((tuple(v.shape), v.dtype) for v in optimizer.variables)
    return _structure(model), type(optimizer), config, frozenset(vars(optimizer)), made


def _schedule(
    optimizer: keras.optimizers.Optimizer,
) -> keras.optimizers.schedules.LearningRateSchedule | None:
    """Return the optimiser's schedule if it is one of Keras's that falls from a first rate, which can be an input."""
    schedule = getattr(optimizer, "_learning_rate", None)
    known = getattr(keras.optimizers.schedules, type(schedule).__name__, None) is type(schedule)
    return schedule if known and isinstance(getattr(schedule, "initial_learning_rate", None), float) else None


def _structure(thing: Any) -> Hashable:
    if isinstance(thing, tf.Variable):
        return tuple(thing.shape), thing.dtype, thing.trainable
    if isinstance(thing, (*PLAIN, np.generic)):
        return type(thing), thing
    if isinstance(thing, (list, tuple)):
        return tuple(map(_structure, thing))
    if isinstance(thing, tf.Module):
        items = sorted(vars(thing).items())
        seen = ((name, value) for name, value in items if not name.startswith("_") and name not in SEEDS)
        return type(thing), tuple((name, _structure(value)) for name, value in seen)
    raise TypeError(f"{type(thing).__name__} may compute anything")


def _values(model: tf.Module, optimizer: keras.optimizers.Optimizer) -> list[tf.Variable]:
    return [*model.variables, *(variable.value for variable in optimizer.variables)]
