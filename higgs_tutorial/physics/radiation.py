"""Gluons: those that the incoming partons radiate, and those that the quarks of the decays radiate.

Both follow the pattern of every parton shower (Review of Particle Physics, "Monte Carlo event generators"): many soft
gluons and few hard ones. Four-momentum is conserved exactly: what radiates recoils.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from higgs_tutorial.physics.generator import COLLISION_ENERGY, PARTONS
from higgs_tutorial.physics.kinematics import (
    Quantiles,
    boost,
    decay_momentum,
    inverse,
    mass,
    transport,
    two_body_decay,
)
from higgs_tutorial.physics.parameters import InitialState, Parameters

ISR_PT = 8.0
"""Initial-state gluons below this pT (GeV) are not counted one by one: they are the soft recoil."""
MAX_ISR = 5
NARROWEST = 0.5
"""Least half-width in η of initial-state radiation around the system."""
FSR_NEAREST = 0.4
"""Final-state gluons closer than this (radians) stay in their quark's jet, where they are part of its mass."""


@dataclass
class Gluons:
    """Initial-state gluons of n events: pT (GeV), η and φ, each [MAX_ISR, n]. An absent one has pT 0."""

    pt: NDArray
    eta: NDArray
    phi: NDArray


def radiate(
    partons: dict[str, NDArray], rng: Generator, parameters: Parameters, signal: bool
) -> tuple[dict[str, NDArray], Gluons]:
    """Give the hard system its rapidity and its recoil against initial-state gluons.

    Returns the six PARTONS in the laboratory, and the gluons. System and gluons together take the shares x₁ and x₂
    of the protons' momenta, as (E ± pz) / √s says. A set of gluons is kept with the chance

        [(1 - x₁)(1 - x₂) / ((1 - h₁)(1 - h₂))]^veto,

    where h₁ and h₂ are the shares of the system alone, and is drawn again otherwise; so no share exceeds 1. That is
    how a backward shower weighs a gluon, by the ratio of the parton densities before and after it (T. Sjöstrand,
    Phys. Lett. B 157, 321 (1985)); of the densities only the factor that ends them at x = 1 is kept.
    """
    rapidity, m = partons["rapidity"], partons["mass"]
    n = len(rapidity)
    gluons = Gluons(*np.zeros((3, MAX_ISR, n)))
    system = np.empty((4, n))
    hard = _distance_from_end(m * np.exp(rapidity), m * np.exp(-rapidity))
    rules = parameters.radiation(signal)
    todo = np.arange(n)
    while len(todo):
        trial = _draw_gluons(rapidity[todo], rng, rules, parameters.isr_narrow)
        recoiling = _recoiling(
            m[todo], rapidity[todo], trial, rules.recoil * rng.standard_normal((2, len(todo)))
        )
        plus, minus = (trial.pt * np.exp(sign * trial.eta) for sign in (1, -1))  # E ± pz of each gluon
        left = _distance_from_end(
            recoiling[0] + recoiling[3] + plus.sum(axis=0), recoiling[0] - recoiling[3] + minus.sum(axis=0)
        )
        good = (left > 0) & (rng.random(len(todo)) < (left / hard[todo]) ** rules.veto)
        done = todo[good]
        gluons.pt[:, done], gluons.eta[:, done], gluons.phi[:, done] = (
            v[:, good] for v in (trial.pt, trial.eta, trial.phi)
        )
        system[:, done] = recoiling[:, good]
        todo = todo[~good]
    return {name: boost(partons[name], system) for name in PARTONS}, gluons


def _distance_from_end(plus: NDArray, minus: NDArray) -> NDArray:
    """(1 - x₁)(1 - x₂) of E + pz and E - pz (GeV); 0 where either share exceeds 1."""
    return np.maximum(1 - plus / COLLISION_ENERGY, 0.0) * np.maximum(1 - minus / COLLISION_ENERGY, 0.0)


def _draw_gluons(rapidity: NDArray, rng: Generator, rules: InitialState, narrow: float) -> Gluons:
    """Gluons around systems of this rapidity [n].

    A gluon may lie the farther from the system the softer it is: the allowed range of rapidities shrinks by ln pT,
    the triangle of B. Andersson, G. Gustafson, L. Lönnblad, U. Pettersson, Z. Phys. C 43, 625 (1989).
    """
    n = len(rapidity)
    count = np.minimum(rng.poisson(rules.number, n), MAX_ISR)
    present = np.arange(MAX_ISR)[:, None] < count
    total = int(count.sum())
    out = Gluons(*np.zeros((3, MAX_ISR, n)))
    log_pt = _spectrum(rules.slope, rules.end)(rng.random(total))
    reach = np.maximum(rules.width - narrow * (log_pt - np.log(ISR_PT)), NARROWEST)
    out.pt[present] = np.exp(log_pt)
    centre = np.broadcast_to(rapidity, present.shape)[present]
    out.eta[present] = centre + reach * (2 * rng.random(total) - 1)
    out.phi[present] = np.pi * (2 * rng.random(total) - 1)
    return out


