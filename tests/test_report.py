"""What a run prints and draws: the right numbers in the right places."""

import io

import matplotlib.pyplot as plt
import numpy as np
import pytest
from rich.console import Console
from sklearn.metrics import roc_auc_score

from higgs_tutorial import plots, report, talk


def rung(name, aucs):
    return {
        "name": name,
        "parameters": 23_501,
        "epochs": [
            {"epoch": i, "loss": 0.6, "valid_auc": auc, "seconds": 2.0} for i, auc in enumerate(aucs, 1)
        ],
        "train_auc": 0.8012,
        "valid_auc": aucs[-1],
        "test_auc": 0.7765,
        "examples_per_second": 54_321,
        "talk": {
            "valid_auc": list(talk.RUNGS[name].valid_auc),
            "train_auc": talk.RUNGS[name].train_auc,
        },
    }


@pytest.fixture
def results():
    return {
        "source": "simulated",
        "data": "simulated events",
        "seed": 3,
        "device": "CPU",
        "events": {"train": 18_000, "valid": 1000, "test": 1000},
        "batch_size": 512,
        "rungs": [rung("logistic", [0.61, 0.62]), rung("adam-3x100", [0.71, 0.7777])],
    }


def test_table_sets_ours_beside_the_talks(results):
    console = Console(width=report.WIDTH_IN_A_PIPE, record=True, file=io.StringIO())
    console.print(report.table(results))
    text = console.export_text()
    assert "the talk on HIGGS" in text
    assert "here on simulated events (18,000 for training)" in text
    (line,) = (line for line in text.splitlines() if "adam-3x100" in line)
    cells = [cell.strip() for cell in line.split("│")[1:-1]]
    assert cells == ["adam-3x100", "23,501", "2", "0.854", "0.778", "0.801", "0.776", "2.00"]


def test_the_whole_ladder_fits_a_terminal_of_80_columns(results):
    results["rungs"] = [{**rung(name, [0.61]), "parameters": 1_270_501} for name in talk.RUNGS]
    for seconds in (0.01, 123.45):
        results["rungs"][-1]["epochs"][0]["seconds"] = seconds
        console = Console(width=80, record=True, file=io.StringIO())
        console.print(report.table(results))
        text = console.export_text()
        assert "…" not in text
        assert all(f"│ {name} " in text for name in talk.RUNGS)
        assert text.count("0.776") == len(talk.RUNGS)


def test_error_of_an_auc_is_that_of_many_samples():
    """Normal scores, a separation of one: the AUC is 0.76."""
    rng = np.random.default_rng(0)
    y = np.repeat([0.0, 1.0], 200)
    aucs = [roc_auc_score(y, rng.normal(size=400) + y) for _ in range(2000)]
    assert report.auc_error(float(np.mean(aucs)), 200, 200) == pytest.approx(np.std(aucs), rel=0.08)


def test_only_simulated_events_carry_the_caution(results):
    assert "Simulated events are not HIGGS" in report.footnote(results)
    assert "Simulated" not in report.footnote({**results, "source": "uci"})


def test_markdown_has_a_row_a_rung_and_names_the_data(results):
    head, rule, *rows = report.markdown(results).splitlines()
    assert "here: valid AUC, simulated events" in head
    assert all(line.count("|") == head.count("|") for line in [rule, *rows])
    assert rows[1].startswith("| `adam-3x100` | Adam | 23,501 | 0.854 | 0.778 |")


def test_ladder_picture_has_both_curves_of_each_rung(results):
    figure = plots.ladder(results)
    panels = [axis for axis in figure.axes if axis.get_visible()]
    assert len(panels) == 2
    said, ours = panels[1].get_lines()
    assert list(said.get_ydata()) == list(talk.RUNGS["adam-3x100"].valid_auc)
    assert list(ours.get_ydata()) == [0.71, 0.7777]
    assert any("simulated events" in text.get_text() for text in figure.legends[0].get_texts())
    plt.close(figure)


def test_ladder_picture_and_footnote_of_an_ensemble(results):
    one, two = ([{"valid_auc": auc} for auc in aucs] for aucs in ([0.61, 0.62], [0.6, 0.63]))
    results["ensemble"] = 2
    results["rungs"][0] |= {"members": [{"epochs": one}, {"epochs": two}], "valid_auc": 0.6411}
    figure = plots.ladder(results)
    _, *ours = figure.axes[0].get_lines()
    assert [list(line.get_ydata()) for line in ours] == [[0.61, 0.62], [0.6, 0.63], [0.6411]]
    assert "here 0.641" in figure.axes[0].get_title()
    assert any("2 networks" in text.get_text() for text in figure.legends[0].get_texts())
    plt.close(figure)
    assert "the mean prediction of 2 networks" in report.footnote(results)


def test_curves_so_far_keep_the_talk_and_here_apart():
    before = dict(plt.rcParams)
    figure = plots.curves_so_far({"logistic": [0.6, 0.61], "nn-1x100": [0.65]}, "simulated events")
    left, right = figure.axes
    assert "HIGGS" in left.get_title()
    assert "simulated events" in right.get_title()
    assert [list(line.get_ydata()) for line in right.get_lines()] == [[0.6, 0.61], [0.65]]
    assert [len(line.get_ydata()) for line in left.get_lines()] == [25, 25]
    assert [a.get_color() for a in left.get_lines()] == [b.get_color() for b in right.get_lines()]
    assert dict(plt.rcParams) == before
    plt.close(figure)


def test_curves_of_all_rungs_can_be_told_apart():
    figure = plots.curves_so_far({name: [0.6, 0.7] for name in talk.RUNGS}, "simulated events")
    for axis in figure.axes:
        looks = {(line.get_color(), line.get_linestyle()) for line in axis.lines}
        assert len(looks) == len(axis.lines) == len(talk.RUNGS)
    plt.close(figure)
