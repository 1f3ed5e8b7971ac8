"""Parton-level events: gg -> H0 -> W H+- -> W W h0 (signal) and top pairs (background), both to l nu q q' b b.

Proton-proton collisions at 8 TeV, leading order. Masses of the signal as in P. Baldi et al., arXiv:1402.4735.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from higgs_tutorial.physics.features import W_MASS
from higgs_tutorial.physics.kinematics import Quantiles, boost, inverse, mass, two_body_decay
from higgs_tutorial.physics.parameters import Parameters

COLLISION_ENERGY = 8000.0
HEAVY_HIGGS, CHARGED_HIGGS, LIGHT_HIGGS = 425.0, 325.0, 125.0
TOP, TOP_WIDTH = 173.0, 1.5
W_WIDTH = 2.05
BOTTOM = 4.7
LONGITUDINAL_FRACTION = 0.7
"""Share of longitudinal W bosons in top decays; the others are left-handed (leading order, m_b = 0)."""

QUARK_FALL = 1.5
"""Power of (1 - x1)(1 - x2) that reproduces the rapidities of pairs from a valence and a sea quark."""

PARTONS = ("lepton", "neutrino", "quark_1", "quark_2", "bottom_1", "bottom_2")


def generate_signal(n: int, rng: Generator, parameters: Parameters) -> dict[str, NDArray]:
    """``n`` signal events: four-vectors [4, n] (GeV), in the rest frame of the heavy Higgs boson.

    Keys: PARTONS, and the particles in between ("H0", "H+-", "h0", "W_lepton", "W_quark"), and the hard system's
    "mass" (GeV) and "rapidity" [n].
    """
    heavy = np.full(n, HEAVY_HIGGS)
    system = _at_rest(heavy)
    m_first, m_second = _w_masses(n, rng), _w_masses(n, rng)
    charged, w_first = two_body_decay(system, CHARGED_HIGGS, m_first, _uniform(n, rng), _angle(n, rng))
    light, w_second = two_body_decay(charged, LIGHT_HIGGS, m_second, _uniform(n, rng), _angle(n, rng))
    bottom_1, bottom_2 = two_body_decay(light, BOTTOM, BOTTOM, _uniform(n, rng), _angle(n, rng))
    # The helicity of a W is defined where its parent rests, so each W decays there and is boosted with it.
    first = two_body_decay(w_first, 0.0, 0.0, _cos_longitudinal(n, rng), _angle(n, rng))
    second = _decay_in_frame_of(charged, w_second, _cos_longitudinal(n, rng), _angle(n, rng))
    first_is_leptonic = rng.random(n) < 0.5
    pick = lambda a, b: np.where(first_is_leptonic, a, b)  # noqa: E731
    return {
        "lepton": pick(first[0], second[0]),
        "neutrino": pick(first[1], second[1]),
        "quark_1": pick(second[0], first[0]),
        "quark_2": pick(second[1], first[1]),
        "bottom_1": bottom_1,
        "bottom_2": bottom_2,
        "H0": system,
        "H+-": charged,
        "h0": light,
        "W_lepton": pick(w_first, w_second),
        "W_quark": pick(w_second, w_first),
        "mass": heavy,
        "rapidity": _rapidity((heavy / COLLISION_ENERGY) ** 2, rng, np.full(n, parameters.gluon_fall)),
    }


def generate_background(n: int, rng: Generator, parameters: Parameters) -> dict[str, NDArray]:
    """``n`` top-pair events: four-vectors [4, n] (GeV), in the rest frame of the pair.

    Keys: PARTONS (bottom_1 from the top of the lepton; quark_1 is of the down type), "top_lepton", "top_quark",
    "W_lepton", "W_quark", and the pair's "mass" (GeV) and "rapidity" [n].
    """
    by_quarks = rng.random(n) < parameters.quark_fraction
    from_gluons, from_quarks = _mass_tables(
        parameters.gluon_rise, parameters.gluon_fall, parameters.top_scale
    )
    u = rng.random(n)
    log_tau = np.where(by_quarks, from_quarks(u), from_gluons(u))
    # The tables are of tops of the same mass. What these two weigh more or less is added, so that every pair starts
    # at its own threshold.
    nominal = COLLISION_ENERGY * np.exp(log_tau / 2)
    m_top = _breit_wigner(n, rng, TOP, TOP_WIDTH, 8.0), _breit_wigner(n, rng, TOP, TOP_WIDTH, 8.0)
    pair_mass = nominal + (m_top[0] + m_top[1] - 2 * TOP)
    pair = _at_rest(pair_mass)
    cos_theta = _top_angle(nominal, by_quarks, rng)
    tops = two_body_decay(pair, m_top[0], m_top[1], cos_theta, _angle(n, rng))
    out = {"top_lepton": tops[0], "top_quark": tops[1], "mass": pair_mass}
    for top, bottom, name, children in (
        (tops[0], "bottom_1", "W_lepton", ("lepton", "neutrino")),
        (tops[1], "bottom_2", "W_quark", ("quark_1", "quark_2")),
    ):
        out[name], out[bottom] = two_body_decay(
            top, _w_masses(n, rng), BOTTOM, _uniform(n, rng), _angle(n, rng)
        )
        pair_of = _decay_in_frame_of(top, out[name], _cos_from_top(n, rng), _angle(n, rng))
        out[children[0]], out[children[1]] = pair_of
    out["rapidity"] = _rapidity(
        (pair_mass / COLLISION_ENERGY) ** 2, rng, np.where(by_quarks, QUARK_FALL, parameters.gluon_fall)
    )
    return out


def _decay_in_frame_of(
    parent: NDArray, child: NDArray, cos_theta: NDArray, phi: NDArray
) -> tuple[NDArray, NDArray]:
    """Massless decay of ``child`` with helicity angles defined in the rest frame of its ``parent``."""
    first, _ = two_body_decay(boost(child, inverse(parent)), 0.0, 0.0, cos_theta, phi)
    first = boost(first, parent)
    return first, child - first


def _at_rest(m: NDArray) -> NDArray:
    return np.stack([m, np.zeros_like(m), np.zeros_like(m), np.zeros_like(m)])


def _uniform(n: int, rng: Generator) -> NDArray:
    return 2 * rng.random(n) - 1


def _angle(n: int, rng: Generator) -> NDArray:
    return 2 * np.pi * rng.random(n)


def _cos_longitudinal(n: int, rng: Generator) -> NDArray:
    """Cosines that follow 3/4 (1 - c²): a root of the cumulative distribution's cubic."""
    return 2 * np.sin(np.arcsin(2 * rng.random(n) - 1) / 3)


