"""The talk's nine rungs as data, and running them.

A rung changes one thing of the one before it. The profile decides the sizes: `talk` is what the talk ran
(11,000,000 events, batches of 8192, 25 epochs, 50 with dropout); `quick` takes minutes on two CPU cores.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import platform
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from . import talk
from .data import settings as data_settings
from .data.dataset import HiggsDataset, load
from .files import written
from .folder import LOCK, claimed, require_writable_folder
from .startup import require_tensorflow_backend

if TYPE_CHECKING:
    from .nn.history import Epoch
    from .nn.models import LogisticRegression, NeuralNetwork

SCHEMA = 1
BATCH_SIZE = {"quick": 256, "talk": talk.BATCH_SIZE}
SCHEDULES = ("constant", "cosine", "exponential", "linear")
RECORDED = {"quick": "results.json", "paper-tables": "tables.json", "more-easy-things": "trainings.json"}
HASHED_ROWS = 65_536
VERSIONED = ("higgs-tutorial", "tensorflow", "keras", "numpy", "scikit-learn")


@dataclass(frozen=True)
class Rung:
    """One step of the ladder.

    Attributes:
        name: how the command line and `results.json` call it.
        title: what the talk's legends call it.
        idea: what it changes of the rung before, in a few words.
        num_layers: hidden layers; 0 is logistic regression.
        size: units in each hidden layer.
        batch_norm: whether each hidden layer is batch-normalised.
        keep_prob: probability that dropout keeps a unit (1: no dropout).
        optimizer: `"sgd"` or `"adam"`.
        learning_rate: the optimiser's.
        epochs: number of epochs in each profile.

    """

    name: str
    title: str
    idea: str
    num_layers: int
    size: int
    batch_norm: bool
    keep_prob: float
    optimizer: str
    learning_rate: float
    epochs: dict[str, int]

    def model(self, seed: int = 0) -> LogisticRegression | NeuralNetwork:
        """Return the rung's network, its weights drawn from `seed` when first called."""
        from .nn.models import LogisticRegression, NeuralNetwork

        if self.num_layers == 0:
            return LogisticRegression(seed=seed)
        return NeuralNetwork(
            num_layers=self.num_layers,
            size=self.size,
            batch_norm=self.batch_norm,
            keep_prob=self.keep_prob,
            seed=seed,
        )

    def make_optimizer(self, schedule: str = "constant", steps: int = 1, **settings: Any) -> Any:
        """Return the rung's Keras optimiser, fresh, for a run of `steps` steps; see `make_schedule`."""
        from .nn.schedules import make_schedule  # isort: split

        import keras

        kinds = {"sgd": keras.optimizers.SGD, "adam": keras.optimizers.Adam}
        rate = make_schedule(schedule, self.learning_rate, steps)
        return kinds[self.optimizer](learning_rate=rate, **settings)


def _rungs() -> Iterable[Rung]:
    def rung(name, title, idea, layers, size, norm, keep, optimizer, rate, quick):
        epochs = {"quick": quick, "talk": len(talk.RUNGS[name].valid_auc)}
        return Rung(name, title, idea, layers, size, norm, keep, optimizer, rate, epochs)

    yield rung("logistic", "logistic", "a straight cut", 0, 0, False, 1.0, "sgd", 0.1, 25)
    yield rung("nn-1x100", "1-layer", "one hidden layer", 1, 100, False, 1.0, "sgd", 0.1, 12)
    yield rung("bn-1x100", "1-layer+BN", "batch normalisation", 1, 100, True, 1.0, "sgd", 0.1, 12)
    yield rung("bn-3x100", "3-layer+BN", "three layers", 3, 100, True, 1.0, "sgd", 0.1, 10)
    yield rung("adam-3x100", "3-layer+BN+Adam", "Adam", 3, 100, True, 1.0, "adam", 1e-3, 8)
    yield rung("adam-6x100", "6-layer+BN+Adam", "six layers", 6, 100, True, 1.0, "adam", 1e-3, 6)
    yield rung("adam-6x200", "6-layer-200+BN+Adam", "200 units", 6, 200, True, 1.0, "adam", 1e-3, 4)
    yield rung("adam-6x500", "6-layer-500+BN+Adam", "500 units", 6, 500, True, 1.0, "adam", 1e-3, 6)
    yield rung(
        "dropout-6x500", "6-layer-500+BN+Adam+10% Dropout", "dropout", 6, 500, True, 0.9, "adam", 1e-3, 8
    )


