import numpy as np
import pytest
from scipy.stats import kstest

from higgs_tutorial.physics import generator, kinematics
from higgs_tutorial.physics.features import W_MASS
from higgs_tutorial.physics.parameters import Parameters

N = 20_000
MAKE = {"signal": generator.generate_signal, "background": generator.generate_background}


@pytest.fixture(scope="module")
def events():
    return {name: make(N, np.random.default_rng(1), Parameters()) for name, make in MAKE.items()}


@pytest.mark.parametrize("process", MAKE)
def test_momentum_is_conserved_and_final_particles_are_on_shell(events, process):
    partons = events[process]
    total = sum(partons[name] for name in generator.PARTONS)
    np.testing.assert_allclose(total[1:], 0.0, atol=1e-8)
    np.testing.assert_allclose(total[0], partons["mass"])
    if process == "signal":
        np.testing.assert_allclose(total[0], generator.HEAVY_HIGGS, rtol=1e-12)
    np.testing.assert_allclose(partons["W_lepton"], partons["lepton"] + partons["neutrino"], atol=1e-8)
    np.testing.assert_allclose(partons["W_quark"], partons["quark_1"] + partons["quark_2"], atol=1e-8)
    for name in ("lepton", "neutrino", "quark_1", "quark_2"):
        assert kinematics.mass(partons[name]).max() < 1e-2
    for name in ("bottom_1", "bottom_2"):
        np.testing.assert_allclose(kinematics.mass(partons[name]), generator.BOTTOM, atol=1e-3)


@pytest.mark.parametrize("process", MAKE)
def test_w_bosons_peak_at_their_mass(events, process):
    for name in ("W_lepton", "W_quark"):
        m = kinematics.mass(events[process][name])
        assert abs(np.median(m) - W_MASS) < 0.1
        # The half width at half maximum of a Breit-Wigner holds half of the events (here a little more: it is cut).
        assert 0.5 < np.mean(np.abs(m - W_MASS) < generator.W_WIDTH / 2) < 0.54


def test_the_signal_is_a_chain_of_higgs_bosons(events):
    partons = events["signal"]
    np.testing.assert_allclose(kinematics.mass(partons["bottom_1"] + partons["bottom_2"]), 125.0, rtol=1e-6)
    np.testing.assert_allclose(kinematics.mass(partons["H+-"]), 325.0, rtol=1e-6)
    both = [kinematics.mass(partons[w] + partons["h0"]) for w in ("W_lepton", "W_quark")]
    closest = np.minimum(*(np.abs(m - 325.0) for m in both))
    assert closest.max() < 1e-4


def test_top_quarks_decay_to_w_and_bottom(events):
    partons = events["background"]
    for side, bottom in (("lepton", "bottom_1"), ("quark", "bottom_2")):
        np.testing.assert_allclose(partons[f"top_{side}"], partons[f"W_{side}"] + partons[bottom], atol=1e-8)
        m = kinematics.mass(partons[f"top_{side}"])
        assert abs(np.median(m) - generator.TOP) < 0.1
        assert 0.5 < np.mean(np.abs(m - generator.TOP) < generator.TOP_WIDTH / 2) < 0.54


def helicity_cosine(child, mother, frame):
    """Cosine, in the rest frame of `mother`, between `child` and the flight of `mother` seen from `frame`."""
    inverse = lambda p: np.concatenate([p[:1], -p[1:]])  # noqa: E731
    child, mother = kinematics.boost(child, inverse(frame)), kinematics.boost(mother, inverse(frame))
    at_rest = kinematics.boost(child, inverse(mother))
    return (
        (at_rest[1:] * mother[1:]).sum(0)
        / np.linalg.norm(mother[1:], axis=0)
        / np.linalg.norm(at_rest[1:], axis=0)
    )


def longitudinal(c):
    return (2 + 3 * c - c**3) / 4  # cumulative distribution of 3/4 (1 - c^2)


def left_handed(c):
    return 1 - (1 - c) ** 3 / 8  # of 3/8 (1 - c)^2


@pytest.mark.parametrize("child", ["lepton", "quark_1"])
def test_w_bosons_from_scalars_are_longitudinal(events, child):
    partons = events["signal"]
    w = "W_lepton" if child == "lepton" else "W_quark"
    from_charged = np.abs(kinematics.mass(partons[w] + partons["h0"]) - 325.0) < 1e-4
    frame = np.where(from_charged, partons["H+-"], partons["H0"])
    cosine = helicity_cosine(partons[child], partons[w], frame)
    for which in (from_charged, ~from_charged):
        assert which.sum() > N / 3
        assert kstest(cosine[which], longitudinal).pvalue > 1e-3
    assert kstest(cosine, left_handed).pvalue < 1e-6  # the test can tell


@pytest.mark.parametrize(("child", "side"), [("lepton", "lepton"), ("quark_1", "quark")])
def test_w_bosons_from_tops_have_their_helicity_fractions(events, child, side):
    partons = events["background"]
    cosine = helicity_cosine(partons[child], partons[f"W_{side}"], partons[f"top_{side}"])
    mixture = lambda c: 0.7 * longitudinal(c) + 0.3 * left_handed(c)  # noqa: E731
    assert kstest(cosine, mixture).pvalue > 1e-3
    assert kstest(cosine, longitudinal).pvalue < 1e-6


def test_top_matrix_elements_have_their_limits():
    at_threshold = generator._top_matrix_element(np.array([2 * generator.TOP]), np.array([0.3, 0.9]), False)
    np.testing.assert_allclose(at_threshold, at_threshold[0])  # an S wave: no angle
    np.testing.assert_allclose(at_threshold[0], (4 / 6 - 3 / 8) * (1 / 2 + 1 - 1))
    fast = generator._top_matrix_element(np.array([1e5]), np.array([0.0, 0.5]), True)
    np.testing.assert_allclose(fast[1] / fast[0], 1 + 0.5**2, rtol=1e-4)  # 1 + cos^2 for massless quarks


def test_production_angle_follows_the_matrix_element(events):
    m = np.full(N, 700.0)
    for by_quarks in (False, True):
        cosine = generator._top_angle(m, np.full(N, by_quarks), np.random.default_rng(2))
        grid = np.linspace(-1, 1, 2001)
        density = generator._top_matrix_element(np.array([700.0]), grid, by_quarks)
        cumulative = np.concatenate([[0], np.cumsum((density[1:] + density[:-1]) / 2)])
        assert kstest(cosine, lambda c, x=grid, f=cumulative: np.interp(c, x, f / f[-1])).pvalue > 1e-3


def test_top_pairs_start_at_threshold_and_fall():
    partons = generator.generate_background(N, np.random.default_rng(3), Parameters())
    m = generator.event_mass(partons)
    tops = kinematics.mass(partons["top_lepton"]), kinematics.mass(partons["top_quark"])
    assert (m > tops[0] + tops[1]).all()  # each pair has a threshold of its own
    assert 2 * generator.TOP - 20 < m.min() < 2 * generator.TOP
    assert (np.abs(tops[0] - tops[1]) > 1e-6).all()  # no masses are forced to be equal
    assert 400 < np.median(m) < 500
    assert m.max() < generator.COLLISION_ENERGY


def test_signal_and_mirror_are_alike(events):
    for partons in events.values():
        rapidity = partons["rapidity"]
        assert abs(rapidity.mean()) < 4 * rapidity.std() / np.sqrt(N)
