"""The competitors of training.py: each trains one of the ladder's networks for an epoch, as its users would.

A class has a network of a rung and the events; `epoch` trains on every event once, in a new order. `precisions`
says in which the class can compute. Run as a script this is a worker: it reads commands as lines of JSON and answers
each with seconds, an epoch with those of the clock and of CPU time.
"""

import json
import os
import sys
import warnings
from dataclasses import dataclass
from time import perf_counter, process_time

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

    precisions = "float32", "bfloat16"

    def __init__(self, rung, precision):
        import keras

        import higgs_tutorial as ht

        self.train, self.dataset = ht.train, ht.Dataset(*make_events(rung.events))
        if rung.num_layers:
            sizes = rung.num_layers, rung.size, rung.batch_norm, rung.keep_prob
            self.model = ht.NeuralNetwork(*sizes, precision=precision)
        else:
            self.model = ht.LogisticRegression()
        self.optimizer = keras.optimizers.Adam() if rung.adam else keras.optimizers.SGD(0.1)

    def epoch(self):
        """Train on every event once."""
        self.train(self.model, self.dataset, self.optimizer, BATCH_SIZE)


class Keras:
    """`fit`, not compiled by XLA."""

    jit_compile = False
    precisions = "float32", "bfloat16"

    def __init__(self, rung, precision):
        import keras

        keras.config.set_dtype_policy("mixed_bfloat16" if precision == "bfloat16" else "float32")
        layers = [keras.Input((28,))]
        for _ in range(rung.num_layers):
            layers.append(keras.layers.Dense(rung.size, use_bias=not rung.batch_norm))
            if rung.batch_norm:
                layers.append(keras.layers.BatchNormalization())
            layers.append(keras.layers.ReLU())
            if rung.keep_prob < 1:
                layers.append(keras.layers.Dropout(1 - rung.keep_prob))
        self.model = keras.Sequential([*layers, keras.layers.Dense(1, dtype="float32")])
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
    """A loop over batches gathered from tensors in memory, on all cores; bfloat16 is its autocast's."""

    compiled = False
    precisions = "float32", "bfloat16"

    def __init__(self, rung, precision):
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

        def forward(x, y):
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
                return loss(network(x)[:, 0], y)  # which autocast computes in float32

        torch.compiler.reset()  # else the programs of earlier rungs count, and beyond some number it gives up
        self.loss = torch.compile(forward) if self.compiled else forward
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