LADDER: dict[str, Rung] = {rung.name: rung for rung in _rungs()}


def select(names: Iterable[str] | None = None) -> list[Rung]:
    """Return the rungs of these names in the ladder's order; all of them for None.

    Raises:
        ValueError: a name is unknown (the message lists the known ones), or there is none.

    """
    if names is None:
        return list(LADDER.values())
    names = list(names)
    unknown = [name for name in names if name not in LADDER]
    if unknown or not names:
        what = f"unknown rung {', '.join(map(repr, unknown))}" if unknown else "no rung named"
        raise ValueError(f"{what}: the rungs are {', '.join(LADDER)}")
    return [rung for name, rung in LADDER.items() if name in names]


def check(
    rungs: Iterable[str] | None = None,
    *,
    epochs: int | None = None,
    batch_size: int | None = None,
    seed: int = 0,
    out: str | os.PathLike | None = None,
    resume: bool = False,
    save_models: bool = False,
    tensorboard: str | os.PathLike | None = None,
    histograms: bool = False,
    schedule: str = "constant",
    average: str | int | None = None,
    ensemble: int = 1,
    profile: str | None = None,
) -> list[Rung]:
    """Return the chosen rungs, or refuse the arguments of `run` that are wrong, before anything is started.

    Raises:
        ValueError: an unknown rung or profile, a number that is not positive, or no folder for what is asked for.
        ImportError: Keras is set to another backend than TensorFlow.

    """
    chosen = select(rungs)
    for name, value in (("epochs", epochs), ("batch_size", batch_size), ("ensemble", ensemble)):
        if value is not None and value < 1:
            raise ValueError(f"{name} must be at least 1, not {value}")
    if seed < 0:
        raise ValueError(f"seed must not be negative, not {seed}")
    if schedule not in SCHEDULES:
        raise ValueError(f"schedule is {schedule!r}; it must be one of: {', '.join(SCHEDULES)}")
    _average(average)
    if out is not None and Path(out).exists() and not Path(out).is_dir():
        raise ValueError(f"out is {os.fspath(out)}, which is a file: name a folder")
    if resume and out is None:
        raise ValueError("resume needs the folder (out) of the run to go on with")
    if save_models and out is None:
        raise ValueError("save_models needs a folder (out) to save them in")
    if histograms and tensorboard is None:
        raise ValueError("histograms need a folder (tensorboard) to log to")
    data_settings.profile(profile)
    require_tensorflow_backend()
    return chosen


def require_folders(
    out: str | os.PathLike | None,
    rungs: Iterable[Rung] = (),
    save_models: bool = False,
    tensorboard: str | os.PathLike | None = None,
) -> None:
    """Check that a run of these rungs can write what it will write, before it starts.

    Raises:
        OSError: it can't, or another run is writing to `out`; the message names what is in the way.

    """
    folders = [] if tensorboard is None else [Path(tensorboard)]
    if out is not None:
        out = Path(out)
        if (out / "results.json").is_dir():
            raise IsADirectoryError(f"{out / 'results.json'} is a folder: move it away or choose another out")
        folders += [out, *(out / "checkpoints" / rung.name for rung in rungs)]
        folders += [out / "models"] if save_models else []
    for folder in folders:
        require_writable_folder(folder)
    if out is not None and (out / LOCK).exists():
        with claimed(out):
            pass


