"""What a run prints and draws: the right numbers in the right places."""

import io
import os
import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
from rich.console import Console
from sklearn.metrics import roc_auc_score

from higgs_tutorial import ladder, plots, talk
from higgs_tutorial.cli import report, tables
from higgs_tutorial.cli.interrupt import Stopped
from higgs_tutorial.cli.terminal import WIDTH_IN_A_PIPE


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
    console = Console(width=WIDTH_IN_A_PIPE, record=True, file=io.StringIO())
    console.print(tables.table(results))
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
        console.print(tables.table(results))
        text = console.export_text()
        assert "…" not in text
        assert all(f"│ {name} " in text for name in talk.RUNGS)
        assert text.count("0.776") == len(talk.RUNGS)


def test_error_of_an_auc_is_that_of_many_samples():
    """Normal scores, a separation of one: the AUC is 0.76."""
    rng = np.random.default_rng(0)
    y = np.repeat([0.0, 1.0], 200)
    aucs = [roc_auc_score(y, rng.normal(size=400) + y) for _ in range(2000)]
    assert tables.auc_error(float(np.mean(aucs)), 200, 200) == pytest.approx(np.std(aucs), rel=0.08)


@pytest.mark.parametrize(
    "name", ["a$b$c^{.csv", "[/red]:smile:.csv", "x_$\\frac.csv", "caf\udce9.csv", "東.csv"]
)
def test_any_name_of_a_file_can_be_printed_and_drawn(name, results, tmp_path):
    results["data"] = f"events of {name}"
    console = Console(width=WIDTH_IN_A_PIPE, record=True, file=io.StringIO())
    console.print(tables.table(results))
    assert f"here on events of {name}" in console.export_text()
    with plt.rc_context({"text.usetex": True}):
        plots.save_ladder(results, tmp_path / "ladder.png")
    assert (tmp_path / "ladder.png").read_bytes().startswith(b"\x89PNG")
    assert [file.name for file in tmp_path.iterdir()] == ["ladder.png"]
    figure = plots.ladder(results)
    assert "$" not in name or r"\$" in figure.legends[0].get_texts()[1].get_text()
    plt.close(figure)
    figure = plots.curves_so_far({"logistic": [0.6, 0.61]}, results["data"])
    figure.canvas.draw() if name.isascii() else None  # a letter that the font lacks is a warning of Matplotlib's
    plt.close(figure)


def test_the_picture_is_drawn_without_pyplot(results, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)  # importing it would fail
    plots.save_ladder(results, tmp_path / "ladder.png")
    assert (tmp_path / "ladder.png").stat().st_size > 10_000


def test_a_picture_that_cannot_be_drawn_costs_a_warning_after_the_table(tmp_path, monkeypatch, capsys):
    def fail(*_):
        raise RuntimeError("no font")

    monkeypatch.setattr(plots, "save_ladder", fail)
    monkeypatch.setenv("HIGGS_DATA_DIR", str(tmp_path))
    out = tmp_path / "out"
    results = report.run_ladder(rungs=["logistic"], source="simulated", events=2000, epochs=1, out=out)
    said = capsys.readouterr()
    assert (
        said.err
        == f"warning: {out / 'ladder.png'} was not drawn (RuntimeError: no font); the results are whole\n"
    )
    assert f"{results['rungs'][0]['test_auc']:.3f}" in said.out
    assert said.out.endswith(f"written to {out}: results.json, staircase.png, checkpoints/\n")


def test_run_ladder_needs_no_arguments_and_leaves_the_environment_alone(tmp_path, monkeypatch, capsys):
    seen = {}
    monkeypatch.setattr(ladder, "run", lambda **nouns: seen.update(nouns) or results_of_nothing())
    monkeypatch.setattr(ladder, "load_events", lambda settings: seen.update(loaded_for=settings))
    before = dict(os.environ)
    report.run_ladder()
    assert seen["settings"] == seen["loaded_for"] == ladder.Settings()
    report.run_ladder(rungs=iter(["logistic"]), profile="talk", seed=3)
    assert seen["settings"] == ladder.Settings(rungs=("logistic",), profile="talk", seed=3)
    assert dict(os.environ) == before
    with pytest.raises(ValueError, match="profile is 'fast'; it must be one of: lesson, quick, talk"):
        report.run_ladder(profile="fast")


