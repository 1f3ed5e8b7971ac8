"""The formulas against pyhf, Li and Ma, exact arithmetic and toys; the cut against brute force."""

import warnings
from fractions import Fraction

import numpy as np
import pytest

from higgs_tutorial.physics.significance import asimov_significance, best_cut, significance_at


@pytest.mark.parametrize(
    ("s", "b", "sigma_b", "z"), [(50, 100, 7, 3.7195), (100, 1000, 50, 1.6443), (100, 1000, 0, 3.1117)]
)
def test_known_values(s, b, sigma_b, z):
    assert asimov_significance(s, b, sigma_b) == pytest.approx(z, abs=5e-5)


@pytest.mark.parametrize(("s", "b", "sigma_b"), [(50, 100, 7), (100, 1000, 50), (3, 2, 1), (20, 17, 12)])
def test_equals_the_profile_likelihood_of_pyhf(s, b, sigma_b):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # jsonschema announces changes to pyhf's own imports
        import pyhf

        model = pyhf.simplemodels.uncorrelated_background([float(s)], [float(b)], [float(sigma_b)])
        expected = model.expected_data(model.config.suggested_init())
        q0 = pyhf.infer.test_statistics.q0(
            0.0,
            expected,
            model,
            model.config.suggested_init(),
            model.config.suggested_bounds(),
            model.config.suggested_fixed(),
        )
    assert asimov_significance(s, b, sigma_b) == pytest.approx(float(np.sqrt(q0)), rel=1e-4)


def test_equals_li_and_ma():
    s, b, sigma = 30.0, 80.0, 11.0
    alpha = sigma**2 / b  # the control region has n_off = b / alpha events
    n_on, n_off = s + b, b / alpha
    total = n_on + n_off
    on = n_on * np.log((1 + alpha) / alpha * n_on / total)
    off = n_off * np.log((1 + alpha) * n_off / total)
    assert asimov_significance(s, b, sigma) == pytest.approx(np.sqrt(2 * (on + off)), rel=1e-12)


def series(x, r, terms=12):
    """f of the module for small x, from the power series of both logarithms in exact fractions."""
    x, r = Fraction(x), Fraction(r)
    first = sum((-1) ** k * x**k / (k * (k - 1)) for k in range(2, terms))
    second = sum((-1) ** k * (x * r / (1 + r)) ** k / (k * (k - 1)) for k in range(2, terms))
    return first - (1 + r) / r * second


@pytest.mark.parametrize("s", [1e-12, 1e-7, 1e-3, 0.5])
@pytest.mark.parametrize("sigma_b", [1e-9, 1e-3, 1.0, 9.0, 11.0, 300.0, 1e5])
def test_small_signals_keep_their_digits(s, sigma_b):
    b = 100.0
    exact = float(2 * Fraction(b) * series(Fraction(s) / 100, Fraction(sigma_b) ** 2 / 100)) ** 0.5
    assert asimov_significance(s, b, sigma_b) == pytest.approx(exact, rel=1e-9 if exact > 0.01 else 1e-7)
    if s < 1e-6:
        assert exact == pytest.approx(s / np.sqrt(b + sigma_b**2), rel=1e-6)


@pytest.mark.parametrize("s", [10.0, 100.0, 1000.0])
@pytest.mark.parametrize("sigma_b", [1.0, 10.0, 30.0])
def test_equals_the_formula_without_log1p_where_that_is_harmless(s, sigma_b):
    b, v = 100.0, sigma_b**2
    first = (s + b) * np.log((s + b) * (b + v) / (b**2 + (s + b) * v))
    second = b**2 / v * np.log(1 + v * s / (b * (b + v)))
    assert asimov_significance(s, b, sigma_b) == pytest.approx(np.sqrt(2 * (first - second)), rel=1e-12)


def test_broadcasts_and_is_monotonic():
    s, b = np.linspace(1, 300, 40)[:, None], np.linspace(5, 2000, 30)
    z = asimov_significance(s, b, 0.05 * b)
    assert z.shape == (40, 30)
    assert (np.diff(z, axis=0) > 0).all()
    assert (np.diff(z, axis=1) < 0).all()
    assert (z < asimov_significance(s, b)).all()
    assert isinstance(asimov_significance(1, 2, 3), float)


def test_limits():
    assert asimov_significance(0, 100, 5) == 0
    assert asimov_significance(3, 0) == np.inf
    assert asimov_significance(0, 0) == 0
    assert asimov_significance(3, 0, 1) == 0
    assert asimov_significance(3, 1e-12, 1) < 1e-4


