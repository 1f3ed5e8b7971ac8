"""How close are simulated events to HIGGS events? Tables and a picture.

    python benchmarks/fidelity.py REAL.csv.gz

REAL holds rows of HIGGS ("real" here and in the tables, though they are a simulation, too: its authors'). Its even rows
tuned our simulation, so the odd ones judge it. Writes fidelity.md, fidelity.png and fidelity.json (the KS distances,
for notebooks to draw) beside this file, or into --out.

- AUCs of boosted trees, all trained on equally many events and tested on equally many. Real -> real is a
  cross-validation: each third of the judging rows is scored by trees trained on all other rows of REAL. Simulated ->
  real shows whether what is learned on simulated events holds on real ones; simulated -> simulated how hard the
  simulated task is. Simulated -> real once more, trained on half of --events.
- Simulated or real: AUC of trees told to tell them apart within a class (0.5: they can't).
- KS: two-sample Kolmogorov-Smirnov distances of 28 columns and of three quantities that span columns. Their floor is
  the distance between two simulated samples, one of them of the real one's size: less than that nobody can see.
- Correlation: the largest difference between the correlation matrices, and its floor.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import ks_2samp
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tune_simulation import joint_quantities, read

from higgs_tutorial import ladder, plots
from higgs_tutorial.cli.tables import auc_error
from higgs_tutorial.physics import features
from higgs_tutorial.physics.simulate import SIMULATOR_VERSION, simulate

PARTS = {"low-level": slice(0, 21), "high-level": slice(21, 28), "all": slice(0, 28)}
CLASSES = {1: "signal", 0: "background"}
SPANNING = {"dR_bb": "ΔR_bb", "pT_bb": "pT_bb", "recoil": "pT of the system"}
"""Quantities that span columns: distance and pT of the two tagged jets, pT of lepton, missing energy and jets."""
FOLDS = 3

Sample = tuple[np.ndarray, np.ndarray]
"""Columns [n, 28] and labels [n]."""


def sample(events: int, seed: int) -> Sample:
    x, y = simulate(events, seed)
    return x, y.astype(int)


def labelled(table: np.ndarray) -> Sample:
    return table[:, 1:], table[:, 0].astype(int)


def trees() -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(
        max_iter=300, learning_rate=0.05, early_stopping=False, random_state=0
    )


def line() -> object:
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))


def scores(model: object, train: Sample, x: np.ndarray, part: slice = slice(None)) -> np.ndarray:
    return model.fit(train[0][:, part], train[1]).predict_proba(x[:, part])[:, 1]


def with_error(y: np.ndarray, p: np.ndarray) -> str:
    auc = roc_auc_score(y, p)
    return f"{auc:.3f} ± {auc_error(auc, (y == 1).sum(), (y == 0).sum()):.3f}"


def across(make: object, judge: Sample, others: Sample, part: slice = slice(None)) -> np.ndarray:
    """Scores of `judge`, each fold's by a model trained on the other folds and on `others`."""
    out = np.empty(len(judge[1]))
    for train, test in StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(*judge):
        joined = tuple(np.concatenate([a[train], b]) for a, b in zip(judge, others, strict=True))
        out[test] = scores(make(), joined, judge[0][test], part)
    return out


def trained_alike(simulated: Sample, judge: Sample, others: Sample) -> Iterator[tuple[str, str, int, str]]:
    """Rows (columns, what, events to train on, AUC) of the table of AUCs."""
    n = len(judge[1]) * (FOLDS - 1) // FOLDS + len(others[1])
    many, half = len(simulated[1]) // 2, len(simulated[1]) // 2
    (x, y), test = simulated, slice(-len(judge[1]), None)
    few = x[:n], y[:n]
    for name, part in PARTS.items():
        yield f"trees, {name}", "real -> real", n, with_error(judge[1], across(trees, judge, others, part))
        model = trees().fit(few[0][:, part], few[1])
        for what, (x_test, y_test) in (
            ("simulated -> real", judge),
            ("simulated -> simulated", (x[test], y[test])),
        ):
            yield (
                f"trees, {name}",
                what,
                n,
                with_error(y_test, model.predict_proba(x_test[:, part])[:, 1]),
            )
        more = x[:many], y[:many]
        yield (
            f"trees, {name}",
            "simulated -> real",
            many,
            with_error(judge[1], scores(trees(), more, judge[0], part)),
        )
    yield "logistic, all", "real -> real", n, with_error(judge[1], across(line, judge, others))
    yield "logistic, all", "simulated -> simulated", n, with_error(y[half:], scores(line(), few, x[half:]))


