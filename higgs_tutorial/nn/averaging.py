"""Averages of a network's parameters along the path of its training, and what batch norm makes of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

import keras
import numpy as np
import tensorflow as tf

from higgs_tutorial.nn.engine.batch_statistics import measure_batch_norm
from higgs_tutorial.nn.engine.device import Events

STATE = "average"


class Averaging:
    """An average of a network's parameters along its training; this base class keeps none.

    After each epoch `fit` calls `update`, which takes in the state of the network. Within `swapped` the network
    holds the average; outside of it the weights that the optimizer left, from which training goes on.
    """

    def __init__(
        self, model: tf.Module, optimizer: keras.optimizers.Optimizer, events: Events, seed: int
    ) -> None:
        """Average the trainable variables of ``model`` while ``optimizer`` trains it on ``events``."""
        self.model, self.optimizer, self._events, self._seed = model, optimizer, events, seed
        self._average: list[np.ndarray] | None = None

    def update(self, epoch: int) -> None:
        """Take in the state of the network after this epoch."""

    @contextmanager
    def swapped(self) -> Iterator[None]:
        """Let the network hold its average."""
        if self._average is None:
            yield
            return
        last = _values(self.model.variables)
        self.finish()
        try:
            yield
        finally:
            _assign(self.model.variables, last)

    def finish(self) -> None:
        """Leave the average in the network."""
        if self._average is not None:
            _assign(self.model.variables, self._average)

    def state(self) -> dict[str, np.ndarray]:
        """Return what a checkpoint must hold beside model and optimizer, by name."""
        return {}

    def restore(self, state: dict[str, np.ndarray], epoch: int) -> None:
        """Take up ``state``, which `state` returned after this epoch; restore model and optimizer before."""

    def _measure(self, epoch: int) -> None:
        """Compute the average, with the batch norm statistics that fit it, and leave the network as it was."""
        last = _values(self.model.variables)
        try:
            self._overwrite()
            measure_batch_norm(self.model, self._events, (self._seed, epoch))
            self._average = _values(self.model.variables)
        finally:
            _assign(self.model.variables, last)

    def _overwrite(self) -> None:
        """Set the model's trainable variables to their averages."""
        raise NotImplementedError


class Exponential(Averaging):
    """The exponential moving average over the steps that a Keras optimizer with ``use_ema=True`` keeps.

    After step t it is ``m * average + (1 - m) * weights``, m being the optimizer's ``ema_momentum``, and the
    weights themselves after the first step (Polyak and Juditsky, SIAM J. Control Optim. 30, 838, 1992, take
    the plain mean; this one forgets). It lives in the optimizer's variables, so checkpoints have it.
    """

    def update(self, epoch: int) -> None:
        """Take in the average after this epoch."""
        self._measure(epoch)

    def restore(self, state: dict[str, np.ndarray], epoch: int) -> None:
        """Take in the average that came with the optimizer."""
        self._measure(epoch)

    def _overwrite(self) -> None:
        self.optimizer.finalize_variable_values(self.model.trainable_variables)


class LastEpochs(Averaging):
    """The plain mean of the weights at the ends of the last ``epochs`` epochs, of all while they are fewer.

    With a constant learning rate this is stochastic weight averaging with a cycle of one epoch (Izmailov et
    al., arXiv:1803.05407, section 3.2) in a window that moves along.
    """

    def __init__(
        self,
        model: tf.Module,
        optimizer: keras.optimizers.Optimizer,
        events: Events,
        seed: int,
        *,
        epochs: int,
    ) -> None:
        """Average over ``epochs`` epochs."""
        super().__init__(model, optimizer, events, seed)
        self._kept: deque[list[np.ndarray]] = deque(maxlen=epochs)

    def update(self, epoch: int) -> None:
        """Take in the weights after this epoch."""
        self._kept.append(_values(self.model.trainable_variables))
        self._measure(epoch)

    def state(self) -> dict[str, np.ndarray]:
        """Return the weights after each of the last epochs, oldest first."""
        return {
            f"{STATE}/{i:05d}/{j:05d}": value
            for i, values in enumerate(self._kept)
            for j, value in enumerate(values)
        }

    def restore(self, state: dict[str, np.ndarray], epoch: int) -> None:
        """Take in the weights of the epochs that ``state`` holds."""
        count = len(self.model.trainable_variables)
        values = [state[name] for name in sorted(state)]
        self._kept.extend(values[i : i + count] for i in range(0, len(values), count))
        self._measure(epoch)

    def _overwrite(self) -> None:
        means = (np.mean(values, axis=0, dtype=np.float64) for values in zip(*self._kept, strict=True))
        _assign(self.model.trainable_variables, [mean.astype(np.float32) for mean in means])


def make_averaging(
    average: str | int | None,
    model: tf.Module,
    optimizer: keras.optimizers.Optimizer,
    events: Events,
    seed: int,
) -> Averaging:
    """Return the averaging that `fit` was asked for by ``average``; ``events`` are those of the training.

    Raises:
        ValueError: if it is not None, ``"ema"`` or an integer of at least 2, if ``"ema"`` is asked of an
            optimizer that keeps no average or the other way round, or in the scope of a `tf.distribute`
            strategy.
    """
    use_ema = getattr(optimizer, "use_ema", False)  # an optimizer need not be Keras's to have `apply`
    kept = use_ema and not optimizer.ema_overwrite_frequency  # else Keras itself writes it into the weights
    if average is None:
        if kept:
            raise ValueError("the optimizer keeps an average (use_ema) that nothing uses: give average='ema'")
        return Averaging(model, optimizer, events, seed)
    if tf.distribute.has_strategy():
        raise ValueError("average cannot be used with a strategy: train on one device, or without it")
    if isinstance(average, str) and average == "ema":
        if not use_ema:
            raise ValueError(
                "average='ema' needs an optimizer that keeps the average, such as"
                " keras.optimizers.Adam(1e-3, use_ema=True, ema_momentum=0.999)"
            )
        return Exponential(model, optimizer, events, seed)
    if isinstance(average, bool) or not isinstance(average, (int, np.integer)) or average < 2:
        raise ValueError(f"average is {average!r}; it must be 'ema' or a number of epochs, 2 or more")
    if kept:
        raise ValueError(f"the optimizer keeps an average (use_ema): give average='ema' and not {average}")
    return LastEpochs(model, optimizer, events, seed, epochs=int(average))


def _values(variables: tuple[tf.Variable, ...]) -> list[np.ndarray]:
    return [variable.numpy() for variable in variables]


def _assign(variables: tuple[tf.Variable, ...], values: list[np.ndarray]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
