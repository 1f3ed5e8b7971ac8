"""Checkpoints: a run that dies goes on from the end of its last epoch, bit for bit."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from higgs_tutorial.files import ENDING, parse_json, written
from higgs_tutorial.nn.averaging import STATE, Averaging
from higgs_tutorial.nn.distributed import cluster
from higgs_tutorial.nn.engine.device import columns
from higgs_tutorial.nn.engine.epoch import build_optimizer, without_names
from higgs_tutorial.nn.files.archive import Archive
from higgs_tutorial.nn.history import History

SCHEMA = 1
HASHED_ROWS = 4096
_NAME = re.compile(r"epoch-(\d{5,})\.npz")
_DIGEST = b"sha256=%064d"  # the archive's comment, with room for the hash's digits
_DIGITS = 64


@dataclass(frozen=True)
class Run:
    """All that decides how a run ends; the fields are `fit`'s arguments, and ``averaging`` the object made of one."""

    model: tf.Module
    optimizer: keras.optimizers.Optimizer
    higgs: Any
    batch_size: int
    seed: int
    average: str | int | None = None
    averaging: Averaging | None = None

    def identity(self) -> dict[str, Any]:
        """Return what must be the same: a checkpoint of another identity is another run's.

        Of the data it holds the numbers of events and a hash of up to `HASHED_ROWS` evenly spaced ones.
        """
        optimizer = {"class": type(self.optimizer).__name__, **self.optimizer.get_config()}
        described = {
            "model": {"class": type(self.model).__name__, **getattr(self.model, "config", {})},
            "optimizer": without_names(optimizer),
            "batch_size": int(self.batch_size),
            "seed": int(self.seed),
            "average": self.average,
            "data": {
                "source": getattr(self.higgs, "source", None),
                "train": _fingerprint(self.higgs.train),
                "valid": _fingerprint(self.higgs.valid),
            },
        }
        return json.loads(json.dumps(described, default=_plain))

    def variables(self) -> dict[str, tf.Variable]:
        """Return all that a checkpoint holds of model and optimizer, by name."""
        named = {f"model/{i:03d}/{v.name}": v for i, v in enumerate(self.model.variables)}
        return named | {f"optimizer/{i:03d}": v.value for i, v in enumerate(self.optimizer.variables)}


class Checkpoints:
    """The checkpoints of one run, ``epoch-00007.npz`` and so on, in a folder of their own.

    A checkpoint holds the model's and the optimizer's variables, what an average over epochs is made of, the
    history, and the run's identity. Nothing else is needed, as the order of the events and the dropout masks of an
    epoch are a function of the seed and the epoch's number: a run that goes on ends with the weights, bit for bit,
    of one that never stopped.

    Each is a plain ``.npz`` archive whose comment, its last bytes, is the SHA-256 of all bytes before. It is
    written under a temporary name, flushed to the disk and renamed, so that under its final name there is
    either nothing or all of it.
    """

    def __init__(self, folder: str | os.PathLike, run: Run, keep: int = 3) -> None:
        """Use ``folder`` for ``run``, keeping the ``keep`` newest checkpoints.

        Raises:
            ValueError: if ``keep`` is not a positive integer.
        """
        if isinstance(keep, bool) or not isinstance(keep, (int, np.integer)) or keep < 1:
            raise ValueError(f"keep is {keep!r}; it must be a positive integer")
        self.folder, self.keep = Path(folder), int(keep)
        self.run, self.identity = run, run.identity()

    def save(self, history: History) -> Path:
        """Write the state after the last epoch of ``history``, remove what is too old, return the file.

        Of several workers only the chief writes, but all must call this: they may have to average variables.

        Raises:
            OSError: if it cannot be written; the checkpoints before it are still there.
        """
        about = {"schema": SCHEMA, "identity": self.identity, "history": json.loads(history.to_json())}
        arrays = {name: variable.numpy() for name, variable in self.run.variables().items()}
        arrays |= self.run.averaging.state() if self.run.averaging else {}
        file = self.folder / f"epoch-{len(history):05d}.npz"
        if not cluster.is_chief():
            return file
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            _write(file, _pack({"about": np.array(json.dumps(about)), **arrays}))
        except OSError as error:
            raise OSError(
                error.errno,
                f"{error.strerror or error}: the checkpoint {file} was not written; the ones before it are"
                " whole. Make room there and start the same run again: it goes on from the newest of them",
            ) from error
        for old in self.files()[self.keep :]:
            old.unlink(missing_ok=True)
        return file

    def restore(self) -> History:
        """Give the variables the values of the newest intact checkpoint, and return its history.

        Without one, the history is empty and nothing is changed. A damaged checkpoint is passed over with a
        ``RuntimeWarning``. Model and optimizer must be built.

        Raises:
            ValueError: if the checkpoint is of another run; the message says what differs.
        """
        data = self.newest() if cluster.is_chief() else b""
        return self.load(cluster.from_chief(data))

    def newest(self) -> bytes:
        """Return the content of the newest intact checkpoint, nothing if there is none.

        What a process that was killed in the middle of a write left behind is removed.
        """
        for part in self.folder.glob(f".epoch-*{ENDING}"):
            part.unlink(missing_ok=True)
        for file in self.files():
            try:
                data = file.read_bytes()
                _unpack(data)
                return data
            except (OSError, ValueError) as error:
                warnings.warn(
                    f"the checkpoint {file} is damaged ({error}); going back to the one before it",
                    RuntimeWarning,
                    stacklevel=2,
                )
        return b""

    def load(self, data: bytes) -> History:
        """Do what `restore` does, from the content of a checkpoint."""
        if not data:
            return History()
        arrays = _unpack(data)
        about = json.loads(str(arrays.pop("about")))
        found = {"schema": about["schema"], **about["identity"]}
        if "num_layers" in found["model"]:  # a network, written before there was a choice
            found["model"].setdefault("precision", "float32")
        if differ := list(_differences(found, {"schema": SCHEMA, **self.identity})):
            raise ValueError(
                f"the checkpoints in {self.folder} are of another run ({'; '.join(differ)}): "
                "go on with the same settings, or choose another folder"
            )
        averaged = {name: arrays.pop(name) for name in list(arrays) if name.startswith(f"{STATE}/")}
        variables = self.run.variables()
        shapes = {name: tuple(variable.shape) for name, variable in variables.items()}
        if differ := list(_differences({n: a.shape for n, a in arrays.items()}, shapes)):
            raise ValueError(f"the checkpoints in {self.folder} do not fit the model ({'; '.join(differ)})")
        for name, variable in variables.items():
            variable.assign(arrays[name])
        history = History.from_json(json.dumps(about["history"]))
        if self.run.averaging:
            self.run.averaging.restore(averaged, len(history))
        return history

    def files(self) -> list[Path]:
        """Return the checkpoints, newest first."""
        return _files(self.folder)