def told_apart(a: np.ndarray, b: np.ndarray) -> str:
    """ROC AUC, on a third of the events, of trees trained on the rest to tell `a` from as many of `b`."""
    m = min(len(a), len(b))
    x, y = np.concatenate([a[:m], b[:m]]), np.repeat([0, 1], m)
    order = np.random.default_rng(1).permutation(2 * m)
    x, y, cut = x[order], y[order], 2 * m * 2 // 3
    return with_error(y[cut:], scores(trees(), (x[:cut], y[:cut]), x[cut:]))


def quantities(x: np.ndarray) -> dict[str, np.ndarray]:
    """The 28 columns and the three quantities that span them, each without what it isn't defined for."""
    joint = joint_quantities(x)
    spanning = {name: joint[key][np.isfinite(joint[key])] for key, name in SPANNING.items()}
    return dict(zip(features.COLUMNS, x.T, strict=True)) | spanning


def distances(a: np.ndarray, b: np.ndarray) -> dict[str, float]:
    """KS distance of every quantity."""
    a, b = quantities(a), quantities(b)
    return {name: float(ks_2samp(a[name], b[name]).statistic) for name in a}


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(np.corrcoef(a.T) - np.corrcoef(b.T)).max())


def shares(x: np.ndarray) -> dict[str, np.ndarray]:
    """What the columns' distances hide: yes or no [m] of events, or a value [m] to be averaged."""
    physical, q = features.to_physical(x.astype(float)).T, joint_quantities(x)
    two = np.isfinite(q["dR_bb"])
    return {
        "of two tags, ΔR_bb from 1.0 to 1.5": (q["dR_bb"][two] > 1.0) & (q["dR_bb"][two] < 1.5),
        "mean pT_bb (GeV), 90 < m_bb < 130": q["pT_bb"][two & (np.abs(physical[25] - 110) < 20)],
        "of jet 1 above 200 GeV, abs η > 1.6": np.abs(physical[6][physical[5] > 200]) > 1.6,
        "jet 1 from 350 to 400 GeV": (physical[5] > 350) & (physical[5] < 400),
        "lepton from 15 to 20 GeV": physical[0] < 20,
    }


def mean_with_error(values: np.ndarray) -> str:
    values = values.astype(float)
    return f"{values.mean():.4g} ± {values.std() / np.sqrt(max(len(values), 1)):.2g}"


def of(events: Sample, k: int) -> np.ndarray:
    """The columns of the events of one class."""
    return events[0][events[1] == k]


def far_and_least(simulated: Sample, judge: Sample, floor: dict[int, np.ndarray]) -> tuple[dict, dict]:
    """KS distances of each class, from the HIGGS events and from other simulated ones."""
    far = {k: distances(of(simulated, k), of(judge, k)) for k in CLASSES}
    return far, {k: distances(of(simulated, k), floor[k]) for k in CLASSES}


def floor_of(judge: Sample, seed: int) -> dict[int, np.ndarray]:
    """Other simulated events of each class, as many as the real ones."""
    again = sample(2 * len(judge[1]) + 1000, seed + 1)
    return {k: of(again, k)[: len(of(judge, k))] for k in CLASSES}


def record(simulated: Sample, judge: Sample, seed: int, rows: str) -> dict:
    """The KS distances of the columns and their floor, for a notebook to draw."""
    far, least = far_and_least(simulated, judge, floor_of(judge, seed))

    def columns(found: dict) -> dict[str, dict[str, float]]:
        return {
            label: {name: round(found[k][name], 6) for name in features.COLUMNS}
            for k, label in CLASSES.items()
        }

    return {
        "about": "Kolmogorov-Smirnov distances of simulated from HIGGS events, and of simulated from simulated ones",
        "command": "python benchmarks/fidelity.py REAL.csv.gz",
        "source": "simulated",
        "data": "simulated events",
        "versions": ladder.versions(),
        "simulator": SIMULATOR_VERSION,
        "seed": seed,
        "events": {"simulated": len(simulated[1]), "HIGGS": len(judge[1])},
        "rows": rows,
        "distance": columns(far),
        "floor": columns(least),
    }


def mean_of(found: dict) -> float:
    """The mean over the 28 columns and both classes."""
    return float(np.mean([found[k][name] for k in CLASSES for name in features.COLUMNS]))


