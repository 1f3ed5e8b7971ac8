"""HIGGS-like events in any number: the same seed gives the same rows, whatever the number of workers.

On another kind of processor NumPy's functions round the last bit otherwise, and about one row in a hundred is another
event (benchmarks/processors.md).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from higgs_tutorial.physics import detector, features, generator
from higgs_tutorial.physics.parameters import Parameters

SIMULATOR_VERSION = "2.0"
"""Changes whenever the rows of a seed change."""

SIGNAL_FRACTION = 0.53
CHUNK = 16_384
"""Rows that share one random generator: the unit of work, and of memory."""
BATCH = 16_384
"""Most parton-level events generated at once: few enough for a processor's cache."""
HOPELESS = 1_000_000
"""Events of which one must pass the selection."""


TRUTH = np.dtype(
    [(name, np.float32, 4) for name in generator.PARTONS]
    + [(f"jet_{value}", np.float32, detector.MAX_JETS) for value in ("pt", "eta", "phi", "mass")]
    + [("jet_tag", np.int8, detector.MAX_JETS), ("jet_origin", np.int16, detector.MAX_JETS)]
)
"""What the columns of an event don't tell: see `simulate`."""


def simulate(
    events: int,
    seed: int = 0,
    *,
    workers: int | None = None,
    parameters: Parameters | Mapping[str, float] | None = None,
    truth: bool = False,
) -> tuple[NDArray, ...]:
    """Return simulated events: ``x`` ``[events, 28]`` in HIGGS units and ``y`` ``[events]`` (1: signal), both float32.

    53% are signal, in random order. The first rows of a larger request with the same seed are the rows of a
    smaller one. ``workers`` is the number of threads (default: one per processor). The same seed gives the same rows
    on the same kind of processor; on another they are rounded otherwise, and a few are other events.

    ``parameters`` are those of `higgs_tutorial.physics.parameters` that shall differ, by name: a systematic variation.

    With ``truth`` there is a third array ``[events]``, of the fields of ``TRUTH``. ``lepton``, ``neutrino``,
    ``quark_1``, ``quark_2``, ``bottom_1`` and ``bottom_2`` are four-vectors (E, px, py, pz) in GeV, a quark's with all
    that its jet and its gluon carry away. ``jet_pt``, ``jet_eta``, ``jet_phi``, ``jet_mass``, ``jet_tag`` and
    ``jet_origin`` have up to eight jets in the order of the file, the fifth and those beyond included; an absent jet
    has pT 0. ``jet_origin`` says what the jet came from, a bit for each of ``detector.SOURCES``.

    Raises:
        ValueError: if ``events`` or ``seed`` is not a whole number or negative, ``workers`` not positive, or a
            parameter unknown or not possible.

    Example:
        >>> import numpy as np
        >>> from higgs_tutorial import simulate
        >>> x, y = simulate(1_000, seed=1)
        >>> x.shape, y.shape, sorted(set(y.tolist()))
        ((1000, 28), (1000,), [0.0, 1.0])
        >>> np.array_equal(simulate(10, seed=1)[0], x[:10])
        True

        A jet energy scale 5% higher, and which jets hold a b-quark:

        >>> up, _ = simulate(1_000, seed=1, parameters={"response": 1.05})
        >>> from higgs_tutorial.physics import detector
        >>> x, y, truth = simulate(1_000, seed=1, truth=True)
        >>> with_b = (truth["jet_origin"] & detector.FROM_BOTTOM) > 0  # [1000, 8]
        >>> bool(with_b.sum(axis=1).max() <= 2)
        True
    """
    out = np.empty((_whole(events, "events"), 29), np.float32)
    known = np.empty(len(out), TRUTH) if truth else None
    simulate_into(out, seed, workers=workers, parameters=parameters, truth=known)
    return (out[:, 1:], out[:, 0].copy(), *([known] if truth else []))


