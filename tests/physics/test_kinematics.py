import numpy as np
import pytest

from higgs_tutorial.physics import kinematics as k


@pytest.fixture(scope="module")
def rng():
    return np.random.default_rng(0)


def random_particles(rng, n, m):
    return k.from_pt_eta_phi(
        rng.exponential(60, n), 2 * rng.standard_normal(n), rng.uniform(-np.pi, np.pi, n), m
    )


def test_coordinates_round_trip(rng):
    pt, eta, phi = (
        rng.exponential(50, 1000) + 0.1,
        2 * rng.standard_normal(1000),
        rng.uniform(-np.pi, np.pi, 1000),
    )
    p = k.from_pt_eta_phi(pt, eta, phi, 4.7)
    np.testing.assert_allclose(k.transverse_momentum(p), pt)
    np.testing.assert_allclose(k.pseudorapidity(p), eta, atol=1e-9)
    np.testing.assert_allclose(k.azimuth(p), phi)
    np.testing.assert_allclose(k.mass(p), 4.7, rtol=1e-4)


def test_wrap_keeps_the_direction(rng):
    angle = rng.uniform(-20, 20, 1000)
    wrapped = k.wrap(angle)
    assert np.abs(wrapped).max() <= np.pi
    np.testing.assert_allclose(np.exp(1j * wrapped), np.exp(1j * angle))


@pytest.mark.parametrize("at_rest", [True, False])
def test_decay_conserves_momentum_and_makes_the_masses(rng, at_rest):
    n = 1000
    parent = random_particles(rng, n, 173.0)
    if at_rest:
        parent[1:], parent[0] = 0.0, 173.0
    first, second = k.two_body_decay(parent, 80.4, 4.7, rng.uniform(-1, 1, n), rng.uniform(0, 2 * np.pi, n))
    np.testing.assert_allclose(first + second, parent, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(k.mass(first), 80.4, rtol=1e-6)
    np.testing.assert_allclose(k.mass(second), 4.7, rtol=1e-2)  # a small difference of large squares


def test_decay_angle_is_the_helicity_angle(rng):
    n = 1000
    parent = random_particles(rng, n, 80.4)
    cosine = rng.uniform(-1, 1, n)
    first, _ = k.two_body_decay(parent, 0.0, 0.0, cosine, rng.uniform(0, 2 * np.pi, n))
    back = np.concatenate([parent[:1], -parent[1:]])
    at_rest = k.boost(first, back)
    along = (at_rest[1:] * parent[1:]).sum(0) / np.linalg.norm(parent[1:], axis=0) / at_rest[0]
    np.testing.assert_allclose(along, cosine, atol=1e-6)


def test_decay_to_heavier_products_is_an_error():
    with pytest.raises(ValueError, match="heavier"):
        k.decay_momentum(80.4, 173.0, 4.7)


def test_boost_keeps_masses_and_carries_rest_to_the_frame(rng):
    frame = random_particles(rng, 100, 425.0)
    rest = np.zeros_like(frame)
    rest[0] = k.mass(frame)
    np.testing.assert_allclose(k.boost(rest, frame), frame, rtol=1e-9, atol=1e-9)
    p = random_particles(rng, 100, 30.0)
    np.testing.assert_allclose(k.mass(k.boost(p, frame)), 30.0, rtol=1e-5)


def test_transport_takes_products_along(rng):
    n = 1000
    before, after = random_particles(rng, n, 80.4), random_particles(rng, n, 80.4)
    first, second = k.two_body_decay(before, 0.0, 5.0, rng.uniform(-1, 1, n), rng.uniform(0, 2 * np.pi, n))
    moved = k.transport(first, before, after), k.transport(second, before, after)
    np.testing.assert_allclose(moved[0] + moved[1], after, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(k.dot(*moved), k.dot(first, second), rtol=1e-5)
    # Between flights along one axis it is the boost along that axis: all across stays.
    for p in (before, after):
        p[1:3] = 0.0
        p[0] = np.hypot(80.4, p[3])
    across = rng.normal(size=(4, n))
    np.testing.assert_allclose(k.transport(across, before, after)[1:3], across[1:3], atol=1e-9)


def test_inverse_undoes_a_boost(rng):
    p, frame = random_particles(rng, 100, 30.0), random_particles(rng, 100, 80.0)
    np.testing.assert_allclose(k.boost(k.boost(p, frame), k.inverse(frame)), p, rtol=1e-6, atol=1e-6)
