"""Baldi et al.'s two tables and the learning curves at a size that a notebook cannot afford.

    python benchmarks/paper_tables.py --out results/paper-tables

writes `tables.json` after each training and, at the end, `README.md` and two pictures. Run again, it goes on
where it stopped. Trainings of a table differ in their events and in their start. All are measured on the same
test events; the cut behind a significance is chosen on validation events and applied to the test events once.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Iterator
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

from higgs_tutorial import HiggsClassifier, ladder, load, talk
from higgs_tutorial.data.simulated import events_for
from higgs_tutorial.physics.significance import best_cut, significance_at
from higgs_tutorial.physics.simulate import SIMULATOR_VERSION
from higgs_tutorial.plots import OKABE_ITO, style

COLUMNS = {"low": slice(0, 21), "high": slice(21, 28), "complete": slice(0, 28)}
FEW = 100_000


def batch_size(events: int) -> int:
    return int(np.clip(events // 64, 128, 2048))


METHODS = {
    "BDT": lambda seed, events: HistGradientBoostingClassifier(
        learning_rate=0.2,
        max_iter=500,
        max_leaf_nodes=63,
        early_stopping=True,
        n_iter_no_change=15,
        random_state=seed,
    ),
    "NN": lambda seed, events: network(seed, events, num_layers=1),
    "DN": lambda seed, events: network(seed, events, num_layers=5, keep_prob=0.8 if events < FEW else 1.0),
}
SETTINGS = f"""BDT: scikit-learn's histogram trees of 63 leaves, learning rate 0.2, at most 500 of them and no more than
help on a tenth of the training events. NN: one hidden layer of 200 units. DN: five of 200, with 20% dropout where
there are fewer than {FEW:,} events. Both networks: batch norm, Adam at 0.01 falling on a cosine, 15 epochs, batches
of a 64th of the events, but at least 128 and at most 2,048."""
CURVES = (("BDT", "high"), ("BDT", "low"), ("BDT", "complete"), ("DN", "low"), ("DN", "complete"))
PAPER = "P. Baldi, P. Sadowski, D. Whiteson, arXiv:1402.4735"


def network(seed: int, events: int, **shape) -> HiggsClassifier:
    how = {"learning_rate": 0.01, "schedule": "cosine", "epochs": 15, "batch_size": batch_size(events)}
    return HiggsClassifier(size=200, random_state=seed, **how, **shape)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--events", type=int, default=500_000, help="events of each training of the tables")
    parser.add_argument("--largest", type=int, default=4_096_000, help="most events of the learning curves")
    parser.add_argument("--test", type=int, default=300_000, help="validation events, and test events")
    parser.add_argument("--seeds", type=int, default=5, help="trainings of each kind in the tables")
    options = parser.parse_args()
    used = max(options.seeds * options.events, options.largest)
    higgs = load(events=events_for(used + 2 * options.test))
    x, y = np.asarray(higgs.train.x), np.asarray(higgs.train.y)
    held_out = slice(used, used + options.test), slice(used + options.test, used + 2 * options.test)
    file = options.out / "tables.json"
    results = json.loads(file.read_text()) if file.exists() else header(higgs, options)
    if results["settings"] != settings(options):
        raise SystemExit(f"{file} was made with {results['settings']}: give these, or choose another folder")
    for key, method, columns, events, seed in plan(results["settings"]):
        if key not in results["trainings"]:
            classifier = METHODS[method](seed, events.stop - events.start)
            record = measure(classifier, x[:, COLUMNS[columns]], y, events, held_out)
            results["trainings"][key] = record
            ladder.write_json(file, results)
            print(key, f"AUC {record['auc']:.4f}, Z {record['significance']:.2f}", flush=True)
    (options.out / "README.md").write_text(report(results), encoding="utf-8")
    with style():
        draw_tables(results, options.out / "tables.png")
        draw_curves(results, options.out / "curves.png")


def plan(chosen: dict) -> Iterator[tuple[str, str, str, slice, int]]:
    """Yield every training: its name, method, columns, events and seed."""
    for seed in range(chosen["seeds"]):
        events = slice(seed * chosen["events"], (seed + 1) * chosen["events"])
        for method in METHODS:
            for columns in COLUMNS:
                yield f"table {method} {columns} {seed}", method, columns, events, seed
    for size in sizes(chosen):
        for method, columns in CURVES:
            yield f"curve {method} {columns} {size}", method, columns, slice(0, size), 0


def sizes(chosen: dict) -> list[int]:
    return [1_000 * 4**i for i in range(20) if 1_000 * 4**i <= chosen["largest"]]


def settings(options: argparse.Namespace) -> dict:
    return {name: getattr(options, name) for name in ("events", "largest", "test", "seeds")}


def header(higgs, options: argparse.Namespace) -> dict:
    return {
        "source": higgs.source,
        "data": higgs.data,
        **({"simulator": SIMULATOR_VERSION} if higgs.source == "simulated" else {}),
        "settings": settings(options),
        "machine": f"{os.cpu_count()} CPU cores, {platform.machine()}, {platform.system()}",
        "versions": ladder.versions(),
        "trainings": {},
    }


def measure(classifier, x, y, events: slice, held_out: tuple[slice, slice]) -> dict:
    valid, test = held_out
    start = time.perf_counter()
    classifier.fit(x[events], y[events])
    seconds = time.perf_counter() - start
    p_train, p_valid, p_test = (classifier.predict_proba(x[part])[:, 1] for part in (events, valid, test))
    cut = significance_at(best_cut(y[valid], p_valid).threshold, y[test], p_test)
    return {
        "auc": float(roc_auc_score(y[test], p_test)),
        "train_auc": float(roc_auc_score(y[events], p_train)),
        "significance": cut.significance,
        "significance_error": cut.error,
        "signal_efficiency": cut.signal_efficiency,
        "background_efficiency": cut.background_efficiency,
        "seconds": round(seconds, 2),
    }


def table(results: dict, quantity: str) -> dict[tuple[str, str], tuple[float, float]]:
    """Return mean and standard deviation over the seeds, by method and columns."""
    trainings, seeds = results["trainings"], range(results["settings"]["seeds"])
    values = {
        (m, c): [trainings[f"table {m} {c} {seed}"][quantity] for seed in seeds]
        for m in METHODS
        for c in COLUMNS
    }
    return {key: (float(np.mean(v)), float(np.std(v, ddof=1))) for key, v in values.items()}


def curve(results: dict, method: str, columns: str) -> list[float]:
    return [
        results["trainings"][f"curve {method} {columns} {size}"]["auc"] for size in sizes(results["settings"])
    ]


def draw_tables(results: dict, file: Path) -> None:
    ours = table(results, "auc")
    paper = {(m, c): talk.AUC_TABLE[m][c] for m, c in ours}
    here = f"{results['settings']['events']:,} {results['source']} events"
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.8), sharey=True, layout="constrained")
    for axis, title, values in ((axes[0], here, ours), (axes[1], "Baldi et al.: HIGGS", paper)):
        for i, method in enumerate(METHODS):
            mean, spread = np.array([values[method, c] for c in COLUMNS]).T
            places = np.arange(3) + 0.12 * (i - 1)
            axis.errorbar(places, mean, spread, fmt="o", capsize=3, color=OKABE_ITO[2 + i], label=method)
        axis.set_xticks(range(3), [f"{c}\ncolumns" for c in COLUMNS])
        axis.set_title(title, fontsize=11)
    axes[0].set_ylabel("test ROC AUC")
    axes[0].legend(loc="upper left")
    figure.savefig(file, dpi=110)
    plt.close(figure)


def draw_curves(results: dict, file: Path) -> None:
    figure, axis = plt.subplots(layout="constrained")
    for method, columns in CURVES:
        line = {"high": "--", "low": "-", "complete": ":"}[columns]
        color = OKABE_ITO[2 + list(METHODS).index(method)]
        label = f"{method}, {columns} columns"
        auc = curve(results, method, columns)
        axis.plot(sizes(results["settings"]), auc, line, marker="o", color=color, label=label)
    axis.set(xscale="log", xlabel="events to train on", ylabel="test ROC AUC")
    axis.set_title(f"Learning curves on {results['source']} events")
    axis.legend(loc="lower right")
    figure.savefig(file, dpi=110)
    plt.close(figure)


def events_in_words(results: dict) -> str:
    """Return what the events are and, of simulated ones, of which simulator."""
    if results["source"] != "simulated":
        return results["data"]
    return f"{results['data']} of simulator {results['simulator']}"


def report(results: dict) -> str:
    chosen, versions = results["settings"], results["versions"]
    auc, z = table(results, "auc"), table(results, "significance")
    options = " ".join(f"--{name} {value}" for name, value in chosen.items())
    minutes = sum(record["seconds"] for record in results["trainings"].values()) / 60
    error = max(record["significance_error"] for record in results["trainings"].values())
    z_paper = {m: {c: f"{v:.1f}" for c, v in row.items()} for m, row in talk.SIGNIFICANCE_TABLE.items()}
    auc_paper = {
        m: {c: "{:.3f} ({:.3f})".format(*v) for c, v in row.items()} for m, row in talk.AUC_TABLE.items()
    }
    rows = zip(sizes(chosen), *(curve(results, *key) for key in CURVES), strict=True)
    return f"""# The paper's tables, rebuilt

