"""What TensorBoard is given: read back with its own reader."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf
from making import make_events
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray

from higgs_tutorial.nn import NeuralNetwork, fit, monitoring
from higgs_tutorial.nn.monitoring import TensorBoard


@pytest.fixture(autouse=True)
def eager():
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture(scope="module")
def logged(tmp_path_factory):
    folder = tmp_path_factory.mktemp("logs")
    tf.config.run_functions_eagerly(True)
    higgs = SimpleNamespace(train=make_events(400, 1), valid=make_events(200, 2))
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 4, 0.5, staircase=True)
    model, optimizer = NeuralNetwork(1, 4, True), keras.optimizers.SGD(schedule)
    history = None
    for epochs in (2, 3):  # as a run that goes on does
        monitor = TensorBoard(folder, model, optimizer, higgs.train, histograms=True)
        history = fit(model, higgs, optimizer, epochs, 100, on_epoch=monitor, history=history)
        monitor.close()
    reader = EventAccumulator(str(folder), size_guidance={"tensors": 0})
    reader.Reload()
    return history, model, reader


def curve(reader, name):
    return {event.step: make_ndarray(event.tensor_proto) for event in reader.Tensors(name)}


def test_curves_are_the_history(logged):
    history, _, reader = logged
    for name, expected in (
        ("loss", [epoch.loss for epoch in history.epochs]),
        ("validation AUC", [epoch.valid_auc for epoch in history.epochs]),
        ("learning rate", [0.05, 0.025, 0.0125]),
        ("events per second", [400 / epoch.seconds for epoch in history.epochs]),
    ):
        found = curve(reader, name)
        assert list(found) == [1, 2, 3]
        np.testing.assert_allclose(list(found.values()), expected, rtol=1e-6)


def test_histograms_hold_every_weight(logged):
    _, model, reader = logged
    for variable in model.trainable_variables:
        last = curve(reader, variable.name.split(":")[0])[3]  # [buckets, 3]: left, right, count
        assert last[:, 2].sum() == tf.size(variable).numpy()
        assert last[0, 0] == pytest.approx(variable.numpy().min())
        assert last[-1, 1] == pytest.approx(variable.numpy().max())


def test_the_graph_holds_the_layers(logged):
    graph = tf.compat.v1.GraphDef.FromString(logged[2].Graph().SerializeToString())
    operations = {node.op for node in graph.node}
    operations |= {node.op for function in graph.library.function for node in function.node_def}
    assert {"MatMul", "Relu", "Sigmoid", "ReadVariableOp"} <= operations


def test_without_tensorboard_the_error_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr(monitoring, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match="pip install tensorboard"):
        TensorBoard(tmp_path, NeuralNetwork(), keras.optimizers.SGD(), make_events(10))
