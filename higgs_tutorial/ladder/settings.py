"""The three nouns of a run: what decides its numbers, where it goes, and who is told.

A field carries its meaning and its limits. The command line's options are made from the fields, values are checked
once, when the object is made, and the head of ``results.json`` and what ``--resume`` compares are the fields: an option
is one field here and one use.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable
from dataclasses import MISSING, Field, dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from higgs_tutorial import talk
from higgs_tutorial.data.settings import profile as known_profile
from higgs_tutorial.ladder.rungs import Rung, select

if TYPE_CHECKING:
    from higgs_tutorial.data.dataset import HiggsDataset
    from higgs_tutorial.nn.history import Epoch

BATCH_SIZE = {"lesson": 256, "quick": 512, "talk": talk.BATCH_SIZE}
PRECISIONS = ("float32", "bfloat16")
SCHEDULES = ("constant", "cosine", "exponential", "linear")


def option(default: Any, help: str, **more: Any) -> Any:
    """Return a field with its default, what it means, and what may be said of it.

    ``at_least``, ``above`` (of a finite number) and ``one_of`` are limits. ``head`` puts it into the head of
    ``results.json``, where a run that goes on must have the same. ``typed`` is what the command line reads, where that
    is another type than the field's, and ``typed_default`` what it has for a default of its own.
    """
    return field(default=default, metadata={"help": help, **more})


def check_limits(options: Any) -> None:
    """Refuse values of a dataclass made of `option` that lie outside of their limits.

    Raises:
        ValueError: if one does; the message begins with its name.
    """
    for f in fields(options):
        value = getattr(options, f.name)
        if value is None or not f.metadata:
            continue
        least, above, known = (f.metadata.get(limit) for limit in ("at_least", "above", "one_of"))
        if least is not None and value < least:
            raise ValueError(f"{f.name} is {value}; it must be at least {least}")
        if above is not None and not above < value < math.inf:
            raise ValueError(f"{f.name} is {value}; it must be a finite number above {above}")
        if known is not None and value not in known:
            raise ValueError(f"{f.name} is {value!r}; it must be one of: {', '.join(known)}")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What decides the numbers of a run: two runs of equal settings on equal events are equal.

    Raises:
        ValueError: if a value is wrong; the message names it and what it may be.

    Example:
        >>> from higgs_tutorial.ladder import Settings
        >>> settings = Settings(rungs="logistic,nn-1x100", epochs=2, profile="talk")
        >>> settings.rungs, settings.resolved().batch_size
        (('logistic', 'nn-1x100'), 8192)
        >>> Settings(epochs=0)
        Traceback (most recent call last):
        ValueError: epochs is 0; it must be at least 1
    """

    rungs: tuple[str, ...] | None = option(
        None, "Names, separated by commas. Default: all nine.", typed=str | None
    )
    profile: str | None = option(
        None, "quick: minutes on two cores; talk: its own sizes; lesson: a notebook's, seconds.", head=True
    )
    source: str = option(
        "auto", "auto, uci (the prepared HIGGS file), openml (98,049 of its events) or simulated."
    )
    events: int | None = option(None, "Events in all. Default: the profile's.")
    epochs: int | None = option(None, "Epochs of each rung. Default: the profile's.", at_least=1)
    batch_size: int | None = option(None, "Events a step. Default: the profile's.", at_least=1, head=True)
    seed: int = option(
        0,
        "Of weights, order, dropout and, if simulated, events. Same seed, same AUCs.",
        at_least=0,
        head=True,
    )
    learning_rate: float | None = option(
        None, "Of each rung, where it begins. Default: the rung's own.", above=0, head=True
    )
    schedule: str = option(
        "constant",
        "How the learning rate falls: constant, cosine, exponential or linear.",
        one_of=SCHEDULES,
        head=True,
    )
    average: str | int | None = option(
        None,
        "Score averaged weights: ema (over about an epoch), or of the last N epochs.",
        typed=str | None,
        head=True,
    )
    precision: str = option(
        "float32",
        "Of the hidden layers in training: float32, or bfloat16, on wide layers up to 1.8 times as fast.",
        one_of=PRECISIONS,
        head=True,
    )
    ensemble: int = option(
        1, "Networks of each rung (seeds SEED, SEED + 1, …) that predict together.", at_least=1, head=True
    )
    data_dir: str | os.PathLike | None = option(
        None,
        "Data folder. Default: HIGGS_DATA_DIR, else data/ of a checkout, else the user's cache.",
        typed=Path | None,
    )

    def __post_init__(self) -> None:
        """Check the values, and bring rungs and average into one form."""
        check_limits(self)
        known_profile(self.profile)
        if self.rungs is not None:
            object.__setattr__(self, "rungs", tuple(rung.name for rung in select(_names(self.rungs))))
        object.__setattr__(self, "average", _average(self.average))

    @property
    def chosen(self) -> list[Rung]:
        """The rungs, in the ladder's order."""
        return select(self.rungs)

    def epochs_of(self, rung: Rung) -> int:
        """Return for how many epochs a rung is trained."""
        return self.epochs or rung.epochs[known_profile(self.profile)]

    def resolved(self) -> Settings:
        """Return the same with what the profile decides written out."""
        size = known_profile(self.profile)
        return replace(self, profile=size, batch_size=self.batch_size or BATCH_SIZE[size])

    def head(self) -> dict[str, Any]:
        """Return what ``results.json`` says of the settings and a run that goes on must have the same."""
        return {f.name: getattr(self.resolved(), f.name) for f in _of_the_head()}

    @staticmethod
    def head_of_old() -> dict[str, Any]:
        """Return what results say that were written before there was a choice: the defaults."""
        return {f.name: f.default for f in _of_the_head() if f.default not in (None, MISSING)}


