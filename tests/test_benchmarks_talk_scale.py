"""The page of the run at the talk's size: rungs that were cut short, and rungs of another run."""

import copy

import pytest
from benchmark_files import imported

from higgs_tutorial import ladder


@pytest.fixture(scope="module")
def bench():
    with imported("talk_scale") as module:
        yield module


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
    both = {**results, "rungs": [three, six]}
    line = bench.table(both)[-1]
    # the talk's third, not its last
    assert line.startswith(
        "| `adam-6x100` | six layers | 0.847 after 3 (0.863) | 0.860 | +0.013 | +0.058 (+0.007) |"
    )
    assert "| 3 of 25 |" in line
    assert bench.step(both, three, six) == (pytest.approx(0.86 - 0.802), pytest.approx(0.847 - 0.840))
    (said,) = bench.at_the_same_epoch(both)
    assert "After 3 epochs each, `adam-6x100` has 0.860 and `adam-3x100` 0.802: +0.058 (talk +0.007)" in said
    whole = cut(six, [0.82] * 24 + [0.87])
    assert bench.step(both, three, whole) == (pytest.approx(0.87 - 0.824), pytest.approx(0.009))
    assert bench.at_the_same_epoch({**both, "rungs": [three, whole]}) == []


def test_the_page_is_of_the_run(bench, results, tmp_path):
    results["rungs"] = [
        cut(rung, [rung["valid_auc"]] * len(rung["talk"]["valid_auc"])) for rung in results["rungs"]
    ]
    results["rungs"][-1] = cut(results["rungs"][-1], [0.79, 0.80])
    ladder.write_json(tmp_path / "results.json", results)
    text = bench.page(tmp_path)
    for rung in results["rungs"]:
        assert f"| {rung['valid_auc']:.3f} |" in text
    assert "| 2 of 50 |" in text
    gap = results["rungs"][-2]["train_auc"] - results["rungs"][-2]["valid_auc"]
    assert f"`adam-6x500` {gap:+.3f} (talk +0.027)" in text
    minutes = 50 * results["rungs"][-1]["epochs"][0]["seconds"] / 60
    assert f"| 1,100 | {minutes:.1f} |" in text


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
    (line,) = bench.other_runs(results)
    for said in ("dropout-6x500", "another", "bfloat16", "slightly other events"):
        assert said in line
    assert bench.other_runs({"rungs": results["rungs"][:3]}) == []
    whole = [cut(rung, [0.6] * 25) for rung in results["rungs"][:3]]
    command = "higgs-tutorial ladder --profile talk --source simulated --rungs"
    assert bench.commands({**results, "rungs": [*whole, results["rungs"][-1]]}, "here") == [
        f"{command} logistic,nn-1x100,bn-1x100 --out here",
        f"{command} dropout-6x500 --epochs 10 --precision bfloat16 --out ladder-results",
        "python benchmarks/talk_scale.py here --adopt ladder-results",
    ]


@pytest.mark.parametrize(
    ("key", "value"),
    [("seed", 1), ("simulator", "1.1"), ("events", {"train": 1}), ("batch_size", 7), ("learning_rate", 0.1)],
)
def test_rungs_of_other_settings_or_events_are_refused(bench, results, key, value):
    before = copy.deepcopy(results)
    with pytest.raises(ValueError, match=f"the other run has {key}"):
        bench.adopt(results, {**copy.deepcopy(results), key: value})
    assert results == before


@pytest.fixture
def further(results):
    """Three networks of a rung, with what the talk's last slide adds."""
    (rung,) = (copy.deepcopy(rung) for rung in results["rungs"] if rung["name"] == "adam-6x200")
    rung = cut(rung, [0.80, 0.801])
    members = [{"seed": i, "epochs": rung["epochs"], "valid_auc": 0.80 + 0.001 * i} for i in range(3)]
    rung |= {"members": members, "train_auc": 0.82, "valid_auc": 0.81, "test_auc": 0.805}
    how = {"learning_rate": 0.01, "schedule": "cosine", "average": "ema", "ensemble": 3}
    return {**results, **how, "precision": "bfloat16", "rungs": [rung]}


def test_the_row_beyond_the_talk_stands_beside_the_same_rung(bench, results, further, tmp_path):
    ladder.write_json(tmp_path / "record" / "results.json", results)
    assert "beyond the talk" not in bench.page(tmp_path / "record")
    ladder.write_json(tmp_path / "beyond-the-talk" / "results.json", further)
    text = bench.page(tmp_path / "record")
    (plain,) = (rung for rung in results["rungs"] if rung["name"] == "adam-6x200")
    alone = " | ".join(f"{plain[part]:.4f}" for part in ("train_auc", "valid_auc", "test_auc"))
    seconds = further["rungs"][0]["epochs"][0]["seconds"]
    for said in (
        f"| `adam-6x200`, as above | {alone} |",
        f"| each network alone | | 0.8000 to 0.8020 | | {2 * seconds / 60:.0f} |",
        f"| the 3 together | 0.8200 | 0.8100 | 0.8050 | {6 * seconds / 60:.0f} |",
        "--rungs adam-6x200 --epochs 2 --learning-rate 0.01 --schedule cosine --average ema --ensemble 3 "
        "--precision bfloat16 --out results/beyond-the-talk",
        f"Rate and average gain {0.801 - plain['valid_auc']:+.4f} on average, the other networks +0.0090.",
        f"All together is {0.81 - results['rungs'][-1]['valid_auc']:+.4f} above the best rung here, `dropout-6x500`",
        "0.878, `dropout-6x500`. The paper's deep network had 0.885 (0.002)",
        "here it is -0.080 from the paper's",
    ):
        assert said in text


@pytest.mark.parametrize(("key", "value"), [("seed", 1), ("simulator", "1.1"), ("events", {"test": 1})])
def test_a_row_of_other_events_is_refused(bench, results, further, key, value):
    with pytest.raises(ValueError, match=f"beyond-the-talk has {key} .*run it again"):
        bench.beyond(results, {**further, key: value})
