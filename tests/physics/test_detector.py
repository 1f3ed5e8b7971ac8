import numpy as np
import pytest

from higgs_tutorial.physics import detector, generator, kinematics
from higgs_tutorial.physics.parameters import Parameters

P = Parameters()


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def test_radiation_recoils_against_the_hard_system(rng):
    partons = generator.generate_signal(2000, rng, P)
    quiet = Parameters(recoil=0.0, isr_signal=2.0)
    lab, pt, _, phi = detector.radiate(partons, rng, quiet, True)
    system = sum(lab[name] for name in generator.PARTONS)
    np.testing.assert_allclose(system[1], -(pt * np.cos(phi)).sum(axis=0), atol=1e-7)
    np.testing.assert_allclose(system[2], -(pt * np.sin(phi)).sum(axis=0), atol=1e-7)
    np.testing.assert_allclose(kinematics.mass(system), generator.HEAVY_HIGGS, rtol=1e-9)
    np.testing.assert_allclose(np.arctanh(system[3] / system[0]), partons["rapidity"], atol=1e-9)
    assert 1.7 < (pt > 0).sum(axis=0).mean() < 2.1
    assert pt[pt > 0].min() >= detector.ISR_PT


def test_splitting_keeps_the_transverse_momentum(rng):
    pt = rng.exponential(50, (4, 1000)) + 5
    eta, phi = rng.normal(0, 1, (4, 1000)), rng.uniform(-3, 3, (4, 1000))
    new_pt, new_eta, new_phi = detector.split(pt, eta, phi, rng, Parameters(fsr=0.5))
    np.testing.assert_allclose(new_pt[:4] + new_pt[4:], pt)
    np.testing.assert_allclose((new_pt * new_eta)[:4] + (new_pt * new_eta)[4:], pt * eta, atol=1e-9)
    assert 0.45 < (new_pt[4:] > 0).mean() < 0.55
    distance = np.hypot(new_eta[:4] - new_eta[4:], new_phi[:4] - new_phi[4:])[new_pt[4:] > 0]
    assert distance.min() > 0.39


def test_merging_keeps_the_transverse_momentum_and_the_tag(rng):
    pt = np.array([[40.0, 40.0], [20.0, 20.0], [30.0, 30.0]])
    eta, phi = np.zeros((3, 2)), np.array([[3.1, 3.1], [-3.1, 2.0], [0.0, 0.0]])
    tag = np.array([[0, 0], [2, 2], [0, 0]], np.int8)
    is_b = tag > 0
    detector.merge(pt, eta, phi, tag, is_b, rng, Parameters(merge_radius=0.5, merge_spread=0.0))
    np.testing.assert_allclose(pt, [[60, 40], [0, 20], [30, 30]])  # merged across ±pi; too far apart
    np.testing.assert_array_equal(tag, [[2, 0], [0, 2], [0, 0]])
    assert is_b[0, 0]
    assert 3.1 < abs(phi[0, 0]) <= np.pi


def test_two_tags_are_drawn_as_if_each_were_drawn(rng):
    probability = np.array([0.6, 0.5, 0.2, 0.05])[:, None] * np.ones(400_000)
    rows, tag = detector.tag_two(probability, rng, Parameters(tag_plateau=0.62))
    drawn = rng.random(probability.shape) < probability
    drawn = drawn[:, drawn.sum(axis=0) == 2]
    code = 2 ** np.arange(4)
    got = np.bincount(code @ (tag > 0), minlength=16) / tag.shape[1]
    expected = np.bincount(code @ drawn, minlength=16) / drawn.shape[1]
    np.testing.assert_allclose(got, expected, atol=0.004)
    assert len(rows) == tag.shape[1]
    assert ((tag > 0).sum(axis=0) == 2).all()


def test_tagging_needs_the_tracker(rng):
    eta = np.array([[0.0, P.tag_eta_end + 0.01, -P.tag_eta_end - 0.01]])
    rate = detector.tag_probability(np.full((1, 3), 80.0), eta, np.full((1, 3), detector.BOTTOM), P)
    assert rate[0, 0] > 0.2
    assert (rate[0, 1:] == 0).all()
    flavours = np.array([[detector.LIGHT, detector.CHARM, detector.BOTTOM]])
    rate = detector.tag_probability(np.full((1, 3), 80.0), np.zeros((1, 3)), flavours, P)[0]
    assert rate[0] < rate[1] < rate[2]


def test_a_perfect_detector_measures_the_partons(rng):
    perfect = Parameters(
        isr_background=0.0,
        fsr=0.0,
        recoil=0.0,
        order_noise=0.0,
        order_b=1.0,
        response=1.0,
        response_b=1.0,
        loss=0.0,
        loss_b=0.0,
        leak=0.0,
        noise=0.0,
        constant=0.0,
        angle=0.0,
        semileptonic=0.0,
        met_noise=0.0,
        met_stochastic=0.0,
        merge_radius=0.01,
        merge_spread=0.0,
        isolation=0.0,
    )
    partons = generator.generate_background(40_000, rng, perfect)
    measured = detector.measure(partons, rng, perfect, False)
    lepton, missing = (
        kinematics.from_pt_eta_phi(
            measured[f"{name}_pt"], measured.get(f"{name}_eta", 0.0), measured[f"{name}_phi"]
        )
        for name in ("lepton", "missing")
    )
    jets = kinematics.from_pt_eta_phi(measured["jet_pt"], measured["jet_eta"], measured["jet_phi"])
    everything = lepton[1:3] + missing[1:3] + jets[1:3].sum(axis=1)
    np.testing.assert_allclose(everything, 0.0, atol=1e-6)
    assert (np.diff(measured["jet_pt"][:4], axis=0) <= 1e-9).all()
    both = kinematics.mass(jets[:, :4].sum(axis=1))
    assert np.median(both) > 200
