import numpy as np
import pytest

from higgs_tutorial.physics import detector, generator, kinematics, radiation
from higgs_tutorial.physics.parameters import Parameters

P = Parameters()


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def jets(pt, eta, phi, mass=0.0, tag=0):
    """Jets [k, n] of these values, each from a source of its own."""
    pt = np.asarray(pt, float)
    full = [np.broadcast_to(np.asarray(v), pt.shape).copy() for v in (eta, phi, mass, tag)]
    origin = np.broadcast_to((1 << np.arange(len(pt)))[:, None], pt.shape).astype(np.int16)
    return detector.Jets(pt, *full, origin)


def test_merging_sums_four_momenta_and_keeps_the_tag(rng):
    phi = np.array([[3.1, 3.1], [-3.1, 2.0], [0.0, 0.0]])
    found = jets([[40.0, 40.0], [20.0, 20.0], [30.0, 30.0]], 0.0, phi, 5.0, [[0, 0], [2, 2], [0, 0]])
    before = found.momenta()
    detector.merge(found, rng, Parameters(merge_radius=0.5, merge_spread=0.0))
    after = found.momenta()
    np.testing.assert_allclose(after[:, 0, 0], before[:, 0, 0] + before[:, 1, 0])  # merged across ±pi
    np.testing.assert_allclose(after[:, :, 1], before[:, :, 1])  # too far apart
    np.testing.assert_array_equal(found.pt[1] > 0, [False, True])
    np.testing.assert_array_equal(found.tag, [[2, 0], [0, 2], [0, 0]])
    np.testing.assert_array_equal(found.origin[:2], [[0b011, 0b001], [0, 0b010]])
    assert found.is_b[0].all()
    energies = np.sqrt((40**2 + 25) * (20**2 + 25))
    squared = 2 * (energies - 40 * 20 * np.cos(2 * np.pi - 6.2)) + 2 * 25
    np.testing.assert_allclose(found.mass[0, 0], np.sqrt(squared))  # the masses, and the angle between them


def test_merging_conserves_the_sum_of_all_momenta(rng):
    shape = (13, 3000)
    found = jets(rng.exponential(40, shape) + 1, rng.normal(0, 1, shape), rng.uniform(-3, 3, shape), 6.0)
    absent = rng.random(shape) < 0.4
    found.pt[absent] = found.mass[absent] = 0.0
    before = found.momenta().sum(axis=1)
    jets_before = np.count_nonzero(found.pt)
    detector.merge(found, rng, P)
    assert np.count_nonzero(found.pt) < jets_before
    np.testing.assert_allclose(found.momenta().sum(axis=1), before, rtol=1e-9, atol=1e-8)


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
        isr_number_background=0.0,
        jet_mass=0.0,
        jet_mass_top=0.0,
        fsr=0.0,
        isr_recoil_background=0.0,
        order_noise=0.0,
        order_b=1.0,
        calibration=1.0,
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
        kinematics.from_pt_eta_phi(pt, eta, phi)
        for pt, eta, phi in (
            (measured.lepton_pt, measured.lepton_eta, measured.lepton_phi),
            (measured.missing_pt, 0.0, measured.missing_phi),
        )
    )
    listed = measured.jets.momenta()
    everything = lepton[1:3] + missing[1:3] + listed[1:3].sum(axis=1)
    np.testing.assert_allclose(everything, 0.0, atol=1e-3)
    assert (np.diff(measured.jets.pt[:4], axis=0) <= 1e-4).all()
    for number, name in enumerate(detector.QUARKS):
        alone = measured.jets.origin == 1 << number
        pt = kinematics.transverse_momentum(measured.partons[name])[np.nonzero(alone)[1]]
        np.testing.assert_allclose(measured.jets.pt[alone], pt, rtol=1e-5)


def test_charm_is_the_up_type_quark(rng):
    """quark_1 has the angle of the charged lepton, so it is of the down type; half of quark_2 are charm."""
    sure = Parameters(tag_charm=1.0, tag_light=0.0)
    partons = generator.generate_background(60_000, rng, sure)
    lab, gluons = radiation.radiate(partons, rng, sure, False)
    _, tag = detector._tagged(lab, gluons, rng, sure)
    assert (tag[2] == 0).all()
    assert (tag[3] > 0).mean() > 0.1


def test_soft_and_forward_leptons_are_lost_more_often(rng):
    pt, eta = np.repeat([15.1, 150.0, 150.0], 20_000), np.repeat([0.0, 0.0, 2.0], 20_000)
    lepton = kinematics.from_pt_eta_phi(pt, eta, 0.0)
    found = detector._finds_lepton(lepton, rng, Parameters(lepton_soft=0.5, lepton_forward=0.2))
    np.testing.assert_allclose(found.reshape(3, -1).mean(axis=1), [0.503, 0.95, 0.95 * 0.8], atol=0.015)


def test_events_are_kept_in_proportion_also_where_charm_is_tagged_often(rng):
    probability = np.array([[0.6, 0.6], [0.6, 0.6], [0.0, 0.5]])  # two tags: 0.36, and 0.18 + 0.24
    rows, _ = detector.tag_two(np.repeat(probability, 50_000, axis=1), rng, P)
    kept = np.bincount(rows // 50_000, minlength=2)
    np.testing.assert_allclose(kept[0] / kept[1], 0.36 / 0.42, atol=0.02)
