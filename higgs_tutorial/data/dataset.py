"""Events in memory: a data set that hands out shuffled batches, and the three of them that make up HIGGS."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np

from higgs_tutorial.data import prepared, settings, simulated
from higgs_tutorial.data.settings import PROFILE_EVENTS, data_folder

SOURCES = ("auto", "uci", "openml", "simulated")


class Dataset:
    """Events with their labels, handed out in shuffled batches.

    As in the talk, except that every event is seen once an epoch: the talk's ``next_batch`` drew a new order
    as soon as a full batch no longer fitted, so the last, partial batch was never used. Here that batch comes
    out short, and the new order begins after it. The arrays themselves are never reordered or copied, only
    an index of them is, so memory maps stay on disk.

    Attributes:
        x: features, float32 ``[n, k]``.
        y: labels, float32 ``[n]``: 1 for signal, 0 for background.
        weight: weights, float32 ``[n]``, or None where all events count the same. Training multiplies each
            event's loss by its weight, and every score counts the event with it. They may be negative, as a
            next-to-leading-order generator's are, where events are scored; to train on such events is refused,
            since a network that singles out the negative ones drives the loss below every bound.
        n: number of events.
        rng: the ``np.random.Generator`` that draws the orders.

    Example:
        >>> import numpy as np
        >>> from higgs_tutorial import Dataset
        >>> x, y = np.zeros([10, 28], np.float32), np.ones(10, np.float32)
        >>> dataset = Dataset(x, y)
        >>> dataset
        Dataset(10 events, 28 features)
        >>> [len(dataset.next_batch(4)[0]) for step in range(4)]  # every event once, then the next epoch
        [4, 4, 2, 4]
    """

    def __init__(
        self, x: np.ndarray, y: np.ndarray, weight: np.ndarray | None = None, *, seed: int = 0
    ) -> None:
        """Wrap ``x`` float32 ``[n, k]``, ``y`` and ``weight``, float32 ``[n]``, without copying them.

        Raises:
            TypeError: if an array is not float32.
            ValueError: if the shapes do not fit, there are no events, a label is neither 0 nor 1, or a weight
                is not finite.
        """
        _check_arrays(x, y)
        check_values(y)
        self.x, self.y = x, y
        self.weight = weight
        self.rng = np.random.default_rng(seed)
        self._order: np.ndarray | None = None
        self._next = 0

    @property
    def n(self) -> int:
        """Number of events."""
        return len(self.x)

    @property
    def weight(self) -> np.ndarray | None:
        """Weights of the events, float32 ``[n]``, or None; checked when they are set."""
        return self._weight

    @weight.setter
    def weight(self, weight: np.ndarray | None) -> None:
        if weight is not None:
            _check_float32(weight=weight)
            if weight.shape != (self.n,):
                raise ValueError(f"weight has shape {weight.shape}; it must be [n], here [{self.n}]")
            check_values(None, weight)
        self._weight = weight

    def __len__(self) -> int:
        return self.n

    def __repr__(self) -> str:
        return f"Dataset({self.n:,} events, {self.x.shape[1]} features)"

    def shuffle(self) -> None:
        """Draw a new order and start a new epoch."""
        self._order = self.rng.permutation(self.n)
        self._next = 0

    def next_batch(self, batch_size: int) -> tuple[np.ndarray, ...]:
        """Return the next ``(x [b, k], y [b])`` of the epoch, with ``b <= batch_size``.

        Of weighted events it is ``(x, y, weight [b])``.

        The last batch of an epoch is short if ``batch_size`` does not divide ``n``; the call after it starts
        the next epoch in a new order.

        Raises:
            ValueError: if ``batch_size`` is not a positive integer.
        """
        if isinstance(batch_size, bool) or not isinstance(batch_size, (int, np.integer)) or batch_size < 1:
            raise ValueError(f"batch_size is {batch_size!r}; it must be a positive integer")
        if self._order is None or self._next >= self.n:
            self.shuffle()
        chosen = self._order[self._next : self._next + batch_size]
        self._next += len(chosen)
        columns = (self.x, self.y) if self.weight is None else (self.x, self.y, self.weight)
        return tuple(column[chosen] for column in columns)  # [b, k], [b] and, if weighted, [b]


@dataclass(frozen=True, eq=False)
class HiggsDataset:
    """The three parts of a data set, and where its events come from.

    Attributes:
        train: the events to train on.
        valid: the events to choose models by.
        test: the events to quote a result on.
        source: ``"uci"`` for a prepared file, ``"openml"`` or ``"simulated"``.
        data: the same in words, for tables and pictures: a prepared file that is not UCI's is called by name.

    Example:
        >>> from higgs_tutorial import load
        >>> higgs = load("simulated", events=2_000)
        >>> higgs.source, higgs.data
        ('simulated', 'simulated events')
        >>> higgs.train
        Dataset(1,200 events, 28 features)
    """

    train: Dataset
    valid: Dataset
    test: Dataset
    source: str
    data: str = ""

    def __post_init__(self) -> None:
        if not self.data:
            words = {"uci": "HIGGS events", "simulated": "simulated events"}
            words["openml"] = "HIGGS events (OpenML's 98,049)"
            object.__setattr__(self, "data", words.get(self.source, self.source))


def load(
    source: str = "auto",
    *,
    events: int | None = None,
    data_dir: str | os.PathLike | None = None,
    seed: int = 0,
    profile: str | None = None,
) -> HiggsDataset:
    """Load HIGGS events, memory-mapped: real ones if they were prepared, else simulated ones.

    A file's split is the talk's: the last 500,000 rows are the test set and a random 500,000 of the others the
    validation set; below 10,000,000 rows each of the two has one row in twenty (`split_sizes`). Of simulated events,
    which cost nothing, they get as many as a small error of their AUCs asks for (`simulated_sizes`).

    Args:
        source: ``"uci"`` for the prepared HIGGS file; ``"openml"`` for OpenML's 98,049 of its events, some 20 MB, which
            are downloaded if they are not there; ``"simulated"``; ``"auto"`` for the HIGGS file if it was prepared and
            simulated events if not. It never takes OpenML's, whose validation and test sets have 4,902
            events each: too few for what the notebooks show.
        events: how many events to use, the three parts together. Of a HIGGS file these are the first rows of
            each of its parts, as many as `split_sizes` says (or one fewer in training, where rounding leaves
            the file one short). By default the number of the profile, in `PROFILE_EVENTS`; a HIGGS file with
            fewer is used whole.
        data_dir: the folder with the data; by default ``HIGGS_DATA_DIR``, else ``data/`` of a checkout, else
            the user's cache folder.
        seed: seed of the batches' order and, for simulated events, of the simulation.
        profile: ``"lesson"`` (what a notebook trains on, in seconds), ``"quick"`` (minutes on two cores) or
            ``"talk"`` (the talk's size); by default what ``HIGGS_PROFILE`` names, else ``"quick"``.

    Raises:
        ValueError: if an argument is wrong, more events are asked for than the HIGGS file has, or a file is
            damaged; the message names the command that mends it.
        FileNotFoundError: if ``source`` is ``"uci"`` and no HIGGS file was prepared.
        OSError: if simulated events do not fit on the disk, or OpenML cannot be reached.

    Example:
        >>> from higgs_tutorial import load
        >>> higgs = load("simulated", events=2_000)
        >>> higgs.train.n, higgs.valid.n, higgs.test.n
        (1200, 400, 400)
        >>> x, y = higgs.train.next_batch(100)
        >>> x.shape, y.shape
        ((100, 28), (100,))
    """
    if source not in SOURCES:
        raise ValueError(f"source is {source!r}; it must be one of: {', '.join(SOURCES)}")
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ValueError(f"seed is {seed!r}; it must be a non-negative integer")
    if events is not None:
        prepared.check_splittable(events)
    folder, by_default = data_folder(data_dir), PROFILE_EVENTS[settings.profile(profile)]
    if source == "uci" or (source == "auto" and prepared.is_prepared(folder)):
        source, data = "uci", prepared.describe(prepared.read_manifest(folder))
        parts = prepared.open_prepared(folder, events, by_default)
    elif source == "openml":
        from higgs_tutorial.data import openml  # scikit-learn takes its time to start

        data = prepared.describe(openml.download_small(folder))
        parts = prepared.open_prepared(folder / prepared.SMALL, events, by_default, openml.COMMAND)
    else:
        source, data = "simulated", "simulated events"
        parts = simulated.open_simulated(folder, events or by_default, seed)
    return HiggsDataset(*(Dataset(rows[:, 1:], rows[:, 0], seed=seed) for rows in parts), source, data)


def check_values(y: np.ndarray | None, weight: np.ndarray | None = None, *, first: int = 0) -> None:
    """Refuse labels ``[n]`` other than 0 and 1 and weights ``[n]`` that are not finite; None is not looked at.

    ``first`` is the number of the first event in the message, where these are a part of a data set.

    Raises:
        ValueError: if there is one; the message has its number.
    """
    if y is not None and (wrong := np.flatnonzero((y != 0) & (y != 1))).size:
        raise ValueError(
            f"y[{first + wrong[0]}] is {y[wrong[0]]}; labels must be 0 (background) or 1 (signal)"
        )
    if weight is not None and (wrong := np.flatnonzero(~np.isfinite(weight))).size:
        raise ValueError(f"weight[{first + wrong[0]}] is {weight[wrong[0]]}; weights must be finite")


def _check_float32(**arrays: np.ndarray) -> None:
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray) or array.dtype != np.float32:
            kind = getattr(array, "dtype", type(array).__name__)
            raise TypeError(f"{name} is {kind}; it must be a float32 array: np.asarray({name}, np.float32)")


def _check_arrays(x: np.ndarray, y: np.ndarray) -> None:
    _check_float32(x=x, y=y)
    if x.ndim != 2 or y.ndim != 1 or len(x) != len(y):
        raise ValueError(f"x has shape {x.shape} and y {y.shape}; they must be [n, k] and [n]")
    if not x.size:
        raise ValueError(f"x has shape {x.shape}; there must be at least one event and one feature")
