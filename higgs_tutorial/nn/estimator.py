"""The network as a scikit-learn classifier."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.model_selection import train_test_split
from sklearn.utils import Tags, check_random_state
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_array, check_consistent_length, check_is_fitted, validate_data

from higgs_tutorial.data.dataset import Dataset
from higgs_tutorial.nn.files.models import restore, variables
from higgs_tutorial.nn.models import NeuralNetwork, build, feature_count
from higgs_tutorial.nn.schedules import SCHEDULES
from higgs_tutorial.nn.scoring import roc_auc
from higgs_tutorial.nn.small_fits import OPTIMIZERS, copy_weights, kept_network
from higgs_tutorial.nn.training import epoch_seed

ROWS = 48
"""Predictions are made for a multiple of this many events, filled up with zeros.

Matrix products treat rows in groups, whose size depends on the processor and divides this number, and the rows that
are left over in another way: without it the last digit of an event's output would depend on its place and on the
number of the others.
"""
ARCHITECTURE = ("num_layers", "size", "batch_norm", "keep_prob", "precision")
"""The arguments that are also `NeuralNetwork`'s."""
PREDICTION_BATCH = 400 * ROWS


class HiggsClassifier(ClassifierMixin, BaseEstimator):
    """`NeuralNetwork` with its training as a scikit-learn classifier of two classes.

    The same seed and the same events give the same network. Small fits share compiled code, so that checking,
    cross-validating and searching cost little; long ones run as `higgs_tutorial.train`.

    Features should be of order one, as HIGGS's are; put a ``StandardScaler`` before it where they are not.

    `save_model` writes the network of a fitted classifier, for `load_model` and ``higgs-tutorial score``, and
    `to_keras` makes a Keras model of it; of a pipeline they take a ``StandardScaler`` along, and no other steps. Keep
    any other pipeline with ``joblib.dump``, for your own use only, since opening such a file runs code.

    Args:
        num_layers: hidden layers; 0 is logistic regression.
        size: units in each.
        batch_norm: whether each hidden layer is batch-normalised.
        keep_prob: probability that dropout keeps a unit.
        precision: ``"float32"`` or ``"bfloat16"``, in which long fits of wide layers are faster (see `NeuralNetwork`).
        optimizer: ``"adam"``, ``"sgd"`` or ``"nesterov"`` (SGD with Nesterov momentum 0.9).
        learning_rate: the optimiser's, in the first epoch.
        schedule: ``"constant"``, ``"cosine"`` or ``"linear"`` (fall to zero) or ``"exponential"`` (falls to
            1%), as `make_schedule`'s, by epoch.
        epochs: passes over the events, at most.
        batch_size: events a step, at most. Where the last batch of an epoch would be less than a quarter of
            that, all batches are made a little smaller instead, as batch norm needs more than a few events.
        early_stopping: whether to hold out events, score them after each epoch, stop when the ROC AUC no
            longer improves, and go back to the best epoch.
        validation_fraction: part of the events that early stopping holds out, of each class.
        patience: epochs without a better AUC after which early stopping ends the training.
        random_state: seed of the weights, the order of the events, the dropout masks and the events held out;
            an integer, a ``RandomState``, or None for another one each time.

    Attributes:
        classes_: the two labels ``[2]``, sorted; the second one is the signal.
        n_features_in_: number of features k.
        feature_names_in_: their names ``[k]``, if ``X`` was a data frame with names.
        model_: the trained `NeuralNetwork`, which `save_model` saves.
        n_iter_: epochs trained.
        loss_curve_: mean cross-entropy in nats of each epoch ``[n_iter_]``.
        validation_scores_: ROC AUC after each epoch ``[n_iter_]`` with early stopping, else None.

    Example:
        >>> from higgs_tutorial import HiggsClassifier, simulate
        >>> x, y = simulate(1_000)
        >>> classifier = HiggsClassifier(num_layers=1, size=10, epochs=3).fit(x[:800], y[:800])
        >>> classifier.predict_proba(x[800:]).shape
        (200, 2)
        >>> classifier.loss_curve_[0] > classifier.loss_curve_[-1]
        True
    """

    def __init__(
        self,
        num_layers: int = 3,
        size: int = 100,
        batch_norm: bool = True,
        keep_prob: float = 1.0,
        optimizer: str = "adam",
        learning_rate: float = 1e-3,
        schedule: str = "constant",
        epochs: int = 10,
        batch_size: int = 512,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        patience: int = 5,
        random_state: int | np.random.RandomState | None = 0,
        precision: str = "float32",
    ) -> None:
        self.num_layers = num_layers
        self.size = size
        self.batch_norm = batch_norm
        self.keep_prob = keep_prob
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.epochs = epochs
        self.batch_size = batch_size
        self.early_stopping = early_stopping
        self.precision = precision
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.random_state = random_state

    def __sklearn_tags__(self) -> Tags:
        """Say what this estimator can do: two classes."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> HiggsClassifier:
        """Train a new network on features ``X`` ``[n, k]`` and labels ``y`` ``[n]`` of two classes.

        An event's loss is multiplied by its ``sample_weight`` ``[n]``; only ratios matter, and events of
        weight zero are left out. With plain layers and the whole set as one batch, an event of weight 2 is
        the same as that event twice; in smaller batches it is so on average; batch norm's means and variances
        do not see the weights.

        A fit that fails or is interrupted changes nothing: the classifier stays unfitted or, if it was fitted
        before, as it was.

        Raises:
            ValueError: if a parameter, a label, a feature or a weight cannot be used, or too few events of a
                class are there for early stopping.
            FloatingPointError: if training diverges; the message names the epoch.
        """
        self._check_parameters()
        new = clone(self)  # what is learnt goes there first, so that this one never looks half fitted
        X, y = validate_data(new, X, y, dtype=np.float32, order="C")
        check_classification_targets(y)
        weight = _checked_weights(sample_weight, X)
        if weight is not None:
            X, y, weight = X[weight > 0], y[weight > 0], weight[weight > 0]
        new.classes_, labels = self._encode(y)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        new._train(X, labels, weight, seed)
        learnt = {name: value for name, value in vars(new).items() if _is_learnt(name)}
        kept = {name: value for name, value in vars(self).items() if not _is_learnt(name)}
        self.__dict__ = kept | learnt  # at once: also for a thread that predicts meanwhile
        return self

    def decision_function(self, X: ArrayLike) -> NDArray:
        """Return the network's logits ``[n]``, positive where the second class is more probable.

        Raises:
            ValueError: if ``X`` is not ``[n, k]`` with the features of `fit`.
        """
        check_is_fitted(self, "model_")
        X = validate_data(self, X, dtype=np.float32, order="C", reset=False)
        return _logits(self.model_, X)

    def predict_proba(self, X: ArrayLike) -> NDArray:
        """Return the probabilities ``[n, 2]`` of the two classes.

        Raises:
            ValueError: if ``X`` is not ``[n, k]`` with the features of `fit`.
        """
        logits = self.decision_function(X)
        return np.stack([expit(-logits), expit(logits)], axis=1)  # 1 - p would round the small ones away

    def predict(self, X: ArrayLike) -> NDArray:
        """Return the more probable class ``[n]``.

        Raises:
            ValueError: if ``X`` is not ``[n, k]`` with the features of `fit`.
        """
        signal = self.decision_function(X) > 0
        return self.classes_[signal.astype(int)]

    def _train(self, x: NDArray, y: NDArray, weight: NDArray | None, seed: int) -> None:
        held_out = None
        if self.early_stopping:
            parts = train_test_split(
                x, y, np.ones_like(y) if weight is None else weight,
                test_size=self.validation_fraction, stratify=y, random_state=seed,
            )  # fmt: skip
            x, y, weight = parts[0], parts[2], None if weight is None else parts[4]
            held_out = parts[1], parts[3], parts[5]
            self._check_held_out(y, held_out[1])
        # Weights of 1 on average leave the learning rate its meaning.
        dataset = Dataset(x, y, None if weight is None else (weight / weight.mean()).astype(np.float32))
        config = {name: getattr(self, name) for name in ARCHITECTURE}
        self.model_ = build(NeuralNetwork(**config, seed=seed), x.shape[1])
        batch_size = _even_batch(len(x), self.batch_size)
        kept = kept_network(x.shape[1], self.optimizer, config)
        kept.reset(self.model_)
        self.loss_curve_, scores = [], []
        for epoch in range(1, self.epochs + 1):
            rate = SCHEDULES[self.schedule]((epoch - 1) / self.epochs)
            kept.optimizer.learning_rate = self.learning_rate * rate
            try:
                loss = kept.train(dataset, batch_size, epoch_seed(seed, epoch), self.epochs)
            except FloatingPointError as error:
                raise FloatingPointError(f"epoch {epoch}: {error}") from error
            self.loss_curve_.append(loss)
            if held_out:
                logits = _logits(kept.model, held_out[0])
                scores.append(roc_auc(held_out[1], logits, held_out[2]))
                if scores.index(max(scores)) == len(scores) - 1:  # the best epoch so far
                    copy_weights(kept.model, self.model_)
                if len(scores) - 1 - scores.index(max(scores)) >= self.patience:
                    break
        if not held_out:
            copy_weights(kept.model, self.model_)
        self.n_iter_ = len(self.loss_curve_)
        self.validation_scores_ = scores if held_out else None

    def _check_held_out(self, y: NDArray, held_out: NDArray) -> None:
        """Refuse a division of the labels that leaves a class out: its score would be no number."""
        for part, labels in (("to train on", y), ("held out for early stopping", held_out)):
            for label, name in enumerate(self.classes_):
                if not (labels == label).any():
                    total = np.count_nonzero(y == label) + np.count_nonzero(held_out == label)
                    raise ValueError(
                        f"of the {total} events of class {name!r} none is {part} with validation_fraction"
                        f" {self.validation_fraction}; both parts need at least 1 of each class: give more"
                        " events of it, change validation_fraction, or set early_stopping=False"
                    )

    def _check_parameters(self) -> None:
        for name, known in (("optimizer", OPTIMIZERS), ("schedule", SCHEDULES)):
            value = getattr(self, name)
            if not isinstance(value, str) or value not in known:
                raise ValueError(f"{name} is {value!r}; it must be one of: {', '.join(known)}")
        for name in ("epochs", "batch_size", "patience"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
                raise ValueError(f"{name} is {value!r}; it must be a positive integer")
        if not isinstance(self.learning_rate, Real) or not 0 < self.learning_rate < np.inf:
            raise ValueError(
                f"learning_rate is {self.learning_rate!r}; it must be a positive number, and may fall by schedule"
            )
        if self.early_stopping and not 0 < self.validation_fraction < 1:
            raise ValueError(
                f"validation_fraction is {self.validation_fraction!r}; it must be between 0 and 1"
            )

    def _encode(self, y: NDArray) -> tuple[NDArray, NDArray]:
        classes, labels = np.unique(y, return_inverse=True)
        if len(classes) > 2:
            raise ValueError(
                f"Only binary classification is supported. The type of the target is {type_of_target(y)}:"
                f" there are {len(classes)} classes"
            )
        if len(classes) < 2:
            raise ValueError(f"all events are of one class, {classes[:1]}; two classes are needed")
        return classes, labels.astype(np.float32)

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled: the network as its arguments and arrays."""
        state = dict(super().__getstate__())
        if "model_" in state:
            model = state["model_"]
            state["model_"] = dict(model.config), feature_count(model), variables(model)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Build the network again from what was pickled."""
        if "model_" in state:
            config, features, arrays = state["model_"]
            model = build(NeuralNetwork(**config), features)
            restore(model, arrays)
            state = {**state, "model_": model}
        super().__setstate__(state)


def _is_learnt(name: str) -> bool:
    return name.endswith("_") and not name.startswith("_")


def _checked_weights(sample_weight: ArrayLike | None, X: NDArray) -> NDArray | None:
    if sample_weight is None:
        return None
    weight = check_array(sample_weight, dtype=np.float64, ensure_2d=False, input_name="sample_weight")
    if weight.ndim != 1:
        raise ValueError(f"sample_weight has shape {weight.shape}; it must be [n]")
    check_consistent_length(X, weight)
    if (weight < 0).any():
        raise ValueError(
            f"sample_weight[{np.argmax(weight < 0)}] is {weight[np.argmax(weight < 0)]}; with negative weights"
            " the loss has no minimum: use their absolute values, or drop those events"
        )
    if not weight.any():
        raise ValueError("every sample_weight is zero: no event is left of either class")
    return weight


def _even_batch(n: int, batch_size: int) -> int:
    """Return a batch size of at most ``batch_size`` that leaves no last batch of a few events."""
    if n > batch_size and 0 < n % batch_size < batch_size / 4:
        return -(-n // -(-n // batch_size))
    return batch_size


def _logits(model: NeuralNetwork, x: NDArray) -> NDArray:
    logits = np.empty(len(x), np.float64)
    for start in range(0, len(x), PREDICTION_BATCH):
        batch = x[start : start + PREDICTION_BATCH]
        padded = np.pad(batch, ((0, -len(batch) % ROWS), (0, 0)))
        logits[start : start + len(batch)] = model(padded, training=False).numpy()[: len(batch)]
    return logits
