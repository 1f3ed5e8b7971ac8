"""The longer run of the talk's last slide: what it trains on, measures and reports."""

import json

import numpy as np
import pytest
from benchmark_files import imported

from higgs_tutorial.data.dataset import Dataset, HiggsDataset

SETTINGS = {"events": 300, "test": 400, "seeds": 3}


@pytest.fixture(scope="module")
def bench():
    with imported("easy_things") as module:
        yield module


def made_up(n):
    rng = np.random.default_rng(n)
    x = rng.normal(size=(n, 28)).astype(np.float32)
    x[:, 27] = np.arange(n)
    return Dataset(x, (x[:, 0] > 0).astype(np.float32))


@pytest.fixture(scope="module")
def higgs():
    return HiggsDataset(made_up(1700), made_up(100), made_up(50), "made")


@pytest.fixture
def results(bench, higgs):
    rng = np.random.default_rng(0)
    found = bench.header(higgs, SETTINGS)
    for name in [*bench.IDEAS, bench.SEARCHED]:
        for seed in range(3):
            record = {"test_auc": float(rng.uniform(0.7, 0.8)), "train_auc": 0.8, "seconds": 1.0}
            setting = vars(bench.IDEAS.get(name, bench.Setting()))
            found["trainings"][f"{name} {seed}"] = record | {"setting": dict(setting)}
    found["trials"] = [{"setting": vars(bench.Setting(learning_rate=r)), "valid_auc": r} for r in (0.1, 0.2)]
    return found


def test_seeds_and_search_and_test_share_no_event(bench, higgs):
    used = [bench.events_of(higgs, SETTINGS, seed) for seed in range(4)]
    numbers = [part.train.x[:, 27] for part in used] + [used[0].test.x[:, 27]]
    assert [len(each) for each in numbers] == [300, 300, 300, 300, 400]
    assert len(np.unique(np.concatenate(numbers))) == 1600
    assert all(np.array_equal(part.test.x, used[0].test.x) for part in used)


def test_a_training_is_written_down_once(bench, higgs, tmp_path):
    file, setting = tmp_path / "t.json", bench.Setting(num_layers=1, epochs=1, batch_size=300, members=2)
    results = bench.header(higgs, SETTINGS)
    bench.measure(results, file, "two", setting, higgs, 1)
    (record,) = json.loads(file.read_text())["trainings"].values()
    assert 0.3 < record["test_auc"] < 1
    results["trainings"]["two 1"] = "done"
    bench.measure(results, file, "two", setting, higgs, 1)
    assert results["trainings"] == {"two 1": "done"}


def test_differences_are_those_of_the_same_seed(bench, results):
    for name, aucs, change in bench.differences(results):
        for seed in range(3):
            mine, base = (results["trainings"][f"{n} {seed}"]["test_auc"] for n in (name, bench.BASELINE))
            assert (aucs[seed], change[seed]) == (mine, mine - base)
    mean, error = bench.mean_and_error(np.array([1.0, 2.0, 3.0]))
    assert (mean, error) == pytest.approx((2.0, 1 / np.sqrt(3)))


def test_cost_counts_multiplications(bench):
    assert bench.cost(vars(bench.Setting(members=3, epochs=16))) == 6
    deep = (2800 + 5 * 10_000 + 100) / (2800 + 2 * 10_000 + 100)
    assert bench.cost(vars(bench.Setting(num_layers=6))) == pytest.approx(deep)


def test_report_and_picture_hold_every_idea(bench, results, tmp_path):
    text = bench.report(results)
    assert all(f"| {name} |" in text for name in [*bench.IDEAS, bench.SEARCHED])
    assert "It found: learning_rate 0.2 (validation AUC 0.2000)" in text
    bench.draw(results, tmp_path / "d.png")
    assert (tmp_path / "d.png").read_bytes().startswith(b"\x89PNG")
