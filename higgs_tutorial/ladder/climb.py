"""Running the ladder: rung after rung, network after network, epoch after epoch."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from higgs_tutorial import talk
from higgs_tutorial.data.dataset import HiggsDataset, load
from higgs_tutorial.files import versions
from higgs_tutorial.ladder.folder import SCHEMA, RunFolder, require_folders
from higgs_tutorial.ladder.rungs import LADDER, Rung
from higgs_tutorial.ladder.settings import Listener, Output, Settings, nouns
from higgs_tutorial.physics.simulate import SIMULATOR_VERSION
from higgs_tutorial.startup import require_tensorflow_backend

if TYPE_CHECKING:
    import tensorflow as tf

    from higgs_tutorial.nn.history import Epoch

HASHED_ROWS = 65_536


def run(
    rungs: Iterable[str] | str | None = None,
    *,
    higgs: HiggsDataset | None = None,
    settings: Settings | None = None,
    output: Output | None = None,
    listener: Listener | None = None,
    **options: Any,
) -> dict[str, Any]:
    """Train rungs of the ladder one after the other and return what ``results.json`` holds.

    In the scope of a `tf.distribute` strategy its replicas share the work, and only the chief worker writes.

    Args:
        rungs: names of rungs, see `LADDER`; default all nine, always in the ladder's order.
        higgs: the events; by default `load` with the settings' source, number of events, folder and seed.
        settings: what decides the numbers, see `Settings`.
        output: where the run goes, see `Output`: ``out`` gets ``results.json`` (rewritten after each epoch),
            ``ladder.png``, ``staircase.png`` and ``checkpoints/`` (the two newest epochs of each rung). Results that
            it holds are renamed to ``results.previous.json`` and so on, unless ``resume`` goes on with them: complete
            rungs are then kept, among ``rungs`` or not, and the others go on from their last epoch. One
            run at a time may use the folder.
        listener: who is told, see `Listener`.
        **options: fields of these three, in the place of their own values: ``run(epochs=2, out="results")``.

    With ``ensemble`` above 1 a rung's ``train_auc``, ``valid_auc`` and ``test_auc`` are those of the mean prediction
    of that many networks, trained with the seeds ``seed``, ``seed + 1`` and so on (see `Ensemble`), its ``epochs`` the
    first network's, and ``members`` has the seed, the epochs and the ``valid_auc`` of each.

    A rung's ``gain`` is by how much its validation AUC exceeds that of the rung trained before it in the same run, and
    the standard error of that: both were measured on the same events, see `roc_auc_difference`.

    Raises:
        ValueError: if a setting is wrong, a class is missing among the events of a part, or a ``results.json`` or
            checkpoints were made with other settings or on other events when resuming (the message says which).
        TypeError: if an option is unknown.
        OSError: if a file in ``out`` can't be written, or another run is using it; both are noticed at the start.
        ImportError: if Keras is set to another backend than TensorFlow.
        ConnectionError: if another worker was lost.

    Warns:
        PictureWarning: if a picture could not be drawn; everything else is there.

    Example:
        >>> from higgs_tutorial import ladder
        >>> results = ladder.run("logistic", events=2_000, epochs=1, source="simulated")
        >>> rung = results["rungs"][0]
        >>> rung["name"], rung["parameters"], len(rung["epochs"]), rung["talk"]["valid_auc"][-1]
        ('logistic', 29, 1, 0.686)
    """
    options |= {} if rungs is None else {"rungs": rungs}
    settings, output, listener = nouns(options, settings, output, listener)
    require_tensorflow_backend()
    from higgs_tutorial.nn.distributed.cluster import is_chief

    folder = RunFolder(output.out) if output.out is not None and is_chief() else None
    if is_chief():
        require_folders(output, settings.chosen)
    with folder.claimed() if folder else nullcontext():
        higgs = load_events(settings) if higgs is None else higgs
        return _Climb(higgs, settings.resolved(), output, listener, folder).climb()


def load_events(settings: Settings) -> HiggsDataset:
    """Return the events that a run of these settings is trained on; see `load` for what it raises.

    Example:
        >>> from higgs_tutorial import ladder
        >>> ladder.load_events(ladder.Settings(source="simulated", events=2_000)).train.n
        1200
    """
    return load(
        settings.source,
        events=settings.events,
        data_dir=settings.data_dir,
        seed=settings.seed,
        profile=settings.profile,
    )


class _Climb:
    """One run: the results so far, and how the next rung gets into them."""

    def __init__(
        self,
        higgs: HiggsDataset,
        settings: Settings,
        output: Output,
        listener: Listener,
        folder: RunFolder | None,
    ) -> None:
        from higgs_tutorial.nn.engine.device import columns
        from higgs_tutorial.nn.scoring import check_classes

        for name in ("train", "valid", "test"):  # before hours of training, not after them
            check_classes(*columns(getattr(higgs, name))[1:], f"the events of {name}")
        self.higgs, self.settings, self.output, self.listener = higgs, settings, output, listener
        self.folder = folder
        self.results = head(higgs, settings)
        # the last rung that was trained, and its logits of the validation events
        self._before: tuple[str, np.ndarray] | None = None

    def climb(self) -> dict[str, Any]:
        """Train what isn't finished and return the results."""
        whole = self._take_over()
        rungs = [rung for rung in self.settings.chosen if rung.name not in whole]
        self.listener.on_start(rungs, self.higgs)
        for rung in rungs:
            self._rung(rung)
        if self.folder:
            self.folder.write(self.results)
            self.folder.draw(self.results)
        return self.results

    def _take_over(self) -> list[str]:
        """Take finished rungs of an earlier run into the results, and return the names of those to be kept."""
        from higgs_tutorial.nn.distributed.cluster import from_chief

        kept: dict[str, dict] = {}
        if self.folder and self.output.resume:
            kept = self.folder.finished(self.results)
        elif self.folder:
            self.folder.put_aside()
        whole = [rung.name for rung in self.settings.chosen if self._is_whole(rung, kept.get(rung.name))]
        kept, whole = json.loads(from_chief(json.dumps([kept, whole]).encode()))  # the chief's folder decides
        self.results["rungs"] = list(kept.values())
        return whole

    def _is_whole(self, rung: Rung, record: dict | None) -> bool:
        if record is None or len(record["epochs"]) != self.settings.epochs_of(rung):
            return False
        return not self.output.save_models or self.folder.holds_model_of(record, self.results)

    def _rung(self, rung: Rung) -> None:
        from higgs_tutorial.nn.ensembles import Ensemble

        self.listener.on_rung(rung, self.higgs, self.settings.epochs_of(rung))
        record: dict[str, Any] = {"name": rung.name, "parameters": None, "epochs": []}
        others = [old for old in self.results["rungs"] if old["name"] != rung.name]
        self.results["rungs"] = _in_order([*others, record])
        numbers = range(1, self.settings.ensemble + 1)
        models = [self._network(rung, record, number) for number in numbers]
        model = models[0] if len(models) == 1 else Ensemble(models)
        record.update(self._scores(rung, model, record))
        if self.folder and self.output.save_models:
            self._save(rung, model, record)
        if self.folder:
            self.folder.write(self.results)
        self.listener.on_result(rung, record)

    def _network(self, rung: Rung, record: dict[str, Any], number: int) -> tf.Module:
        """Train one network of a rung, the first with the run's seed, noting each epoch in the rung's record."""
        from higgs_tutorial.nn.files.checkpoints import clear
        from higgs_tutorial.nn.history import History
        from higgs_tutorial.nn.training import fit

        settings = replace(self.settings, seed=self.settings.seed + number - 1)
        if settings.ensemble > 1:
            record.setdefault("members", []).append({"seed": settings.seed, "epochs": []})
            self.listener.on_network(rung, number, settings.seed)
        name = rung.name if number == 1 else f"{rung.name}.{number}"
        checkpoints = None if self.output.out is None else RunFolder(self.output.out).checkpoints(name)
        if self.folder and not self.output.resume:
            clear(checkpoints)
        model, optimizer = rung.model(settings.seed, settings.precision), self._optimizer(rung)
        history = History()
        with self._tensorboard(name, model, optimizer) as log:

            def on_epoch(epoch: Epoch) -> None:
                log(epoch)
                self._note(record, history)
                self.listener.on_epoch(rung, epoch)

            fit(
                model,
                self.higgs,
                optimizer,
                settings.epochs_of(rung),
                settings.batch_size,
                seed=settings.seed,
                average=settings.average,
                history=history,
                checkpoint_dir=checkpoints,
                keep=2,
                on_epoch=on_epoch,
            )
        self._note(record, history)  # of a run that was complete, and so had no epoch
        return model

    def _optimizer(self, rung: Rung) -> Any:
        steps = math.ceil(self.higgs.train.n / self.settings.batch_size)  # in an epoch
        kept: dict[str, Any] = {}
        if self.settings.average == "ema":
            kept = {"use_ema": True, "ema_momentum": 1 - 1 / steps}  # forgets in about an epoch
        if self.settings.learning_rate is not None:
            rung = replace(rung, learning_rate=self.settings.learning_rate)
        return rung.make_optimizer(self.settings.schedule, self.settings.epochs_of(rung) * steps, **kept)

    @contextmanager
    def _tensorboard(self, name: str, model: tf.Module, optimizer: Any) -> Iterator:
        from higgs_tutorial.nn.distributed.cluster import is_chief

        if self.output.tensorboard is None or not is_chief():
            yield lambda epoch: None
            return
        from higgs_tutorial.nn.monitoring import TensorBoard

        folder = Path(self.output.tensorboard) / name
        histograms = self.output.histograms
        with closing(TensorBoard(folder, model, optimizer, self.higgs.train, histograms=histograms)) as log:
            yield log

    def _note(self, record: dict[str, Any], history: Any) -> None:
        epochs = [asdict(epoch) for epoch in history.epochs]
        if "members" in record:
            record["members"][-1].update(epochs=epochs, valid_auc=epochs[-1]["valid_auc"])
        if len(record.get("members", ())) < 2:
            record["epochs"] = epochs
        if self.folder:
            self.folder.write(self.results)

    def _scores(self, rung: Rung, model: tf.Module, record: dict[str, Any]) -> dict[str, Any]:
        from higgs_tutorial.nn.distributed.cluster import naming_lost_workers
        from higgs_tutorial.nn.training import evaluate

        epochs = [epoch for member in record.get("members", [record]) for epoch in member["epochs"]]
        with naming_lost_workers():
            train_auc, test_auc = evaluate(model, self.higgs.train), evaluate(model, self.higgs.test)
            together = "members" in record
            valid_auc = evaluate(model, self.higgs.valid) if together else epochs[-1]["valid_auc"]
            gain = self._gain(rung, model)
        recorded = talk.RUNGS[rung.name]
        return {
            "parameters": sum(math.prod(variable.shape) for variable in model.trainable_variables),
            "train_auc": train_auc,
            "valid_auc": valid_auc,
            "test_auc": test_auc,
            **({"gain": gain} if gain else {}),
            "examples_per_second": round(self.higgs.train.n / min(epoch["seconds"] for epoch in epochs)),
            "talk": {"valid_auc": list(recorded.valid_auc), "train_auc": recorded.train_auc},
        }

    def _gain(self, rung: Rung, model: tf.Module) -> dict[str, Any] | None:
        """Return by how much the rung is above the one that this run trained before it, on the validation events."""
        from higgs_tutorial.nn.engine.device import columns
        from higgs_tutorial.nn.scoring import roc_auc_difference
        from higgs_tutorial.nn.training import predict

        x, y, weight = columns(self.higgs.valid)
        if weight is not None or min(np.count_nonzero(y == c) for c in (0, 1)) < 2:
            return None
        before, self._before = self._before, (rung.name, predict(model, x, logits=True))
        if before is None:
            return None
        difference, error = roc_auc_difference(y, self._before[1], before[1])
        return {"over": before[0], "valid_auc": difference, "error": error}

    def _save(self, rung: Rung, model: tf.Module, record: dict[str, Any]) -> None:
        from higgs_tutorial.nn.files.models import save_model
        from higgs_tutorial.physics.features import COLUMNS

        about = {
            "rung": rung.name,
            "source": self.higgs.source,
            "trained on": f"{self.higgs.train.n:,} events, {self.higgs.data}",
            "fingerprint": self.results["fingerprint"],
            **self.settings.head(),
            "valid_auc": record["valid_auc"],
            "versions": versions(),
        }
        columns = COLUMNS if self.higgs.train.x.shape[1] == len(COLUMNS) else None
        save_model(model, self.folder.model(rung.name), columns=columns, about=about)


