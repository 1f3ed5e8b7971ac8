"""The numbers printed in the talk and in Baldi et al., as data.

Sources: R. Jozefowicz, "TensorFlow Introduction" (Google Brain; TensorFlow 0.7), and P. Baldi, P. Sadowski,
D. Whiteson, "Searching for Exotic Particles in High-Energy Physics with Deep Learning", Nature
Communications 5, 4308 (2014), arXiv:1402.4735, its two tables as the talk prints them.

All of the talk's AUCs are on its validation set of 500,000 events; it reports no test AUC. It trained on
10,000,000 events in batches of 8192 and evaluated in batches of 20,000.

Example:
    >>> from higgs_tutorial import talk
    >>> talk.RUNGS["logistic"].valid_auc[-1]
    0.686
    >>> talk.AUC_TABLE["DN"]["complete"]  # mean and spread
    (0.885, 0.002)
"""

from __future__ import annotations

from dataclasses import dataclass

EVENTS = {"train": 10_000_000, "valid": 500_000, "test": 500_000}
BATCH_SIZE = 8192
EVALUATION_BATCH_SIZE = 20_000


@dataclass(frozen=True)
class TalkRung:
    """What the talk prints of one model: an AUC after each epoch, and what it says beside them.

    Attributes:
        idea: what it changes of the model before, in a few words.
        valid_auc: ROC AUC on the validation set after each epoch (25 numbers; 50 for dropout).
        train_auc: ROC AUC on the training set after the last epoch, where the talk prints one.
        optimizer: the optimiser and its learning rate.
        wall: the time that the talk prints for all epochs, where it prints one.
        note: what a reader of the number should know.

    Example:
        >>> from higgs_tutorial import talk
        >>> rung = talk.RUNGS["adam-6x100"]
        >>> rung.optimizer, rung.valid_auc[-1], rung.train_auc
        ('Adam lr 1e-3', 0.863, 0.867)
    """

    idea: str
    valid_auc: tuple[float, ...]
    optimizer: str
    train_auc: float | None = None
    wall: str | None = None
    note: str | None = None


def _aucs(text: str) -> tuple[float, ...]:
    return tuple(float(auc) for auc in text.split())


