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
MAX_JETS = 6
LIGHT, CHARM, BOTTOM_FLAVOUR = 0, 1, 2
ISR_PT = 8.0
MAX_ISR = 5


def radiate(
    partons: dict[str, NDArray], rng: Generator, parameters: Parameters, mean: float
) -> tuple[dict[str, NDArray], NDArray, NDArray, NDArray, NDArray]:
    """Give the hard system its rapidity and its recoil against initial-state gluons.

    Returns the six PARTONS in the laboratory, and pT, η and φ [MAX_ISR, n] of the gluons, and the unlisted
    recoil (x, y) [2, n].
    """
    n = len(partons["rapidity"])
    count = np.minimum(rng.poisson(mean, n), MAX_ISR)
    present = np.arange(MAX_ISR)[:, None] < count
    power = 1 - parameters.isr_slope
    u = rng.random((MAX_ISR, n))
    top = (300.0 / ISR_PT) ** power
    pt = np.where(present, ISR_PT * (1 - u * (1 - top)) ** (1 / power), 0.0)
    phi = np.pi * (2 * rng.random((MAX_ISR, n)) - 1)
    eta = partons["rapidity"] + parameters.isr_width * rng.standard_normal((MAX_ISR, n))
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
    return {name: boost(partons[name], system) for name in PARTONS}, pt, eta, phi, soft


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
    pt: NDArray, eta: NDArray, phi: NDArray, flavour: NDArray, rng: Generator, parameters: Parameters
) -> None:
    """Merge, in place, pairs of partons [k, n] closer than the jet radius: pT-weighted centre, heavier flavour."""
    for i in range(len(pt)):
        for j in range(i + 1, len(pt)):
            distance = np.square(eta[i] - eta[j]) + np.square(wrap(phi[i] - phi[j]))
            rows = np.flatnonzero((distance < 1.0) & (pt[i] > 0) & (pt[j] > 0))
            if not len(rows):
                continue
            radius = parameters.merge_radius + parameters.merge_spread * rng.standard_normal(len(rows))
            rows = rows[distance[rows] < radius * np.abs(radius)]
            total = pt[i, rows] + pt[j, rows]
            share = pt[j, rows] / total
            eta[i, rows] += share * (eta[j, rows] - eta[i, rows])
            phi[i, rows] = wrap(phi[i, rows] + share * wrap(phi[j, rows] - phi[i, rows]))
            pt[i, rows], pt[j, rows] = total, 0.0
            flavour[i, rows] = np.maximum(flavour[i, rows], flavour[j, rows])