Events: {events_in_words(results)}. {chosen["events"]:,} for each training, {chosen["test"]:,} to choose the cut on and
{chosen["test"]:,} to test. Given are the mean of {chosen["seeds"]} trainings that share no event and, in
brackets, their standard deviation, beside the numbers of {PAPER}, which are of
millions of HIGGS events.

```
python benchmarks/paper_tables.py --out results/paper-tables {options}
```

{results["machine"]}, shared with other work: {minutes:.0f} minutes of training. Python {versions["python"]},
TensorFlow {versions["tensorflow"]}, scikit-learn {versions["scikit-learn"]}. Every training is in `tables.json`.

{SETTINGS}

## ROC AUC

{markdown(auc, "{:.4f} ({:.4f})", auc_paper)}

![The AUCs beside the paper's](tables.png)

## Expected significance, 100 signal and 1000 ± 50 background events before the cut

{markdown(z, "{:.2f} ({:.2f})", z_paper)}

The limited number of test events adds an error of at most {error:.2f} to the significance of one training.

## Learning curves: ROC AUC, one training each

| events | {" | ".join(f"{m}, {c}" for m, c in CURVES)} |
|---:|{"---:|" * len(CURVES)}
{chr(10).join(f"| {n:,} | " + " | ".join(f"{v:.4f}" for v in values) + " |" for n, *values in rows)}

![AUC against the number of training events](curves.png)

## Compared with the paper

{closing(results, auc)}
"""


def markdown(ours: dict, form: str, paper: dict) -> str:
    lines = ["| | " + " | ".join([*COLUMNS, *(f"paper, {c}" for c in COLUMNS)]) + " |", "|---|" + "---:|" * 6]
    for m in METHODS:
        cells = [form.format(*ours[m, c]) for c in COLUMNS] + [paper.get(m, {}).get(c, "") for c in COLUMNS]
        lines.append(f"| {m} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def closing(results: dict, auc: dict) -> str:
    """Say which of the paper's findings these numbers show: differences beside their spread and the paper's."""
    lines = ["| AUC of … | minus AUC of … | here | spread | paper |", "|---|---|---:|---:|---:|"]
    pairs = (
        (("BDT", "high"), ("BDT", "low")),
        (("BDT", "complete"), ("BDT", "high")),
        (("DN", "high"), ("NN", "high")),
        (("DN", "complete"), ("NN", "complete")),
        (("DN", "low"), ("BDT", "low")),
        (("DN", "complete"), ("BDT", "complete")),
        (("DN", "complete"), ("DN", "low")),
        (("DN", "low"), ("BDT", "high")),
    )
    agree = []
    for a, b in pairs:
        here, paper = auc[a][0] - auc[b][0], talk.AUC_TABLE[a[0]][a[1]][0] - talk.AUC_TABLE[b[0]][b[1]][0]
        spread = float(np.hypot(auc[a][1], auc[b][1]))
        agree.append(here * paper > 0)
        lines.append(f"| {' '.join(a)} | {' '.join(b)} | {here:+.3f} | {spread:.3f} | {paper:+.3f} |")
    sentence = f"{sum(agree)} of {len(agree)} differences have the paper's sign."
    return "\n".join([*lines, "", sentence, *overtaking(results)])


def overtaking(results: dict) -> list[str]:
    """Say how far the deep network on low-level columns is from the trees that are given the high-level ones."""
    gap = np.subtract(curve(results, "DN", "low"), curve(results, "BDT", "high"))
    numbers = sizes(results["settings"])
    behind = [size for size, ahead in zip(numbers, gap, strict=True) if ahead <= 0]
    where = "On low-level columns the deep network is"
    if not behind:
        return [f"{where} ahead of the trees with high-level columns at every number of events."]
    lines = [f"{where} {-gap[0]:.3f} behind the trees with high-level columns after {numbers[0]:,} events"]
    if behind[-1] == numbers[-1]:
        return [
            *lines,
            f"and {-gap[-1]:.3f} after {numbers[-1]:,}; in the paper, with some ten million, it is ahead.",
        ]
    first = numbers[numbers.index(behind[-1]) + 1]
    return [
        *lines,
        f"and {gap[-1]:.3f} ahead after {numbers[-1]:,}; from {first:,} on it is ahead, as in the paper.",
    ]


if __name__ == "__main__":
    main()
