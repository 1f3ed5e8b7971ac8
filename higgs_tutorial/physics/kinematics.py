"""Four-vectors and two-body decays.

A four-vector is an array [4, ...] of (E, px, py, pz) in GeV: the component comes first, so that each is one
contiguous array over the events.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def from_pt_eta_phi(pt: ArrayLike, eta: ArrayLike, phi: ArrayLike, mass: ArrayLike = 0.0) -> NDArray:
    """Four-vectors [4, ...] from transverse momentum (GeV), pseudorapidity, azimuth and mass (GeV)."""
    pt, eta, phi = np.asarray(pt), np.asarray(eta), np.asarray(phi)
    shape = np.broadcast_shapes(pt.shape, eta.shape, phi.shape)
    p = np.empty((4, *shape), np.result_type(pt, eta, phi, mass, np.float32))
    p[1], p[2], p[3] = pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)
    p[0] = np.sqrt(pt * pt + p[3] * p[3] + np.square(mass))
    return p


def mass(p: NDArray) -> NDArray:
    """Invariant mass (GeV) of four-vectors [4, ...]; rounding below zero counts as massless."""
    return np.sqrt(np.maximum(p[0] * p[0] - p[1] * p[1] - p[2] * p[2] - p[3] * p[3], 0.0))


def transverse_momentum(p: NDArray) -> NDArray:
    """Transverse momentum (GeV) of four-vectors [4, ...]."""
    return np.sqrt(p[1] * p[1] + p[2] * p[2])


def pseudorapidity(p: NDArray) -> NDArray:
    """Pseudorapidity η = asinh(pz / pT) of four-vectors [4, ...]."""
    return np.arcsinh(p[3] / np.maximum(transverse_momentum(p), 1e-12))


def azimuth(p: NDArray) -> NDArray:
    """Azimuth φ in (-π, π] of four-vectors [4, ...]."""
    return np.arctan2(p[2], p[1])


def wrap(phi: NDArray) -> NDArray:
    """An angle brought into [-π, π]."""
    return phi - 2 * np.pi * np.round(phi / (2 * np.pi))


def decay_momentum(parent: ArrayLike, first: ArrayLike, second: ArrayLike) -> NDArray:
    """Return the momentum (GeV) of both products in the rest frame of a two-body decay, from the three masses (GeV).

    Raises:
        ValueError: if a parent is lighter than its products.
    """
    parent, first, second = np.asarray(parent), np.asarray(first), np.asarray(second)
    if np.any(parent < first + second):
        raise ValueError("a particle cannot decay into products heavier than itself")
    return np.sqrt((parent**2 - (first + second) ** 2) * (parent**2 - (first - second) ** 2)) / (2 * parent)


def two_body_decay(
    parent: NDArray, first_mass: ArrayLike, second_mass: ArrayLike, cos_theta: NDArray, phi: NDArray
) -> tuple[NDArray, NDArray]:
    """The two products, in the frame in which ``parent`` [4, n] is given.

    ``cos_theta`` [n] and ``phi`` [n] are the helicity angles of the first product: in the parent's rest frame,
    measured from the direction in which the parent flies in the given frame.
    """
    m = mass(parent)
    k = decay_momentum(m, first_mass, second_mass)
    flight = np.sqrt(parent[1] ** 2 + parent[2] ** 2 + parent[3] ** 2)
    gamma, gamma_beta = parent[0] / m, flight / m
    sin_theta = np.sqrt(np.maximum(1 - cos_theta * cos_theta, 0.0))
    energy = np.sqrt(k * k + np.square(first_mass))
    along = gamma * k * cos_theta + gamma_beta * energy
    first = np.empty_like(parent)
    first[0] = gamma * energy + gamma_beta * k * cos_theta
    first[1:] = _along(parent, flight, k * sin_theta * np.cos(phi), k * sin_theta * np.sin(phi), along)
    return first, parent - first


def _along(parent: NDArray, flight: NDArray, x: NDArray, y: NDArray, z: NDArray) -> NDArray:
    """The vector [3, n] with component z along the parent's flight and x, y across it."""
    safe = np.maximum(flight, 1e-12)
    cosine = np.where(flight > 1e-12, parent[3] / safe, 1.0)
    across = np.sqrt(parent[1] ** 2 + parent[2] ** 2)
    sine = np.where(flight > 1e-12, across / safe, 0.0)
    inverse = 1 / np.maximum(across, 1e-12)
    straight = across <= 1e-12
    cos_phi = np.where(straight, 1.0, parent[1] * inverse)
    sin_phi = np.where(straight, 0.0, parent[2] * inverse)
    tilted = x * cosine + z * sine
    return np.stack([tilted * cos_phi - y * sin_phi, tilted * sin_phi + y * cos_phi, z * cosine - x * sine])


def boost(p: NDArray, frame: NDArray) -> NDArray:
    """Four-vectors ``p`` [4, n], given in the rest frame of ``frame`` [4, n], as seen where ``frame`` is given."""
    m = mass(frame)
    along = (frame[1] * p[1] + frame[2] * p[2] + frame[3] * p[3]) / m
    factor = along / (frame[0] + m) + p[0] / m
    return np.concatenate([((frame[0] * p[0]) / m + along)[None], p[1:] + factor * frame[1:]])


def inverse(frame: NDArray) -> NDArray:
    """The frame [4, n] that flies backwards: boosting there undoes a boost to ``frame``."""
    return np.concatenate([frame[:1], -frame[1:]])


def transport(p: NDArray, before: NDArray, after: NDArray) -> NDArray:
    """Four-vectors ``p`` [4, n] taken along where a particle's momentum ``before`` becomes ``after``, of the same mass.

    The boost in the plane of the two four-velocities u and u', which leaves all across it alone:
    p - (u + u') (u + u')·p / (1 + u·u') + 2 u' u·p.
    """
    u, v = before / mass(before), after / mass(after)
    both = u + v
    return p - both * (dot(both, p) / (1 + dot(u, v))) + 2 * v * dot(u, p)


def dot(p: NDArray, q: NDArray) -> NDArray:
    """Scalar product [...] of four-vectors [4, ...]."""
    return p[0] * q[0] - p[1] * q[1] - p[2] * q[2] - p[3] * q[3]


class Quantiles:
    """Numbers that follow a density on a grid: the inverse of its cumulative distribution."""

    def __init__(self, grid: NDArray, density: NDArray) -> None:
        """``density`` [n] >= 0 at the points ``grid`` [n], straight between them."""
        share = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2 * np.diff(grid))])
        self._grid, self._share = grid, share / share[-1]

    def __call__(self, u: NDArray) -> NDArray:
        """The values at the shares ``u`` [...] from 0 to 1."""
        return np.interp(u, self._share, self._grid)