def test_known_background_is_the_median_of_experiments():
    counts = np.random.default_rng(0).poisson(130, 20_000)  # s = 30 over b = 100
    mu = np.maximum(counts, 100)
    z = np.sqrt(2 * (counts * np.log(mu / 100) - (mu - 100)).clip(0))
    assert asimov_significance(30, 100) == pytest.approx(np.median(z), abs=0.05)


@pytest.mark.parametrize("bad", [(-1, 10, 1), (1, -10, 1), (1, 10, -1), (np.nan, 1, 0), (1, np.inf, 0)])
def test_refuses_numbers_that_cannot_be_counts(bad):
    with pytest.raises(ValueError, match="finite and not negative"):
        asimov_significance(*bad)


@pytest.fixture(scope="module")
def scored():
    rng = np.random.default_rng(3)
    y = (rng.random(4000) < 0.53).astype(np.float32)
    return y, np.round(1 / (1 + np.exp(-rng.normal(2.0 * y, 1.0))), 2)  # many equal outputs


def test_best_cut_is_the_best_of_all(scored):
    y, p = scored
    cuts = [significance_at(t, y, p) for t in np.unique(p)]
    allowed = [c for c in cuts if np.sum((p >= c.threshold) & (y == 0)) >= 100]
    assert best_cut(y, p) == max(allowed, key=lambda c: c.significance)
    tighter = best_cut(y, p, min_background=1)
    assert tighter.significance > best_cut(y, p).significance
    assert tighter.threshold > best_cut(y, p).threshold


def test_cut_counts_both_classes(scored):
    y, p = scored
    cut = significance_at(0.8, y, p, signal=10, background=500, uncertainty=0.1)
    assert cut.signal_efficiency == np.mean(p[y == 1] >= 0.8)
    assert cut.background_efficiency == np.mean(p[y == 0] >= 0.8)
    s, b = 10 * cut.signal_efficiency, 500 * cut.background_efficiency
    assert cut.significance == asimov_significance(s, b, 0.1 * b)
    everything = significance_at(0.0, y, p)
    assert everything.significance == pytest.approx(1.6443, abs=5e-5)
    assert everything.error == 0


@pytest.mark.parametrize("uncertainty", [0.0, 0.05, 1.0])
def test_error_is_the_spread_of_repeated_samples(uncertainty):
    """Binomial resampling of what passes, against the linear propagation."""
    rng = np.random.default_rng(5)
    n, efficiencies = np.array([3000, 2500]), np.array([0.5, 0.08])
    passed = rng.binomial(n, efficiencies, (4000, 2))
    s, b = (passed / n * [100, 1000]).T
    spread = np.std(asimov_significance(s, b, uncertainty * b))
    y = np.repeat([1, 0], n)
    p = np.concatenate([np.arange(k) < round(k * e) for k, e in zip(n, efficiencies, strict=True)])
    cut = significance_at(0.5, y, p.astype(float), uncertainty=uncertainty)
    assert cut.error == pytest.approx(spread, rel=0.05)


def test_a_cut_that_nothing_passes():
    cut = significance_at(2.0, [0, 1], [0.1, 0.9])
    assert cut.significance == 0
    assert np.isnan(cut.error)


@pytest.mark.parametrize(
    ("y", "p", "settings", "says"),
    [
        ([0, 1], [0.5], {}, r"shape \(2,\) and probability \(1,\)"),
        ([1, 1], [0.5, 0.6], {}, "both signal"),
        ([0, 2], [0.5, 0.6], {}, "nothing else"),
        ([0, 1], [0.5, np.nan], {}, "not finite"),
        ([0, 1], [0.5, 0.6], {}, "too few for min_background=100"),
        ([0, 1], [0.5, 0.6], {"min_background": 0}, "at least 1"),
    ],
)
def test_best_cut_refuses(y, p, settings, says):
    with pytest.raises(ValueError, match=says):
        best_cut(y, p, **settings)


def test_binomial_error_of_one_event():
    """One of two signal events passes: the efficiency's variance is 1/8."""
    cut = significance_at(0.5, [1, 1, 0, 0], [0.9, 0.1, 0.9, 0.1], signal=1e-3, background=1e9, uncertainty=0)
    by_signal = 1e-3 / np.sqrt(0.5e9) * np.sqrt(1 / 8)
    by_background = 0.5e-3 * 0.5 * 0.5e9**-1.5 * 1e9 * np.sqrt(1 / 8)
    assert cut.error == pytest.approx(np.hypot(by_signal, by_background), rel=1e-5)
