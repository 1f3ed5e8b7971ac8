"""How close are simulated events to real ones? A table and a picture.

    python benchmarks/fidelity.py REAL.csv.gz

REAL holds real rows in HIGGS format. Its even rows tuned the simulation, so by default the odd ones judge it.
Writes fidelity.md and fidelity.png beside this file (or into --out). Figures of the table:

- KS: mean two-sample Kolmogorov-Smirnov distance over 28 columns and both classes (0 is perfect);
- simulated -> real: ROC AUC on real rows of boosted trees trained on 40,000 simulated ones, which shows whether
  what is learned on simulated events holds on real ones; real -> real is the same with half of the real rows;
- simulated or real: ROC AUC of trees told to tell them apart within a class (0.5: they can't);
- correlation: the largest difference between the correlation matrices.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.stats import ks_2samp
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from higgs_tutorial import plots
from higgs_tutorial.physics import features
from higgs_tutorial.physics.simulate import SIMULATOR_VERSION, simulate

PARTS = {"low-level": slice(0, 21), "high-level": slice(21, 28), "all": slice(0, 28)}
CLASSES = {1: "signal", 0: "background"}
ROWS = {"odd": slice(1, None, 2), "even": slice(0, None, 2), "all": slice(None)}
TRAINED_ON = 40_000


def read(path: Path, rows: slice) -> tuple[np.ndarray, np.ndarray]:
    """Real rows: x [n, 28], y [n]."""
    table = np.load(path) if path.suffix == ".npy" else pd.read_csv(path, header=None).to_numpy()
    table = table[rows].astype(np.float32)
    return table[:, 1:], table[:, 0].astype(int)


def trees() -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(
        max_iter=300, learning_rate=0.05, early_stopping=False, random_state=0
    )


def line() -> object:
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))


def trained_auc(model: object, x: np.ndarray, y: np.ndarray, x_test: np.ndarray, y_test: np.ndarray) -> float:
    return roc_auc_score(y_test, model.fit(x, y).predict_proba(x_test)[:, 1])


def score(xs: np.ndarray, ys: np.ndarray, xr: np.ndarray, yr: np.ndarray) -> dict[str, float]:
    """The figures, by name, of simulated (xs, ys) against real events (xr, yr), both in random order."""
    n, half = min(TRAINED_ON, len(xs) // 2), len(xr) // 2
    out = {}
    out["KS, mean"] = np.mean(
        [ks_2samp(xs[ys == k, i], xr[yr == k, i]).statistic for i in range(28) for k in CLASSES]
    )
    for name, part in PARTS.items():
        model = trees().fit(xs[:n, part], ys[:n])
        out[f"simulated -> real, {name}"] = roc_auc_score(yr, model.predict_proba(xr[:, part])[:, 1])
        out[f"simulated -> simulated, {name}"] = roc_auc_score(
            ys[n:], model.predict_proba(xs[n:, part])[:, 1]
        )
        out[f"real -> real, {name}"] = trained_auc(
            trees(), xr[:half, part], yr[:half], xr[half:, part], yr[half:]
        )
    out["logistic, simulated -> simulated"] = trained_auc(line(), xs[:n], ys[:n], xs[n:], ys[n:])
    out["logistic, real -> real"] = trained_auc(line(), xr[:half], yr[:half], xr[half:], yr[half:])
    for k, name in CLASSES.items():
        a, b = xs[ys == k], xr[yr == k]
        out[f"simulated or real, {name}"] = told_apart(a, b)
        out[f"correlation, {name}"] = np.abs(np.corrcoef(a.T) - np.corrcoef(b.T)).max()
    return {name: float(value) for name, value in out.items()}


def told_apart(a: np.ndarray, b: np.ndarray) -> float:
    """ROC AUC, on a third of the events, of trees trained on the rest to tell `a` from as many of `b`."""
    m = min(len(a), len(b))
    x, y = np.concatenate([a[:m], b[:m]]), np.repeat([0, 1], m)
    order = np.random.default_rng(1).permutation(2 * m)
    x, y, cut = x[order], y[order], 2 * m * 2 // 3
    return trained_auc(trees(), x[:cut], y[:cut], x[cut:], y[cut:])


def draw(xs: np.ndarray, ys: np.ndarray, xr: np.ndarray, yr: np.ndarray) -> plt.Figure:
    """All 28 columns in physical units: real events filled, simulated ones as a line, one colour a class."""
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
    parser.add_argument("--rows", choices=ROWS, default="odd", help="which rows of REAL to judge by")
    parser.add_argument("--events", type=int, default=80_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    options = parser.parse_args()
    xr, yr = read(options.real, ROWS[options.rows])
    xs, ys = simulate(options.events, options.seed)
    ys = ys.astype(int)
    draw(xs, ys, xr, yr).savefig(options.out / "fidelity.png", dpi=70)
    rows = [f"| {name} | {value:.3f} |" for name, value in score(xs, ys, xr, yr).items()]
    text = "\n".join(
        [
            "# Simulated against real events",
            "",
            f"`python benchmarks/fidelity.py REAL.csv.gz`: {len(xs):,} simulated events (simulator "
            f"{SIMULATOR_VERSION}, seed {options.seed}) against {len(xr):,} real ones ({options.rows} rows of "
            "the sample; the even rows tuned the simulation). What each figure means is said in the script.",
            "",
            "| figure | value |",
            "|---|---|",
            *rows,
            "",
            "![28 columns, simulated and real](fidelity.png)",
            "",
        ]
    )
    (options.out / "fidelity.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
