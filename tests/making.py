"""What several tests are run on."""

import numpy as np

from higgs_tutorial.data import Dataset


def make_events(n, seed=0, k=28):
    """Events whose signal lies on both sides of a plane, so that a hidden layer has something to find."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, k)).astype(np.float32)
    score = x[:, 0] + np.abs(x[:, 1]) - 0.8 + 0.3 * rng.normal(size=n)
    return Dataset(x, (score > 0).astype(np.float32), seed=seed)