RUNGS: dict[str, TalkRung] = {
    "logistic": TalkRung(
        idea="a straight cut",
        valid_auc=_aucs(
            "0.668 0.673 0.677 0.679 0.680 0.682 0.682 0.683 0.683 0.684 0.684 0.684 0.684 "
            "0.685 0.685 0.685 0.685 0.685 0.685 0.685 0.685 0.685 0.685 0.685 0.686"
        ),
        optimizer="SGD lr 0.1",
        wall="2h 35min 26s (25 epochs, laptop)",
    ),
    "nn-1x100": TalkRung(
        idea="one hidden layer",
        valid_auc=_aucs(
            "0.684 0.701 0.723 0.738 0.743 0.746 0.749 0.752 0.755 0.758 0.761 0.764 0.766 "
            "0.767 0.768 0.770 0.772 0.774 0.774 0.776 0.776 0.778 0.778 0.779 0.780"
        ),
        optimizer="SGD lr 0.1",
        wall="11min 29s",
    ),
    "bn-1x100": TalkRung(
        idea="batch normalisation",
        valid_auc=_aucs(
            "0.693 0.713 0.739 0.753 0.762 0.766 0.770 0.772 0.773 0.775 0.777 0.780 0.782 "
            "0.782 0.785 0.786 0.788 0.787 0.790 0.790 0.792 0.792 0.793 0.794 0.794"
        ),
        optimizer="SGD lr 0.1",
        wall="3h 5min 10s",
    ),
    "bn-3x100": TalkRung(
        idea="three layers",
        valid_auc=_aucs(
            "0.727 0.758 0.774 0.785 0.792 0.798 0.803 0.808 0.811 0.815 0.818 0.820 0.822 "
            "0.824 0.826 0.827 0.828 0.829 0.830 0.830 0.831 0.832 0.833 0.833 0.834"
        ),
        optimizer="SGD lr 0.1",
        train_auc=0.857,
        note="the talk prints a training AUC of 0.857 beside 'pretty much no overfitting' for a validation "
        "AUC of 0.834, and the same 0.857 for the Adam model: one of the two is probably a slip",
    ),
    "adam-3x100": TalkRung(
        idea="Adam",
        valid_auc=_aucs(
            "0.820 0.834 0.840 0.843 0.844 0.846 0.848 0.848 0.848 0.850 0.850 0.851 0.851 "
            "0.851 0.852 0.852 0.852 0.853 0.853 0.853 0.854 0.854 0.854 0.854 0.854"
        ),
        optimizer="Adam lr 1e-3",
        train_auc=0.857,
        wall="about 7.5 min on a Tesla K40",
    ),
    "adam-6x100": TalkRung(
        idea="six layers",
        valid_auc=_aucs(
            "0.831 0.843 0.847 0.850 0.853 0.855 0.856 0.856 0.857 0.857 0.859 0.859 0.860 "
            "0.860 0.860 0.861 0.861 0.861 0.862 0.862 0.862 0.863 0.862 0.863 0.863"
        ),
        optimizer="Adam lr 1e-3",
        train_auc=0.867,
    ),
    "adam-6x200": TalkRung(
        idea="200 units",
        valid_auc=_aucs(
            "0.840 0.850 0.854 0.858 0.860 0.861 0.862 0.863 0.864 0.865 0.865 0.866 0.867 "
            "0.867 0.868 0.869 0.869 0.870 0.871 0.871 0.871 0.871 0.872 0.872 0.873"
        ),
        optimizer="Adam lr 1e-3",
        train_auc=0.881,
    ),
    "adam-6x500": TalkRung(
        idea="500 units",
        valid_auc=_aucs(
            "0.848 0.857 0.862 0.865 0.868 0.869 0.870 0.872 0.873 0.873 0.875 0.875 0.876 "
            "0.876 0.876 0.876 0.877 0.877 0.877 0.877 0.877 0.876 0.877 0.876 0.876"
        ),
        optimizer="Adam lr 1e-3",
        train_auc=0.903,
    ),
    "dropout-6x500": TalkRung(
        idea="dropout",
        valid_auc=_aucs(
            "0.841 0.852 0.857 0.859 0.861 0.863 0.864 0.865 0.866 0.867 0.868 0.869 0.870 "
            "0.871 0.871 0.872 0.872 0.873 0.873 0.874 0.874 0.874 0.874 0.875 0.875 0.875 "
            "0.875 0.875 0.876 0.876 0.876 0.876 0.876 0.876 0.876 0.876 0.877 0.877 0.877 "
            "0.877 0.877 0.877 0.877 0.878 0.878 0.878 0.878 0.878 0.878 0.878"
        ),
        optimizer="Adam lr 1e-3",
        train_auc=0.878,
        note="one unit in ten is dropped (keep_prob 0.9)",
    ),
}

AUC_TABLE: dict[str, dict[str, tuple[float, float]]] = {
    "BDT": {"low": (0.73, 0.01), "high": (0.78, 0.01), "complete": (0.81, 0.01)},
    "NN": {"low": (0.733, 0.007), "high": (0.777, 0.001), "complete": (0.816, 0.004)},
    "DN": {"low": (0.88, 0.001), "high": (0.8, 0.001), "complete": (0.885, 0.002)},
}
"""AUC, mean and spread, by method (boosted trees, shallow network, deep network) and columns used."""

SIGNIFICANCE_TABLE: dict[str, dict[str, float]] = {
    "NN": {"low": 2.5, "high": 3.1, "complete": 3.7},
    "DN": {"low": 4.9, "high": 3.6, "complete": 5.0},
}
"""Discovery significance in standard deviations, by method and columns used."""

PREPROCESSING_WALL = {"csv to three .npy files": "4min 48s", "loading the three .npy files": "7.27 s"}
"""Times that the talk prints for its preprocessing, on its author's laptop."""
