"""From partons to what a detector lists: radiation, jets, smearing, b-tags and the selection seen in the file.

Arrays of jets are [k, n]: jet, event. An absent jet has pT 0.
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from higgs_tutorial.physics.generator import PARTONS, event_mass
from higgs_tutorial.physics.kinematics import (
    azimuth,
    boost,
    pseudorapidity,
    transverse_momentum,
    wrap,
)
from higgs_tutorial.physics.parameters import Parameters

JET_PT, JET_ETA = 15.0, 3.0
LEPTON_PT, LEPTON_ETA = 15.0, 2.5
ISOLATION = 0.4
"""No jet closer to the lepton than this, in (η, φ)."""
MAX_JETS = 8
LIGHT, CHARM, BOTTOM = 0, 1, 2
QUARKS = ("bottom_1", "bottom_2", "quark_1", "quark_2")
ISR_PT = 8.0
MAX_ISR = 5
TAIL = 2.0
"""How much worse than the others a badly measured jet is."""


def radiate(
    partons: dict[str, NDArray], rng: Generator, parameters: Parameters, signal: bool
) -> tuple[dict[str, NDArray], NDArray, NDArray, NDArray]:
    """Give the hard system its rapidity and its recoil against initial-state gluons.

    Returns the six PARTONS in the laboratory, and pT, η and φ [MAX_ISR, n] of the gluons.
    """
    n = len(partons["rapidity"])
    mean, slope, width = parameters.radiation(signal)
    count = np.minimum(rng.poisson(mean, n), MAX_ISR)
    present = np.arange(MAX_ISR)[:, None] < count
    power = 1 - slope
    top = (parameters.isr_end / ISR_PT) ** power
    pt = np.zeros((MAX_ISR, n))
    pt[present] = ISR_PT * (1 - rng.random(count.sum()) * (1 - top)) ** (1 / power)
    phi = np.pi * (2 * rng.random((MAX_ISR, n)) - 1)
    eta = partons["rapidity"] + width * (2 * rng.random((MAX_ISR, n)) - 1)
    soft = parameters.recoil * rng.standard_normal((2, n))
    px = -(pt * np.cos(phi)).sum(axis=0) - soft[0]
    py = -(pt * np.sin(phi)).sum(axis=0) - soft[1]
    m = event_mass(partons)
    transverse_mass = np.sqrt(m * m + px * px + py * py)
    system = np.stack(
        [
            transverse_mass * np.cosh(partons["rapidity"]),
            px,
            py,
            transverse_mass * np.sinh(partons["rapidity"]),
        ]
    )
    return {name: boost(partons[name], system) for name in PARTONS}, pt, eta, phi


def split(
    pt: NDArray, eta: NDArray, phi: NDArray, rng: Generator, parameters: Parameters
) -> tuple[NDArray, NDArray, NDArray]:
    """Final-state radiation: each of the quarks [k, n] may lose one wide gluon. Returns [2k, n] arrays.

    The gluon's share of the pT follows 1/z and its distance in (η, φ) 1/ΔR, as in the soft and collinear limit
    of QCD; the centre of the pT stays where it was.
    """
    shape = pt.shape
    radiates = rng.random(shape) < parameters.fsr
    z = parameters.fsr_soft ** rng.random(shape) * 0.5
    distance = 0.4 * (parameters.fsr_wide / 0.4) ** rng.random(shape)
    direction = 2 * np.pi * rng.random(shape)
    z = np.where(radiates, z, 0.0)
    d_eta, d_phi = distance * np.cos(direction), distance * np.sin(direction)
    return (
        np.concatenate([pt * (1 - z), pt * z]),
        np.concatenate([eta - z * d_eta, eta + (1 - z) * d_eta]),
        np.concatenate([phi - z * d_phi, phi + (1 - z) * d_phi]),
    )


def merge(
    pt: NDArray,
    eta: NDArray,
    phi: NDArray,
    tag: NDArray,
    is_b: NDArray,
    rng: Generator,
    parameters: Parameters,
) -> None:
    """Merge, in place, pairs of partons [k, n] closer than the jet radius: pT-weighted centre, either's tag."""
    first, second = np.triu_indices(len(pt), 1)
    # Absent partons are put far away; single precision is enough to tell what is close.
    at, turn = (
        np.where(pt > 0, eta, 100.0 * np.arange(1, len(pt) + 1)[:, None]).astype(np.float32),
        phi.astype(np.float32),
    )
    d_eta, d_phi = at[first] - at[second], np.abs(turn[first] - turn[second])
    d_phi = np.minimum(d_phi, np.float32(2 * np.pi) - d_phi)
    distance = d_eta * d_eta + d_phi * d_phi  # [pair, event], squared
    pair, event = np.nonzero(distance < parameters.merge_radius**2)
    radius = parameters.merge_radius - parameters.merge_spread * rng.random(len(pair)) ** 2
    merges = distance[pair, event] < radius * radius
    pair, event = pair[merges], event[merges]
    starts = np.searchsorted(pair, np.arange(len(first) + 1))
    for i, j, start, end in zip(first, second, starts[:-1], starts[1:], strict=True):
        rows = event[start:end]
        rows = rows[(pt[i, rows] > 0) & (pt[j, rows] > 0)]
        if len(rows):
            total = pt[i, rows] + pt[j, rows]
            share = pt[j, rows] / total
            eta[i, rows] += share * (eta[j, rows] - eta[i, rows])
            phi[i, rows] = wrap(phi[i, rows] + share * wrap(phi[j, rows] - phi[i, rows]))
            pt[i, rows], pt[j, rows] = total, 0.0
            tag[i, rows] = np.maximum(tag[i, rows], tag[j, rows])
            is_b[i, rows] |= is_b[j, rows]
            tag[j, rows] = 0


