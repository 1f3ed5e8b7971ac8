"""Pictures of notebook 04 show what they are given."""

import re
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.metrics import auc

from higgs_tutorial import features, ladder, simulate
from higgs_tutorial.draw import higgs_data
from higgs_tutorial.physics.simulate import example_events


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_both_processes_end_in_the_same_six():
    signal, background = higgs_data.diagrams(heavy=425, charged=325, light=125, top=173).axes
    last = [
        sorted(re.findall(r"lepton|missing|jet with b-tag|jet", " ".join(texts(axes))))
        for axes in (signal, background)
    ]
    assert last[0] == last[1]
    assert len(last[0]) == 6
    assert {"H⁰, 425 GeV", "H±, 325 GeV", "h⁰, 125 GeV"} <= set(texts(signal))
    assert "t, 173 GeV" in texts(background)


def test_lines_of_pseudorapidity_have_the_angles_they_say():
    lines = higgs_data.detector().axes[1].lines
    angles = [np.arctan2(*line.get_xydata()[1][::-1]) for line in lines]
    assert np.allclose(-np.log(np.tan(np.array(angles) / 2)), [0, 0.5, 1, 1.5, 2, 3])


@pytest.mark.parametrize("signal", [True, False])
def test_an_event_has_an_arrow_for_each_jet_and_a_bar_for_each_parton(signal):
    partons, measured = example_events(20, signal=signal)
    for i in range(20):
        _, axes = plt.subplots()
        one = [{key: value[..., i] for key, value in record.items()} for record in (partons, measured)]
        higgs_data.event(axes, *one)
        jets = int((one[1]["jet_pt"] > 0).sum())
        assert [text.split(",")[0].split("\n")[0] for text in texts(axes) if text.startswith("jet")] == [
            f"jet {number}" for number in range(1, jets + 1)
        ]
        assert sum("b-tag" in text for text in texts(axes)) == (one[1]["jet_tag"] > 0).sum()
        bars = [line.get_xydata()[1] for line in axes.lines[:6]]
        assert np.allclose(bars, [one[0][name][1:3] for name in higgs_data.PARTON_COLOURS])
        plt.close("all")


def test_every_column_has_its_panel_in_its_unit():
    x, y = simulate(2_000)
    units = dict.fromkeys(features.COLUMNS, "GeV") | {"jet_1_phi": "rad", "jet_1_b-tag": "0, 1 or 2"}
    panels = {
        axes.get_title(): axes for axes in higgs_data.columns(features.to_physical(x), y, units, "").axes
    }
    assert set(panels) == set(map(higgs_data.short, features.COLUMNS))
    assert panels["jet_1_phi"].get_xlabel() == "φ [rad]"
    assert panels["jet_1_b-tag"].get_xlabel() == "tag"
    assert panels["m_bb"].get_xlabel() == "GeV"


def test_the_recorded_fidelity_is_that_of_the_page_and_is_drawn():
    recorded = ladder.recorded("fidelity")
    page = (Path(__file__).parents[2] / "benchmarks" / "fidelity.md").read_text(encoding="utf-8")
    for name in features.COLUMNS:
        (row,) = re.findall(rf"^\| {re.escape(name)} \| (.*) \|$", page, flags=re.MULTILINE)
        parts = [
            recorded[part][label][name]
            for label in ("signal", "background")
            for part in ("distance", "floor")
        ]
        assert row.split(" | ") == [f"{value:.3f}" for value in parts]
    distance, floor = recorded["distance"], recorded["floor"]
    figure = higgs_data.fidelity(distance, floor, "")
    for axes, label in zip(figure.axes, ("signal", "background"), strict=True):
        assert list(axes.lines[0].get_ydata()) == list(distance[label].values())
        assert list(axes.lines[1].get_ydata()) == list(floor[label].values())


def test_the_curve_of_the_pairs_runs_along_the_filled_cells():
    wins = np.array([[1.0, 1.0, 1.0], [0.0, 1.0, 1.0]])  # of two signal events against three of background
    left, right = higgs_data.pairs(
        [0.9, 0.5], [0.7, 0.4, 0.1], wins, ([0, 0, 1 / 3, 1 / 3, 1], [0, 0.5, 0.5, 1, 1])
    ).axes
    assert left.get_title() == "5 events"
    assert right.get_title() == "5 of 6 pairs: AUC 0.833"
    assert np.array_equal(right.collections[0].get_array().reshape(2, 3), wins)
    across, up = right.lines[0].get_data()
    assert np.isclose(auc(across, up), wins.sum())


def test_the_bars_of_scores_are_their_aucs():
    areas = {"lepton_pt": 0.55, "m_jj": 0.6, "nearness": 0.7}
    curve = ([0, 0.3, 1], [0, 0.7, 1])
    left, right = higgs_data.scores({"nearness": curve, "m_jj": curve}, areas, "these events").axes
    assert [bar.get_width() for bar in right.patches] == list(areas.values())
    labels = [line.get_label() for line in left.lines]
    assert labels == ["guessing: 0.50", "nearness: 0.700", "m_jj: 0.600"]
    assert np.allclose(np.transpose(left.lines[1].get_data()), np.transpose(curve))
