"""The page of the run at the talk's size: rungs that were cut short, and rungs of another run."""

import copy
import importlib.util
import sys
from pathlib import Path

import pytest

from higgs_tutorial import ladder

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture(scope="module")
def bench():
    sys.path.insert(0, str(BENCHMARKS))
    try:
        spec = importlib.util.spec_from_file_location("talk_scale", BENCHMARKS / "talk_scale.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(BENCHMARKS))
    return module


@pytest.fixture
def results():
    return {**copy.deepcopy(ladder.recorded("quick")), "profile": "talk", "precision": "float32"}


def cut(rung, aucs):
    epochs = [{**rung["epochs"][0], "epoch": i, "valid_auc": auc} for i, auc in enumerate(aucs, 1)]
    return {**rung, "epochs": epochs, "valid_auc": aucs[-1]}


def test_a_rung_cut_short_is_compared_with_the_talk_after_as_many_epochs(bench, results):
    three, six = (rung for rung in results["rungs"] if rung["name"] in ("adam-3x100", "adam-6x100"))
    three = cut(three, [0.80 + 0.001 * i for i in range(25)])
    six = cut(six, [0.82, 0.85, 0.86])
    line = bench.table({"rungs": [six]})[-1]
    assert line.startswith(
        "| `adam-6x100` | 0.847 | 0.860 | +0.013 |"
    )  # the talk's third, not its last, 0.863
    assert "| 3 of 25 |" in line
    name, here, said = bench.step(three, six)
    assert name == "`adam-6x100` after 3 epochs"
    assert here == pytest.approx(0.86 - 0.802)
    assert said == pytest.approx(0.847 - 0.840)
    whole = cut(six, [0.82] * 24 + [0.87])
    assert bench.step(three, whole) == ("`adam-6x100`", pytest.approx(0.87 - 0.824), pytest.approx(0.009))


def test_rungs_of_another_run_say_what_was_different(bench, results):
    other = {**copy.deepcopy(results), "precision": "bfloat16", "fingerprint": "b" * 64, "device": "another"}
    unfinished = {**other["rungs"][0], "test_auc": None}
    other["rungs"] = [unfinished, other["rungs"][-1]]
    results["rungs"] = results["rungs"][:3]
    bench.adopt(results, other)
    assert [rung["name"] for rung in results["rungs"]] == [
        "logistic",
        "nn-1x100",
        "bn-1x100",
        "dropout-6x500",
    ]
    differs = {"device": "another", "fingerprint": "b" * 64, "precision": "bfloat16"}
    assert results["rungs"][-1]["run"] == differs
    assert "run" not in results["rungs"][0]
    (line, _) = bench.other_runs(results)
    for said in ("dropout-6x500", "another", "bfloat16", "rounded otherwise"):
        assert said in line
    assert bench.other_runs({"rungs": results["rungs"][:3]}) == []


@pytest.mark.parametrize(
    ("key", "value"), [("seed", 1), ("simulator", "1.1"), ("events", {"train": 1}), ("batch_size", 7)]
)
def test_rungs_of_other_settings_or_events_are_refused(bench, results, key, value):
    before = copy.deepcopy(results)
    with pytest.raises(ValueError, match=f"the other run has {key}"):
        bench.adopt(results, {**copy.deepcopy(results), key: value})
    assert results == before
