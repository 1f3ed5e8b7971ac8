"""The competitors of training.py: each trains one of the ladder's networks for an epoch, as its users would.

A class has a network of a rung and the events; `epoch` trains on every event once, in a new order. Run as a
script this is a worker: it reads commands as lines of JSON and answers each with seconds.
"""

import json
import os
import sys
import warnings
from dataclasses import dataclass
from time import perf_counter

import numpy as np

BATCH_SIZE = 8192


@dataclass(frozen=True)
class Rung:
    """A network, its optimiser and the number of events it is timed on."""

    name: str
    num_layers: int
    size: int
    batch_norm: bool
    keep_prob: float
    adam: bool
    events: int

    def products(self):
        """Yield the matrix products of a step, ``(rows, inner, columns)``, as in x @ w, and how often each is made."""
        inputs = 28
        for layer in range(self.num_layers):
            yield (BATCH_SIZE, inputs, self.size), 3 if layer else 2  # no gradient of the events themselves
            inputs = self.size

    def flops(self):
        """Floating-point operations an event, in the products of the hidden layers alone."""
        return (
            sum(2 * n * inner * columns * times for (n, inner, columns), times in self.products())
            / BATCH_SIZE
        )


def make_events(n):
    rng = np.random.default_rng(1)
    return rng.standard_normal((n, 28), np.float32), rng.integers(0, 2, n).astype(np.float32)


class Ours:
    """`higgs_tutorial.train`."""

    def __init__(self, rung):
        import keras

        import higgs_tutorial as ht

        self.train, self.dataset = ht.train, ht.Dataset(*make_events(rung.events))
        if rung.num_layers:
            self.model = ht.NeuralNetwork(rung.num_layers, rung.size, rung.batch_norm, rung.keep_prob)
        else:
            self.model = ht.LogisticRegression()
        self.optimizer = keras.optimizers.Adam() if rung.adam else keras.optimizers.SGD(0.1)

    def epoch(self):
        """Train on every event once."""
        self.train(self.model, self.dataset, self.optimizer, BATCH_SIZE)


class Keras:
    """`fit`, not compiled by XLA."""

    jit_compile = False

    def __init__(self, rung):
        import keras

        layers = [keras.Input((28,))]
        for _ in range(rung.num_layers):
            layers.append(keras.layers.Dense(rung.size, use_bias=not rung.batch_norm))
            if rung.batch_norm:
                layers.append(keras.layers.BatchNormalization())
            layers.append(keras.layers.ReLU())
            if rung.keep_prob < 1:
                layers.append(keras.layers.Dropout(1 - rung.keep_prob))
        self.model = keras.Sequential([*layers, keras.layers.Dense(1)])
        self.model.compile(
            keras.optimizers.Adam() if rung.adam else keras.optimizers.SGD(0.1),
            keras.losses.BinaryCrossentropy(from_logits=True),
            jit_compile=self.jit_compile,
        )
        self.x, self.y = make_events(rung.events)

    def epoch(self):
        """Train on every event once."""
        self.model.fit(self.x, self.y, batch_size=BATCH_SIZE, epochs=1, verbose=0)


class KerasJit(Keras):
    """`fit` with ``jit_compile=True``."""

    jit_compile = True


class Torch:
    """A loop over batches gathered from tensors in memory, on all cores."""

    compiled = False

    def __init__(self, rung):
        import torch
        from torch import nn

        self.torch = torch
        torch.set_num_threads(os.cpu_count())
        layers, inputs = [], 28
        for _ in range(rung.num_layers):
            layers.append(nn.Linear(inputs, rung.size, bias=not rung.batch_norm))
            inputs = rung.size
            if rung.batch_norm:
                layers.append(nn.BatchNorm1d(rung.size))
            layers.append(nn.ReLU())
            if rung.keep_prob < 1:
                layers.append(nn.Dropout(1 - rung.keep_prob))
        network, loss = nn.Sequential(*layers, nn.Linear(inputs, 1)), nn.BCEWithLogitsLoss()
        self.optimizer = (
            torch.optim.Adam(network.parameters(), fused=True)
            if rung.adam
            else torch.optim.SGD(network.parameters(), 0.1)
        )
        self.loss = lambda x, y: loss(network(x)[:, 0], y)
        if self.compiled:
            self.loss = torch.compile(self.loss)
        self.x, self.y = (torch.from_numpy(a) for a in make_events(rung.events))

    def epoch(self):
        """Train on every event once."""
        order, total = self.torch.randperm(len(self.x)), self.torch.zeros(())
        for chosen in order.split(BATCH_SIZE):
            loss = self.loss(self.x[chosen], self.y[chosen])
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            total += loss.detach()
        return float(total)


class TorchCompile(Torch):
    """The same with network and loss through `torch.compile`."""

    compiled = True


class Sklearn:
    """Fits the rungs without batch norm and dropout only."""

    def __init__(self, rung):
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.neural_network import MLPClassifier

        warnings.simplefilter("ignore", ConvergenceWarning)  # one epoch is what is timed
        self.network = MLPClassifier(
            [rung.size] * rung.num_layers, solver="sgd", alpha=0, momentum=0, learning_rate_init=0.1,
            batch_size=BATCH_SIZE, max_iter=1, warm_start=True,
        )  # fmt: skip
        self.x, self.y = make_events(rung.events)

    def epoch(self):
        """Train on every event once."""
        self.network.fit(self.x, self.y)


PEERS = {
    "ours": Ours,
    "keras": Keras,
    "keras jit": KerasJit,
    "torch": Torch,
    "torch.compile": TorchCompile,
    "sklearn": Sklearn,
}


def products_alone(rung, repeats=20):
    """Seconds of a step's matrix products and nothing else, in TensorFlow, as an operation each and in XLA.

    Of each product the fastest of ``repeats`` calls counts: the limit, not what a step could expect.
    """
    import tensorflow as tf

    def run(jit):
        seconds = 0.0
        for (n, inner, columns), times in rung.products():
            x, w, g = tf.ones([n, inner]), tf.ones([inner, columns]), tf.ones([n, columns])
            kinds = [(x, w, {}), (x, g, {"transpose_a": True}), (g, w, {"transpose_b": True})]
            for a, b, how in kinds[:times]:
                product = tf.function(tf.matmul, jit_compile=jit)
                product(a, b, **how)
                seconds += min(_seconds(lambda: product(a, b, **how)) for _ in range(repeats))  # noqa: B023
        return seconds

    return [run(jit) for jit in (False, True)]


def _seconds(call):
    start = perf_counter()
    call()
    return perf_counter() - start


def main():
    peer, competitor = PEERS[sys.argv[1]], None
    answers, sys.stdout = sys.stdout, sys.stderr  # what a library prints is no answer
    for line in sys.stdin:
        command = json.loads(line)
        if "build" in command:
            rung = Rung(**command["build"])
            _import(sys.argv[1])  # the start is timed without it
            start = perf_counter()
            competitor = peer(rung)
            competitor.epoch()
            answer = perf_counter() - start
        elif "products" in command:
            answer = products_alone(Rung(**command["products"]))
        else:
            answer = _seconds(competitor.epoch)
        print(json.dumps(answer), file=answers, flush=True)


def _import(name):
    if name == "ours":
        import higgs_tutorial.nn  # noqa: F401
    elif name.startswith("keras"):
        import keras  # noqa: F401
    elif name.startswith("torch"):
        import torch  # noqa: F401
    else:
        import sklearn.neural_network  # noqa: F401


if __name__ == "__main__":
    main()