def _cos_from_top(n: int, rng: Generator) -> NDArray:
    """Cosines of the charged lepton (down-type quark): longitudinal, or left-handed, 3/8 (1 - c)²."""
    left = 1 - 2 * np.cbrt(rng.random(n))
    return np.where(rng.random(n) < LONGITUDINAL_FRACTION, _cos_longitudinal(n, rng), left)


def _breit_wigner(n: int, rng: Generator, m: float, width: float, span: float) -> NDArray:
    """Masses from a Breit-Wigner (Cauchy) distribution, cut ``span`` widths from the middle."""
    edge = np.arctan(2 * span)
    return m + width / 2 * np.tan(edge * _uniform(n, rng))


def _w_masses(n: int, rng: Generator) -> NDArray:
    return _breit_wigner(n, rng, W_MASS, W_WIDTH, 8.0)


def _rapidity(tau: NDArray, rng: Generator, fall: NDArray) -> NDArray:
    """Rapidity of the hard system given τ = x1 x2, by accept-reject from the product of two parton densities."""
    root = np.sqrt(tau)
    limit = -np.log(root)
    y = np.zeros_like(tau)
    todo = np.arange(len(tau))
    while len(todo):
        trial = limit[todo] * _uniform(len(todo), rng)
        r = root[todo]
        weight = ((1 - r * np.exp(trial)) * (1 - r * np.exp(-trial)) / (1 - r) ** 2) ** fall[todo]
        good = rng.random(len(todo)) < weight
        y[todo[good]] = trial[good]
        todo = todo[~good]
    return y


