from types import SimpleNamespace

import pytest
from making import make_events


@pytest.fixture(scope="session")
def higgs():
    return SimpleNamespace(train=make_events(3000, 1), valid=make_events(1000, 2), source="made")
