import os

import numpy as np
import pandas as pd
import pytest

from higgs_tutorial.physics import simulate


@pytest.fixture(scope="session")
def real():
    """Real rows [n, 29], label first."""
    path = os.environ.get("HIGGS_REAL_SAMPLE")
    if not path:
        pytest.skip("HIGGS_REAL_SAMPLE is not set")
    return pd.read_csv(path, header=None, dtype=np.float32).to_numpy()


@pytest.fixture(scope="session")
def simulated():
    """Simulated rows: x [n, 28], y [n]."""
    return simulate.simulate(simulate.CHUNK + 1000, seed=11)
