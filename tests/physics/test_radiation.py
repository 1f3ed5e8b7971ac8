"""Radiation conserves four-momentum and stays within the beams' energy."""

import numpy as np
import pytest
from scipy.stats import kstest

from higgs_tutorial.physics import generator, kinematics, radiation
from higgs_tutorial.physics.parameters import Parameters

N = 20_000
MAKE = {True: generator.generate_signal, False: generator.generate_background}
P = Parameters()
OFTEN = Parameters(fsr=0.7)


@pytest.fixture
def rng():
    return np.random.default_rng(5)


@pytest.mark.parametrize("signal", MAKE)
def test_system_recoils_against_its_gluons(signal, rng):
    partons = MAKE[signal](N, rng, P)
    lab, gluons = radiation.radiate(
        partons, rng, Parameters(isr_recoil_signal=0.0, isr_recoil_background=0.0), signal
    )
    system = sum(lab[name] for name in generator.PARTONS)
    np.testing.assert_allclose(system[1], -(gluons.pt * np.cos(gluons.phi)).sum(axis=0), atol=1e-7)
    np.testing.assert_allclose(system[2], -(gluons.pt * np.sin(gluons.phi)).sum(axis=0), atol=1e-7)
    np.testing.assert_allclose(kinematics.mass(system), generator.event_mass(partons), rtol=1e-9)
    np.testing.assert_allclose(np.arctanh(system[3] / system[0]), partons["rapidity"], atol=1e-9)
    assert gluons.pt[gluons.pt > 0].min() >= radiation.ISR_PT


@pytest.mark.parametrize("signal", MAKE)
@pytest.mark.parametrize("veto", [0.0, None])
def test_no_parton_has_more_than_its_proton(signal, veto, rng):
    changes = {} if veto is None else {"isr_veto_signal": veto, "isr_veto_background": veto}
    p = Parameters.of(changes | {"isr_width_signal": 4.5, "isr_width_background": 4.5, "isr_narrow": 0.0})
    lab, gluons = radiation.radiate(MAKE[signal](N, rng, p), rng, p, signal)
    system = sum(lab.values())
    for sign in (1, -1):
        taken = system[0] + sign * system[3] + (gluons.pt * np.exp(sign * gluons.eta)).sum(axis=0)
        assert 0.5 < taken.max() / generator.COLLISION_ENERGY < 1
    free = radiation._draw_gluons(np.zeros(N), rng, p.radiation(signal), 0.0)
    assert ((free.pt * np.exp(free.eta)).sum(axis=0) > generator.COLLISION_ENERGY).any()  # it does reject


def test_the_veto_thins_out_hard_forward_gluons(rng):
    partons = generator.generate_signal(N, rng, P)
    taken = []
    for veto in (0.0, 5.0):
        _, g = radiation.radiate(partons, rng, Parameters(isr_veto_signal=veto), True)
        taken.append((g.pt * np.cosh(g.eta)).sum(axis=0).mean())
    assert taken[1] < 0.8 * taken[0]


def test_gluon_momenta_follow_their_spectrum(rng):
    pt = np.exp(radiation._spectrum(1.5, 200.0)(rng.random(N)))
    grid = np.geomspace(radiation.ISR_PT, 2000, 20_001)
    density = grid**-1.5 * np.exp(-grid / 200)
    total = np.concatenate([[0], np.cumsum((density[1:] + density[:-1]) / 2 * np.diff(grid))])
    assert kstest(pt, lambda v: np.interp(v, grid, total / total[-1])).pvalue > 1e-3


def showered(signal, rng, parameters):
    partons = MAKE[signal](N, rng, parameters)
    lab, _ = radiation.radiate(partons, rng, parameters, signal)
    return partons, lab, radiation.shower(lab, rng, parameters, signal)


@pytest.mark.parametrize("signal", MAKE)
def test_the_shower_conserves_four_momentum(signal, rng):
    _, lab, after = showered(signal, rng, OFTEN)
    total = sum(lab.values())
    everything = after.lepton + after.neutrino + after.jets.sum(axis=1)
    np.testing.assert_allclose(everything, total, atol=1e-8)
    np.testing.assert_allclose((after.jets[0, 4:] > 0).mean(axis=1), 0.7, atol=0.03)