def measure(
    partons: dict[str, NDArray], rng: Generator, parameters: Parameters, mean_isr: float
) -> dict[str, NDArray]:
    """Detector-level events of those parton-level ones that the selection keeps.

    Returns m <= n events: "lepton_pt", "lepton_eta", "lepton_phi", "missing_pt", "missing_phi" [m]; "jet_pt",
    "jet_eta", "jet_phi", "jet_tag" [MAX_JETS, m] (tag 0, 1 loose, 2 tight), in the order of the file; and
    "event" [m], the index of the parton-level event.
    """
    lab, isr_pt, isr_eta, isr_phi, soft = radiate(partons, rng, parameters, mean_isr)
    lepton_pt = transverse_momentum(lab["lepton"])
    lepton_eta = pseudorapidity(lab["lepton"])
    quarks = ("bottom_1", "bottom_2", "quark_1", "quark_2")
    q_eta = np.stack([pseudorapidity(lab[name]) for name in quarks])
    keep = (lepton_pt > LEPTON_PT) & (np.abs(lepton_eta) < LEPTON_ETA)
    keep &= (np.abs(q_eta) < JET_ETA + 0.5).sum(axis=0) >= 2
    event = np.flatnonzero(keep)
    n = len(event)
    lepton_pt, lepton_eta, lepton_phi = lepton_pt[event], lepton_eta[event], azimuth(lab["lepton"][:, event])
    q_pt = np.stack([transverse_momentum(lab[name][:, event]) for name in quarks])
    q_phi = np.stack([azimuth(lab[name][:, event]) for name in quarks])
    q_eta = q_eta[:, event]
    pt, eta, phi = split(q_pt, q_eta, q_phi, rng, parameters)
    flavour = np.zeros((8 + MAX_ISR, n), np.int8)
    flavour[:2] = BOTTOM_FLAVOUR
    flavour[2] = np.where(rng.random(n) < 0.5, CHARM, LIGHT)
    pt = np.concatenate([pt, isr_pt[:, event]])
    eta = np.concatenate([eta, isr_eta[:, event]])
    phi = np.concatenate([phi, isr_phi[:, event]])
    merge(pt, eta, phi, flavour, rng, parameters)

    # Keep the leading candidates only: what is softer can't be listed, but still counts as missing.
    order = np.argsort(-pt, axis=0)[: MAX_JETS + 2]
    pt, eta, phi, flavour = (np.take_along_axis(v, order, axis=0) for v in (pt, eta, phi, flavour))
    is_b = flavour == BOTTOM_FLAVOUR
    measured = pt * _response(pt, is_b, rng, parameters)
    eta = eta + parameters.angle * rng.standard_normal(pt.shape)
    phi = wrap(phi + parameters.angle * rng.standard_normal(pt.shape))

    excess = parameters.met_share * (measured - pt)
    nu = lab["neutrino"][:, event]
    noise = parameters.met_noise * rng.standard_normal((2, n))
    missing_x = nu[1] - (excess * np.cos(phi)).sum(axis=0) + noise[0]
    missing_y = nu[2] - (excess * np.sin(phi)).sum(axis=0) + noise[1]

    listed = (measured > JET_PT) & (np.abs(eta) < JET_ETA)
    tag = _tags(pt, eta, flavour, rng, parameters) * listed
    d2 = np.square(eta - lepton_eta) + np.square(wrap(phi - lepton_phi))
    near = (listed & (d2 < ISOLATION**2)).any(axis=0)
    keep = (listed.sum(axis=0) >= 4) & ((tag > 0).sum(axis=0) == 2) & ~near
    rows = np.flatnonzero(keep)
    order = np.argsort(~listed[:, rows], axis=0, kind="stable")[:MAX_JETS]
    pick = lambda v: np.take_along_axis(v[:, rows], order, axis=0)  # noqa: E731
    present = pick(listed)
    return {
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


def _response(pt: NDArray, is_b: NDArray, rng: Generator, parameters: Parameters) -> NDArray:
    """Listed pT over the pT that decided the order."""
    spread = np.sqrt(parameters.noise**2 / np.maximum(pt, 5.0) + parameters.constant**2)
    g = rng.standard_normal(pt.shape)
    middle = parameters.response * np.where(is_b, parameters.response_b, 1.0)
    gauss = np.maximum(1 + spread * g, 0.05)
    factor = (
        gauss
        if parameters.skew == 0
        else gauss ** (1 - parameters.skew) * np.exp(spread * parameters.skew * g)
    )
    lost = (rng.random(pt.shape) < parameters.semileptonic) & is_b
    escape = np.minimum(rng.exponential(parameters.escape, pt.shape), 0.9)
    return middle * factor * np.where(lost, 1 - escape, 1.0)


def _tags(pt: NDArray, eta: NDArray, flavour: NDArray, rng: Generator, parameters: Parameters) -> NDArray:
    """b-tags [k, n]: 0, 1 (loose only) or 2 (tight)."""
    central = (parameters.tag_eta_end - np.abs(eta)) / (parameters.tag_eta_end - parameters.tag_eta)
    rate = parameters.tag_plateau * np.clip(central, 0.0, 1.0) * pt / (pt + parameters.tag_turn_on)
    rate *= np.array([parameters.tag_light, parameters.tag_charm, 1.0])[flavour]
    tagged = rng.random(pt.shape) < rate
    return np.where(tagged, np.where(rng.random(pt.shape) < parameters.loose, 1, 2), 0)
