"""Tune the simulation's free parameters against half of a sample of real HIGGS events.

    python benchmarks/tune_simulation.py REAL.csv.gz --out tuned.json

Only the even rows of REAL are used, so that the odd ones can judge the result. As in the tunes of event generators
(A. Buckley et al., "Systematic event generator tuning for the LHC", Eur. Phys. J. C 65, 331 (2010)), the parameters
are fitted to histograms: of the 28 columns, of quantities the columns hold only together (distances between jets,
ratios of their pT, recoil, masses of pairs), of all pairs of the most telling of them, and of the four b-tags. The
bins hold equal shares of the HIGGS events. The fit is SciPy's bounded least squares, inside the plausible ranges of
`higgs_tutorial.physics.parameters`; every evaluation simulates with the same seed.

It moves parameters of the physics; it never reweights or maps a column.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import time
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import least_squares

from higgs_tutorial.physics import features, simulate
from higgs_tutorial.physics.kinematics import wrap
from higgs_tutorial.physics.parameters import Parameters

BINS, PAIR_BINS = 16, 4
EMPHASIS = dict.fromkeys(("dR_bb", "pT_bb", "dR_bb, m_bb near 110", "pT_bb, m_bb near 110"), 6.0)
"""Joint quantities that count more than the others: the b-jets are what tells signal from background."""


def read(path: Path, rows: slice = slice(None)) -> np.ndarray:
    """Rows [n, 29] (label first) of a .npy or a CSV file in HIGGS format."""
    table = np.load(path) if path.suffix == ".npy" else pd.read_csv(path, header=None).to_numpy()
    return table[rows].astype(np.float32)


def joint_quantities(x: np.ndarray) -> dict[str, np.ndarray]:
    """Quantities [n] that depend on several of the 28 columns `x` [n, 28]."""
    low, high = features.to_physical(x[:, :21].astype(float)).T, x[:, 21:].T
    lepton_pt, lepton_eta, lepton_phi, met, met_phi = low[:5]
    pt, eta, phi, tag = (low[5 + value :: 4] for value in range(4))
    out = {}
    for i in range(4):
        out[f"dphi met j{i + 1}"] = np.abs(wrap(phi[i] - met_phi))
        out[f"dR lepton j{i + 1}"] = np.hypot(wrap(phi[i] - lepton_phi), eta[i] - lepton_eta)
        for j in range(i):
            d_eta, d_phi = eta[i] - eta[j], wrap(phi[i] - phi[j])
            out[f"dR j{j + 1} j{i + 1}"] = np.hypot(d_eta, d_phi)
            out[f"m j{j + 1} j{i + 1}"] = np.sqrt(2 * pt[i] * pt[j] * (np.cosh(d_eta) - np.cos(d_phi)))
            out[f"sum eta j{j + 1} j{i + 1}"] = np.abs(eta[i] + eta[j])
    for i in range(3):
        out[f"pT ratio {i + 2}/{i + 1}"] = ratio = np.log(pt[i + 1] / pt[i])
        first, second = tag[i] > 0.5, tag[i + 1] > 0.5
        out[f"pT ratio {i + 2}/{i + 1}, first tagged"] = np.where(first & ~second, ratio, np.nan)
        out[f"pT ratio {i + 2}/{i + 1}, second tagged"] = np.where(second & ~first, ratio, np.nan)
    out["dphi lepton met"] = np.abs(wrap(lepton_phi - met_phi))
    out["transverse mass"] = np.sqrt(2 * lepton_pt * met * (1 - np.cos(lepton_phi - met_phi)))
    out["sum of jet pT"] = pt.sum(axis=0)
    px = met * np.cos(met_phi) + lepton_pt * np.cos(lepton_phi) + (pt * np.cos(phi)).sum(axis=0)
    py = met * np.sin(met_phi) + lepton_pt * np.sin(lepton_phi) + (pt * np.sin(phi)).sum(axis=0)
    out["recoil"] = np.hypot(px, py)
    out["jet pz"] = np.abs((pt * np.sinh(eta)).sum(axis=0))
    out["tagged pT"] = np.where(tag > 0.5, pt, 0).sum(axis=0)
    out |= tagged_pair(x)
    out["m_bb, two tags"] = np.where((tag > 0.5).sum(axis=0) == 2, high[4], np.nan)
    out["m_wwbb / m_wbb"] = high[6] / high[5]
    out["m_jjj / m_jj"] = high[1] / high[0]
    out["m_jlv / m_lv"] = high[3] / high[2]
    for tags in ("one", "two"):
        wanted = (tag > 0.5).sum(axis=0) == (1 if tags == "one" else 2)
        out[f"jet 4 pT, {tags} tags"] = np.where(wanted, pt[3], np.nan)
        out[f"jet 4 eta, {tags} tags"] = np.where(wanted, np.abs(eta[3]), np.nan)
    return out


def tagged_pair(x: np.ndarray) -> dict[str, np.ndarray]:
    """Distance and pT (GeV) of the two tagged jets [n]; nan where fewer are listed."""
    low = features.to_physical(x[:, :21].astype(float)).T
    pt, eta, phi, tag = (low[5 + value :: 4] for value in range(4))
    tagged = tag > 0.5
    every, two = np.arange(len(x)), tagged.sum(axis=0) == 2
    first = np.argmax(tagged, axis=0)
    second = 3 - np.argmax(tagged[::-1], axis=0)
    d_eta, d_phi = eta[first, every] - eta[second, every], wrap(phi[first, every] - phi[second, every])
    px, py = ((pt * f(phi))[[first, second], every].sum(axis=0) for f in (np.cos, np.sin))
    quantities = {"dR_bb": np.hypot(d_eta, d_phi), "pT_bb": np.hypot(px, py)}
    window = two & (np.abs(features.to_physical(x[:, 21:].astype(float))[:, 4] - 110) < 20)
    out = {name: np.where(two, value, np.nan) for name, value in quantities.items()}
    return out | {f"{name}, m_bb near 110": np.where(window, v, np.nan) for name, v in quantities.items()}


def telling(x: np.ndarray, joint: dict[str, np.ndarray]) -> list[np.ndarray]:
    """Quantities [n] of which every pair is histogrammed."""
    columns = [x[:, i] for i in (0, 3, *range(5, 28)) if i not in (7, 11, 15, 19)]  # no azimuths
    columns = [np.abs(v) if i in (3, 7, 10, 13) else v for i, v in enumerate(columns)]
    names = (
        "transverse mass",
        "recoil",
        "dphi lepton met",
        "dphi met j1",
        "dphi met j2",
        "dR j1 j2",
        "dR j2 j3",
    )
    return columns + [joint[name] for name in names]


class Histograms:
    """Histograms of one class, with bins set by the HIGGS events of that class."""

    def __init__(self, real: np.ndarray) -> None:
        joint = joint_quantities(real)
        share = np.linspace(0, 1, BINS + 1)[1:-1]
        self.column_edges = [np.unique(np.quantile(v, share)) for v in real.T]
        self.joint_edges = {name: np.quantile(v[np.isfinite(v)], share) for name, v in joint.items()}
        share = np.linspace(0, 1, PAIR_BINS + 1)[1:-1]
        self.pair_edges = [np.unique(np.quantile(v, share)) for v in telling(real, joint)]
        self.real, n_real = self.fill(real), len(real)
        self.n_real = n_real

    def fill(self, x: np.ndarray) -> np.ndarray:
        """Shares of the events [n, 28] in every bin of every histogram, one after another."""
        joint, n = joint_quantities(x), len(x)
        parts = []
        for v, edges in zip(x.T, self.column_edges, strict=True):
            parts.append(np.bincount(np.searchsorted(edges, v), minlength=len(edges) + 1) / n)
        for name, edges in self.joint_edges.items():
            v = joint[name][np.isfinite(joint[name])]
            parts.append(np.bincount(np.searchsorted(edges, v), minlength=BINS) / n)
        which = [
            (np.searchsorted(edges, v), len(edges) + 1)
            for v, edges in zip(telling(x, joint), self.pair_edges, strict=True)
        ]
        for (i, n_i), (j, n_j) in itertools.combinations(which, 2):
            parts.append(np.bincount(i * n_j + j, minlength=n_i * n_j) / n)
        tag = np.round(features.to_physical(x[:, :21])[:, 8::4]).astype(int)
        parts.append(np.bincount(tag @ 3 ** np.arange(4), minlength=81) / n)
        self.sizes = [len(part) for part in parts]
        return np.concatenate(parts)

    def residuals(self, x: np.ndarray) -> np.ndarray:
        """Differences in every bin in units of their statistical error; each group of histograms counts alike."""
        share = self.fill(x)
        error = np.sqrt((self.real + 1 / self.n_real) * (1 / self.n_real + 1 / len(x)))
        columns, joint = self.sizes[:28], self.sizes[28 : 28 + len(self.joint_edges)]
        n_pairs = len(share) - sum(columns) - sum(joint) - self.sizes[-1]
        emphasis = np.repeat([EMPHASIS.get(name, 1.0) for name in self.joint_edges], joint)
        weight = np.concatenate(
            [
                np.full(sum(columns), 4 / sum(columns)),
                3 * emphasis / emphasis.sum(),
                np.full(n_pairs, 4 / n_pairs),
                np.full(self.sizes[-1], 1 / self.sizes[-1]),
            ]
        )
        return (share - self.real) / error * np.sqrt(weight)


def simulated(parameters: Parameters, label: int, events: int, seed: int) -> np.ndarray:
    """`events` accepted events [events, 28] of one class."""
    rng = np.random.default_rng([seed, label])
    batches, have = [], 0
    while have < events:
        batches.append(simulate.accepted_events(16_384, bool(label), rng, parameters))
        have += len(batches[-1])
    return np.concatenate(batches)[:events].astype(np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("real", type=Path)
    parser.add_argument(
        "--events", type=int, default=12_000, help="simulated events of each class an evaluation"
    )
    parser.add_argument("--steps", type=int, default=6, help="most evaluations of the derivatives")
    parser.add_argument(
        "--difference", type=float, default=0.12, help="step of a derivative, in plausible ranges"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start", type=Path, help="JSON of an earlier result to start from")
    parser.add_argument("--only", help="comma-separated names: tune these only")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()

    table = read(options.real, slice(0, None, 2))
    real = {label: Histograms(table[table[:, 0] == label, 1:]) for label in (0, 1)}
    start = {name: value for name, value, *_ in Parameters.describe()}
    if options.start:
        start |= json.loads(options.start.read_text())["parameters"]
    only = options.only.split(",") if options.only else None
    rows = [row for row in Parameters.describe() if (row[0] in only if only else row[0] != "response")]
    names = [row[0] for row in rows]
    low, high = (np.array([row[i] for row in rows]) for i in (2, 3))
    best, began = [np.inf], time.monotonic()

    def values_at(u: np.ndarray) -> dict[str, float]:
        return start | dict(zip(names, (low + (high - low) * (u - 1)).tolist(), strict=True))

    def residuals(u: np.ndarray) -> np.ndarray:
        values = values_at(u)
        parameters = dataclasses.replace(Parameters(), **values)
        r = np.concatenate(
            [
                real[label].residuals(simulated(parameters, label, options.events, options.seed))
                for label in real
            ]
        )
        chi2 = float(r @ r) / 24
        if chi2 < best[0]:
            best[0] = chi2
            options.out.write_text(json.dumps({"chi2": chi2, "parameters": values}, indent=1))
            print(f"{time.monotonic() - began:6.0f} s  mean squared deviation {chi2:.4f}", flush=True)
        return r

    u0 = 1 + np.clip((np.array([start[name] for name in names]) - low) / (high - low), 0.02, 0.98)
    least_squares(
        residuals,
        u0,
        bounds=(1.0, 2.0),
        diff_step=options.difference / 1.5,
        max_nfev=options.steps,
        ftol=1e-3,
    )


if __name__ == "__main__":
    main()
