"""How well a network's outputs rank signal above background."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
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
    weight = np.asarray(weight, np.float64)
    values, place = np.unique(score, return_inverse=True)
    signal, background = (np.bincount(place, weight * (y == c), len(values)) for c in (1, 0))
    below = np.cumsum(background) - background / 2  # ties count by half
    return float(signal @ below / (signal.sum() * background.sum()))


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
