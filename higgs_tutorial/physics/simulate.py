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

SIMULATOR_VERSION = "1.1"
"""Changes whenever the rows of a seed change."""

SIGNAL_FRACTION = 0.53
CHUNK = 16_384
"""Rows that share one random generator: the unit of work, and of memory."""
BATCH = 32_768
"""Most parton-level events generated at once."""


def simulate(events: int, seed: int = 0, *, workers: int | None = None) -> tuple[NDArray, NDArray]:
    """Simulated events: `x` [events, 28] float32 in HIGGS units and `y` [events] float32, 1 for signal.

    53% are signal, in random order. The first rows of a larger request with the same seed are the rows of a
    smaller one. `workers` is the number of threads (default: one per processor).

    Raises ValueError if `events` or `seed` is not a whole number or negative, or `workers` not positive.

    Example:
        >>> import numpy as np
        >>> from higgs_tutorial import simulate
        >>> x, y = simulate(1_000, seed=1)
        >>> x.shape, y.shape, sorted(set(y.tolist()))
        ((1000, 28), (1000,), [0.0, 1.0])
        >>> np.array_equal(simulate(10, seed=1)[0], x[:10])
        True
    """
    out = np.empty((_whole(events, "events"), 29), np.float32)
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
    seed = _whole(seed, "seed")
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
        filled, generated = 0, 0
        while filled < len(places):
            acceptance = filled / generated if filled else 0.2
            n = int(np.clip(1.02 * (len(places) - filled) / acceptance, 1024, BATCH))
            x = accepted_events(n, signal, rng, parameters)[: len(places) - filled]
            out[places[filled : filled + len(x)], 1:] = x
            filled += len(x)
            generated += n
    return out


def accepted_events(n: int, signal: bool, rng: Generator, parameters: Parameters) -> NDArray:
    """The events among `n` generated ones of one class that the selection keeps: [m, 28] in HIGGS units."""
    make = generator.generate_signal if signal else generator.generate_background
    return columns(detector.measure(make(n, rng, parameters), rng, parameters, signal))


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


def example_events(events: int, signal: bool, seed: int = 0) -> tuple[dict[str, NDArray], dict[str, NDArray]]:
    """A few selected events as they were and as they were measured, for pictures.

    Returns (partons, measured). `partons` has the four-vectors [4, events] = (E, px, py, pz) in GeV, in the
    laboratory, of `generator.PARTONS`: lepton, neutrino, quark_1, quark_2, bottom_1 and bottom_2. `measured` has
    what the detector lists of the same events, in GeV, η and radians: "lepton_pt", "lepton_eta", "lepton_phi",
    "missing_pt", "missing_phi" [events]; "jet_pt", "jet_eta", "jet_phi", "jet_tag" [8, events], where a jet that
    is absent has pT 0 and a tag is 0 (none), 1 (loose) or 2 (tight).

    Raises ValueError if `events` or `seed` is not a whole number or negative.
    """
    events, seed = _whole(events, "events"), _whole(seed, "seed")
    rng, parameters = np.random.default_rng([seed, int(signal)]), Parameters()
    make = generator.generate_signal if signal else generator.generate_background
    n = 256 + 16 * events
    while True:
        measured = detector.measure(make(n, rng, parameters), rng, parameters, signal, keep_partons=True)
        if measured["lepton_pt"].size >= events:
            partons = measured.pop("partons")
            return (
                {name: p[:, :events] for name, p in partons.items()},
                {name: value[..., :events] for name, value in measured.items() if name != "event"},
            )


def _whole(value: int, name: str) -> int:
    if int(value) != value or value < 0:
        raise ValueError(f"{name} must be a whole number and not negative, not {value}")
    return int(value)