def measure(
    partons: dict[str, NDArray],
    rng: Generator,
    parameters: Parameters,
    signal: bool,
    keep_partons: bool = False,
) -> dict[str, NDArray]:
    """Detector-level events of those parton-level ones that the selection keeps.

    Returns m <= n events: "lepton_pt", "lepton_eta", "lepton_phi", "missing_pt", "missing_phi" [m]; "jet_pt",
    "jet_eta", "jet_phi", "jet_tag" [MAX_JETS, m] (tag 0, 1 loose, 2 tight), in the order of the file; and
    "event" [m], the index of the parton-level event. With `keep_partons` also "partons": the PARTONS' four-vectors
    [4, m] in the laboratory.
    """
    lab, isr_pt, isr_eta, isr_phi = radiate(partons, rng, parameters, signal)
    lepton_pt = transverse_momentum(lab["lepton"])
    lepton_eta = pseudorapidity(lab["lepton"])
    event = np.flatnonzero((lepton_pt > LEPTON_PT) & (np.abs(lepton_eta) < LEPTON_ETA))
    quarks = np.stack([lab[name][:, event] for name in QUARKS], axis=1)  # [4, quark, event]
    pt, eta = transverse_momentum(quarks), pseudorapidity(quarks)
    pt, eta = np.concatenate([pt, isr_pt[:, event]]), np.concatenate([eta, isr_eta[:, event]])
    flavour = np.zeros(pt.shape, np.int8)
    flavour[:2] = BOTTOM
    flavour[2] = np.where(rng.random(len(event)) < 0.5, CHARM, LIGHT)
    rows, tag = tag_two(tag_probability(pt, eta, flavour, parameters), rng, parameters)
    event = event[rows]
    pt, eta, flavour = pt[:, rows], eta[:, rows], flavour[:, rows]
    phi = np.concatenate([azimuth(quarks[:, :, rows]), isr_phi[:, event]])

    n = len(event)
    split_pt, split_eta, split_phi = split(pt[:4], eta[:4], phi[:4], rng, parameters)
    pt = np.concatenate([split_pt, pt[4:]])
    eta = np.concatenate([split_eta, eta[4:]])
    phi = np.concatenate([split_phi, phi[4:]])
    zero = np.zeros((4, n), np.int8)
    tag = np.concatenate([tag[:4], zero, tag[4:]])
    is_b = np.concatenate([flavour[:4], zero, flavour[4:]]) == BOTTOM
    merge(pt, eta, phi, tag, is_b, rng, parameters)

    caught = pt * np.maximum(1 - parameters.leak * rng.standard_exponential(pt.shape), 0.2)
    visible = caught * (1 - _escaping(pt.shape, rng, parameters) * is_b)
    key = visible * np.exp(parameters.order_noise * rng.standard_normal(pt.shape))
    key *= np.where(is_b, parameters.order_b, 1.0)
    order = np.argsort(-key, axis=0)[:MAX_JETS]
    caught, visible, eta, phi, tag, is_b = (
        np.take_along_axis(v, order, axis=0) for v in (caught, visible, eta, phi, tag, is_b)
    )
    measured = visible * _response(visible, is_b, rng, parameters)
    eta = eta + parameters.angle * rng.standard_normal(eta.shape)
    phi = wrap(phi + parameters.angle * rng.standard_normal(eta.shape))

    lepton_phi = azimuth(lab["lepton"][:, event])
    lepton_pt, lepton_eta = lepton_pt[event], lepton_eta[event]
    excess = parameters.met_share * (measured - visible) + (visible - caught)
    nu = lab["neutrino"][:, event]
    noise = np.sqrt(parameters.met_noise**2 + parameters.met_stochastic**2 * caught.sum(axis=0))
    missing_x = nu[1] - (excess * np.cos(phi)).sum(axis=0) + noise * rng.standard_normal(n)
    missing_y = nu[2] - (excess * np.sin(phi)).sum(axis=0) + noise * rng.standard_normal(n)

    listed = (measured > JET_PT) & (np.abs(eta) < JET_ETA)
    d2 = np.square(eta - lepton_eta) + np.square(wrap(phi - lepton_phi))
    closest = np.where(listed, d2, np.inf).min(axis=0)
    near = (closest < ISOLATION**2) | (
        (closest < parameters.merge_radius**2) & (rng.random(n) < parameters.isolation)
    )
    keep = (listed.sum(axis=0) >= 4) & (((tag > 0) & listed).sum(axis=0) == 2) & ~near
    rows = np.flatnonzero(keep)
    order = np.argsort(~listed[:, rows], axis=0, kind="stable")
    pick = lambda v: np.take_along_axis(v[:, rows], order, axis=0)  # noqa: E731
    present = pick(listed)
    kept = {"partons": {name: p[:, event[rows]] for name, p in lab.items()}} if keep_partons else {}
    return kept | {
        "lepton_pt": lepton_pt[rows],
        "lepton_eta": lepton_eta[rows],
        "lepton_phi": lepton_phi[rows],
        "missing_pt": np.hypot(missing_x[rows], missing_y[rows]),
        "missing_phi": np.arctan2(missing_y[rows], missing_x[rows]),
        "jet_pt": np.where(present, pick(measured), 0.0),
        "jet_eta": np.where(present, pick(eta), 0.0),
        "jet_phi": np.where(present, pick(phi), 0.0),
        "jet_tag": np.where(present, pick(tag), 0),
        "event": event[rows],
    }