@lru_cache(maxsize=8)
def _mass_tables(rise: float, fall: float, scale: float) -> tuple[Quantiles, Quantiles]:
    """Ln τ of pairs made by gg and by q qbar: luminosity times cross section."""
    log_tau = np.linspace(np.log((2 * TOP / COLLISION_ENERGY) ** 2), np.log(0.15), 600)
    tau = np.exp(log_tau)
    fraction = np.linspace(-1, 1, 401)
    y = -0.5 * log_tau[:, None] * fraction
    x1 = np.minimum(np.sqrt(tau)[:, None] * np.exp(y), 1.0)
    x2 = np.minimum(np.sqrt(tau)[:, None] * np.exp(-y), 1.0)
    gluon = lambda x: x**-rise * (1 - x) ** fall  # noqa: E731
    valence = lambda x: x**0.5 * (1 - x) ** 3.5  # noqa: E731
    sea = lambda x: x**-0.25 * (1 - x) ** 7  # noqa: E731
    cosine = np.linspace(-1, 1, 201)
    running = (COLLISION_ENERGY**2 * tau / 350.0**2) ** (-scale / 2)
    tables = []
    for left, right, by_quarks in ((gluon, gluon, False), (valence, sea, True)):
        luminosity = (left(x1) * right(x2)).mean(axis=1) * -log_tau
        m = COLLISION_ENERGY * np.sqrt(tau)[:, None]
        sigma = _top_matrix_element(m, cosine, by_quarks).mean(axis=1) * _velocity(m)[:, 0] / tau
        density = luminosity * sigma * running
        tables.append(Quantiles(log_tau, density))
    return tuple(tables)


def _velocity(pair_mass: NDArray) -> NDArray:
    return np.sqrt(np.maximum(1 - 4 * TOP**2 / pair_mass**2, 0.0))


def _top_matrix_element(pair_mass: NDArray, cosine: NDArray, by_quarks: bool | NDArray) -> NDArray:
    """Squared matrix elements of gg and q qbar -> t tbar, averaged over colours and spins, without couplings.

    R. K. Ellis, W. J. Stirling, B. R. Webber, QCD and Collider Physics, eq. (10.3) and table 10.2.
    """
    rho = 4 * TOP**2 / pair_mass**2
    change = np.sqrt(np.maximum(1 - rho, 0.0)) * cosine
    t1, t2 = (1 - change) / 2, (1 + change) / 2
    squares = t1 * t1 + t2 * t2
    gluons = (1 / (6 * t1 * t2) - 3 / 8) * (squares + rho - rho * rho / (4 * t1 * t2))
    return np.where(by_quarks, 4 / 9 * (squares + rho / 2), gluons)


def _top_angle(pair_mass: NDArray, by_quarks: NDArray, rng: Generator) -> NDArray:
    """Cosine of the top's production angle, by accept-reject under the value at |cos| = 1."""
    cosine = np.zeros_like(pair_mass)
    ceiling = np.maximum(
        _top_matrix_element(pair_mass, 1.0, by_quarks), _top_matrix_element(pair_mass, 0.0, by_quarks)
    )
    todo = np.arange(len(pair_mass))
    while len(todo):
        trial = _uniform(len(todo), rng)
        weight = _top_matrix_element(pair_mass[todo], trial, by_quarks[todo]) / (1.1 * ceiling[todo])
        good = rng.random(len(todo)) < weight
        cosine[todo[good]] = trial[good]
        todo = todo[~good]
    return cosine


def event_mass(partons: dict[str, NDArray]) -> NDArray:
    """Mass [n] in GeV of the hard system: all six partons together."""
    return mass(sum(partons[name] for name in PARTONS))
