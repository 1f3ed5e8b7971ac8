"""The 28 columns of HIGGS: their physical units, and the seven that are functions of the other 21.

Every column of the file is a physical value divided by a constant. The constants and the rules below were
recovered from the file itself: transverse momenta lie on a grid of 0.01 GeV, pseudorapidities and azimuths on
one of 0.001, which fixes their scales to a few parts per million; the scales of the missing energy and of the
masses follow from the identities that tie them to those.

Reference: P. Baldi, P. Sadowski, D. Whiteson, Nature Communications 5, 4308 (2014), arXiv:1402.4735.

Example:
    >>> from higgs_tutorial import features
    >>> len(features.COLUMNS), features.LOW_LEVEL[0], features.HIGH_LEVEL[-1]
    (28, 'lepton_pT', 'm_wwbb')
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

LOW_LEVEL = (
    *("lepton_pT", "lepton_eta", "lepton_phi", "missing_energy_magnitude", "missing_energy_phi"),
    *(f"jet_{jet}_{value}" for jet in (1, 2, 3, 4) for value in ("pt", "eta", "phi", "b-tag")),
)
HIGH_LEVEL = ("m_jj", "m_jjj", "m_lv", "m_jlv", "m_bb", "m_wbb", "m_wwbb")
COLUMNS = (*LOW_LEVEL, *HIGH_LEVEL)

SCALE = np.array(
    [
        *(54.6420946, 1.02672696, 1.8021706, 58.2087, np.pi / 1.743932),
        *(109.1617053, 1.00986648, 1.80375045, 2 / 2.1730761528),
        *(79.42591, 1.02946997, 1.80227322, 2 / 2.2148721218),
        *(56.9406897, 1.09860086, 1.80257996, 2 / 2.5482244492),
        *(41.0834275, 1.20073497, 1.80200593, 2 / 3.1019613743),
        *(87.6957, 179.6881, 81.4307, 195.2186, 126.5680, 336.2175, 511.4633),
    ]
)
"""Physical value of 1.0 in each column: GeV, η, radians; b-tags become 0 (none), 1 (loose) or 2 (tight)."""

W_MASS = 80.419
TOP_MASS = 175.0
TIE = 1e-3
"""Solutions equally close to within this (GeV) count as one; the lower η is taken."""
NEUTRINO_ETA = np.arange(-60, 61) * 0.05
"""Pseudorapidities that the file tries for the neutrino, whose longitudinal momentum nothing measures."""


def to_physical(x: ArrayLike) -> NDArray:
    """Return columns in HIGGS units as GeV, η and radians.

    ``x`` is ``[n, 28]`` (all columns), ``[n, 21]`` (low-level) or ``[n, 7]`` (high-level); the result has the same
    shape and floating-point type. b-tags become 0 (none), 1 (loose) or 2 (tight).

    Raises:
        ValueError: if ``x`` has another shape.

    Example:
        >>> import numpy as np
        >>> from higgs_tutorial import features
        >>> physical = features.to_physical(np.ones([1, 28]))
        >>> f"{physical[0, 0]:.1f} GeV"  # a lepton's pT of 1.0 in HIGGS units
        '54.6 GeV'
    """
    x = _floating(x)
    return x * _scale(x).astype(x.dtype)


def to_higgs_units(x_phys: ArrayLike) -> NDArray:
    """Return GeV, η and radians in HIGGS units: the inverse of `to_physical`, with the same shapes and errors.

    Example:
        >>> import numpy as np
        >>> from higgs_tutorial import features
        >>> masses = np.array([[80.4, 175.0, 80.4, 175.0, 125.0, 300.0, 425.0]])  # GeV
        >>> print(features.to_higgs_units(masses).round(2))
        [[0.92 0.97 0.99 0.9  0.99 0.89 0.83]]
    """
    x_phys = _floating(x_phys)
    return x_phys / _scale(x_phys).astype(x_phys.dtype)


def high_level(x_low: ArrayLike) -> NDArray:
    """Return the seven high-level columns ``[n, 7]`` of low-level columns ``[n, 21]``, both in HIGGS units.

    Objects are massless. The steps are those of `invariant_masses`. Where the file lists fewer than two
    tagged jets its b-jets lay beyond the four listed ones, which nothing in the row tells; then the light
    pair is chosen among all listed untagged jets, and the last listed of the jets left stand in for the
    missing b-jets. The file's own light pair may also have used a fifth or sixth jet: where m_jj differs, so
    do the others.

    Raises:
        ValueError: if the shape is not ``[n, 21]`` or a value is not finite, naming the row and the column.

    Example:
        >>> import numpy as np
        >>> from higgs_tutorial import features, simulate
        >>> x, _ = simulate(1_000)
        >>> masses = features.high_level(x[:, :21])
        >>> masses.shape
        (1000, 7)
        >>> np.allclose(masses[:, 2], x[:, 23], rtol=1e-3)  # m_lv needs no jets
        True
    """
    x_low = _floating(x_low)
    if x_low.ndim != 2 or x_low.shape[1] != len(LOW_LEVEL):
        raise ValueError(
            f"high_level needs the {len(LOW_LEVEL)} low-level columns [n, 21], not {x_low.shape}"
        )
    bad = np.argwhere(~np.isfinite(x_low))
    if len(bad):
        row, column = bad[0]
        raise ValueError(
            f"row {row}, {LOW_LEVEL[column]}: {x_low[row, column]} is not finite ({len(bad)} such values)"
        )
    row = to_physical(x_low.astype(np.float64)).T  # [21, n]
    jets = np.stack(
        [row[5 + 4 * jet : 9 + 4 * jet] for jet in range(4)], axis=1
    )  # [4, 4, n]: value, jet, event
    pt, eta, phi, tag = jets
    masses = invariant_masses(row[0], row[1], row[2], row[3], row[4], pt, eta, phi, tag > 0.5)
    return to_higgs_units(masses.T).astype(x_low.dtype)


def invariant_masses(
    lepton_pt: NDArray,
    lepton_eta: NDArray,
    lepton_phi: NDArray,
    missing_pt: NDArray,
    missing_phi: NDArray,
    jet_pt: NDArray,
    jet_eta: NDArray,
    jet_phi: NDArray,
    jet_is_b: NDArray,
) -> NDArray:
    """Masses [7, n] in GeV, in the order of HIGH_LEVEL, from n events with k >= 4 jets (arrays [k, n]).

    An absent jet has pT 0. The rules, as the file follows them (jets in the order of the list):

    - neutrino: pT is the missing energy; η is the point of a grid (-3 to 3 in steps of 0.05) that brings the
      mass of lepton and neutrino, m_lv, closest to 80.419 GeV;
    - light pair: the two untagged jets whose mass, m_jj, is closest to 80.419 GeV;
    - b-jets: the first two tagged jets; m_bb is their mass. If there are fewer than two, the last listed
      jets outside the light pair take their place;
    - m_jjj: the light pair with the b-jet that brings the mass closest to 175 GeV; m_jlv: lepton, neutrino
      and the other b-jet; m_wbb: the larger of the masses (lepton, neutrino, bb) and (light pair, bb);
      m_wwbb: the mass of all of them.

    Example:
        >>> import numpy as np
        >>> from higgs_tutorial.physics.features import invariant_masses
        >>> lepton, missing = np.array([[40.0], [0.0], [0.0]]), np.array([[40.0], [3.0]])
        >>> pt, eta, phi = np.full([4, 1], 50.0), np.zeros([4, 1]), np.array([[0.0], [3.0], [1.0], [2.0]])
        >>> is_b = np.array([[False], [False], [True], [True]])
        >>> masses = invariant_masses(*lepton, *missing, pt, eta, phi, is_b)
        >>> masses.shape, f"{masses[0, 0]:.1f} GeV"  # m_jj: two jets of 50 GeV, nearly back to back
        ((7, 1), '99.7 GeV')
    """
    lepton = _massless(lepton_pt, lepton_eta, lepton_phi)
    neutrino_eta, m_lv = _neutrino_eta(lepton_pt, lepton_eta, missing_pt, missing_phi - lepton_phi)
    leptonic = lepton + _massless(missing_pt, neutrino_eta, missing_phi)
    jets = _massless(jet_pt, jet_eta, jet_phi)  # [4, k, n]
    light, m_jj, in_pair = _light_pair(jets, jet_pt > 0, jet_is_b)
    b = _b_jets(jets, jet_pt > 0, jet_is_b, in_pair)
    with_b = [_mass(light + b[0]), _mass(light + b[1])]
    first = np.abs(with_b[0] - TOP_MASS) < np.abs(with_b[1] - TOP_MASS)
    bb = b[0] + b[1]
    return np.stack(
        [
            m_jj,
            np.where(first, with_b[0], with_b[1]),
            m_lv,
            _mass(leptonic + np.where(first, b[1], b[0])),
            _mass(bb),
            np.maximum(_mass(leptonic + bb), _mass(light + bb)),
            _mass(leptonic + light + bb),
        ]
    )


def _massless(pt: NDArray, eta: NDArray, phi: NDArray) -> NDArray:
    """Four-vectors [4, ...] = (E, px, py, pz) of massless objects."""
    return np.stack([pt * np.cosh(eta), pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)])


def _mass(p: NDArray) -> NDArray:
    return np.sqrt(np.maximum(p[0] * p[0] - p[1] * p[1] - p[2] * p[2] - p[3] * p[3], 0.0))


def _neutrino_eta(
    lepton_pt: NDArray, lepton_eta: NDArray, pt: NDArray, dphi: NDArray
) -> tuple[NDArray, NDArray]:
    """The grid point that brings m_lv closest to the W mass, and that m_lv.

    m² = 2 pT pT' (cosh Δη - cos Δφ) grows with |Δη|, so only the grid points on either side of the two
    solutions (which coincide with the lepton's η if m exceeds the W mass everywhere) can be closest.
    """
    product, cosine = 2 * lepton_pt * pt, np.cos(dphi)
    with np.errstate(divide="ignore"):
        delta = np.arccosh(np.maximum(W_MASS**2 / product + cosine, 1.0))
    best_eta = best_distance = best_mass = None
    step, limit = 0.05, NEUTRINO_ETA[-1]
    for solution in (lepton_eta - delta, lepton_eta + delta):
        low = np.floor(np.clip(solution, -limit, limit) / step)
        for index in (low, low + 1):
            eta = np.minimum(index * step, limit)
            mass = np.sqrt(np.maximum(product * (np.cosh(lepton_eta - eta) - cosine), 0.0))
            distance = np.abs(mass - W_MASS)
            if best_eta is None:
                best_eta, best_distance, best_mass = eta, distance, mass
                continue
            closer = distance < best_distance - TIE
            best_eta = np.where(closer, eta, best_eta)
            best_mass = np.where(closer, mass, best_mass)
            best_distance = np.minimum(distance, best_distance)
    return best_eta, best_mass


def _light_pair(jets: NDArray, present: NDArray, is_b: NDArray) -> tuple[NDArray, NDArray, NDArray]:
    """Four-vector [4, n], mass [n] and members [k, n] of the untagged pair closest to the W mass."""
    k, n = present.shape
    usable = present & ~is_b
    best = np.full(n, np.inf)
    first, second = np.zeros(n, np.int64), np.ones(n, np.int64)
    mass = np.zeros(n)
    for i in range(k):
        for j in range(i + 1, k):
            rows = np.flatnonzero(usable[i] & usable[j])
            if not len(rows):
                continue
            m = _mass(jets[:, i, rows] + jets[:, j, rows])
            distance = np.abs(m - W_MASS)
            closer = distance < best[rows]
            rows = rows[closer]
            best[rows], mass[rows], first[rows], second[rows] = distance[closer], m[closer], i, j
    every = np.arange(n)
    in_pair = np.zeros((k, n), bool)
    in_pair[first, every] = in_pair[second, every] = True
    return jets[:, first, every] + jets[:, second, every], mass, in_pair


def _b_jets(jets: NDArray, present: NDArray, is_b: NDArray, in_pair: NDArray) -> tuple[NDArray, NDArray]:
    """The two b-jets: tagged ones in list order, then the last listed jets outside the pair."""
    k, n = present.shape
    rank = np.where(is_b, np.arange(k)[:, None], 2 * k - np.arange(k)[:, None])
    rank = np.where(present & (~in_pair | is_b), rank, 4 * k)
    every = np.arange(n)
    first = np.argmin(rank, axis=0)
    rank[first, every] = 5 * k
    second = np.argmin(rank, axis=0)
    return jets[:, first, every], jets[:, second, every]


def _floating(x: ArrayLike) -> NDArray:
    x = np.asarray(x)
    return x if np.issubdtype(x.dtype, np.floating) else x.astype(np.float64)


def _scale(x: NDArray) -> NDArray:
    parts = {
        len(COLUMNS): SCALE,
        len(LOW_LEVEL): SCALE[: len(LOW_LEVEL)],
        len(HIGH_LEVEL): SCALE[len(LOW_LEVEL) :],
    }
    if x.ndim != 2 or x.shape[1] not in parts:
        raise ValueError(f"expected [n, 28], [n, 21] or [n, 7] columns of HIGGS, not shape {x.shape}")
    return parts[x.shape[1]]