@lru_cache(maxsize=64)
def _spectrum(slope: float, end: float) -> Quantiles:
    """A gluon's ln pT: dN/dpT ~ pT^-slope exp(-pT / end)."""
    log_pt = np.linspace(np.log(ISR_PT), np.log(COLLISION_ENERGY / 4), 1000)
    return Quantiles(log_pt, np.exp((1 - slope) * (log_pt - log_pt[0]) - np.exp(log_pt) / end))


def _recoiling(m: NDArray, rapidity: NDArray, gluons: Gluons, soft: NDArray) -> NDArray:
    """Four-vectors [4, n] of systems of mass ``m`` that balance the gluons' pT and soft radiation, px and py [2, n]."""
    px = -(gluons.pt * np.cos(gluons.phi)).sum(axis=0) - soft[0]
    py = -(gluons.pt * np.sin(gluons.phi)).sum(axis=0) - soft[1]
    transverse_mass = np.sqrt(m * m + px * px + py * py)
    return np.stack([transverse_mass * np.cosh(rapidity), px, py, transverse_mass * np.sinh(rapidity)])


@dataclass
class Shower:
    """What the hard partons of n events become: lepton and neutrino [4, n], jets [4, 8, n].

    Jets 0 to 3 are those of bottom_1, bottom_2, quark_1 and quark_2; jets 4 to 7 are the wide gluons that these
    radiated, in the same order, all zero where there is none. Components (E, px, py, pz) in GeV.
    """

    lepton: NDArray
    neutrino: NDArray
    jets: NDArray

    def partons(self) -> dict[str, NDArray]:
        """Four-vectors [4, n] of PARTONS; a quark's are of all that it became, jet and gluon."""
        whole = self.jets[:, :4] + self.jets[:, 4:]
        quarks = dict(zip(("bottom_1", "bottom_2", "quark_1", "quark_2"), whole.swapaxes(0, 1), strict=True))
        return {"lepton": self.lepton, "neutrino": self.neutrino} | quarks


def shower(partons: dict[str, NDArray], rng: Generator, parameters: Parameters, signal: bool) -> Shower:
    """Give each quark's jet a mass and perhaps a wide gluon; its partner in the decay takes the recoil.

    The pairs are h⁰ → b b̄ and W → q q̄′, and in top decays b and W, where the W's products follow it. Each pair
    keeps its four-momentum, so the masses of h⁰, W and top stay what they were.
    """
    jets = np.zeros((4, 8, partons["lepton"].shape[1]))
    lepton, neutrino = partons["lepton"], partons["neutrino"]
    quarks = [partons["quark_1"], partons["quark_2"]]
    if signal:
        bottoms = shower_pair(partons["bottom_1"], partons["bottom_2"], rng, parameters)
    else:
        before = lepton + neutrino, quarks[0] + quarks[1]
        first, after_lepton = shower_pair(partons["bottom_1"], before[0], rng, parameters, both=False)
        second, after_quarks = shower_pair(partons["bottom_2"], before[1], rng, parameters, both=False)
        bottoms = first, second
        lepton, neutrino = transport(lepton, before[0], after_lepton[0]), None
        neutrino = after_lepton[0] - lepton
        quarks[0] = transport(quarks[0], before[1], after_quarks[0])
        quarks[1] = after_quarks[0] - quarks[0]
    for place, jet in enumerate((*bottoms, *shower_pair(*quarks, rng, parameters))):
        jets[:, place], jets[:, 4 + place] = jet
    return Shower(lepton, neutrino, jets)


@dataclass
class Branchings:
    """How each of n quarks goes on, each [n].

    Its gluon's share z (0: no gluon), and the squared masses (GeV²) of its jet, of the gluon's, and of both together.
    """

    z: NDArray
    quark: NDArray
    gluon: NDArray
    both: NDArray


