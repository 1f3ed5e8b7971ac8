"""What several tests are run on."""

import numpy as np
import tensorflow as tf

from higgs_tutorial.data import Dataset


def make_events(n, seed=0, k=28):
    """Events whose signal lies on both sides of a plane, so that a hidden layer has something to find."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, k)).astype(np.float32)
    score = x[:, 0] + np.abs(x[:, 1]) - 0.8 + 0.3 * rng.normal(size=n)
    return Dataset(x, (score > 0).astype(np.float32), seed=seed)


class Table(tf.Module):
    """A model with one weight an event, given one-hot events: its weights tell which events were used."""

    def __init__(self, n):
        super().__init__()
        self.w = tf.Variable(tf.zeros([n, 1]))

    def __call__(self, x, training, seed=None):
        return (x @ self.w)[:, 0]
