"""How sure a search could be of a discovery: the expected significance of a count above a threshold.

A classifier's AUC averages over all thresholds. A search uses one: it counts the events above it, and asks
how unlikely that count would be if there were only background.

References: G. Cowan, K. Cranmer, E. Gross, O. Vitells, Eur. Phys. J. C 71 (2011) 1554, arXiv:1007.1727,
eq. 97 (known background); T.-P. Li, Y.-Q. Ma, Astrophys. J. 272 (1983) 317, eq. 17 (background estimated from
a count of its own), to which the formula with an uncertainty is equal when the counts are set to their
expectations.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

SIGNAL, BACKGROUND, UNCERTAINTY = 100.0, 1000.0, 0.05
"""Events expected before the cut and the background's relative uncertainty: Baldi et al., arXiv:1402.4735.

The paper's table gives an expected significance "for 100 signal events and 1,000 ± 50 background events"
beside each AUC. It does not give the threshold, the efficiencies, or whether one count or a whole histogram
went into it, so those numbers cannot be recomputed from what it prints. Nor does an AUC fix them: two
classifiers with the same AUC can differ in the corner of the ROC curve where the best cut lies. Compare the
order of the methods, not the digits.
"""


class Cut(NamedTuple):
    """A threshold and what a search that counts the events above it could expect.

    Attributes:
        threshold: the lowest probability that passes.
        significance: expected, in standard deviations.
        error: standard deviation of ``significance`` from the limited number of simulated events.
        signal_efficiency: part of the signal that passes.
        background_efficiency: part of the background that passes.

    Example:
        >>> from higgs_tutorial.physics.significance import significance_at
        >>> cut = significance_at(0.5, y=[0, 0, 1, 1], probability=[0.1, 0.6, 0.7, 0.9])
        >>> cut.threshold, cut.signal_efficiency, cut.background_efficiency
        (0.5, 1.0, 0.5)
    """

    threshold: float
    significance: float
    error: float
    signal_efficiency: float
    background_efficiency: float


def asimov_significance(s: ArrayLike, b: ArrayLike, sigma_b: ArrayLike = 0.0) -> NDArray | float:
    """Return the median significance, in standard deviations, of discovering ``s`` events over ``b``.

    The count is Poisson; the background is known to ``sigma_b`` events (one standard deviation) from a second
    Poisson count. Arrays of any shapes are broadcast. For an ``s`` that is tiny beside ``b`` it is
    ``s / sqrt(b + sigma_b**2)``. The result is accurate to 12 digits above 1 and to 7 everywhere. At ``b`` = 0 it
    is the formula's limit: infinite without an uncertainty, 0 with one. Neither is physics; both say that ``b``
    must be estimated from more events.

    Raises:
        ValueError: if a number is negative or not finite.

    Example:
        >>> from higgs_tutorial.physics.significance import asimov_significance
        >>> f"{asimov_significance(100, 1000):.2f}"  # near s / sqrt(b) = 3.16
        '3.11'
        >>> f"{asimov_significance(100, 1000, sigma_b=50):.2f}"
        '1.64'
    """
    s, b, sigma_b = (np.asarray(value, np.float64) for value in (s, b, sigma_b))
    for name, value in (("s", s), ("b", b), ("sigma_b", sigma_b)):
        if not (np.isfinite(value) & (value >= 0)).all():
            raise ValueError(f"{name} is {value}; event numbers must be finite and not negative")
    some = b > 0
    safe = np.where(some, b, 1.0)
    variance = sigma_b**2
    first = (s + safe) * np.log1p(s * safe / (safe**2 + (s + safe) * variance))
    # Of a known background the second term is s, the limit of log(1 + variance * t) / variance.
    part = np.where(variance > 0, variance, 1.0)
    second = np.where(variance > 0, safe**2 / part * np.log1p(part * s / (safe * (safe + variance))), s)
    # The two terms cancel to s**2 / (2 (b + variance)) for a small s: below this that is the closer one.
    z = np.where(s < 1e-8 * safe, s / np.sqrt(safe + variance), np.sqrt(2 * np.maximum(first - second, 0)))
    limit = np.where((s > 0) & (sigma_b == 0), np.inf, 0.0)
    return np.where(some, z, limit)[()]


def significance_at(
    threshold: float,
    y: ArrayLike,
    probability: ArrayLike,
    *,
    signal: float = SIGNAL,
    background: float = BACKGROUND,
    uncertainty: float = UNCERTAINTY,
) -> Cut:
    """Return what a search expects that counts the events with ``probability >= threshold``.

    Args:
        threshold: the lowest probability that passes.
        y: labels ``[n]``, 1 for signal and 0 for background.
        probability: the classifier's output ``[n]``, larger for signal; its logit will do, and never rounds to 1.
        signal: signal events expected before the cut.
        background: background events expected before the cut.
        uncertainty: relative uncertainty of the background, before and after the cut.

    Raises:
        ValueError: if the arrays do not fit, or one of the two classes is missing.

    Example:
        >>> from higgs_tutorial.physics.significance import significance_at
        >>> cut = significance_at(0.5, y=[0, 0, 0, 1, 1, 1], probability=[0.1, 0.3, 0.6, 0.4, 0.7, 0.9])
        >>> f"{cut.signal_efficiency:.2f}, {cut.background_efficiency:.2f}"
        '0.67, 0.33'
    """
    y, probability = _check(y, probability)
    passed, totals = probability >= threshold, np.array([np.sum(y == 1), np.sum(y == 0)])
    counts = np.array([np.sum(passed & (y == 1)), np.sum(passed & (y == 0))])
    efficiencies = counts / totals
    z, error = _with_error(efficiencies, totals, signal, background, uncertainty)
    return Cut(float(threshold), float(z), float(error), *map(float, efficiencies))


def best_cut(
    y: ArrayLike,
    probability: ArrayLike,
    *,
    signal: float = SIGNAL,
    background: float = BACKGROUND,
    uncertainty: float = UNCERTAINTY,
    min_background: int = 100,
) -> Cut:
    """Return the threshold with the largest expected significance, every event's output being tried.

    The maximum of many fluctuating numbers is too large: choose the threshold on validation events, and quote
    ``significance_at(threshold, …)`` on test events. ``min_background`` background events must pass, so that
    the cut is not one that merely happened to let none of them through. The other arguments are those of
    `significance_at`.

    Raises:
        ValueError: if the arrays do not fit, a class is missing, or there are fewer than ``min_background``
            background events.

    Example:
        >>> import numpy as np
        >>> from higgs_tutorial.physics.significance import best_cut
        >>> y = np.array([0] * 900 + [0] * 100 + [1] * 100 + [1] * 900)
        >>> probability = np.array([0.1] * 900 + [0.9] * 100 + [0.1] * 100 + [0.9] * 900)
        >>> cut = best_cut(y, probability)
        >>> cut.threshold, cut.signal_efficiency, cut.background_efficiency
        (0.9, 0.9, 0.1)
    """
    y, probability = _check(y, probability)
    if min_background < 1:
        raise ValueError(f"min_background is {min_background}; it must be at least 1")
    order = np.argsort(-probability, kind="stable")
    falling, labels = probability[order], y[order]
    last = np.append(falling[1:] != falling[:-1], True)  # equal outputs pass together
    passed_signal, passed_background = np.cumsum(labels == 1)[last], np.cumsum(labels == 0)[last]
    allowed = passed_background >= min_background
    if not allowed.any():
        raise ValueError(
            f"{passed_background[-1]} background events are too few for min_background={min_background}"
        )
    b = background * passed_background[allowed] / passed_background[-1]
    z = asimov_significance(signal * passed_signal[allowed] / passed_signal[-1], b, uncertainty * b)
    threshold = falling[last][allowed][np.argmax(z)]
    settings = {"signal": signal, "background": background, "uncertainty": uncertainty}
    return significance_at(threshold, y, probability, **settings)


def _with_error(efficiencies, totals, signal, background, uncertainty) -> tuple[float, float]:
    """Return the significance and its standard deviation, the passed events being binomial."""
    s, b = signal * efficiencies[0], background * efficiencies[1]
    z = asimov_significance(s, b, uncertainty * b)
    if not 0 < z < np.inf:
        return z, np.nan
    grown = 1 + uncertainty**2 * b  # sigma_b**2 = (uncertainty b)**2: both of b's roles vary with it
    by_s = np.log1p(s / b) - np.log1p(uncertainty**2 * s / grown)
    by_b = np.log1p(s / b) - s / b - np.log1p(uncertainty**2 * s / grown) + uncertainty**2 * s / grown
    slopes = np.array([signal * by_s, background * by_b]) / z
    variances = efficiencies * (1 - efficiencies) / totals
    return z, np.sqrt(np.sum(slopes**2 * variances))


def _check(y: ArrayLike, probability: ArrayLike) -> tuple[NDArray, NDArray]:
    y, probability = np.asarray(y), np.asarray(probability)
    if y.ndim != 1 or y.shape != probability.shape:
        raise ValueError(f"y has shape {y.shape} and probability {probability.shape}; both must be [n]")
    if set(np.unique(y).tolist()) != {0, 1}:
        raise ValueError("y must hold both signal (1) and background (0), and nothing else")
    if not np.isfinite(probability).all():
        raise ValueError("probability holds values that are not finite")
    return y, probability