def tables(simulated: Sample, judge: Sample, others: Sample, seed: int) -> list[str]:
    """The lines of all tables."""
    floor = floor_of(judge, seed)
    far, least = far_and_least(simulated, judge, floor)
    lines = ["| columns | trained -> tested on | events trained on | AUC |", "|---|---|---|---|"]
    lines += [
        f"| {columns} | {what} | {n:,} | {auc} |"
        for columns, what, n, auc in trained_alike(simulated, judge, others)
    ]
    lines += ["", "| within a class | signal | background |", "|---|---|---|"]
    told = " | ".join(told_apart(of(simulated, k), of(judge, k)) for k in CLASSES)
    lines += [f"| simulated or real, AUC | {told} |"]
    for name, b in (("correlation, largest difference", judge), ("the same, floor", None)):
        values = (correlation(of(simulated, k), floor[k] if b is None else of(b, k)) for k in CLASSES)
        lines += [f"| {name} | {' | '.join(f'{v:.3f}' for v in values)} |"]
    real, ours = ({k: shares(of(s, k)) for k in CLASSES} for s in (judge, simulated))
    lines += ["", "| share, or mean | class | real | simulated |", "|---|---|---|---|"]
    for name in real[1]:
        for k, label in CLASSES.items():
            values = mean_with_error(real[k][name]), mean_with_error(ours[k][name])
            lines += [f"| {name} | {label} | {' | '.join(values)} |"]
    lines += ["", "| KS distance | signal | floor | background | floor |", "|---|---|---|---|---|"]
    both = (
        f"| mean of the 28 columns and both classes: {mean_of(far):.4f}, floor {mean_of(least):.4f} | | | | |"
    )
    lines += [both]
    for name in far[1]:
        cells = (f"{d[k][name]:.3f}" for k in CLASSES for d in (far, least))
        lines += [f"| {name} | {' | '.join(cells)} |"]
    return lines


def draw(xs: np.ndarray, ys: np.ndarray, xr: np.ndarray, yr: np.ndarray) -> plt.Figure:
    """All 28 columns in physical units: HIGGS events filled, simulated ones as a line, one colour a class."""
    xs, xr = (features.to_physical(x.astype(np.float64)) for x in (xs, xr))
    with plots.style():
        figure, axes = plt.subplots(7, 4, figsize=(13, 17), layout="constrained")
        for i, (name, ax) in enumerate(zip(features.COLUMNS, axes.flat, strict=True)):
            low, high = np.quantile(
                xr[:, i], [0.0, 0.99 if i in (0, 3) or i > 20 or name.endswith("pt") else 1.0]
            )
            bins = np.arange(-0.5, 3) if name.endswith("b-tag") else np.linspace(low, high, 41)
            for k, colour in ((1, plots.SIGNAL), (0, plots.BACKGROUND)):
                ax.hist(
                    xr[yr == k, i], bins, density=True, color=colour, alpha=0.3, label=f"real {CLASSES[k]}"
                )
                ax.hist(
                    xs[ys == k, i],
                    bins,
                    density=True,
                    histtype="step",
                    color=colour,
                    linewidth=1.5,
                    label=f"simulated {CLASSES[k]}",
                )
            unit = " [GeV]" if i in (0, 3) or i > 20 or name.endswith("pt") else ""
            ax.set_xlabel(name.replace("_magnitude", "") + (" [rad]" if name.endswith("phi") else unit))
            ax.set_yticks([])
        figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=4)
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("real", type=Path)
    parser.add_argument("--rows", choices=("odd", "even"), default="odd", help="which rows of REAL judge")
    parser.add_argument("--events", type=int, default=160_000, help="simulated events; half of them train")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    options = parser.parse_args()
    halves = {name: labelled(read(options.real, slice(i, None, 2))) for i, name in enumerate(("even", "odd"))}
    judge = halves.pop(options.rows)
    simulated = sample(options.events, options.seed)
    draw(*simulated, *judge).savefig(options.out / "fidelity.png", dpi=70)
    text = "\n".join(
        [
            "# Simulated against HIGGS events",
            "",
            f"`python benchmarks/fidelity.py REAL.csv.gz`: {options.events:,} simulated events (simulator "
            f"{SIMULATOR_VERSION}, seed {options.seed}) against {len(judge[1]):,} of HIGGS ({options.rows} rows of a "
            "sample; its even rows tuned the simulation). What each figure means is said in the script.",
            "",
            *tables(simulated, judge, *halves.values(), options.seed),
            "",
            "![28 columns, simulated and real](fidelity.png)",
            "",
        ]
    )
    (options.out / "fidelity.md").write_text(text)
    found = record(simulated, judge, options.seed, options.rows)
    (options.out / "fidelity.json").write_text(json.dumps(found, indent=1) + "\n")
    print(text)


if __name__ == "__main__":
    main()