def _average(value: str | int | None) -> str | int | None:
    if value in (None, "ema"):
        return value
    if not str(value).isdecimal() or int(value) < 2:
        raise ValueError(f"average is {value!r}; it must be 'ema' or a number of epochs, 2 or more")
    return int(value)


def recorded(name: str = "quick") -> dict[str, Any]:
    """Return results on simulated events that come with this version; notebooks draw longer runs from them.

    Args:
        name: a folder of `results`. `"quick"` is what `run` returned for all rungs in the quick profile, and
            `"paper-tables"` and `"more-easy-things"` are what the benchmarks of these names wrote.

    Raises:
        ValueError: there is no such run.

    """
    if name not in RECORDED:
        raise ValueError(f"no recorded run is called {name!r}, only: {', '.join(RECORDED)}")
    packaged = Path(__file__).with_name("recorded") / f"{name}.json"
    checkout = Path(__file__).resolve().parents[1] / "results" / name / RECORDED[name]
    return json.loads((packaged if packaged.exists() else checkout).read_text(encoding="utf-8"))


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that the numbers depend on."""
    return {"python": platform.python_version(), **{name: metadata.version(name) for name in VERSIONED}}


def run(
    rungs: Iterable[str] | None = None,
    *,
    higgs: HiggsDataset | None = None,
    source: str = "auto",
    events: int | None = None,
    data_dir: str | os.PathLike | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    seed: int = 0,
    out: str | os.PathLike | None = None,
    resume: bool = False,
    save_models: bool = False,
    tensorboard: str | os.PathLike | None = None,
    histograms: bool = False,
    schedule: str = "constant",
    average: str | int | None = None,
    ensemble: int = 1,
    profile: str | None = None,
    on_rung: Callable[[Rung, HiggsDataset, int], None] | None = None,
    on_network: Callable[[Rung, int, int], None] | None = None,
    on_epoch: Callable[[Rung, Epoch], None] | None = None,
) -> dict[str, Any]:
    """Train rungs of the ladder one after the other and return what `results.json` holds.

    In the scope of a `tf.distribute` strategy its replicas share the work, and only the chief worker writes.

    Args:
        rungs: names of rungs, see `LADDER`; default all nine, always in the ladder's order.
        higgs: the events; default `load(source, events=events, data_dir=data_dir, seed=seed)`.
        source: `"auto"`, `"uci"` or `"simulated"`, see `load`.
        events: number of events in all (training, validation and test); default the profile's.
        data_dir: the data folder, see `load`.
        epochs: the same number of epochs for each rung; default the profile's.
        batch_size: events a step; default the profile's.
        seed: of the weights, the order of the events and the dropout masks.
        out: folder for `results.json` (rewritten after each epoch), `ladder.png` and `checkpoints/` (the two
            newest epochs of each rung). Results that it holds are renamed to `results.previous.json` and
            `ladder.previous.png`, unless they are gone on with. One run at a time may use it.
        resume: go on with what `out` holds, if it was made with the same settings on the same events: complete
            rungs are kept, whether they are among `rungs` or not, and the others go on from their last epoch.
        save_models: write each rung's network to `out/models/RUNG.npz`, for `load_model`.
        tensorboard: folder to log to for TensorBoard, a subfolder a rung.
        histograms: log the distribution of each weight after each epoch, too.
        schedule: how the learning rate falls over each rung's steps: `"constant"`, `"cosine"`, `"exponential"`
            or `"linear"`, see `make_schedule`.
        average: score an average of the weights: `"ema"`, the exponential moving average over about an epoch,
            or a number of epochs whose last weights are averaged; see `fit`.
        ensemble: how many networks of each rung are trained, the first with `seed`, the next with `seed + 1` and
            so on, on the same events. With more than one, a rung's `train_auc`, `valid_auc` and `test_auc` are
            those of their mean prediction (see `Ensemble`), its `epochs` the first network's, and `members`
            has the seed, the epochs and the `valid_auc` of each.
        profile: `"quick"` or `"talk"`; by default what `HIGGS_PROFILE` names, else `"quick"`.
        on_rung: called before each rung is trained, with the rung, the events and the number of epochs.
        on_network: called before each network of an ensemble with the rung, its number from 1, and its seed.
        on_epoch: called after each epoch with the rung and its `Epoch` record.

    Raises:
        ValueError: an unknown rung, a number that is not positive, or a `results.json` or checkpoints made
            with other settings or on other events when resuming (the message says which).
        OSError: a file in `out` can't be written, or another run is using it; both are noticed at the start.
        ImportError: Keras is set to another backend than TensorFlow.
        ConnectionError: another worker was lost.

    Warns:
        PictureWarning: `ladder.png` could not be drawn; everything else is there.

    """
    settings = {"epochs": epochs, "batch_size": batch_size, "seed": seed, "out": out, "resume": resume}
    others = {"tensorboard": tensorboard, "histograms": histograms, "schedule": schedule, "average": average}
    others |= {"save_models": save_models, "ensemble": ensemble}
    chosen = check(rungs, **settings, **others, profile=profile)
    from .nn.distributed.cluster import is_chief

    file = None if out is None or not is_chief() else Path(out) / "results.json"
    if is_chief():
        require_folders(out, chosen, save_models, tensorboard)
    with claimed(file.parent) if file else nullcontext():
        if higgs is None:
            higgs = load(source, events=events, data_dir=data_dir, seed=seed, profile=profile)
        size, calls = data_settings.profile(profile), {"on_rung": on_rung, "on_network": on_network}
        return _climb(chosen, higgs, size, file, **settings, **others, **calls, on_epoch=on_epoch)


def _climb(
    chosen: list[Rung],
    higgs: HiggsDataset,
    size: str,
    file: Path | None,
    *,
    epochs: int | None,
    batch_size: int | None,
    seed: int,
    out: str | os.PathLike | None,
    resume: bool,
    save_models: bool,
    tensorboard: str | os.PathLike | None,
    histograms: bool,
    schedule: str,
    average: str | int | None,
    ensemble: int,
    on_rung: Callable[[Rung, HiggsDataset, int], None] | None,
    on_network: Callable[[Rung, int, int], None] | None,
    on_epoch: Callable[[Rung, Epoch], None] | None,
) -> dict[str, Any]:
    from .nn.distributed.cluster import from_chief, is_chief
    from .nn.ensembles import Ensemble
    from .nn.files.checkpoints import clear
    from .nn.history import History

    average = _average(average)
    results = _header(higgs, size, batch_size or BATCH_SIZE[size], seed, schedule, average, ensemble)
    kept = _finished(file, results) if resume and file else {}
    if file and not resume:
        for older in (file, file.with_name("ladder.png")):
            if older.exists():
                older.replace(older.with_stem(f"{older.stem}.previous"))
    whole = [
        rung.name
        for rung in chosen
        if len(kept.get(rung.name, {"epochs": ()})["epochs"]) == (epochs or rung.epochs[size])
        and (
            not save_models
            or _is_model_of(kept[rung.name], file.parent / "models" / f"{rung.name}.npz", results)
        )
    ]
    kept, whole = json.loads(from_chief(json.dumps([kept, whole]).encode()))
    results["rungs"] = list(kept.values())
    for rung in chosen:
        wanted = epochs or rung.epochs[size]
        model_file = file.parent / "models" / f"{rung.name}.npz" if save_models and file else None
        if rung.name in whole:
            continue
        if on_rung:
            on_rung(rung, higgs, wanted)
        record: dict[str, Any] = {"name": rung.name, "parameters": None, "epochs": []}
        results["rungs"] = _in_order([*(old for old in results["rungs"] if old["name"] != rung.name), record])
        models: list[LogisticRegression | NeuralNetwork] = []
        for number, own_seed in enumerate(range(seed, seed + ensemble)):
            if ensemble > 1:
                record.setdefault("members", []).append({"seed": own_seed, "epochs": []})
                if on_network:
                    on_network(rung, number + 1, own_seed)
            history = History()

            def note(record: dict = record, history: History = history) -> None:
                epochs = [asdict(epoch) for epoch in history.epochs]
                if "members" in record:
                    record["members"][-1].update(epochs=epochs, valid_auc=epochs[-1]["valid_auc"])
                if len(record.get("members", ())) < 2:
                    record["epochs"] = epochs
                if file:
                    write_json(file, results)

            def keep(epoch: Epoch, rung: Rung = rung, note: Callable = note) -> None:
                note()
                if on_epoch:
                    on_epoch(rung, epoch)

            name = rung.name if number == 0 else f"{rung.name}.{number + 1}"
            checkpoints = None if out is None else Path(out) / "checkpoints" / name
            if file and not resume:
                clear(checkpoints)
            log = None
            if tensorboard is not None and is_chief():
                log = {"folder": Path(tensorboard) / name, "histograms": histograms}
            settings = {"epochs": wanted, "batch_size": results["batch_size"], "seed": own_seed}
            settings |= {"schedule": schedule, "average": average, "history": history}
            models.append(_train(rung, higgs, keep, log, checkpoint_dir=checkpoints, **settings))
            note()
        model = models[0] if ensemble == 1 else Ensemble(models)
        record.update(_scores(rung, higgs, model, record))
        if model_file:
            _save(rung, higgs, model, model_file, results, record)
        if file:
            write_json(file, results)
    if file:
        write_json(file, results)
        _draw(results, file.with_name("ladder.png"))
    return results


class PictureWarning(RuntimeWarning):
    """A picture could not be drawn. The numbers that it would have shown are there."""


def _draw(results: dict[str, Any], file: Path) -> None:
    try:
        from .plots import save_ladder

        save_ladder(results, file)
    except (
        Exception
    ) as error:  # a backend, a font, a setting: whatever it is, hours of training are behind us
        said = f"{file} was not drawn ({type(error).__name__}: {error}); the results are whole"
        warnings.warn(said, PictureWarning, stacklevel=4)


def _in_order(rungs: list[dict]) -> list[dict]:
    places = {name: place for place, name in enumerate(LADDER)}
    return sorted(rungs, key=lambda rung: places.get(rung["name"], len(places)))


def _train(rung, higgs, keep, log, *, seed, schedule, **settings) -> LogisticRegression | NeuralNetwork:
    from .nn.training import fit

    steps = math.ceil(higgs.train.n / settings["batch_size"])  # in an epoch
    kept = {"use_ema": True, "ema_momentum": 1 - 1 / steps} if settings["average"] == "ema" else {}
    model = rung.model(seed)
    optimizer = rung.make_optimizer(schedule, settings["epochs"] * steps, **kept)
    with _monitor(log, model, optimizer, higgs.train) as write:

        def on_epoch(epoch: Epoch) -> None:
            write(epoch)
            keep(epoch)

        fit(model, higgs, optimizer, seed=seed, keep=2, on_epoch=on_epoch, **settings)
    return model


def _scores(rung, higgs, model, record) -> dict[str, Any]:
    from .nn.distributed.cluster import naming_lost_workers
    from .nn.training import evaluate

    epochs = [epoch for member in record.get("members", [record]) for epoch in member["epochs"]]
    with naming_lost_workers():
        train_auc, test_auc = evaluate(model, higgs.train), evaluate(model, higgs.test)
        valid_auc = evaluate(model, higgs.valid) if "members" in record else epochs[-1]["valid_auc"]
    said = talk.RUNGS[rung.name]
    return {
        "parameters": sum(math.prod(variable.shape) for variable in model.trainable_variables),
        "train_auc": train_auc,
        "valid_auc": valid_auc,
        "test_auc": test_auc,
        "examples_per_second": round(higgs.train.n / min(epoch["seconds"] for epoch in epochs)),
        "talk": {"valid_auc": list(said.valid_auc), "train_auc": said.train_auc},
    }


def _save(rung, higgs, model, file, results, record) -> None:
    from .nn.files.models import save_model
    from .physics.features import COLUMNS

    about = {
        "rung": rung.name,
        "source": higgs.source,
        "trained on": f"{higgs.train.n:,} events, {higgs.data}",
        **{name: results[name] for name in ("seed", "fingerprint", "schedule", "average", "ensemble")},
        "valid_auc": record["valid_auc"],
        "versions": versions(),
    }
    columns = COLUMNS if higgs.train.x.shape[1] == len(COLUMNS) else None
    save_model(model, file, columns=columns, about=about)


@contextmanager
def _monitor(log, model, optimizer, dataset) -> Iterator[Callable[[Epoch], object]]:
    if log is None:
        yield lambda epoch: None
        return
    from .nn.monitoring import TensorBoard

    with closing(TensorBoard(model=model, optimizer=optimizer, dataset=dataset, **log)) as monitor:
        yield monitor


def _header(
    higgs: HiggsDataset,
    size: str,
    batch_size: int,
    seed: int,
    schedule: str,
    average: str | int | None,
    ensemble: int,
) -> dict[str, Any]:
    from .nn.engine.device import device_name

    return {
        "schema": SCHEMA,
        "source": higgs.source,
        "data": higgs.data,
        "profile": size,
        "seed": seed,
        "device": device_name(),
        "versions": versions(),
        "events": {part: getattr(higgs, part).n for part in ("train", "valid", "test")},
        "fingerprint": fingerprint(higgs),
        "batch_size": batch_size,
        "schedule": schedule,
        "average": average,
        "ensemble": ensemble,
        "rungs": [],
    }


def fingerprint(higgs: HiggsDataset) -> str:
    """Return the SHA-256 of all features, labels and weights of the three parts, in their order."""
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


def _is_model_of(record: dict[str, Any], file: Path, results: dict[str, Any]) -> bool:
    """Say whether a model file holds the network of a finished rung, and not one of an earlier run."""
    from .nn.files.models import read_header

    try:
        about = read_header(file)["about"]
    except (OSError, ValueError):
        return False
    known = about.get("valid_auc"), about.get("fingerprint")
    return known == (record["valid_auc"], results["fingerprint"])


def _finished(file: Path, results: dict[str, Any]) -> dict[str, dict]:
    """Return the finished rungs of an earlier run with the same settings, by name."""
    if not file.exists():
        return {}
    try:
        old = json.loads(file.read_text(encoding="utf-8"))
        rungs = {rung["name"]: rung for rung in old["rungs"]}
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{file} is not a results.json of the ladder: move it away or choose another folder"
        ) from error
    old = {"schedule": "constant", "ensemble": 1, **old}  # results written before there was a choice
    of_the_run = ("schema", "source", "data", "profile", "seed", "events", "batch_size")
    for key in (*of_the_run, "schedule", "average", "ensemble"):
        if old.get(key) != results[key]:
            raise ValueError(
                f"{file} was made with {key} {old.get(key)}, not {results[key]}: "
                "give the same settings to go on with it, or choose another folder"
            )
    if (found := old.get("fingerprint")) != results["fingerprint"]:
        raise ValueError(
            f"{file} was made before the events' fingerprint was noted, so they may have been others than now: "
            "start a new run (it keeps these results beside its own), or choose another folder"
            if found is None
            else f"{file} was made on other events than these, whose fingerprint is {results['fingerprint'][:12]} "
            f"and not {str(found)[:12]}: give it the same data, start a new run (it keeps these results beside its "
            "own), or choose another folder"
        )
    return {name: rung for name, rung in rungs.items() if rung.get("test_auc") is not None}


def write_json(file: Path, value: Any) -> None:
    """Write `value` as JSON under a temporary name, then rename: a reader never sees half a file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with written(file) as part:
        part.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