def draw_branchings(
    energy: NDArray, mass_squared: NDArray, jet_mass: float, rng: Generator, parameters: Parameters
) -> Branchings:
    """Draw the branchings of quarks of this energy [n] (GeV) in the frame where their pair rests.

    A jet of energy E has m² = E² jet_mass² e, where e is exponential, on top of the quark's own. Gluons follow dz/z
    and dθ/θ, the soft and collinear limit of QCD; m² = m_q²/(1 - z) + m_g²/z + z(1 - z)E²θ² (R. K. Ellis, W. J.
    Stirling, B. R. Webber, QCD and Collider Physics, chapter 5, here with masses of the products).
    """
    n = len(energy)
    square = energy * energy
    spread = jet_mass**2 * square
    z = np.zeros(n)
    quark = mass_squared + spread * rng.standard_exponential(n)
    gluon, both = np.zeros(n), quark.copy()
    rows = np.flatnonzero(rng.random(n) < parameters.fsr)
    z[rows] = share = parameters.fsr_soft ** rng.random(len(rows)) * 0.5
    theta = FSR_NEAREST * (parameters.fsr_wide / FSR_NEAREST) ** rng.random(len(rows))
    quark[rows] *= (1 - share) ** 2
    gluon[rows] = spread[rows] * share**2 * rng.standard_exponential(len(rows))
    both[rows] = (
        quark[rows] / (1 - share) + gluon[rows] / share + share * (1 - share) * square[rows] * theta**2
    )
    return Branchings(z, quark, gluon, both)


def shower_pair(
    first: NDArray, second: NDArray, rng: Generator, parameters: Parameters, both: bool = True
) -> tuple[tuple[NDArray, NDArray], tuple[NDArray, NDArray]]:
    """Jets of a pair [4, n] that a particle decayed to: (jet, gluon) of the first and of the second.

    In the frame where the pair rests both keep their directions, and their momenta shrink so that the new masses
    fit, as in Herwig's reconstruction (M. Bähr et al., Eur. Phys. J. C 58, 639 (2008), section 6). Masses that
    don't fit are drawn again. With ``both`` False the second, a W, keeps its mass and radiates nothing.
    """
    parent = first + second
    m, m_first, m_second = mass(parent), mass(first), mass(second)
    k = decay_momentum(m, m_first, m_second)
    e_first = np.sqrt(k * k + m_first * m_first)
    branchings = _that_fit(m, (e_first, m - e_first), (m_first, m_second), rng, parameters, both)
    after = [np.sqrt(b.both) for b in branchings]
    shrink = decay_momentum(m, *after) / k
    e_after = (m * m + branchings[0].both - branchings[1].both) / (2 * m)
    # The rest-frame vector (e, k n) is e/m of the parent and k/k₀ of what the old one had beside its e₀/m.
    new_first = shrink * first + (e_after - shrink * e_first) / m * parent
    virtual = new_first, parent - new_first
    return tuple(_split(v, parent, b, rng) for v, b in zip(virtual, branchings, strict=True))


def _that_fit(
    m: NDArray,
    energies: tuple[NDArray, NDArray],
    masses: tuple[NDArray, NDArray],
    rng: Generator,
    parameters: Parameters,
    both: bool,
) -> tuple[Branchings, Branchings]:
    """Branchings of both of a pair of mass ``m`` [n], drawn again where their masses exceed it."""
    n = len(m)
    found = (
        Branchings(*np.zeros((4, n))),
        Branchings(np.zeros(n), masses[1] ** 2, np.zeros(n), masses[1] ** 2),
    )
    jet_mass = parameters.jet_mass if both else parameters.jet_mass_top
    todo = np.arange(n)
    while len(todo):
        for side in (0, 1) if both else (0,):
            drawn = draw_branchings(energies[side][todo], masses[side][todo] ** 2, jet_mass, rng, parameters)
            for name, value in vars(drawn).items():
                getattr(found[side], name)[todo] = value
        fits = np.sqrt(found[0].both[todo]) + np.sqrt(found[1].both[todo]) < 0.999 * m[todo]
        todo = todo[~fits]
    return found


def _split(
    virtual: NDArray, parent: NDArray, branching: Branchings, rng: Generator
) -> tuple[NDArray, NDArray]:
    """Split quarks [4, n] into jet and gluon; z is its share of E + p along the quark, where ``parent`` rests."""
    gluon = np.zeros_like(virtual)
    rows = np.flatnonzero(branching.z)
    at_rest = boost(virtual[:, rows], inverse(parent[:, rows]))
    together = mass(at_rest)
    m_quark, m_gluon = np.sqrt(branching.quark[rows]), np.sqrt(branching.gluon[rows])
    k = decay_momentum(together, m_quark, m_gluon)
    cosine = (branching.z[rows] * together - np.sqrt(k * k + m_gluon * m_gluon)) / k  # of the gluon
    phi = 2 * np.pi * rng.random(len(rows))
    _, radiated = two_body_decay(at_rest, m_quark, m_gluon, np.clip(-cosine, -1, 1), phi)
    gluon[:, rows] = boost(radiated, parent[:, rows])
    return virtual - gluon, gluon