@dataclass(frozen=True, kw_only=True)
class Output:
    """Where a run goes. It changes no number.

    Raises:
        ValueError: if something needs a folder that is not named.

    Example:
        >>> from higgs_tutorial.ladder import Output
        >>> Output(out="my-run", save_models=True).resume
        False
    """

    out: str | os.PathLike | None = option(
        None,
        "Folder for results.json, ladder.png and staircase.png.",
        typed=Path,
        typed_default=Path("ladder-results"),
    )
    resume: bool = option(False, "Go on with what OUT holds, from the last epoch.")
    save_models: bool = option(False, "Keep the networks, as OUT/models/RUNG.npz, for score.")
    tensorboard: str | os.PathLike | None = option(
        None, "Folder to log to, for: tensorboard --logdir FOLDER", typed=Path | None
    )
    histograms: bool = option(False, "Log the distribution of each weight, too.")

    def __post_init__(self) -> None:
        """Check that what is asked for has a folder."""
        if self.out is not None and Path(self.out).exists() and not Path(self.out).is_dir():
            raise ValueError(f"out is {os.fspath(self.out)}, which is a file: name a folder")
        if self.resume and self.out is None:
            raise ValueError("resume needs the folder (out) of the run to go on with")
        if self.save_models and self.out is None:
            raise ValueError("save_models needs a folder (out) to save them in")
        if self.histograms and self.tensorboard is None:
            raise ValueError("histograms need a folder (tensorboard) to log to")


def _nothing(*_: object) -> None:
    """Do nothing."""


@dataclass(frozen=True, kw_only=True)
class Listener:
    """Who is told how a run goes on. It changes no number.

    Attributes:
        on_start: called once, with the list of rungs that will be trained and the events.
        on_rung: called before each rung is trained, with the rung, the events and the number of epochs.
        on_network: called before each network of an ensemble with the rung, its number from 1, and its seed.
        on_epoch: called after each epoch with the rung and its `Epoch` record.
        on_result: called after each rung with the rung and its record, as in ``results.json``.

    Example:
        >>> from higgs_tutorial import ladder
        >>> loud = ladder.Listener(on_rung=lambda rung, higgs, epochs: print(rung.name, higgs.train.n, epochs))
        >>> results = ladder.run("logistic", events=2_000, epochs=1, source="simulated", listener=loud)
        logistic 1200 1
    """

    on_start: Callable[[list[Rung], HiggsDataset], object] = _nothing
    on_rung: Callable[[Rung, HiggsDataset, int], object] = _nothing
    on_network: Callable[[Rung, int, int], object] = _nothing
    on_epoch: Callable[[Rung, Epoch], object] = _nothing
    on_result: Callable[[Rung, dict[str, Any]], object] = _nothing


def nouns(
    options: dict[str, Any],
    settings: Settings | None = None,
    output: Output | None = None,
    listener: Listener | None = None,
) -> tuple[Settings, Output, Listener]:
    """Return the three nouns with ``options``, fields of any of them, in the place of their own values.

    Raises:
        TypeError: if an option is a field of none of them.
        ValueError: if a value is wrong.

    Example:
        >>> from higgs_tutorial import ladder
        >>> settings, output, listener = ladder.nouns({"epochs": 2, "out": "my-run"})
        >>> settings.epochs, output.out
        (2, 'my-run')
    """
    given = [settings or Settings(), output or Output(), listener or Listener()]
    known = {f.name for noun in given for f in fields(noun)}
    if unknown := sorted(set(options) - known):
        raise TypeError(f"unknown option {', '.join(unknown)}; there are: {', '.join(sorted(known))}")
    for i, noun in enumerate(given):
        own = {f.name: options[f.name] for f in fields(noun) if f.name in options}
        if isinstance(noun, Listener):
            own = {name: value for name, value in own.items() if value is not None}
        given[i] = replace(noun, **own)
    return tuple(given)


def _of_the_head() -> list[Field]:
    return [f for f in fields(Settings) if f.metadata.get("head")]


def _names(rungs: str | Iterable[str]) -> list[str]:
    return (
        [name.strip() for name in rungs.split(",") if name.strip()] if isinstance(rungs, str) else list(rungs)
    )


def _average(value: str | int | None) -> str | int | None:
    if value in (None, "ema"):
        return value
    if not str(value).isdecimal() or int(value) < 2:
        raise ValueError(f"average is {value!r}; it must be 'ema' or a number of epochs, 2 or more")
    return int(value)
