"""Several models that predict together, against NumPy."""

import keras
import numpy as np
import pytest

from higgs_tutorial.nn import LogisticRegression, NeuralNetwork, evaluate, fit, predict
from higgs_tutorial.nn.ensembles import Ensemble


@pytest.fixture(scope="module")
def models(higgs):
    found = [NeuralNetwork(1, 10, True, seed=seed) for seed in range(3)]
    for seed, model in enumerate(found):
        fit(model, higgs, keras.optimizers.Adam(0.01), 2, 100, seed=seed)
    return found


def test_probabilities_are_the_members_mean(models, higgs):
    expected = np.mean([predict(model, higgs.valid.x) for model in models], axis=0)
    np.testing.assert_allclose(predict(Ensemble(models), higgs.valid.x), expected, rtol=1e-5)
    alone = predict(models[0], higgs.valid.x)
    np.testing.assert_allclose(predict(Ensemble(models[:1]), higgs.valid.x), alone, rtol=1e-5)


def test_it_is_scored_like_a_model_and_is_better_than_its_mean_member(models, higgs):
    alone = np.mean([evaluate(model, higgs.valid) for model in models])
    assert evaluate(Ensemble(models), higgs.valid) > alone


def test_extreme_logits_do_not_round_to_a_tie():
    def certain(logit):
        model = LogisticRegression()
        model(np.zeros([1, 1], np.float32), training=False)
        model.regression.w.assign([[logit]])
        return model

    x = np.float32([[1], [2], [-1], [-2]])
    logits = Ensemble([certain(40.0), certain(60.0)])(x, training=False).numpy()
    p = np.float64([[40, 80, -40, -80], [60, 120, -60, -120]])
    expected = np.logaddexp.reduce(-np.logaddexp(0, -p)) - np.logaddexp.reduce(-np.logaddexp(0, p))
    np.testing.assert_allclose(logits, expected, rtol=1e-5)


def test_what_it_cannot_do_is_an_error(models, higgs):
    with pytest.raises(ValueError, match="at least one model"):
        Ensemble([])
    with pytest.raises(ValueError, match="train each of its models"):
        fit(Ensemble(models), higgs, keras.optimizers.SGD(), 1, 100)
