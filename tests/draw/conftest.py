"""A figure to draw into."""

from collections.abc import Iterator

import matplotlib.pyplot as plt
import pytest
from matplotlib.figure import Figure


@pytest.fixture
def fig() -> Iterator[Figure]:
    fig = plt.figure()
    yield fig
    plt.close(fig)
