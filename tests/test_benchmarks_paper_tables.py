"""The longer run of the paper's tables: what it plans, measures and reports."""

import numpy as np
import pytest
from benchmark_files import imported
from sklearn.linear_model import LogisticRegression

from higgs_tutorial.plots import style

SETTINGS = {"events": 500, "largest": 5_000, "test": 400, "seeds": 3}


@pytest.fixture(scope="module")
def bench():
    with imported("paper_tables") as module:
        yield module


@pytest.fixture
def results(bench):
    rng = np.random.default_rng(0)
    fields = ("auc", "train_auc", "significance", "significance_error", "seconds")
    return {
        "source": "simulated",
        "simulator": "2.0",
        "data": "events made up for a test",
        "settings": SETTINGS,
        "machine": "a machine",
        "versions": {"python": "3", "tensorflow": "2", "scikit-learn": "1"},
        "trainings": {
            key: {name: float(rng.uniform(0.5, 0.9)) for name in fields} for key, *_ in bench.plan(SETTINGS)
        },
    }


def test_plans_every_training_once(bench):
    plan = list(bench.plan(SETTINGS))
    assert len({key for key, *_ in plan}) == len(plan) == 3 * 3 * 3 + 2 * len(bench.CURVES)
    tables = {
        (events.start, events.stop, seed) for key, _, _, events, seed in plan if key.startswith("table")
    }
    assert tables == {(0, 500, 0), (500, 1000, 1), (1000, 1500, 2)}
    assert bench.sizes(SETTINGS) == [1_000, 4_000]


def test_reports_what_was_measured(bench, results):
    text = bench.report(results)
    values = [results["trainings"][f"table DN low {seed}"]["auc"] for seed in range(3)]
    assert f"{np.mean(values):.4f} ({np.std(values, ddof=1):.4f}) |" in text
    assert "0.880 (0.001)" in text  # the paper's
    assert "events made up for a test of simulator 2.0" in text
    assert "--events 500 --largest 5000 --test 400 --seeds 3" in text
    assert text.count("\n| DN |") == 2
    difference = bench.table(results, "auc")["DN", "low"][0] - bench.table(results, "auc")["BDT", "low"][0]
    assert f"| DN low | BDT low | {difference:+.3f} |" in text


@pytest.mark.parametrize(
    ("deep", "says"),
    [
        (
            (0.6, 0.65),
            "0.100 behind the trees with high-level columns after 1,000 events\nand 0.050 after 4,000",
        ),
        ((0.6, 0.75), "1,000 events\nand 0.050 ahead after 4,000; from 4,000 on it is ahead"),
        ((0.75, 0.8), "ahead of the trees with high-level columns at every number of events"),
    ],
)
def test_says_where_the_deep_network_overtakes(bench, results, deep, says):
    for size, auc in zip((1_000, 4_000), deep, strict=True):
        results["trainings"][f"curve DN low {size}"]["auc"] = auc
        results["trainings"][f"curve BDT high {size}"]["auc"] = 0.7
    assert says in "\n".join(bench.overtaking(results))


def test_draws_both_pictures(bench, results, tmp_path):
    with style():
        bench.draw_tables(results, tmp_path / "tables.png")
        bench.draw_curves(results, tmp_path / "curves.png")
    assert all((tmp_path / name).stat().st_size > 10_000 for name in ("tables.png", "curves.png"))


def test_measures_on_events_that_were_not_trained_on(bench):
    rng = np.random.default_rng(0)
    y = (rng.random(3000) < 0.5).astype(np.float32)
    x = (rng.normal(size=(3000, 2)) + y[:, None]).astype(np.float32)
    parts = slice(1000, 2000), slice(2000, 3000)
    record = bench.measure(LogisticRegression(), x, y, slice(0, 1000), parts)
    assert 0.8 < record["auc"] < 0.88  # d-prime is the square root of 2: 0.841
    spoiled = y.copy()
    spoiled[:1000] = 1 - spoiled[:1000]
    assert bench.measure(LogisticRegression(), x, spoiled, slice(0, 1000), parts)["auc"] < 0.2
    assert 0 < record["background_efficiency"] < record["signal_efficiency"] < 1
    assert record["significance"] > 1.7
