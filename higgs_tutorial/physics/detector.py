"""From partons to what a detector lists: jets, smearing, b-tags and the selection seen in the file.

Arrays of jets are [k, n]: jet, event. An absent jet has pT 0.

What is left out, because it was tried and changed nothing or because the file's authors left it out: spins of the two
tops are not correlated (trees told the two apart with an AUC of 0.503); leptons are not smeared, and no tau decays;
jets have no calorimeter towers (the file's η of a jet has a faint period of 0.1); a tag is drawn for the parton as it
leaves the hard process, before it radiates and before jets merge, so gluons that quarks radiate are never tagged
by themselves.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from higgs_tutorial.physics.kinematics import (
    azimuth,
    from_pt_eta_phi,
    mass,
    pseudorapidity,
    transverse_momentum,
    wrap,
)
from higgs_tutorial.physics.parameters import Parameters
from higgs_tutorial.physics.radiation import MAX_ISR, Gluons, Shower, radiate, shower

JET_PT, JET_ETA = 15.0, 3.0
LEPTON_PT, LEPTON_ETA = 15.0, 2.5
LEPTON_CENTRAL = 1.5
"""Absolute η beyond which leptons are found less often: the end of the barrel."""
ISOLATION = 0.4
"""No jet closer to the lepton than this, in (η, φ)."""
MAX_JETS = 8
LIGHT, CHARM, BOTTOM = 0, 1, 2
QUARKS = ("bottom_1", "bottom_2", "quark_1", "quark_2")
SOURCES = (*QUARKS, *(f"gluon of {name}" for name in QUARKS), "initial state")
"""What a jet may contain: source number s sets bit 2^s of its ``origin``."""
FROM_BOTTOM = 0b11
TAIL = 2.0
"""How much worse than the others a badly measured jet is."""


@dataclass
class Jets:
    """Jets of n events: pT, η, φ, mass (GeV), tag (0, 1 loose, 2 tight) and origin (bits, see SOURCES), each [k, n]."""

    pt: NDArray
    eta: NDArray
    phi: NDArray
    mass: NDArray
    tag: NDArray
    origin: NDArray

    @property
    def is_b(self) -> NDArray:
        """Which jets [k, n] contain a b-quark."""
        return (self.origin & FROM_BOTTOM) > 0

    def events(self, rows: NDArray) -> Jets:
        """The jets of these events."""
        return Jets(*(getattr(self, f.name)[:, rows] for f in fields(self)))

    def ordered(self, order: NDArray) -> Jets:
        """The jets in the order [k', n] of their numbers."""
        return Jets(*(np.take_along_axis(getattr(self, f.name), order, axis=0) for f in fields(self)))

    def where(self, present: NDArray) -> Jets:
        """These jets [k, n], all others absent."""
        return Jets(*(np.where(present, getattr(self, f.name), 0) for f in fields(self)))

    def momenta(self) -> NDArray:
        """Four-vectors [4, k, n] (GeV)."""
        return from_pt_eta_phi(self.pt, self.eta, self.phi, self.mass)


def partonic_jets(showered: Shower, gluons: Gluons, tag: NDArray) -> Jets:
    """One jet a parton: the four quarks, their wide gluons, the initial-state gluons (massless); tags [4 + 5, n].

    From here on nothing is a small difference of large numbers, and single precision is enough.
    """
    n, none = tag.shape[1], np.zeros((4, tag.shape[1]), np.int8)
    p = showered.jets
    pt, eta, phi, m = np.zeros((4, 8 + MAX_ISR, n), np.float32)
    pt[8:], eta[8:], phi[8:] = gluons.pt, gluons.eta, gluons.phi
    every, (radiated, event) = slice(0, 4), np.nonzero(p[0, 4:])
    for place in ((every, slice(None)), (radiated + 4, event)):
        one = p[:, place[0], place[1]]
        pt[place], eta[place], phi[place], m[place] = (
            transverse_momentum(one),
            pseudorapidity(one),
            azimuth(one),
            mass(one),
        )
    bits = 1 << np.minimum(np.arange(8 + MAX_ISR), 8)
    origin = np.where(pt > 0, bits[:, None], 0).astype(np.int16)
    return Jets(pt, eta, phi, m, np.concatenate([tag[:4], none, tag[4:]]), origin)


def merge(jets: Jets, rng: Generator, parameters: Parameters) -> None:
    """Merge, in place, pairs of jets closer than the jet radius: the sum of their four-momenta, and either's tag."""
    first, second = np.triu_indices(len(jets.pt), 1)
    # Absent jets are put far away; single precision is enough to tell what is close.
    far = 100 * np.arange(1, len(jets.pt) + 1, dtype=np.float32)[:, None]
    at, turn = np.where(jets.pt > 0, jets.eta, far).astype(np.float32), jets.phi.astype(np.float32)
    d_phi = np.abs(turn[first] - turn[second])
    distance = np.square(at[first] - at[second])  # [pair, event], squared
    distance += np.square(np.minimum(d_phi, np.float32(2 * np.pi) - d_phi))
    pair, event = np.nonzero(distance < parameters.merge_radius**2)
    radius = parameters.merge_radius - parameters.merge_spread * rng.random(len(pair)) ** 2
    merges = distance[pair, event] < radius * radius
    pair, event = pair[merges], event[merges]
    # The pairs of one event are merged one after the other, those of different events at once.
    order = np.argsort(event, kind="stable")
    pair, event = pair[order], event[order]
    turn = np.arange(len(event)) - np.searchsorted(event, event)
    for now in range(turn.max(initial=-1) + 1):
        i, j, rows = first[pair[turn == now]], second[pair[turn == now]], event[turn == now]
        there = (jets.pt[i, rows] > 0) & (jets.pt[j, rows] > 0)
        _merge_pairs(jets, (i[there], rows[there]), (j[there], rows[there]))


def _merge_pairs(jets: Jets, into: tuple[NDArray, NDArray], taken: tuple[NDArray, NDArray]) -> None:
    """The jets at ``into`` (jet, event) take those at ``taken`` in."""
    total = sum(from_pt_eta_phi(jets.pt[k], jets.eta[k], jets.phi[k], jets.mass[k]) for k in (into, taken))
    jets.pt[into], jets.eta[into] = transverse_momentum(total), pseudorapidity(total)
    jets.phi[into], jets.mass[into] = azimuth(total), mass(total)
    jets.tag[into] = np.maximum(jets.tag[into], jets.tag[taken])
    jets.origin[into] |= jets.origin[taken]
    for value in (jets.pt, jets.eta, jets.phi, jets.mass, jets.tag, jets.origin):
        value[taken] = 0


@dataclass
class Measured:
    """What the detector lists of n events: lepton and missing momentum [n] (GeV, η, φ), jets [MAX_JETS, n].

    The jets are in the order of the file, the listed ones first. ``event`` [n] is the index of the parton-level event;
    ``partons`` has the four-vectors [4, n] in the laboratory of generator.PARTONS, see ``Shower.partons``.
    """

    lepton_pt: NDArray
    lepton_eta: NDArray
    lepton_phi: NDArray
    missing_pt: NDArray
    missing_phi: NDArray
    jets: Jets
    event: NDArray
    partons: dict[str, NDArray]


def measure(partons: dict[str, NDArray], rng: Generator, parameters: Parameters, signal: bool) -> Measured:
    """Detector-level events of those parton-level ones that the selection keeps."""
    lab, gluons = radiate(partons, rng, parameters, signal)
    event, tag = _tagged(lab, gluons, rng, parameters)
    lab = {name: p[:, event] for name, p in lab.items()}
    showered = shower(lab, rng, parameters, signal)
    found = np.flatnonzero(_finds_lepton(showered.lepton, rng, parameters))
    event, tag = event[found], tag[:, found]
    showered = Shower(showered.lepton[:, found], showered.neutrino[:, found], showered.jets[..., found])
    gluons = Gluons(*(v[:, event] for v in vars(gluons).values()))
    jets = partonic_jets(showered, gluons, tag)
    merge(jets, rng, parameters)
    lepton = tuple(f(showered.lepton) for f in (transverse_momentum, pseudorapidity, azimuth))
    jets, missing_x, missing_y = _see(jets, showered.neutrino, rng, parameters)
    listed = (jets.pt > JET_PT) & (np.abs(jets.eta) < JET_ETA)
    keep = (
        (listed.sum(axis=0) >= 4)
        & (((jets.tag > 0) & listed).sum(axis=0) == 2)
        & _isolated(lepton, jets, listed, rng, parameters)
    )
    rows = np.flatnonzero(keep)
    order = np.argsort(~listed[:, rows], axis=0, kind="stable")
    return Measured(
        *(v[rows] for v in lepton),
        np.hypot(missing_x[rows], missing_y[rows]),
        np.arctan2(missing_y[rows], missing_x[rows]),
        jets.where(listed).events(rows).ordered(order),
        event[rows],
        {name: p[:, rows] for name, p in showered.partons().items()},
    )


def _tagged(
    lab: dict[str, NDArray], gluons: Gluons, rng: Generator, parameters: Parameters
) -> tuple[NDArray, NDArray]:
    """The events [m] with two tags, and the tags [4 + 5, m] of quarks and initial-state gluons."""
    quarks = np.stack([lab[name] for name in QUARKS], axis=1, dtype=np.float32)  # [4, quark, event]
    pt = np.concatenate([transverse_momentum(quarks), gluons.pt], dtype=np.float32)
    eta = np.concatenate([pseudorapidity(quarks), gluons.eta], dtype=np.float32)
    flavour = np.zeros(pt.shape, np.int8)
    flavour[:2] = BOTTOM
    # Half of the W decays are to c s̄; the c is of the up type, as quark_2 is.
    flavour[3] = np.where(rng.random(pt.shape[1]) < 0.5, CHARM, LIGHT)
    return tag_two(tag_probability(pt, eta, flavour, parameters), rng, parameters)


def _finds_lepton(lepton: NDArray, rng: Generator, parameters: Parameters) -> NDArray:
    """Which leptons [n] are in reach and found: soft ones drown in what lies around them, and forward ones are lost."""
    pt, eta = transverse_momentum(lepton), np.abs(pseudorapidity(lepton))
    chance = 1 - parameters.lepton_soft * LEPTON_PT / np.maximum(pt, LEPTON_PT)
    chance *= np.where(eta > LEPTON_CENTRAL, 1 - parameters.lepton_forward, 1.0)
    return (pt > LEPTON_PT) & (eta < LEPTON_ETA) & (rng.random(len(pt)) < chance)


def _see(
    jets: Jets, neutrino: NDArray, rng: Generator, parameters: Parameters
) -> tuple[Jets, NDArray, NDArray]:
    """The MAX_JETS first jets as they are measured, in the order of the file, and the missing px and py [n]."""
    caught = jets.pt * np.maximum(
        1 - parameters.leak * rng.standard_exponential(jets.pt.shape, np.float32), 0.2
    )
    visible = caught.copy()
    visible[jets.is_b] *= 1 - _escaping(np.count_nonzero(jets.is_b), rng, parameters)
    key = visible * np.exp(parameters.order_noise * _normal(jets.pt.shape, rng))
    key *= np.where(jets.is_b, parameters.order_b, 1.0)
    order = np.argsort(-key, axis=0)[:MAX_JETS]
    jets = jets.ordered(order)
    caught, visible = (np.take_along_axis(v, order, axis=0) for v in (caught, visible))
    measured = visible * _response(visible, jets.is_b, rng, parameters)
    eta = jets.eta + parameters.angle * _normal(jets.eta.shape, rng)
    phi = wrap(jets.phi + parameters.angle * _normal(jets.eta.shape, rng))
    scale = measured / np.maximum(jets.pt, 1e-12)
    excess = parameters.met_share * (measured - visible) + (visible - caught)
    noise = np.sqrt(parameters.met_noise**2 + parameters.met_stochastic**2 * caught.sum(axis=0))
    n = len(noise)
    missing_x = neutrino[1] - (excess * np.cos(phi)).sum(axis=0) + noise * rng.standard_normal(n)
    missing_y = neutrino[2] - (excess * np.sin(phi)).sum(axis=0) + noise * rng.standard_normal(n)
    return Jets(measured, eta, phi, jets.mass * scale, jets.tag, jets.origin), missing_x, missing_y


def _isolated(
    lepton: tuple[NDArray, NDArray, NDArray],
    jets: Jets,
    listed: NDArray,
    rng: Generator,
    parameters: Parameters,
) -> NDArray:
    """Which leptons [n] have no listed jet nearby."""
    d2 = np.square(jets.eta - lepton[1]) + np.square(wrap(jets.phi - lepton[2]))
    closest = np.where(listed, d2, np.inf).min(axis=0)
    lost = rng.random(len(closest)) < parameters.isolation
    return (closest >= ISOLATION**2) & ~((closest < parameters.merge_radius**2) & lost)


def _normal(shape: tuple[int, ...], rng: Generator) -> NDArray:
    return rng.standard_normal(shape, np.float32)


def _escaping(n: int, rng: Generator, parameters: Parameters) -> NDArray:
    """Share of the pT of n b-jets that neutrinos and muons of semileptonic decays carry away."""
    decays = rng.random(n, np.float32) < parameters.semileptonic
    return np.where(decays, np.minimum(parameters.escape * rng.standard_exponential(n, np.float32), 0.9), 0)


def _response(pt: NDArray, is_b: NDArray, rng: Generator, parameters: Parameters) -> NDArray:
    """Listed pT over the visible pT: soft jets lose more; a stochastic and a constant term; a share of bad jets."""
    pt = np.maximum(pt, 5)
    spread = np.sqrt(parameters.noise**2 / pt + parameters.constant**2)
    spread[rng.random(pt.shape, np.float32) < parameters.tail] *= TAIL
    of_b = parameters.response_b * (1 - parameters.loss_b / pt)
    middle = np.where(is_b, of_b, 1 - parameters.loss / pt).clip(min=0)
    return (
        parameters.response
        * parameters.calibration
        * middle
        * np.maximum(1 + spread * _normal(pt.shape, rng), 0.05)
    )


def tag_probability(pt: NDArray, eta: NDArray, flavour: NDArray, parameters: Parameters) -> NDArray:
    """Chance [k, n] that the jet of a parton is b-tagged: flavour, pT turn-on, and the tracker's reach in η.

    The turn-on is a hyperbolic tangent, as in the cards of fast simulations (J. de Favereau et al., "DELPHES 3",
    JHEP 02 (2014) 057).
    """
    central = (parameters.tag_eta_end - np.abs(eta)) / (parameters.tag_eta_end - parameters.tag_eta)
    rate = parameters.tag_plateau * np.clip(central, 0.0, 1.0) * np.tanh(pt / parameters.tag_turn_on)
    return rate * np.array([parameters.tag_light, parameters.tag_charm, 1], rate.dtype)[flavour]


def tag_two(probability: NDArray, rng: Generator, parameters: Parameters) -> tuple[NDArray, NDArray]:
    """Keep the events in which exactly two partons [k, n] are tagged: their rows [m], and the tags [k, m].

    Events are kept in proportion to the probability of exactly two tags, the largest of them for sure; the pair is
    then drawn from the pairs' odds. This gives the same events as drawing
    every tag, in a fraction of the time.
    """
    odds = probability / (1 - probability)
    exactly_two = np.prod(1 - probability, axis=0) * (odds.sum(axis=0) ** 2 - (odds * odds).sum(axis=0)) / 2
    rows = np.flatnonzero(rng.random(probability.shape[1]) * exactly_two.max(initial=0.0) < exactly_two)
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
    """One index [n] out of k, with chances in proportion to ``weight`` [k, n]."""
    total = np.cumsum(weight, axis=0)
    return (total < rng.random(weight.shape[1]) * total[-1]).sum(axis=0)