def results_of_nothing():
    return {
        "source": "uci",
        "data": "HIGGS events",
        "seed": 0,
        "device": "CPU",
        "events": {"train": 8, "valid": 2, "test": 2},
        "batch_size": 512,
        "rungs": [rung("logistic", [0.6])],
    }


def test_stopped_from_python_it_says_how_to_go_on(tmp_path, monkeypatch, capsys):
    def stop(**_):
        raise Stopped(2)

    monkeypatch.setattr(ladder, "run", stop)
    monkeypatch.setattr(ladder, "load_events", lambda settings: None)
    for out, how in ((None, "nothing is saved"), (tmp_path, "go on with: the same call and resume=True")):
        with pytest.raises(Stopped):
            report.run_ladder(out=out)
        assert how in capsys.readouterr().err


def test_only_simulated_events_carry_the_caution(results):
    assert "Simulated events are not HIGGS" in tables.footnote(results)
    assert "Simulated" not in tables.footnote({**results, "source": "uci"})


def test_markdown_has_a_row_a_rung_and_names_the_data(results):
    head, rule, *rows = tables.markdown(results).splitlines()
    assert "here: valid AUC, simulated events" in head
    assert all(line.count("|") == head.count("|") for line in [rule, *rows])
    assert rows[1].startswith("| `adam-3x100` | Adam | 23,501 | 0.854 | 0.778 |")


def test_markdown_has_each_rungs_step_and_its_error_where_they_are_known(results):
    results["rungs"][1]["gain"] = {"over": "logistic", "valid_auc": 0.15774, "error": 0.00123}
    head, rule, first, second = (line.split("|") for line in tables.markdown(results).splitlines())
    place = head.index(" above the rung before ")
    assert (first[place], second[place]) == (" – ", " +0.1577 ± 0.0012 ")
    assert len(rule) == len(head) == len(second)


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
    assert "the mean prediction of 2 networks" in tables.footnote(results)


def test_curves_so_far_keep_the_talk_ours_at_its_size_and_yours_apart():
    before = dict(plt.rcParams)
    figure = plots.curves_so_far({"logistic": [0.6, 0.61], "nn-1x100": [0.65]}, "simulated events")
    said, ours, yours = figure.axes
    assert "HIGGS" in said.get_title()
    assert "simulated events" in ours.get_title()
    assert "simulated events" in yours.get_title()
    at_its_size = {rung["name"]: rung["epochs"] for rung in ladder.recorded("talk-scale")["rungs"]}
    for line in ours.get_lines():
        assert list(line.get_ydata()) == [epoch["valid_auc"] for epoch in at_its_size[line.get_label()]]
    assert [list(line.get_ydata()) for line in yours.get_lines()] == [[0.6, 0.61], [0.65]]
    assert [len(line.get_ydata()) for line in said.get_lines()] == [25, 25]
    looks = [{line.get_label(): line.get_color() for line in axis.get_lines()} for axis in figure.axes]
    assert looks[0] == looks[1] == looks[2]
    assert dict(plt.rcParams) == before
    plt.close(figure)


def test_curves_so_far_leave_out_what_was_not_run_at_the_talk_s_size(monkeypatch):
    scale = ladder.recorded("talk-scale")
    monkeypatch.setattr(plots, "recorded", lambda name: {**scale, "rungs": scale["rungs"][:1]})
    figure = plots.curves_so_far({"logistic": [0.6], "nn-1x100": [0.65]}, "simulated events", lowest=0.55)
    assert [len(axis.lines) for axis in figure.axes] == [2, 1, 2]
    assert all(axis.get_ylim()[0] == 0.55 for axis in figure.axes)
    assert len(figure.legends[0].get_texts()) == 2
    plt.close(figure)