def simulate_into(
    out: NDArray,
    seed: int = 0,
    *,
    workers: int | None = None,
    on_chunk: Callable[[int], None] | None = None,
    parameters: Parameters | Mapping[str, float] | None = None,
    truth: NDArray | None = None,
) -> None:
    """Fill ``out`` ``[events, 29]`` float32 (label first, then the 28 columns), which may be a memory map.

    ``on_chunk`` is called, in the calling thread, with the number of rows that were just filled. Memory is bounded
    by the chunks under way. ``parameters`` as in `simulate`; ``truth`` ``[events]``, of type ``TRUTH``, is filled, too.

    Raises:
        ValueError: if an array has another shape or type, ``workers`` is not positive, or a parameter is not possible.
    """
    if out.ndim != 2 or out.shape[1] != 29 or out.dtype != np.float32:
        raise ValueError(f"simulate_into fills a float32 array [events, 29], not {out.dtype} {out.shape}")
    if truth is not None and (truth.dtype != TRUTH or truth.shape != out.shape[:1]):
        raise ValueError(
            f"truth must be an array [{len(out)}] of type TRUTH, not {truth.dtype} {truth.shape}"
        )
    seed = _whole(seed, "seed")
    workers = (os.cpu_count() or 1) if workers is None else workers
    if workers < 1:
        raise ValueError(f"workers must be at least 1, not {workers}")
    parameters = Parameters.of(parameters)
    starts = range(0, len(out), CHUNK)

    def fill(start: int) -> int:
        rows = out[start : start + CHUNK]
        known = None if truth is None else np.empty(CHUNK, TRUTH)
        rows[...] = simulate_chunk(seed, start // CHUNK, parameters, truth=known)[: len(rows)]
        if truth is not None:
            truth[start : start + CHUNK] = known[: len(rows)]
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


def simulate_chunk(
    seed: int,
    index: int,
    parameters: Parameters | None = None,
    rows: int = CHUNK,
    truth: NDArray | None = None,
) -> NDArray:
    """Chunk number ``index`` of ``seed``: [rows, 29] float32, label first; fills ``truth`` [rows] if it is given."""
    rng = np.random.Generator(np.random.SFC64(np.random.SeedSequence([seed, index])))
    parameters = parameters or Parameters()
    out = np.empty((rows, 29), np.float32)
    label = rng.random(rows) < SIGNAL_FRACTION
    out[:, 0] = label
    for signal in (True, False):
        places = np.flatnonzero(label == signal)
        filled, generated = 0, 0
        while filled < len(places):
            acceptance = max(filled, 1) / generated if generated else 0.235
            n = int(np.clip(1.02 * (len(places) - filled) / acceptance, 1024, BATCH))
            measured = _measured(n, signal, rng, parameters)
            if filled == 0 and len(measured.event) == 0 and generated > HOPELESS:
                raise ValueError(f"none of {generated:,} events passes the selection with these parameters")
            where = places[filled : filled + len(measured.event)]
            out[where, 1:] = columns(measured)[: len(where)]
            if truth is not None:
                truth[where] = true_values(measured)[: len(where)]
            filled += len(where)
            generated += n
    return out


def _measured(n: int, signal: bool, rng: Generator, parameters: Parameters) -> detector.Measured:
    make = generator.generate_signal if signal else generator.generate_background
    return detector.measure(make(n, rng, parameters), rng, parameters, signal)


def accepted_events(n: int, signal: bool, rng: Generator, parameters: Parameters) -> NDArray:
    """The events among ``n`` generated ones of one class that the selection keeps: [m, 28] in HIGGS units."""
    return columns(_measured(n, signal, rng, parameters))


def true_values(measured: detector.Measured) -> NDArray:
    """Partons and all jets of detector-level events: [m], of type TRUTH."""
    out = np.empty(len(measured.event), TRUTH)
    for name, p in measured.partons.items():
        out[name] = p.T
    for name, value in vars(measured.jets).items():
        out[f"jet_{name}"] = value.T
    return out


def columns(measured: detector.Measured) -> NDArray:
    """Detector-level events as the 28 columns [m, 28], in HIGGS units.

    Momenta are rounded to 0.01 GeV and angles to 0.001, as in the file.
    """
    lepton = (
        np.round(measured.lepton_pt, 2),
        np.round(measured.lepton_eta, 3),
        np.round(measured.lepton_phi, 3),
    )
    missing, found = (measured.missing_pt, measured.missing_phi), measured.jets
    jets = np.round(found.pt, 2), np.round(found.eta, 3), np.round(found.phi, 3)
    masses = features.invariant_masses(*lepton, *missing, *jets, found.tag > 0)
    listed = np.stack([*jets, found.tag])[:, :4]  # [value, jet, event]
    low = np.concatenate([np.stack([*lepton, *missing]), listed.transpose(1, 0, 2).reshape(16, -1)])
    return features.to_higgs_units(np.concatenate([low, masses]).T)


def example_events(events: int, signal: bool, seed: int = 0) -> tuple[dict[str, NDArray], dict[str, NDArray]]:
    """Return a few selected events of one class as they were and as they were measured, for pictures.

    Returns (partons, measured). ``partons`` has the four-vectors [4, events] = (E, px, py, pz) in GeV, in the
    laboratory, of ``generator.PARTONS``: lepton, neutrino, quark_1, quark_2, bottom_1 and bottom_2. ``measured`` has
    what the detector lists of the same events, in GeV, η and radians: "lepton_pt", "lepton_eta", "lepton_phi",
    "missing_pt", "missing_phi" [events]; "jet_pt", "jet_eta", "jet_phi", "jet_mass", "jet_tag", "jet_origin"
    [8, events], where a jet that is absent has pT 0 and a tag is 0 (none), 1 (loose) or 2 (tight).

    Raises:
        ValueError: if ``events`` or ``seed`` is not a whole number or negative.
    """
    events, seed = _whole(events, "events"), _whole(seed, "seed")
    rng, n = np.random.default_rng([seed, int(signal)]), 256 + 16 * events
    while True:
        found = _measured(n, signal, rng, Parameters())
        if len(found.event) >= events:
            lists = {name: getattr(found, name) for name in LISTED}
            lists |= {f"jet_{name}": value for name, value in vars(found.jets).items()}
            return (
                {name: p[:, :events] for name, p in found.partons.items()},
                {name: value[..., :events] for name, value in lists.items()},
            )


LISTED = ("lepton_pt", "lepton_eta", "lepton_phi", "missing_pt", "missing_phi")


def _whole(value: int, name: str) -> int:
    if int(value) != value or value < 0:
        raise ValueError(f"{name} must be a whole number and not negative, not {value}")
    return int(value)
