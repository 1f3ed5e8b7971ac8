import gc
import weakref

import numpy as np
import pytest
import tensorflow as tf

from higgs_tutorial.data import Dataset
from higgs_tutorial.nn import device


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
        (np.zeros([3, 2]), np.array([0, 1, 2]), "label 2 is 2"),
        (np.zeros([3, 2]), np.array([0, np.nan, 1]), "label 1 is nan"),
    ],
)
def test_events_of_the_wrong_shape_are_refused(x, y, message):
    class Events:
        n = len(x)

    events = Events()
    events.x, events.y = x.astype(np.float32), y.astype(np.float32)
    with pytest.raises(ValueError, match=message):
        device.place(events)
