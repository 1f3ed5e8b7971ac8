"""Learning rates that fall towards the end of training, by name."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np

schedules = keras.optimizers.schedules

SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": lambda done: 1.0,
    "cosine": lambda done: (1 + np.cos(np.pi * done)) / 2,
    "exponential": lambda done: 0.01**done,
    "linear": lambda done: 1.0 - done,
}
"""By name, the factor of the learning rate as a function of the part of the training that is done, 0 to 1."""


def make_schedule(
    name: str, learning_rate: float, steps: int
) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """Return the ``learning_rate`` that a Keras optimizer takes for a run of ``steps`` steps.

    ``"constant"``; ``"linear"`` and ``"cosine"`` fall to zero, the cosine slowly at both ends (Loshchilov and
    Hutter, arXiv:1608.03983, equation 5, without restarts); ``"exponential"`` falls to 1%.

    Raises:
        ValueError: if the name is unknown or ``steps`` is below 1.

    Example:
        >>> from higgs_tutorial import make_schedule
        >>> schedule = make_schedule("cosine", learning_rate=0.1, steps=100)
        >>> [round(float(schedule(step)), 3) for step in (0, 50, 100)]
        [0.1, 0.05, 0.0]
    """
    if name not in SCHEDULES:
        raise ValueError(f"schedule is {name!r}; it must be one of: {', '.join(SCHEDULES)}")
    if steps < 1:
        raise ValueError(f"steps is {steps!r}; it must be at least 1")
    if name == "constant":
        return learning_rate
    if name == "cosine":
        return schedules.CosineDecay(learning_rate, steps)
    if name == "exponential":
        return schedules.ExponentialDecay(learning_rate, steps, decay_rate=0.01)
    return schedules.PolynomialDecay(learning_rate, steps, end_learning_rate=0.0)
