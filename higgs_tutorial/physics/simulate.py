"""HIGGS-like events in any number: the same seed gives the same rows, whatever the number of workers."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from higgs_tutorial.physics import detector, features, generator
from higgs_tutorial.physics.parameters import Parameters

SIMULATOR_VERSION = "0.1"
"""Changes whenever the rows of a seed change."""

SIGNAL_FRACTION = 0.53
CHUNK = 16_384
"""Rows that share one random generator: the unit of work, and of memory."""
BATCH = 65_536
"""Parton-level events generated at once."""


def simulate(events: int, seed: int = 0, *, workers: int | None = None) -> tuple[NDArray, NDArray]:
    """Simulated events: `x` [events, 28] float32 in HIGGS units and `y` [events] float32, 1 for signal.

    53% are signal, in random order. The first rows of a larger request with the same seed are the rows of a
    smaller one. `workers` is the number of threads (default: one per processor).

    Raises ValueError if `events` is negative or `workers` not positive.
    """
    out = np.empty((_count(events), 29), np.float32)
    simulate_into(out, seed, workers=workers)
    return out[:, 1:], out[:, 0].copy()


def simulate_into(
    out: NDArray,
    seed: int = 0,
    *,
    workers: int | None = None,
    on_chunk: Callable[[int], None] | None = None,
) -> None:
    """Fill `out` [events, 29] float32 (label first, then the 28 columns), which may be a memory map.

    `on_chunk` is called, in the calling thread, with the number of rows that were just filled. Memory is bounded
    by the chunks under way. Raises ValueError if `out` has another shape or type, or `workers` is not positive.
    """
    if out.ndim != 2 or out.shape[1] != 29 or out.dtype != np.float32:
        raise ValueError(f"simulate_into fills a float32 array [events, 29], not {out.dtype} {out.shape}")
    workers = (os.cpu_count() or 1) if workers is None else workers
    if workers < 1:
        raise ValueError(f"workers must be at least 1, not {workers}")
    starts = range(0, len(out), CHUNK)

    def fill(start: int) -> int:
        rows = out[start : start + CHUNK]
        rows[...] = simulate_chunk(seed, start // CHUNK)[: len(rows)]
        return len(rows)

    if workers == 1 or len(starts) <= 1:
        for start in starts:
            done = fill(start)
            if on_chunk:
                on_chunk(done)
        return
    with ThreadPoolExecutor(min(workers, len(starts))) as pool:
        try:
            for done in pool.map(fill, starts):
                if on_chunk:
                    on_chunk(done)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def simulate_chunk(seed: int, index: int, parameters: Parameters | None = None, rows: int = CHUNK) -> NDArray:
    """Chunk number `index` of `seed`: [rows, 29] float32, label first."""
    rng = np.random.Generator(np.random.SFC64(np.random.SeedSequence([seed, index])))
    parameters = parameters or Parameters()
    out = np.empty((rows, 29), np.float32)
    label = rng.random(rows) < SIGNAL_FRACTION
    out[:, 0] = label
    for signal in (True, False):
        places = np.flatnonzero(label == signal)
        filled = 0
        while filled < len(places):
            x = accepted_events(BATCH, signal, rng, parameters)[: len(places) - filled]
            out[places[filled : filled + len(x)], 1:] = x
            filled += len(x)
    return out


def accepted_events(n: int, signal: bool, rng: Generator, parameters: Parameters) -> NDArray:
    """The events among `n` generated ones of one class that the selection keeps: [m, 28] in HIGGS units."""
    if signal:
        partons = generator.generate_signal(n, rng, parameters)
        measured = detector.measure(partons, rng, parameters, parameters.isr_signal)
    else:
        partons = generator.generate_background(n, rng, parameters)
        measured = detector.measure(partons, rng, parameters, parameters.isr_background)
    return columns(measured)


def columns(measured: dict[str, NDArray]) -> NDArray:
    """Detector-level events (see `detector.measure`) as the 28 columns [m, 28], in HIGGS units.

    Momenta are rounded to 0.01 GeV and angles to 0.001, as in the file.
    """
    lepton = (
        np.round(measured["lepton_pt"], 2),
        *(np.round(measured[f"lepton_{v}"], 3) for v in ("eta", "phi")),
    )
    missing = measured["missing_pt"], measured["missing_phi"]
    jets = np.round(measured["jet_pt"], 2), *(np.round(measured[f"jet_{v}"], 3) for v in ("eta", "phi"))
    tag = measured["jet_tag"]
    masses = features.invariant_masses(*lepton, *missing, *jets, tag > 0)
    listed = np.stack([*jets, tag])[:, :4]  # [value, jet, event]
    low = np.concatenate([np.stack([*lepton, *missing]), listed.transpose(1, 0, 2).reshape(16, -1)])
    return features.to_higgs_units(np.concatenate([low, masses]).T)


def _count(events: int) -> int:
    if events < 0:
        raise ValueError(f"events must not be negative, not {events}")
    return int(events)
