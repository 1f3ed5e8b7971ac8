"""How well a network's outputs rank signal above background."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata
from sklearn.metrics import roc_auc_score


def roc_auc(y: ArrayLike, score: ArrayLike, weight: ArrayLike | None = None) -> float:
    """Return the area under the ROC curve: how probably a signal event scores above a background event.

    Only the order of ``score`` matters, so give it logits rather than probabilities: in float32 the sigmoid of
    everything above 17 is exactly 1, and events that a network does tell apart become ties.

    With weights each pair counts with the product of its two weights (the Mann-Whitney statistic of weighted
    events), ties by half. That is also defined where some weights are negative, as a next-to-leading-order
    generator's are: its expectation is that of the sample without them, though it may leave [0, 1] in a small
    sample, and its error is larger.

    Args:
        y: labels ``[n]``, 1 for signal and 0 for background.
        score: anything that grows with the probability of signal ``[n]``, finite.
        weight: weights ``[n]`` or None for equal ones.

    Raises:
        ValueError: if a class is missing or its weights do not add up to more than 0.

    Example:
        >>> from higgs_tutorial.nn.scoring import roc_auc
        >>> roc_auc([0, 0, 1, 1], [97.0, 99.0, 98.0, 100.0])
        0.75
        >>> roc_auc([0, 0, 1, 1], [97.0, 99.0, 98.0, 100.0], weight=[1, 3, 1, 1])
        0.625
    """
    y, score = np.asarray(y), np.asarray(score)
    check_classes(y, weight)
    if weight is None:
        return float(roc_auc_score(y, score))
    signal, background = (np.asarray(weight, np.float64) * (y == c) for c in (1, 0))
    return float(signal @ _weight_below(score, background) / (signal.sum() * background.sum()))


def roc_auc_error(y: ArrayLike, score: ArrayLike, weight: ArrayLike | None = None) -> float:
    """Return the standard error of `roc_auc` that comes from the events being a sample.

    It is that of the method of DeLong et al. ("Comparing the areas under two or more correlated receiver operating
    characteristic curves", Biometrics 44, 837, 1988), which assumes nothing of how the scores are distributed. How much
    the AUC changes when the network is trained again is not in it.

    With weights each event's part in the variance, the square of its distance from the mean, counts with the square of
    its share of the class's weights; equal weights give what none give.

    Args:
        y: labels ``[n]``, 1 for signal and 0 for background.
        score: anything that grows with the probability of signal ``[n]``.
        weight: weights ``[n]`` or None for equal ones.

    Raises:
        ValueError: if there are fewer than two events of a class, or the weights of one add up to 0 or less.

    Example:
        >>> import numpy as np
        >>> from higgs_tutorial.nn.scoring import roc_auc, roc_auc_error
        >>> y = np.arange(1_000) % 2
        >>> score = y + np.random.default_rng(0).normal(size=1_000)
        >>> print(f"{roc_auc(y, score):.2f} ± {roc_auc_error(y, score):.2f}")
        0.78 ± 0.01
    """
    if weight is None:
        return _error(*_shares_beaten(y, score))
    y, score, weight = np.asarray(y), np.asarray(score), np.asarray(weight, np.float64)
    check_classes(y, weight)
    _check_two_of_each(y)
    shares = {c: np.where(y == c, weight, 0) / weight[y == c].sum() for c in (0, 1)}
    below, above = _weight_below(score, shares[0]), 1 - _weight_below(score, shares[1])
    return float(
        np.sqrt(sum(_weighted_variance(v[y == c], shares[c][y == c]) for v, c in ((below, 1), (above, 0))))
    )


def _weight_below(score: NDArray, weight: NDArray) -> NDArray:
    """Return for each event the sum of the weights of those with a lower score, and half of its equals; ``[n]``."""
    values, place = np.unique(score, return_inverse=True)
    at = np.bincount(place, weight, len(values))
    return (np.cumsum(at) - at / 2)[place]


def _weighted_variance(values: NDArray, share: NDArray) -> float:
    """Return the variance of the mean of ``values`` with weights ``share``, which add up to 1."""
    n = len(values)
    return n / (n - 1) * float(np.sum((share * (values - share @ values)) ** 2))


def roc_auc_difference(y: ArrayLike, score: ArrayLike, other: ArrayLike) -> tuple[float, float]:
    """Return by how much the AUC of ``score`` exceeds that of ``other`` on the same events, and its standard error.

    On the same events the two AUCs go up and down together, so that the error of their difference is smaller than
    the errors of the two would have it (DeLong et al., as in `roc_auc_error`).

    Args:
        y: labels ``[n]``, 1 for signal and 0 for background.
        score: the scores of one classifier ``[n]``.
        other: those of the other ``[n]``.

    Raises:
        ValueError: if there are fewer than two events of a class.

    Example:
        >>> import numpy as np
        >>> from higgs_tutorial.nn.scoring import roc_auc_difference, roc_auc_error
        >>> rng = np.random.default_rng(0)
        >>> y = np.arange(1_000) % 2
        >>> first = y + rng.normal(size=1_000)
        >>> second = first + 0.3 * rng.normal(size=1_000)  # the same with a little noise
        >>> difference, error = roc_auc_difference(y, first, second)
        >>> error < 0.5 * roc_auc_error(y, first)
        True
    """
    first, second = _shares_beaten(y, score), _shares_beaten(y, other)
    signal, background = (one - two for one, two in zip(first, second, strict=True))
    return float(signal.mean()), _error(signal, background)


def _shares_beaten(y: ArrayLike, score: ArrayLike) -> tuple[NDArray, NDArray]:
    """For each signal event the share of the background below it; for each background event that of signal above."""
    y, score = np.asarray(y), np.asarray(score)
    signal, background = score[y == 1], score[y == 0]
    _check_two_of_each(y)
    ranks = rankdata(np.concatenate([signal, background]))  # ties share the mean rank
    beaten = ranks[: len(signal)] - rankdata(signal)
    above = len(signal) - (ranks[len(signal) :] - rankdata(background))
    return beaten / len(background), above / len(signal)


def _check_two_of_each(y: NDArray) -> None:
    signal, background = (int(np.count_nonzero(y == c)) for c in (1, 0))
    if min(signal, background) < 2:
        raise ValueError(
            f"the events are {signal:,} of signal and {background:,} of background; the error of a ROC AUC needs at"
            " least two of each"
        )


def _error(signal: NDArray, background: NDArray) -> float:
    return float(np.sqrt(sum(np.var(part, ddof=1) / len(part) for part in (signal, background))))


def check_classes(y: ArrayLike, weight: ArrayLike | None = None, what: str = "the events") -> None:
    """Refuse labels ``y`` ``[n]`` from which no ROC AUC can be computed; ``what`` names them in the message.

    Raises:
        ValueError: if one of the two classes is missing or its weights do not add up to more than 0.
    """
    y = np.asarray(y)
    counts = {"signal": np.count_nonzero(y == 1), "background": np.count_nonzero(y == 0)}
    if not all(counts.values()):
        raise ValueError(
            f"{what} are of one class: {counts['signal']:,} are signal and {counts['background']:,} background;"
            " the ROC AUC needs at least one of each"
        )
    if weight is not None:
        for label, name in ((1, "signal"), (0, "background")):
            total = float(np.sum(np.asarray(weight, np.float64)[y == label]))
            if not total > 0:
                raise ValueError(
                    f"the weights of the {name} among {what} add up to {total:g}; the ROC AUC needs more than 0"
                )
