"""A `results.json` of a stranger: its structure is checked, and what is wrong is said in one line."""

import copy
import json
from pathlib import Path

import pytest

from higgs_tutorial.ladder.schema import read_results

ROOT = Path(__file__).parents[2]
EPOCH = {"epoch": 1, "loss": 0.6, "valid_auc": 0.7, "seconds": 1.5}
RUNG = {
    "name": "logistic",
    "parameters": 29,
    "epochs": [EPOCH],
    "train_auc": 0.7,
    "valid_auc": 0.7,
    "test_auc": 0.7,
    "talk": {"valid_auc": [0.68], "train_auc": None},
    "members": [{"seed": 0, "epochs": [EPOCH], "valid_auc": 0.7}],
}


def changed(path, value):
    rung = copy.deepcopy(RUNG)
    place = rung
    for key in path[:-1]:
        place = place[key]
    if value is KeyError:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return json.dumps({"rungs": [rung]})


@pytest.mark.parametrize(
    "file", sorted((ROOT / "results").glob("*/results.json")), ids=lambda file: file.parent.name
)
def test_the_recorded_results_are_read(file):
    assert read_results(file) == json.loads(file.read_text())


def test_a_rung_that_is_not_finished_is_read(tmp_path):
    (tmp_path / "results.json").write_text(
        json.dumps({"rungs": [{"name": "x", "parameters": None, "epochs": []}]})
    )
    assert read_results(tmp_path / "results.json")["rungs"][0]["epochs"] == []


WRONG = [
    *(
        (("epochs",), value)
        for value in (KeyError, None, 3, "x", {}, [], [1], [{}], [{**EPOCH, "valid_auc": 2.0}])
    ),
    *((("parameters",), value) for value in (KeyError, None, "29", 0, -1, 2.5, True, [])),
    *(
        ((name,), v)
        for name in ("train_auc", "valid_auc")
        for v in (KeyError, None, "x", 2.0, 1e28, -0.1, [], True)
    ),
    *((("test_auc",), value) for value in ("x", 2.0, 1e28, float("nan"), float("inf"), 10**400)),
    *((("talk",), value) for value in (KeyError, None, [], {}, {"valid_auc": []}, {"valid_auc": ["x"]})),
    *((("members",), value) for value in (None, 3, {}, [1], [{}], [{"epochs": [{}]}])),
    *((("name",), value) for value in (KeyError, None, 3, [], "\x1b[31m")),
    (("epochs", 0, "loss"), "x"),
    (("epochs", 0, "loss"), float("nan")),
    (("epochs", 0, "seconds"), -1),
    (("epochs", 0, "epoch"), "1"),
]
TEXTS = [
    *("", "[]", "{}", "null", "3", '{"rungs": 3}', '{"rungs": [3]}', "\x00", '{"rungs": [], "rungs": []}'),
    *('{"rungs":' * 50_000, "[" * 200_000, json.dumps({"rungs": [RUNG, RUNG]})),
]


@pytest.mark.parametrize("text", [changed(*wrong) for wrong in WRONG] + TEXTS)
def test_what_is_wrong_is_said_in_one_line(text, tmp_path):
    file = tmp_path / "results.json"
    file.write_text(text)
    with pytest.raises(ValueError, match=r"results\.json is not a results\.json of the ladder \(") as caught:
        read_results(file)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500
