"""The ideas on the talk's last slide, each against the same baseline, at a size that a notebook cannot afford.

    python benchmarks/easy_things.py --out results/more-easy-things

writes `trainings.json` after each training and, at the end, `README.md` and a picture. Run again, it goes on where
it stopped. A seed is another start on other training events; all networks are measured on the same test events,
and what is compared are the networks of the same seed. The search has training events of its own.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import keras
import matplotlib.pyplot as plt
import numpy as np

from higgs_tutorial import Ensemble, NeuralNetwork, evaluate, fit, ladder, load, make_schedule
from higgs_tutorial.data.dataset import Dataset, HiggsDataset
from higgs_tutorial.data.simulated import events_for
from higgs_tutorial.physics.simulate import SIMULATOR_VERSION
from higgs_tutorial.plots import NEUTRAL, OKABE_ITO, style

TRIALS = 10


@dataclass(frozen=True)
class Setting:
    """A way to train: the defaults are the ladder's adam-3x100 in the lesson profile."""

    num_layers: int = 3
    keep_prob: float = 1.0
    learning_rate: float = 1e-3
    schedule: str = "constant"
    batch_size: int = 256
    epochs: int = 8
    average: str | int | None = None
    members: int = 1


BASELINE = "baseline"
SEARCHED = "a search"
IDEAS = {
    BASELINE: Setting(),
    "3 × the rate": Setting(learning_rate=3e-3),
    "10 × the rate": Setting(learning_rate=1e-2),
    "30 × the rate": Setting(learning_rate=3e-2),
    "decay": Setting(schedule="cosine"),
    "30 × the rate, decay": Setting(learning_rate=3e-2, schedule="cosine"),
    "exponential average": Setting(average="ema"),
    "mean of 3 epochs": Setting(average=3),
    "30 × the rate, exponential average": Setting(learning_rate=3e-2, average="ema"),
    "30 × the rate, mean of 3 epochs": Setting(learning_rate=3e-2, average=3),
    "3 networks": Setting(members=3),
    "20% dropout": Setting(keep_prob=0.8),
    "20% dropout, half the batch, twice the epochs": Setting(batch_size=128, epochs=16, keep_prob=0.8),
    "6 layers": Setting(num_layers=6),
    "30 × the rate, decay, 6 layers": Setting(learning_rate=3e-2, schedule="cosine", num_layers=6),
    "30 × the rate, decay, 3 networks": Setting(learning_rate=3e-2, schedule="cosine", members=3),
    "30 × the rate, exponential average, 3 networks": Setting(learning_rate=3e-2, average="ema", members=3),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--events", type=int, default=60_000, help="training events of each seed")
    parser.add_argument("--test", type=int, default=100_000, help="test events")
    parser.add_argument("--seeds", type=int, default=5, help="trainings of each kind")
    options = parser.parse_args()
    chosen = {name: getattr(options, name) for name in ("events", "test", "seeds")}
    used = (options.seeds + 1) * options.events + options.test
    higgs = load(events=events_for(used))
    file = options.out / "trainings.json"
    results = json.loads(file.read_text(encoding="utf-8")) if file.exists() else header(higgs, chosen)
    if results["settings"] != chosen:
        raise SystemExit(f"{file} was made with {results['settings']}: give these, or choose another folder")
    for seed in range(options.seeds):
        for name, setting in IDEAS.items():
            measure(results, file, name, setting, higgs, seed)
    if len(results["trials"]) < TRIALS:
        search(results, file, higgs)
    best = Setting(**max(results["trials"], key=lambda trial: trial["valid_auc"])["setting"])
    for seed in range(options.seeds):
        measure(results, file, SEARCHED, best, higgs, seed)
    (options.out / "README.md").write_text(report(results), encoding="utf-8")
    with style():
        draw(results, options.out / "differences.png")


def header(higgs: HiggsDataset, chosen: dict) -> dict:
    return {
        "source": higgs.source,
        "data": higgs.data,
        **({"simulator": SIMULATOR_VERSION} if higgs.source == "simulated" else {}),
        "settings": chosen,
        "machine": f"{os.cpu_count()} CPU cores, {platform.machine()}, {platform.system()}",
        "versions": ladder.versions(),
        "trainings": {},
        "trials": [],
    }


def events_of(higgs: HiggsDataset, chosen: dict, seed: int) -> HiggsDataset:
    """Return the training events of a seed (a number too many gives the search's), and the test events."""
    x, y = higgs.train.x, higgs.train.y
    ours = slice(seed * chosen["events"], (seed + 1) * chosen["events"])
    test = slice((chosen["seeds"] + 1) * chosen["events"], None)
    rows = slice(test.start, test.start + chosen["test"])
    return HiggsDataset(Dataset(x[ours], y[ours]), higgs.valid, Dataset(x[rows], y[rows]), higgs.source)


def train(setting: Setting, higgs: HiggsDataset, seed: int) -> NeuralNetwork:
    """Train one network."""
    model = NeuralNetwork(setting.num_layers, 100, True, setting.keep_prob, seed=seed)
    steps = math.ceil(higgs.train.n / setting.batch_size)  # in an epoch
    rate = make_schedule(setting.schedule, setting.learning_rate, steps * setting.epochs)
    kept = {"use_ema": True, "ema_momentum": 1 - 1 / steps} if setting.average == "ema" else {}
    optimizer = keras.optimizers.Adam(rate, **kept)
    fit(model, higgs, optimizer, setting.epochs, setting.batch_size, seed=seed, average=setting.average)
    return model


def measure(results: dict, file: Path, name: str, setting: Setting, higgs: HiggsDataset, seed: int) -> None:
    """Train and score one setting with one seed, unless that is done, and write it down."""
    key = f"{name} {seed}"
    if key in results["trainings"]:
        return
    own, start = events_of(higgs, results["settings"], seed), time.perf_counter()
    models = [train(setting, own, 1000 * seed + member) for member in range(setting.members)]
    seconds = time.perf_counter() - start
    record = {
        "test_auc": evaluate(Ensemble(models), own.test),
        "train_auc": evaluate(Ensemble(models), own.train),
    }
    results["trainings"][key] = record | {"setting": vars(setting), "seconds": round(seconds, 1)}
    ladder.write_json(file, results)
    print(f"{key}: test AUC {record['test_auc']:.4f}, {seconds:.0f} s", flush=True)


def search(results: dict, file: Path, higgs: HiggsDataset) -> None:
    """Let Optuna choose settings (T. Akiba et al., arXiv:1907.10902), scored on the validation events."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    own = events_of(higgs, results["settings"], results["settings"]["seeds"])

    def valid_auc(trial: optuna.Trial) -> float:
        setting = replace(
            Setting(),
            num_layers=trial.suggest_int("num_layers", 2, 6),
            keep_prob=trial.suggest_float("keep_prob", 0.8, 1.0, step=0.05),
            learning_rate=trial.suggest_float("learning_rate", 3e-4, 0.1, log=True),
            schedule=trial.suggest_categorical("schedule", ["constant", "cosine"]),
            batch_size=trial.suggest_categorical("batch_size", [128, 256, 512]),
        )
        auc = evaluate(train(setting, own, 0), higgs.valid)
        trials.append({"setting": vars(setting), "valid_auc": auc})
        print(f"trial {trial.number}: validation AUC {auc:.4f}, {trial.params}", flush=True)
        return auc

    trials: list[dict] = []
    optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=0)).optimize(
        valid_auc, n_trials=TRIALS
    )
    results["trials"] = trials
    ladder.write_json(file, results)


def differences(results: dict) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Yield each idea, its test AUCs ``[seeds]`` and what they are above the baseline's of the same seed."""

    def aucs(name: str) -> np.ndarray:
        seeds = range(results["settings"]["seeds"])
        return np.array([results["trainings"][f"{name} {seed}"]["test_auc"] for seed in seeds])

    for name in [*IDEAS, SEARCHED]:
        yield name, aucs(name), aucs(name) - aucs(BASELINE)


def mean_and_error(values: np.ndarray) -> tuple[float, float]:
    return float(values.mean()), float(values.std(ddof=1) / math.sqrt(len(values)))


def draw(results: dict, file: Path) -> None:
    rows = [(name, change) for name, _, change in differences(results) if name != BASELINE]
    figure, axes = plt.subplots(figsize=(9, 0.42 * len(rows) + 1.6), layout="constrained")
    for height, (_, change) in enumerate(reversed(rows)):
        mean, error = mean_and_error(change)
        axes.plot(change, [height] * len(change), "o", ms=4, color=OKABE_ITO[5], alpha=0.8)
        axes.errorbar(mean, height, xerr=error, fmt="D", ms=6, capsize=4, color=OKABE_ITO[0])
    axes.axvline(0, color=NEUTRAL, lw=1)
    axes.set_yticks(range(len(rows)), [name for name, _ in reversed(rows)])
    chosen = results["settings"]
    axes.set(
        xlabel="test ROC AUC minus the baseline's of the same seed\n(dots: seeds; diamonds: mean ± standard error)",
        title=f"More easy things: {results['data']}, {chosen['events']:,} to train on",
    )
    axes.xaxis.label.set_size(10)
    figure.savefig(file, dpi=120)
    plt.close(figure)


def events_in_words(results: dict) -> str:
    """Return what the events are and, of simulated ones, of which simulator; files did not say so up to 1.1."""
    if results["source"] != "simulated":
        return results["data"]
    return f"{results['data']} of simulator {results.get('simulator', '1.1')}"


def report(results: dict) -> str:
    chosen, versions = results["settings"], results["versions"]
    minutes = sum(record["seconds"] for record in results["trainings"].values()) / 60
    best = max(results["trials"], key=lambda trial: trial["valid_auc"])
    found = ", ".join(
        f"{name} {value:.2g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in best["setting"].items()
        if value != getattr(Setting(), name)
    )
    return f"""# More easy things, measured

Events: {events_in_words(results)}, {chosen["events"]:,} for each training and {chosen["test"]:,} to test. Each of the
{chosen["seeds"]} seeds is another start on training events that it shares with no other seed. Given are the mean test
ROC AUC, and the mean of the differences to the baseline of the same seed with its standard error.

```
python benchmarks/easy_things.py --out results/more-easy-things \\
  --events {chosen["events"]} --test {chosen["test"]} --seeds {chosen["seeds"]}
```

{results["machine"]}, shared with other work: {minutes:.0f} minutes of training, and the search.
Python {versions["python"]}, TensorFlow {versions["tensorflow"]}, Keras {versions["keras"]}.
Every training is in `trainings.json`.

Baseline: the network of `adam-3x100`, three layers of 100 units with batch norm, with Adam at 0.001 for 8 epochs, in
batches of 256. Decay is a cosine to zero, the exponential average one over about an epoch's steps. Several networks
are trained on the same events, and their probabilities averaged.

{table(results)}

Differences and errors are in thousandths of an AUC. The cost is the number of multiplications in training, the
baseline's being 1.

![Differences to the baseline](differences.png)

The search: {len(results["trials"])} trials of Optuna on training events of its own, scored on validation events; the
test events are not among them. Optuna's sampler, TPE, draws its first ten at random.
It found: {found} (validation AUC {best["valid_auc"]:.4f}).
"""


def table(results: dict) -> str:
    lines = [
        "| idea | test AUC | difference | standard error | seeds above zero | train AUC | cost |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for name, aucs, change in differences(results):
        mean, error = mean_and_error(change)
        against = [f"{1e3 * mean:+.1f}", f"{1e3 * error:.1f}", f"{sum(change > 0)} of {len(change)}"]
        records = [results["trainings"][f"{name} {seed}"] for seed in range(len(change))]
        train_auc = np.mean([record["train_auc"] for record in records])
        cells = [name, f"{aucs.mean():.4f}", *(["", "", ""] if name == BASELINE else against)]
        lines.append(f"| {' | '.join(cells)} | {train_auc:.4f} | {cost(records[0]['setting']):.1f} |")
    return "\n".join(lines)


def cost(setting: dict) -> float:
    def multiplications(s: Setting) -> float:
        weights = 28 * 100 + (s.num_layers - 1) * 100 * 100 + 100
        return weights * s.epochs * s.members

    return multiplications(Setting(**setting)) / multiplications(Setting())


if __name__ == "__main__":
    main()
