"""Learning rates that fall: by name, and in the compiled epoch."""

import itertools

import keras
import numpy as np
import pytest
from making import make_events

from higgs_tutorial import ladder
from higgs_tutorial.nn import LogisticRegression, train
from higgs_tutorial.nn.schedules import SCHEDULES, make_schedule

schedules = keras.optimizers.schedules


def test_the_ladder_knows_the_same_names():
    assert tuple(SCHEDULES) == ladder.SCHEDULES


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_is_its_formula_at_every_step(name):
    schedule = make_schedule(name, 0.02, 40)
    for step in range(41):
        rate = schedule if name == "constant" else float(schedule(step))
        assert rate == pytest.approx(0.02 * SCHEDULES[name](step / 40), rel=1e-5, abs=1e-8)


@pytest.mark.parametrize("name", [name for name in SCHEDULES if name != "constant"])
def test_they_fall(name):
    rates = [SCHEDULES[name](done) for done in np.linspace(0, 1, 21)]
    assert rates[0] == 1
    assert all(before > after for before, after in itertools.pairwise(rates))
    assert rates[-1] == pytest.approx(0.01 if name == "exponential" else 0, abs=1e-12)


@pytest.mark.parametrize(
    "schedule",
    [
        schedules.CosineDecay(0.2, 12),
        schedules.CosineDecay(0.0, 6, warmup_target=0.2, warmup_steps=6),
        schedules.CosineDecayRestarts(0.2, 3),
        schedules.ExponentialDecay(0.2, 2, 0.5, staircase=True),
        schedules.InverseTimeDecay(0.2, 2, 0.5),
        schedules.PiecewiseConstantDecay([3, 7], [0.2, 0.1, 0.02]),
        schedules.PolynomialDecay(0.2, 8, end_learning_rate=0.0, cycle=True),
    ],
    ids=lambda schedule: type(schedule).__name__,
)
def test_kerass_schedules_are_followed_step_by_step_in_a_compiled_epoch(schedule):
    events, k = make_events(600, 1, k=3), 3
    model, optimizer = LogisticRegression(seed=1), keras.optimizers.SGD(schedule)
    model(np.zeros([1, k], np.float32), training=False)
    events.x[:], events.y[:] = 1.0, 1.0
    logit = _total(model)  # of every event; a step moves each of the k + 1 weights by as much
    for step in range(12):
        logit += (k + 1) * float(schedule(step)) / (1 + np.exp(logit))
    for epoch in range(3):
        train(model, events, optimizer, 150, seed=epoch)
    assert _total(model) == pytest.approx(logit, rel=1e-5)
    assert float(optimizer.learning_rate) == pytest.approx(float(schedule(12)), abs=1e-9)


def _total(model):
    return sum(float(variable.numpy().sum()) for variable in model.trainable_variables)


def test_bad_arguments_are_errors():
    with pytest.raises(ValueError, match="it must be one of: constant, cosine, exponential, linear"):
        make_schedule("step", 0.1, 10)
    with pytest.raises(ValueError, match="steps is 0"):
        make_schedule("cosine", 0.1, 0)
