import numpy as np
import pytest

from higgs_tutorial.nn import Epoch, History


@pytest.fixture
def history():
    return History([Epoch(1, 0.65, 2 / 3, 0.5), Epoch(2, 0.1 + 0.2, 0.7, 1e-9)])


def test_an_epoch_is_one_line(history):
    assert str(history.epochs[0]) == "epoch  1: loss 0.650, validation AUC 0.667"


def test_to_frame(history):
    frame = history.to_frame()
    assert list(frame.index) == [1, 2]
    assert list(frame.columns) == ["loss", "valid_auc", "seconds"]
    assert frame.loc[1, "valid_auc"] == 2 / 3
    assert History().to_frame().empty
    assert len(history) == 2


def test_json_keeps_every_digit(history):
    assert History.from_json(history.to_json()) == history


@pytest.mark.parametrize("text", ["", "{}x", "3", '{"a": 1}', '[{"epoch": 1}]', "[1]"])
def test_what_is_not_a_history_is_refused(text):
    with pytest.raises(ValueError, match="History"):
        History.from_json(text)


def test_json_has_no_nan():
    with pytest.raises(ValueError):
        History([Epoch(1, np.nan, 0.5, 0.1)]).to_json()