def test_products_of_the_h0_weigh_what_it_weighs_also_where_they_radiate(rng):
    _, _, after = showered(True, rng, OFTEN)
    products = after.jets[:, [0, 1, 4, 5]].sum(axis=1)
    radiates = (after.jets[0, 4:6] > 0).any(axis=0)
    assert 0.85 < radiates.mean() < 0.95
    np.testing.assert_allclose(kinematics.mass(products), generator.LIGHT_HIGGS, rtol=1e-6)


@pytest.mark.parametrize("signal", MAKE)
def test_w_and_top_keep_their_masses(signal, rng):
    before, _, after = showered(signal, rng, OFTEN)
    p = after.partons()
    pairs = [("W_lepton", p["lepton"] + p["neutrino"]), ("W_quark", p["quark_1"] + p["quark_2"])]
    if not signal:
        pairs += [("top_lepton", pairs[0][1] + p["bottom_1"]), ("top_quark", pairs[1][1] + p["bottom_2"])]
    for name, products in pairs:
        np.testing.assert_allclose(kinematics.mass(products), kinematics.mass(before[name]), rtol=1e-6)
    assert kinematics.mass(p["neutrino"]).max() < 0.01


@pytest.mark.parametrize("signal", MAKE)
def test_jets_have_the_mass_they_are_given(signal, rng):
    quiet = Parameters(fsr=0.0, jet_mass=0.25, jet_mass_top=0.25)
    _, _, after = showered(signal, rng, quiet)
    assert (after.jets[:, 4:] == 0).all()
    parent = after.jets[:, :2].sum(axis=1) if signal else after.jets[:, 0] + after.lepton + after.neutrino
    at_rest = kinematics.boost(after.jets[:, 0], kinematics.inverse(parent))
    # The energies before the jets had masses: half of the h0's, or that of the b of a top.
    energy = generator.LIGHT_HIGGS / 2 if signal else (generator.TOP**2 - 80.4**2) / (2 * generator.TOP)
    m = kinematics.mass(at_rest)
    np.testing.assert_allclose(np.sqrt(np.mean(m**2 - generator.BOTTOM**2)) / energy, 0.25, rtol=0.03)
    assert (m >= generator.BOTTOM - 1e-3).all()


def test_what_does_not_fit_is_drawn_again_and_not_shrunk(rng):
    n = 50_000
    parent = np.zeros((4, n))
    parent[0] = 100.0
    pair = kinematics.two_body_decay(parent, 0.0, 0.0, rng.uniform(-1, 1, n), rng.uniform(0, 6, n))
    (first, _), (second, _) = radiation.shower_pair(*pair, rng, Parameters(fsr=0.0, jet_mass=0.6))
    m = kinematics.mass(first), kinematics.mass(second)
    assert (m[0] + m[1] < 100).all()
    np.testing.assert_allclose(first + second, parent, atol=1e-9)
    # The masses are those of independent draws of which the sum fits: nothing piles up at the end.
    drawn = 50 * 0.6 * np.sqrt(rng.standard_exponential((2, 4 * n)))
    fit = drawn[:, drawn.sum(axis=0) < 99.9]
    assert kstest(m[0], fit[0]).pvalue > 1e-3
    assert fit.shape[1] < 0.99 * drawn.shape[1]  # some did not fit


def test_wide_gluons_have_their_share_and_their_angle(rng):
    n = 50_000
    energy = np.full(n, 50.0)
    p = Parameters(fsr=1.0, fsr_soft=0.2, fsr_wide=1.5)
    found = radiation.draw_branchings(energy, np.zeros(n), 0.0, rng, p)
    assert 0.1 <= found.z.min() < found.z.max() <= 0.5
    angle = np.sqrt(found.both / (found.z * (1 - found.z))) / energy  # m² = z (1 - z) E² θ², massless jets
    assert kstest(np.log(angle / 0.4) / np.log(1.5 / 0.4), "uniform").pvalue > 1e-3
    assert kstest(np.log(2 * found.z) / np.log(0.2), "uniform").pvalue > 1e-3
