"""What can be proven about GPUs without one: TensorFlow's registry says which operation has which kernel."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework import kernels

from higgs_tutorial.nn import LogisticRegression, NeuralNetwork
from higgs_tutorial.nn.engine.device import Batch
from higgs_tutorial.nn.engine.epoch import epoch_graph

RUNGS = {
    "logistic": (LogisticRegression, keras.optimizers.SGD),
    "nn-1x100": (lambda: NeuralNetwork(1, 100), keras.optimizers.SGD),
    "bn-1x100": (lambda: NeuralNetwork(1, 100, True), keras.optimizers.SGD),
    "bn-3x100": (lambda: NeuralNetwork(3, 100, True), keras.optimizers.SGD),
    "adam-3x100": (lambda: NeuralNetwork(3, 100, True), keras.optimizers.Adam),
    "adam-6x100": (lambda: NeuralNetwork(6, 100, True), keras.optimizers.Adam),
    "adam-6x200": (lambda: NeuralNetwork(6, 200, True), keras.optimizers.Adam),
    "adam-6x500": (lambda: NeuralNetwork(6, 500, True), keras.optimizers.Adam),
    "dropout-6x500": (lambda: NeuralNetwork(6, 500, True, 0.9), keras.optimizers.Adam),
    "the talk's batch norm": (lambda: NeuralNetwork(1, 100, True, statistics="batch"), keras.optimizers.SGD),
}
CALLS = {"PartitionedCall", "StatefulPartitionedCall"}
CONTROL = {"If", "StatelessIf", "While", "StatelessWhile", "Case", "StatelessCase"}  # lowered, or XLA's own
STRUCTURE = {"Placeholder", "_Arg", "_Retval", "NoOp"}
HOST = ("PyFunc", "Print", "Assert", "Iterator", "Send", "Recv", "HostCompute", "feed", "Save", "Summary")


@pytest.fixture(scope="module", autouse=True)
def _xla_kernels():
    tf.function(lambda x: x + 1, jit_compile=True)(tf.zeros([2]))  # registers them


def operations(graph, functions, compiled=False):
    """Yield ``(operation, is it compiled by XLA)`` for a graph and all that it calls."""
    for op in graph.get_operations():
        called = compiled or (op.type in CALLS and _flag(op, "_XlaMustCompile"))
        names = [a.func.name for a in op.node_def.attr.values() if a.WhichOneof("value") == "func"]
        names += [f.name for a in op.node_def.attr.values() for f in a.list.func]
        for name in names:
            yield from operations(functions[name].graph, functions, called)
        yield op, called


def _flag(op, name):
    return name in op.node_def.attr and op.node_def.attr[name].b


def devices(op_type):
    return {kernel.device_type for kernel in kernels.get_registered_kernels_for_op(op_type).kernel}


def faults(concrete):
    functions = dict(concrete.graph._functions)
    found = []
    for op, compiled in operations(concrete.graph, functions):
        if any(word.lower() in op.type.lower() for word in HOST):
            found.append(f"{op.type} moves data to the host")
        if op.device and "CPU" in op.device:
            found.append(f"{op.name} is pinned to {op.device}")
        wanted = {"XLA_GPU_JIT"} if compiled else {"GPU", "DEFAULT"}  # DEFAULT: any device
        if op.type not in CALLS | CONTROL | STRUCTURE and not wanted & devices(op.type):
            found.append(f"{op.type} has no kernel for {min(wanted)}")
    return found


def trace(model, optimizer, n, batch_size):
    model(tf.zeros([1, 28]), training=False)
    events = Batch(tf.TensorSpec([n, 28]), tf.TensorSpec([n]), None)
    return epoch_graph(model, optimizer, batch_size, events)


@pytest.mark.parametrize("rung", RUNGS)
def test_every_operation_of_an_epoch_runs_on_a_gpu(rung):
    make_model, make_optimizer = RUNGS[rung]
    model, optimizer = make_model(), make_optimizer()
    concrete = trace(model, optimizer, 20_001, 8192)  # two full batches and a short one
    assert faults(concrete) == []
    kinds = {
        (op.type, compiled) for op, compiled in operations(concrete.graph, dict(concrete.graph._functions))
    }
    assert ("MatMul", True) in kinds  # the loop is compiled
    assert ("MatMul", False) in kinds  # the short batch is not


def test_the_probe_finds_what_has_no_gpu_kernel():
    assert not {"GPU", "DEFAULT"} & devices("RandomShuffle")
    assert "XLA_GPU_JIT" not in devices("RandomIndexShuffle")

    @tf.function
    def hostile(x):
        with tf.device("CPU:0"):
            pinned = x + 1
        tf.print(x)
        return tf.random.shuffle(pinned), tf.numpy_function(np.sin, [x], tf.float32)

    found = " ".join(faults(hostile.get_concrete_function(tf.TensorSpec([4]))))
    for fault in ("RandomShuffle has no kernel", "PyFunc moves data", "Print", "pinned to"):
        assert fault in found