def _escaping(shape: tuple[int, ...], rng: Generator, parameters: Parameters) -> NDArray:
    """Share of a b-jet's pT that neutrinos and muons of semileptonic decays carry away."""
    decays = rng.random(shape) < parameters.semileptonic
    return np.where(decays, np.minimum(rng.exponential(parameters.escape, shape), 0.9), 0.0)


def _response(pt: NDArray, is_b: NDArray, rng: Generator, parameters: Parameters) -> NDArray:
    """Listed pT over the visible pT: soft jets lose more; a stochastic and a constant term; a share of bad jets."""
    pt = np.maximum(pt, 5.0)
    spread = np.sqrt(parameters.noise**2 / pt + parameters.constant**2)
    spread = np.where(rng.random(pt.shape) < parameters.tail, TAIL * spread, spread)
    middle = parameters.response * np.where(is_b, parameters.response_b, 1.0)
    middle *= 1 - np.where(is_b, parameters.loss_b, parameters.loss) / pt
    return middle * np.maximum(1 + spread * rng.standard_normal(pt.shape), 0.05)


def tag_probability(pt: NDArray, eta: NDArray, flavour: NDArray, parameters: Parameters) -> NDArray:
    """Chance [k, n] that the jet of a parton is b-tagged: flavour, pT turn-on, and the tracker's reach in η."""
    central = (parameters.tag_eta_end - np.abs(eta)) / (parameters.tag_eta_end - parameters.tag_eta)
    rate = parameters.tag_plateau * np.clip(central, 0.0, 1.0) * pt / (pt + parameters.tag_turn_on)
    return rate * np.array([parameters.tag_light, parameters.tag_charm, 1.0])[flavour]


def tag_two(probability: NDArray, rng: Generator, parameters: Parameters) -> tuple[NDArray, NDArray]:
    """Keep the events in which exactly two partons [k, n] are tagged: their rows [m], and the tags [k, m].

    Events are kept in proportion to the probability of exactly two tags, the largest of which is reached by two
    b-jets on the plateau; the pair is then drawn from the pairs' odds. This gives the same events as drawing
    every tag, in a fraction of the time.
    """
    odds = probability / (1 - probability)
    exactly_two = np.prod(1 - probability, axis=0) * (odds.sum(axis=0) ** 2 - (odds * odds).sum(axis=0)) / 2
    rows = np.flatnonzero(rng.random(probability.shape[1]) * 1.1 * parameters.tag_plateau**2 < exactly_two)
    odds = odds[:, rows]
    # The first of the pair: chance ~ o_i (sum of the others); the second: ~ o_j among the others.
    k, n = odds.shape
    first = _draw(odds * (odds.sum(axis=0) - odds), rng)
    every = np.arange(n)
    odds[first, every] = 0.0
    second = _draw(odds, rng)
    tag = np.zeros((k, n), np.int8)
    for chosen in (first, second):
        tag[chosen, every] = np.where(rng.random(n) < parameters.loose, 1, 2)
    return rows, tag


def _draw(weight: NDArray, rng: Generator) -> NDArray:
    """One index [n] out of k, with chances in proportion to `weight` [k, n]."""
    total = np.cumsum(weight, axis=0)
    return (total < rng.random(weight.shape[1]) * total[-1]).sum(axis=0)