class Jax:
    """The epoch as one program, a `lax.scan` over its steps, with optax's optimisers; in memory as in PyTorch."""

    precisions = "float32", "bfloat16"

    def __init__(self, rung, precision):
        import jax
        import optax

        self.jax, self.rung, self.dtype = jax, rung, jax.numpy.dtype(precision)
        self.optimizer = optax.adam(1e-3) if rung.adam else optax.sgd(0.1)
        self.x, self.y = (jax.numpy.asarray(a) for a in make_events(rung.events))
        self.key = jax.random.key(0)
        parameters, moving = self.initial()
        self.state = parameters, moving, self.optimizer.init(parameters)
        self.run = jax.jit(self.whole_epoch, donate_argnums=0)

    def initial(self):
        """Return the weights and batch norm's moving averages."""
        zeros, ones = self.jax.numpy.zeros, self.jax.numpy.ones
        rung, inputs, layers, moving = self.rung, 28, [], []
        for key in self.jax.random.split(self.jax.random.key(1), rung.num_layers + 1):
            size = rung.size if len(layers) < rung.num_layers else 1
            w = self.jax.nn.initializers.lecun_uniform()(key, (inputs, size))
            scale = {"gamma": ones(size)} if rung.batch_norm and len(layers) < rung.num_layers else {}
            layers.append({"w": w, "b": zeros(size), **scale})
            moving.append((zeros(size), ones(size)) if scale else ())
            inputs = size
        return layers, moving

    def logits(self, parameters, moving, x, key):
        """Return the logits of a batch and the moving averages after it."""
        jax, np, rung = self.jax, self.jax.numpy, self.rung
        x, seen = x.astype(self.dtype), []
        keys = jax.random.split(key, rung.num_layers) if rung.num_layers else ()
        for layer, old, mask in zip(parameters[:-1], moving[:-1], keys, strict=True):
            x = x @ layer["w"].astype(self.dtype)
            if rung.batch_norm:
                wide = x.astype(np.float32)
                mean, variance = wide.mean(0), wide.var(0)
                seen.append(tuple(0.9 * o + 0.1 * n for o, n in zip(old, (mean, variance), strict=True)))
                x = (wide - mean) * (layer["gamma"] * jax.lax.rsqrt(variance + 1e-5))
            x = jax.nn.relu(x + layer["b"]).astype(self.dtype)
            if rung.keep_prob < 1:
                x = np.where(jax.random.bernoulli(mask, rung.keep_prob, x.shape), x / rung.keep_prob, 0)
        last = parameters[-1]
        return (x.astype(np.float32) @ last["w"] + last["b"])[:, 0], [*seen, ()] if seen else moving

    def step(self, state, rows_and_key):
        """Make a step on the events of these rows and return the state after it and the loss."""
        import optax

        parameters, moving, optimizer = state
        rows, key = rows_and_key

        def loss(parameters):
            logits, seen = self.logits(parameters, moving, self.batch_x[rows], key)
            return optax.sigmoid_binary_cross_entropy(logits, self.batch_y[rows]).mean(), seen

        (value, moving), gradients = self.jax.value_and_grad(loss, has_aux=True)(parameters)
        updates, optimizer = self.optimizer.update(gradients, optimizer, parameters)
        return (optax.apply_updates(parameters, updates), moving, optimizer), value * len(rows)

    def whole_epoch(self, state, x, y, key):
        """Return the state after a step for each batch in a new order, and the mean loss."""
        self.batch_x, self.batch_y = x, y
        order, key = self.jax.random.permutation(key, len(x)), self.jax.random.fold_in(key, 1)
        steps = len(x) // BATCH_SIZE
        rows = order[: steps * BATCH_SIZE].reshape(steps, BATCH_SIZE)
        keys = self.jax.random.split(key, steps + 1)
        state, losses = self.jax.lax.scan(self.step, state, (rows, keys[:-1]))
        total = losses.sum()
        if rest := len(x) % BATCH_SIZE:
            state, last = self.step(state, (order[-rest:], keys[-1]))
            total += last
        return state, total / len(x)

    def epoch(self):
        """Train on every event once."""
        self.key, key = self.jax.random.split(self.key)
        self.state, loss = self.run(self.state, self.x, self.y, key)
        return float(loss)


class Sklearn:
    """Fits the rungs without batch norm and dropout only."""

    precisions = ("float32",)

    def __init__(self, rung, precision):
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
    "jax": Jax,
    "sklearn": Sklearn,
}


def products_alone(rung, precision, repeats=20):
    """Seconds of a step's matrix products and nothing else, in TensorFlow, as an operation each and in XLA.

    Of each product the fastest of ``repeats`` calls counts: the limit, not what a step could expect.
    """
    import tensorflow as tf

    def run(jit):
        seconds = 0.0
        for (n, inner, columns), times in rung.products():
            x, w, g = (tf.ones(shape, precision) for shape in ([n, inner], [inner, columns], [n, columns]))
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
            competitor = peer(rung, command.get("precision", "float32"))
            competitor.epoch()
            answer = perf_counter() - start
        elif "products" in command:
            answer = products_alone(Rung(**command["products"]), command["precision"])
        else:
            start = process_time()
            clock = _seconds(competitor.epoch)
            # CPU time, all threads added up, as if all cores had nothing else to do.
            answer = [clock, (process_time() - start) / os.cpu_count()]
        print(json.dumps(answer), file=answers, flush=True)


def _import(name):
    if name == "ours":
        import higgs_tutorial.nn  # noqa: F401
    elif name.startswith("keras"):
        import keras  # noqa: F401
    elif name.startswith("torch"):
        import torch  # noqa: F401
    elif name == "jax":
        import jax  # noqa: F401
        import optax  # noqa: F401
    else:
        import sklearn.neural_network  # noqa: F401


if __name__ == "__main__":
    main()