def head(higgs: HiggsDataset, settings: Settings) -> dict[str, Any]:
    """Return what ``results.json`` says before there are results: settings, events, device and versions."""
    from higgs_tutorial.nn.engine.device import device_name, take_memory_as_needed

    take_memory_as_needed()  # before the first tensor is on the device
    return {
        "schema": SCHEMA,
        "source": higgs.source,
        "data": higgs.data,
        **({"simulator": SIMULATOR_VERSION} if higgs.source == "simulated" else {}),
        "device": device_name(),
        "versions": versions(),
        "events": {part: getattr(higgs, part).n for part in ("train", "valid", "test")},
        "fingerprint": fingerprint(higgs),
        **settings.head(),
        "rungs": [],
    }


def fingerprint(higgs: HiggsDataset) -> str:
    """Return the SHA-256 of all features, labels and weights of the three parts, in their order.

    Example:
        >>> from higgs_tutorial import ladder, load
        >>> seeds = [load("simulated", events=2_000, seed=seed) for seed in (0, 0, 1)]
        >>> len({ladder.fingerprint(higgs) for higgs in seeds})
        2
    """
    digest = hashlib.sha256()
    for part in (higgs.train, higgs.valid, higgs.test):
        for array in (part.x, part.y, getattr(part, "weight", None)):
            if array is None:
                digest.update(b"none")
                continue
            digest.update(f"{array.dtype.str} {array.shape}".encode())
            for start in range(0, len(array), HASHED_ROWS):  # a part may be larger than the memory
                digest.update(np.ascontiguousarray(array[start : start + HASHED_ROWS]))
    return digest.hexdigest()


def _in_order(rungs: list[dict]) -> list[dict]:
    places = {name: place for place, name in enumerate(LADDER)}
    return sorted(rungs, key=lambda rung: places.get(rung["name"], len(places)))
