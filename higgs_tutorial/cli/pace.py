"""How long a climb will take: from one measured step, and from the epochs as they are done."""

from __future__ import annotations

import time
from collections.abc import Iterable
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from higgs_tutorial.ladder import Rung, Settings

if TYPE_CHECKING:
    from higgs_tutorial.data.dataset import HiggsDataset

STEPS = 16
"""Steps of an epoch that is run only to be measured."""
COMPILING = 3.0
"""Seconds that a rung takes beside its epochs, about: its compilation."""


def cost(rung: Rung, columns: int = 28) -> float:
    """Return about how many operations one event costs in training: a scale to compare rungs by.

    Three products (forward, and backward to weights and inputs) of two operations a weight. What is done to each unit
    (batch norm, relu, the draw of dropout's mask) moves memory and so weighs more than its arithmetic: the numbers
    were read off the rungs' times at the talk's size, in `results/talk-scale`.

    Example:
        >>> from higgs_tutorial import LADDER
        >>> from higgs_tutorial.cli.pace import cost
        >>> round(cost(LADDER["adam-6x500"]) / cost(LADDER["adam-6x200"]), 1)
        3.4
    """
    sizes = [columns, *[rung.size] * rung.num_layers, 1]
    weights = sum(before * after for before, after in pairwise(sizes))
    units = rung.num_layers * rung.size
    return 20_000 + 6 * weights + (3_000 + 2_000 * (rung.keep_prob < 1)) * units


class Pace:
    """The work of a climb and how fast it is done here.

    A rung's speed is measured when an epoch of it is done. The others are taken to be as fast as the costliest rung
    measured so far, by `cost`: it decides how long the whole will take.
    """

    def __init__(self, rungs: Iterable[Rung], higgs: HiggsDataset, settings: Settings) -> None:
        """Expect these rungs, which are still to be trained on these events."""
        self.rungs, self.higgs, self.settings = list(rungs), higgs, settings.resolved()
        self.columns = higgs.train.x.shape[1]
        self.epochs_left = {
            rung.name: settings.epochs_of(rung) * self.settings.ensemble for rung in self.rungs
        }
        self.seconds: dict[str, float] = {}  # of an operation, by the rung that it was measured on

    def measure(self) -> None:
        """Measure a step of the costliest rung, on a few batches of the events; its compilation is not counted.

        Where several devices or machines share the work, that would take all of them: there it waits for an epoch.
        """
        import tensorflow as tf

        from higgs_tutorial.data.dataset import Dataset
        from higgs_tutorial.nn.training import train

        if tf.distribute.has_strategy():
            return
        rung = max(self.rungs, key=self._cost)
        events, batch = self.higgs.train, self.settings.batch_size
        n = min(events.n, STEPS * batch)
        few = Dataset(np.ascontiguousarray(events.x[:n]), np.ascontiguousarray(events.y[:n]))
        model, optimizer = rung.model(precision=self.settings.precision), rung.make_optimizer()
        taken = []
        for seed in range(3):
            start = time.perf_counter()
            train(model, few, optimizer, batch, seed=seed)
            taken.append(time.perf_counter() - start)
        self.seconds[rung.name] = min(taken[1:]) / n / self._cost(rung)

    def epoch_done(self, rung: Rung, seconds: float) -> None:
        """Note that an epoch of a rung took so long."""
        self.epochs_left[rung.name] = max(self.epochs_left[rung.name] - 1, 0)
        measured = seconds / self.higgs.train.n / self._cost(rung)
        self.seconds[rung.name] = min(
            measured, self.seconds.get(rung.name, measured)
        )  # the first one compiles

    def rung_done(self, rung: Rung) -> None:
        """Note that a rung is finished."""
        self.epochs_left.pop(rung.name, None)

    def left(self) -> float | None:
        """Return about how many seconds are left, or None before anything was measured."""
        known = [rung for rung in self.rungs if rung.name in self.seconds]
        if not known:
            return None
        usual = self.seconds[max(known, key=self._cost).name]
        return sum(self._left_of(rung, usual) for rung in self.rungs if rung.name in self.epochs_left)

    def _left_of(self, rung: Rung, usual: float) -> float:
        begun = self.epochs_left[rung.name] < self.settings.epochs_of(rung) * self.settings.ensemble
        train, valid, test = (getattr(self.higgs, part).n for part in ("train", "valid", "test"))
        # Scoring an event is one of the three products of training on it.
        events = self.epochs_left[rung.name] * (train + valid / 3) + (train + test) / 3
        return events * self._cost(rung) * self.seconds.get(rung.name, usual) + (0 if begun else COMPILING)

    def _cost(self, rung: Rung) -> float:
        return cost(rung, self.columns)
