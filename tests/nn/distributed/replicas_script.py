"""What test_distributed.py runs in processes of its own: prints a line of JSON a result."""

import json
import os
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import tensorflow as tf

sys.path.insert(0, str(Path(__file__).parents[2]))
from making import Table, make_events

from higgs_tutorial.data import Dataset
from higgs_tutorial.nn import LogisticRegression, NeuralNetwork, fit, train, training
from higgs_tutorial.nn.distributed.cluster import make_strategy
from higgs_tutorial.nn.engine.device import Batch
from higgs_tutorial.nn.engine.epoch import train_step
from higgs_tutorial.nn.engine.shuffle import events_at


def step_by_step(model, optimizer, batch_size, events, seed):
    """What the engine computes, without the time that its compilation takes."""
    n = len(events.y)
    optimizer.build(model.trainable_variables)
    order = events_at(tf.range(n), n, seed)
    total = 0.0
    for number, start in enumerate(range(0, n, batch_size)):
        chosen = order[start : start + batch_size]
        columns = (None if column is None else tf.gather(column, chosen) for column in events)
        loss = train_step(model, optimizer, Batch(*columns), tf.stack([seed[0], seed[1] + number]))
        total += float(loss) * len(chosen)
    return total / n


def adam():
    return keras.optimizers.Adam(0.01)


def run(case, model, optimizer, higgs, *, epochs=2, **settings):
    with scope():
        network, optimizer = model(), optimizer()
        history = fit(network, higgs, optimizer, epochs, 51, seed=3, **settings)
    weights = {variable.name: variable.numpy().ravel()[:20].tolist() for variable in network.variables}
    losses, aucs = [e.loss for e in history.epochs], [e.valid_auc for e in history.epochs]
    say(case=case, losses=losses, aucs=aucs, weights=weights)


def say(**result):
    print(json.dumps(result), flush=True)


def runs():
    higgs = SimpleNamespace(train=make_events(211, 1), valid=make_events(101, 2), source="made")
    weighted = SimpleNamespace(train=make_events(211, 1), valid=higgs.valid)
    weighted.train.weight = np.random.default_rng(0).uniform(0, 2, 211).astype(np.float32)

    run("logistic", lambda: LogisticRegression(seed=1), lambda: keras.optimizers.SGD(0.5), higgs)
    run("weighted stream", lambda: LogisticRegression(seed=1), adam, weighted, stream=True)
    talk = {"keep_prob": 0.7, "statistics": "batch", "beta": "uniform", "seed": 1}
    run("dropout", lambda: NeuralNetwork(2, 10, True, **talk), adam, higgs)
    for case, synchronized in (("synchronized", True), ("per replica", False)):
        model = lambda s=synchronized: NeuralNetwork(1, 10, True, synchronized=s, seed=1)  # noqa: E731
        run(case, model, adam, higgs)
    with scope():
        table, optimizer = Table(53), keras.optimizers.SGD(1.0)
        train(table, Dataset(np.eye(53, dtype="f"), np.ones(53, "f")), optimizer, 10, seed=1)
    counts = np.round(table.w.numpy()[:, 0] / np.where(table.w.numpy()[:, 0] > 0.1, 0.5 / 3, 0.05), 4)
    say(case="seen", counts=counts.tolist())
    return higgs


def mistakes(higgs):
    made_before, optimizer_before = LogisticRegression(), adam()
    made_before(higgs.train.x[:1], training=False)
    says = {}
    with scope():
        for name, model, optimizer in (
            ("model", made_before, adam()),
            ("optimizer", LogisticRegression(), optimizer_before),
            ("clipnorm", LogisticRegression(), keras.optimizers.SGD(0.1, clipnorm=1.0)),
            ("LossScaleOptimizer", LogisticRegression(), keras.optimizers.LossScaleOptimizer(adam())),
        ):
            try:
                train(model, higgs.train, optimizer, 50, seed=1)
            except ValueError as error:
                says[name] = str(error)
    say(case="mistakes", says=says)


def differ():
    worker = json.loads(os.environ["TF_CONFIG"])["task"]["index"]
    higgs = SimpleNamespace(train=make_events(50, 1), valid=make_events(50, 2))
    with scope():
        try:
            fit(LogisticRegression(), higgs, adam(), 1, 50, seed=worker)
        except ValueError as error:
            say(says=str(error))


def resume(folder, epochs):
    higgs = SimpleNamespace(train=make_events(211, 1), valid=make_events(101, 2))

    def on_epoch(epoch):
        say(epoch=epoch.epoch)
        time.sleep(0.05)  # so that a test can kill a worker before the epochs are over

    with scope():
        try:
            model, optimizer = NeuralNetwork(1, 10, True, 0.8, seed=1), adam()
            history = fit(model, higgs, optimizer, epochs, 51, checkpoint_dir=folder, on_epoch=on_epoch)
        except ConnectionError as error:
            say(says=str(error))
            sys.stdout.flush()
            os._exit(7)
    say(scores=[(e.epoch, e.loss, e.valid_auc) for e in history.epochs])


how = sys.argv[1]
if how == "one":
    scope = nullcontext
    training.train_epoch = step_by_step
else:
    scope = make_strategy("mirrored" if how == "two" else "multiworker").scope
if how in ("one", "two", "workers"):
    events = runs()
    if how == "two":
        mistakes(events)
elif how == "differ":
    differ()
else:
    resume(sys.argv[2], int(sys.argv[3]))
