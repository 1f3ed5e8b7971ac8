"""The talk's nine rungs as data: each is the one before it with one thing changed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from higgs_tutorial import talk
from higgs_tutorial.startup import require_tensorflow_backend

if TYPE_CHECKING:
    from higgs_tutorial.nn.models import LogisticRegression, NeuralNetwork


@dataclass(frozen=True)
class Rung:
    """One step of the ladder.

    Attributes:
        name: how the command line and ``results.json`` call it.
        title: what the talk's legends call it.
        idea: what it changes of the rung before, in a few words.
        epochs: number of epochs in each profile.
        num_layers: hidden layers; 0 is logistic regression.
        size: units in each hidden layer.
        batch_norm: whether each hidden layer is batch-normalised.
        keep_prob: probability that dropout keeps a unit (1: no dropout).
        optimizer: ``"sgd"`` or ``"adam"``.
        learning_rate: the optimiser's.

    Example:
        >>> from higgs_tutorial import LADDER
        >>> rung = LADDER["dropout-6x500"]
        >>> rung.num_layers, rung.size, rung.keep_prob, rung.epochs["talk"]
        (6, 500, 0.9, 50)
        >>> rung.model().config["batch_norm"]
        True
    """

    name: str
    title: str
    idea: str
    epochs: dict[str, int]
    num_layers: int = 0
    size: int = 0
    batch_norm: bool = False
    keep_prob: float = 1.0
    optimizer: str = "sgd"
    learning_rate: float = 0.1

    def model(self, seed: int = 0, precision: str = "float32") -> LogisticRegression | NeuralNetwork:
        """Return the rung's network, its weights drawn from ``seed`` when first called; see `NeuralNetwork`."""
        from higgs_tutorial.nn.models import LogisticRegression, NeuralNetwork

        if self.num_layers == 0:
            return LogisticRegression(seed=seed)
        return NeuralNetwork(
            num_layers=self.num_layers,
            size=self.size,
            batch_norm=self.batch_norm,
            keep_prob=self.keep_prob,
            seed=seed,
            precision=precision,
        )

    def make_optimizer(self, schedule: str = "constant", steps: int = 1, **settings: Any) -> Any:
        """Return the rung's Keras optimiser, fresh, for a run of ``steps`` steps; see `make_schedule`."""
        require_tensorflow_backend()  # before Keras is imported, which would only miss the other backend's package
        import keras

        from higgs_tutorial.nn.schedules import make_schedule

        kinds = {"sgd": keras.optimizers.SGD, "adam": keras.optimizers.Adam}
        rate = make_schedule(schedule, self.learning_rate, steps)
        return kinds[self.optimizer](learning_rate=rate, **settings)


def _rungs() -> Iterable[Rung]:
    def epochs(name: str, lesson: int, quick: int) -> dict[str, int]:
        return {"lesson": lesson, "quick": quick, "talk": len(talk.RUNGS[name].valid_auc)}

    def then(name: str, title: str, *numbers: int, **change: Any) -> Rung:
        idea = talk.RUNGS[name].idea
        return replace(rung, name=name, title=title, idea=idea, epochs=epochs(name, *numbers), **change)

    first = "logistic"  # the two numbers are the epochs in the profiles lesson and quick
    yield (rung := Rung(first, "logistic", talk.RUNGS[first].idea, epochs(first, 25, 12)))
    yield (rung := then("nn-1x100", "1-layer", 12, 16, num_layers=1, size=100))
    yield (rung := then("bn-1x100", "1-layer+BN", 12, 16, batch_norm=True))
    yield (rung := then("bn-3x100", "3-layer+BN", 10, 13, num_layers=3))
    yield (rung := then("adam-3x100", "3-layer+BN+Adam", 8, 4, optimizer="adam", learning_rate=1e-3))
    yield (rung := then("adam-6x100", "6-layer+BN+Adam", 6, 7, num_layers=6))
    yield (rung := then("adam-6x200", "6-layer-200+BN+Adam", 4, 6, size=200))
    yield (rung := then("adam-6x500", "6-layer-500+BN+Adam", 6, 10, size=500))
    yield then("dropout-6x500", "6-layer-500+BN+Adam+10% Dropout", 8, 10, keep_prob=0.9)


LADDER: dict[str, Rung] = {rung.name: rung for rung in _rungs()}


def select(names: Iterable[str] | None = None) -> list[Rung]:
    """Return the rungs of these names in the ladder's order; all of them for None.

    Raises:
        ValueError: if a name is unknown (the message lists the known ones), or there is none.

    Example:
        >>> from higgs_tutorial import ladder
        >>> [rung.name for rung in ladder.select(["nn-1x100", "logistic"])]
        ['logistic', 'nn-1x100']
    """
    if names is None:
        return list(LADDER.values())
    names = list(names)
    unknown = [name for name in names if name not in LADDER]
    if unknown or not names:
        what = f"unknown rung {', '.join(map(repr, unknown))}" if unknown else "no rung named"
        raise ValueError(f"{what}: the rungs are {', '.join(LADDER)}")
    return [rung for name, rung in LADDER.items() if name in names]