def test_curves_of_all_rungs_can_be_told_apart():
    figure = plots.curves_so_far({name: [0.6, 0.7] for name in talk.RUNGS}, "simulated events")
    for axis, rungs in zip(figure.axes, (9, len(ladder.recorded("talk-scale")["rungs"]), 9), strict=True):
        looks = {(line.get_color(), line.get_linestyle()) for line in axis.lines}
        assert len(looks) == len(axis.lines) == rungs
    plt.close(figure)


def test_a_name_of_a_stranger_is_text_in_markdown_and_in_html(results):
    myst = pytest.importorskip("markdown_it", reason="Markdown is read by markdown-it, of the docs extra")
    name = (
        "a|b <script>alert(1)</script> **bold** $x$ [link](http://x) ![i](y) `code` &lt;\n\n# heading\x1b[31m"
    )
    results["data"] = name
    html = myst.MarkdownIt("gfm-like", {"linkify": False}).enable("table").render(tables.markdown(results))
    for tag in ("script", "strong", "em", "a ", "img", "h1"):
        assert f"<{tag}" not in html
    assert html.count("<th") == 1 + 9  # thead, and as many columns as before
    assert "a|b &lt;script&gt;alert(1)&lt;/script&gt; **bold**" in html


def test_the_staircase_has_a_step_a_rung(results):
    results["rungs"] = [rung(name, [0.6, 0.61 + 0.02 * i]) for i, name in enumerate(talk.RUNGS)]
    figure = plots.staircase(results)
    (axis,) = figure.axes
    labels = [text.get_text() for text in axis.get_xticklabels()]
    assert labels == [f"{name}\n{said.idea}" for name, said in talk.RUNGS.items()]
    treads = {line.get_label(): line for line in axis.lines}
    assert list(treads["here, validation"].get_ydata()) == [0.61, 0.61]
    assert list(treads["here, training"].get_ydata()) == [0.8012, 0.8012]
    assert list(treads["the talk, validation"].get_ydata()) == [0.686, 0.686]
    numbers = [text.get_text() for text in axis.texts]
    assert numbers[:4] == ["0.610", "0.686", "0.630", "0.780"]
    assert "HIGGS, 10,000,000 events" in axis.get_title()
    assert "simulated events, 18,000 to train on, seed 3" in axis.get_title()
    plt.close(figure)


def test_a_rung_cut_short_at_the_talk_s_size_stands_beside_the_talk_after_as_many_epochs(results):
    results["profile"] = "talk"
    results["rungs"] = [rung("logistic", [0.6] * 25), rung("dropout-6x500", [0.8, 0.81, 0.82])]
    figure = plots.staircase(results)
    labels = [text.get_text() for text in figure.axes[0].get_xticklabels()]
    assert labels == ["logistic\na straight cut", "dropout-6x500\ndropout\nboth after 3\nof 50 epochs"]
    assert [text.get_text() for text in figure.axes[0].texts] == ["0.600", "0.686", "0.820", "0.857"]
    plt.close(figure)
    figure = plots.ladder(results)
    titles = [axis.get_title() for axis in figure.axes[:2]]
    assert titles == [
        "logistic   talk 0.686, here 0.600",
        "dropout-6x500   after 3: talk 0.857, here 0.820",
    ]
    plt.close(figure)


def test_the_staircase_of_a_run_that_is_not_finished(results, tmp_path):
    begun = {"name": "mine", "parameters": None, "epochs": [{"epoch": 1, "valid_auc": 0.6}]}
    results["rungs"] += [begun, {"name": "adam-6x100", "parameters": None, "epochs": []}]
    figure = plots.staircase(results)
    assert [text.get_text() for text in figure.axes[0].get_xticklabels()][2:] == ["mine\n"]
    plt.close(figure)
    with pytest.raises(ValueError, match="no rung has an epoch yet"):
        plots.save_staircase({**results, "rungs": []}, tmp_path / "staircase.png")
    assert list(tmp_path.iterdir()) == []