def clear(folder: str | os.PathLike) -> None:
    """Remove the checkpoints in ``folder``."""
    for file in _files(Path(folder)):
        file.unlink(missing_ok=True)


def resume(folder: str | os.PathLike, run: Run, keep: int, history: History) -> Checkpoints:
    """Make the run's variables, and set them and ``history`` to the newest checkpoint, if there is one."""
    run.model(tf.zeros([1, run.higgs.train.x.shape[1]]), training=False)
    build_optimizer(run.optimizer, run.model)
    checkpoints = Checkpoints(folder, run, keep)
    if restored := checkpoints.restore().epochs:
        history.epochs[:] = restored
    return checkpoints


def _plain(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else type(value).__name__


def _files(folder: Path) -> list[Path]:
    found = folder.iterdir() if folder.is_dir() else ()
    named = {int(match[1]): file for file in found if (match := _NAME.fullmatch(file.name))}
    return [named[epoch] for epoch in sorted(named, reverse=True)]


def _fingerprint(dataset: Any) -> dict[str, Any]:
    rows = np.unique(np.linspace(0, dataset.n - 1, HASHED_ROWS).astype(np.int64))
    digest = hashlib.sha256()
    for array in columns(dataset):
        if array is not None:
            digest.update(np.ascontiguousarray(array[rows]).tobytes())
    return {"events": int(dataset.n), "features": int(dataset.x.shape[1]), "hash": digest.hexdigest()[:16]}


def _differences(found: Any, wanted: Any, name: str = "") -> Iterator[str]:
    if isinstance(found, dict) and isinstance(wanted, dict):
        for key in dict.fromkeys([*wanted, *found]):
            inner = f"{name}.{key}" if name else str(key)
            yield from _differences(found.get(key), wanted.get(key), inner)
    elif found != wanted:
        yield f"{name} is {found!r} there and {wanted!r} here"


def _pack(arrays: dict[str, np.ndarray]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    # A zip's comment is its last bytes: first as room for the hash, then as the hash of all before it.
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.comment = _DIGEST % 0
    body = buffer.getvalue()[:-_DIGITS]
    return body + hashlib.sha256(body).hexdigest().encode()


def _unpack(data: bytes) -> dict[str, np.ndarray]:
    body, digest = data[:-_DIGITS], data[-_DIGITS:]
    if hashlib.sha256(body).hexdigest().encode() != digest:
        raise ValueError("its SHA-256 is not the one noted at its end")
    archive = Archive(io.BytesIO(data))
    about = parse_json(archive.read_text("about"))
    if not (isinstance(about, dict) and "schema" in about and isinstance(about.get("identity"), dict)):
        raise ValueError("it is not a checkpoint of this package")
    History.from_json(json.dumps(about.get("history")))
    return {name: archive.read(name) for name in archive.types}


def _write(file: Path, data: bytes) -> None:
    with written(file) as part:
        part.write_bytes(data)
