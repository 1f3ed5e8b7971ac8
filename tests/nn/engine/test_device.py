import gc
import weakref
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from higgs_tutorial.data import Dataset
from higgs_tutorial.nn import LogisticRegression, evaluate, train
from higgs_tutorial.nn.engine import device


def make_events():
    return Dataset(np.ones([50, 3], np.float32), np.zeros(50, np.float32))


@pytest.fixture
def events():
    return make_events()


def test_the_device_has_a_name():
    name = device.device_name()
    assert name.startswith("GPU: " if tf.config.list_physical_devices("GPU") else "CPU: ")
    assert "core" in name or name.startswith("GPU")


def test_events_are_placed_once_and_let_go_with_their_data_set():
    events = make_events()
    placed = device.place(events)
    assert device.place(events).x is placed.x
    assert np.array_equal(placed.x, events.x)
    tensor = weakref.ref(placed.x)
    del placed, events
    gc.collect()
    assert tensor() is None


def test_other_arrays_in_the_data_set_are_placed_anew(events):
    device.place(events)
    events.x = np.full([50, 3], 2, np.float32)
    assert np.all(device.place(events).x == 2)


def test_events_that_do_not_fit_name_the_option(events, monkeypatch):
    monkeypatch.setattr(device, "free_memory", lambda: 799)
    with pytest.raises(MemoryError, match=r"50 events .* do not fit .* --events N"):
        device.place(events)
    monkeypatch.setattr(device, "free_memory", lambda: 800)
    device.place(events)


def test_an_allocation_that_fails_names_the_option(events, monkeypatch):
    def fail(*arguments):
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")

    monkeypatch.setattr(device.tf, "constant", fail)
    with pytest.raises(MemoryError, match="--events N"):
        device.place(events)


def test_free_memory_is_that_of_the_machine():
    free = device.free_memory()
    assert free is None or 0 < free < 2**50


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (np.zeros([0, 3]), np.zeros(0), "no events"),
        (np.zeros([3]), np.zeros(3), "shape"),
        (np.zeros([3, 2]), np.zeros(4), "shape"),
        (np.zeros([3, 2]), np.zeros([3, 1]), "shape"),
        (np.zeros([3, 2]), np.array([0, 1, 2]), r"y\[2\] is 2"),
        (np.zeros([3, 2]), np.array([0, np.nan, 1]), r"y\[1\] is nan"),
    ],
)
def test_events_of_the_wrong_shape_are_refused(x, y, message):
    class Events:
        n = len(x)

    events = Events()
    events.x, events.y = x.astype(np.float32), y.astype(np.float32)
    with pytest.raises(ValueError, match=message):
        device.place(events)


@pytest.mark.parametrize("column", ["x", "y", "weight"])
def test_a_freed_address_that_another_array_gets_is_no_reason_to_keep_the_old_values(column):
    """Each assignment frees an array, whose memory the next one of the same size is likely to be given."""
    rng = np.random.default_rng(0)
    events = Dataset(rng.random([5000, 4]).astype("f"), (np.arange(5000) % 2).astype("f"), np.ones(5000, "f"))
    for number in range(20):
        setattr(events, column, 1 - getattr(events, column))
        if number % 2:
            setattr(events, column, np.flip(getattr(events, column), axis=0).copy())
        assert np.array_equal(getattr(device.place(events), column), getattr(events, column)), number


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x.__imul__(2),
        lambda x: x.__setitem__(slice(None), x[::-1].copy()),
        lambda x: x.__setitem__((17, 1), 5),
        lambda x: np.negative(x[10:12], out=x[10:12]),
        lambda x: np.random.default_rng(0).shuffle(x),
    ],
    ids=["all", "reversed", "one", "two signs", "shuffled"],
)
@pytest.mark.parametrize("view", [False, True])
def test_values_that_change_inside_the_arrays_are_placed_anew(change, view):
    rows = np.random.default_rng(0).normal(size=[70_000, 3]).astype("f")
    x = rows[:, 1:] if view else rows
    events = Dataset(x, (np.arange(70_000) % 2).astype("f"))
    device.place(events)
    change(events.x)
    assert np.array_equal(device.place(events).x, events.x)


def test_a_view_of_the_same_memory_is_the_same_events():
    class Views:
        def __init__(self):
            self.rows, self.n = np.random.default_rng(0).random([50, 3]).astype("f").round(), 50
            self.rows.flags.writeable = False

        x = property(lambda self: self.rows[:, 1:])
        y = property(lambda self: self.rows[:, 0])

    events = Views()
    assert device.place(events).x is device.place(events).x


def test_training_sees_what_an_epoch_put_into_the_data_set():
    """A data set changed each epoch, as in augmentation, trains as fresh data sets do."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=[600, 3]).astype("f"), (np.arange(600) % 2).astype("f")
    models = [LogisticRegression(seed=1) for _ in range(2)]
    events = Dataset(x.copy(), y)
    for epoch in range(4):
        events.x = events.x * np.float32(-1.5)
        fresh = Dataset(x * np.float32(-1.5) ** (epoch + 1), y)
        losses = [
            train(model, data, keras.optimizers.SGD(0.1), 100, seed=epoch)
            for model, data in zip(models, (events, fresh), strict=True)
        ]
        assert losses[0] == pytest.approx(losses[1], rel=1e-6)
        assert evaluate(models[0], events) == pytest.approx(evaluate(models[1], fresh), abs=1e-9)


def test_other_numbers_of_events_than_the_arrays_have_are_refused():
    events = SimpleNamespace(x=np.ones([50, 3], "f"), y=np.zeros(50, "f"), n=49)
    with pytest.raises(ValueError, match="n is 49 and x has 50 events"):
        device.place(events)
