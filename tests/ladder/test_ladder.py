"""The ladder: its rungs, its results and going on with a run."""

import itertools
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from higgs_tutorial import ladder, talk
from higgs_tutorial.data.dataset import Dataset, HiggsDataset
from higgs_tutorial.ladder import LADDER, folder, run, select, write_json
from higgs_tutorial.nn.engine import precision
from higgs_tutorial.nn.files.models import read_header

RUNGS = ["logistic", "bn-1x100"]


def part(n, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 28)).astype(np.float32)
    y = (x[:, 0] + x[:, 1] * x[:, 2] + rng.normal(size=n) > 0).astype(np.float32)
    return Dataset(x, y, seed=seed)


def small():
    return HiggsDataset(part(1000, 0), part(300, 1), part(301, 2), "simulated")


def without_times(results):
    results = json.loads(json.dumps(results))
    for rung in results["rungs"]:
        rung.pop("examples_per_second", None)
        rung.pop("gain", None)  # known where the rung before was trained in the same run
        for epoch in rung["epochs"]:
            epoch.pop("seconds")
    return results


def test_rungs_are_the_talks():
    assert list(LADDER) == list(talk.RUNGS)
    for name, rung in LADDER.items():
        assert rung.name == name
        assert rung.epochs["talk"] == len(talk.RUNGS[name].valid_auc)
        kind, rate = talk.RUNGS[name].optimizer.replace("lr ", "").split()
        assert rung.optimizer == kind.lower()
        assert rung.learning_rate == float(rate)


def test_a_file_for_a_folder_is_refused_before_anything_is_done(tmp_path):
    (tmp_path / "notes.md").write_text("mine")
    with pytest.raises(ValueError, match=r"notes\.md, which is a file: name a folder"):
        run(["logistic"], out=tmp_path / "notes.md")


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("logistic", 29),
        ("nn-1x100", 28 * 100 + 100 + 101),
        ("bn-1x100", 28 * 100 + 200 + 101),
        ("adam-3x100", 28 * 100 + 2 * 100 * 100 + 3 * 200 + 101),
        ("dropout-6x500", 28 * 500 + 5 * 500 * 500 + 6 * 1000 + 501),
    ],
)
def test_parameters(name, parameters):
    model = LADDER[name].model()
    model(np.zeros((2, 28), np.float32), training=False)
    assert sum(math.prod(variable.shape) for variable in model.trainable_variables) == parameters


def test_each_rung_changes_one_thing():
    fields = ("num_layers", "size", "batch_norm", "keep_prob", "optimizer")
    rungs = list(LADDER.values())
    for before, after in itertools.pairwise(rungs[1:]):
        assert sum(getattr(before, f) != getattr(after, f) for f in fields) == 1, after.name


def test_select_keeps_the_ladders_order():
    assert [rung.name for rung in select(["adam-3x100", "logistic"])] == ["logistic", "adam-3x100"]
    assert select() == list(LADDER.values())


@pytest.mark.parametrize("names", [["logistic", "resnet"], []])
def test_unknown_rungs_are_refused_with_the_known_ones(names):
    with pytest.raises(ValueError, match=r"the rungs are logistic, nn-1x100, .*dropout-6x500"):
        select(names)


@pytest.mark.parametrize(
    "bad", [{"epochs": 0}, {"ensemble": 0}, {"batch_size": 0}, {"seed": -1}, {"resume": True}]
)
def test_bad_numbers_are_refused(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        run(RUNGS, higgs=small(), **bad)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("ladder")
    return out, run(RUNGS, higgs=small(), epochs=2, batch_size=64, out=out)


def test_results_file_says_what_ran(finished):
    out, results = finished
    assert json.loads((out / "results.json").read_text()) == results
    assert results["schema"] == 1
    assert results["events"] == {"train": 1000, "valid": 300, "test": 301}
    assert (results["source"], results["profile"], results["seed"], results["batch_size"]) == (
        "simulated",
        "quick",
        0,
        64,
    )
    assert set(results["versions"]) >= {"python", "tensorflow", "numpy"}
    for rung in results["rungs"]:
        assert [epoch["epoch"] for epoch in rung["epochs"]] == [1, 2]
        assert rung["valid_auc"] == rung["epochs"][-1]["valid_auc"]
        assert rung["examples_per_second"] > 0
        assert rung["talk"]["valid_auc"] == list(talk.RUNGS[rung["name"]].valid_auc)
        assert all(0.4 < rung[key] <= 1 for key in ("train_auc", "valid_auc", "test_auc"))
    first, second = results["rungs"]
    assert "gain" not in first
    gain = second["gain"]
    assert gain["over"] == "logistic"
    assert gain["valid_auc"] == pytest.approx(second["valid_auc"] - first["valid_auc"], abs=1e-6)
    assert 0 < gain["error"] < 0.05
    assert (results["schedule"], results["average"]) == ("constant", None)
    assert (out / "ladder.png").read_bytes().startswith(b"\x89PNG")
    assert sorted(file.name for file in out.iterdir()) == [
        "checkpoints",
        "ladder.png",
        "results.json",
        "staircase.png",
    ]


def test_same_seed_same_results(finished):
    _, results = finished
    again = run(RUNGS, higgs=small(), epochs=2, batch_size=64)
    assert without_times(again) == without_times(results)
    other = run(RUNGS, higgs=small(), epochs=2, batch_size=64, seed=1)
    assert without_times(other)["rungs"] != without_times(results)["rungs"]


def test_resume_keeps_finished_rungs_and_trains_the_others(finished, tmp_path):
    _, results = finished
    half = {**results, "rungs": results["rungs"][:1]}
    write_json(tmp_path / "results.json", half)
    trained = []
    resumed = run(
        RUNGS,
        higgs=small(),
        epochs=2,
        batch_size=64,
        out=tmp_path,
        resume=True,
        on_rung=lambda rung, higgs, epochs: trained.append(rung.name),
    )
    assert trained == ["bn-1x100"]
    assert resumed["rungs"][0] == results["rungs"][0]
    assert without_times(resumed) == without_times(results)


def test_resume_refuses_other_settings_and_other_files(finished, tmp_path):
    out, _ = finished
    before = (out / "results.json").read_bytes()
    with pytest.raises(ValueError, match="made with seed 0, not 3"):
        run(RUNGS, higgs=small(), epochs=2, batch_size=64, seed=3, out=out, resume=True)
    assert (out / "results.json").read_bytes() == before
    (tmp_path / "results.json").write_text("[1, 2")
    with pytest.raises(ValueError, match=r"not a results\.json of the ladder"):
        run(RUNGS, higgs=small(), out=tmp_path, resume=True)


@pytest.mark.parametrize(
    "bad", [{"schedule": "step"}, {"average": "1"}, {"average": "swa"}, {"average": 2.5}]
)
def test_bad_schedules_and_averages_are_refused(bad):
    with pytest.raises(ValueError, match=rf"{next(iter(bad))} is .*; it must be"):
        run(RUNGS, higgs=small(), **bad)


def test_the_precision_is_in_the_results_and_in_a_models_about_and_must_stay(tmp_path, monkeypatch):
    monkeypatch.setattr(precision, "multiplies_bfloat16", lambda: True)
    monkeypatch.setattr(precision, "WORTH_IT", {"float32": np.inf, "bfloat16": 0})
    settings = {"higgs": small(), "epochs": 2, "batch_size": 64, "out": tmp_path}
    found = run("bn-1x100", **settings, precision="bfloat16", save_models=True)
    assert found["precision"] == "bfloat16"
    header = read_header(tmp_path / "models" / "bn-1x100.npz")
    assert header["about"]["precision"] == header["config"]["precision"] == "bfloat16"
    with pytest.raises(ValueError, match="made with precision bfloat16, not float32"):
        run("bn-1x100", **settings, resume=True)
    plain = run("bn-1x100", **{**settings, "out": None})
    assert plain["precision"] == "float32"
    assert plain["rungs"][0]["test_auc"] != found["rungs"][0]["test_auc"]
    again = run("bn-1x100", **{**settings, "out": None}, precision="bfloat16")
    assert without_times(again)["rungs"] == without_times(found)["rungs"]


@pytest.mark.parametrize(
    "how", [{"schedule": "cosine"}, {"average": "2"}, {"average": "ema"}, {"learning_rate": 0.02}]
)
def test_schedule_average_and_rate_change_the_run_and_can_be_gone_on_with(finished, tmp_path, how):
    settings = {"higgs": small(), "epochs": 3, "batch_size": 64, **how}
    whole = run(RUNGS, **settings)
    plain = run(RUNGS, higgs=small(), epochs=3, batch_size=64)
    for ours, theirs in zip(whole["rungs"], plain["rungs"], strict=True):
        assert ours["test_auc"] != theirs["test_auc"]
        same_losses = [epoch["loss"] for epoch in ours["epochs"]] == [e["loss"] for e in theirs["epochs"]]
        assert same_losses == ("average" in how)

    def stop(rung, epoch):
        if epoch.epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(RUNGS, **settings, out=tmp_path, on_epoch=stop)
    resumed = run(RUNGS, **settings, out=tmp_path, resume=True)
    assert without_times(resumed) == without_times(whole)
    (name,) = how
    with pytest.raises(ValueError, match=f"was made with {name} "):
        run(RUNGS, higgs=small(), epochs=3, batch_size=64, out=tmp_path, resume=True)


def test_an_ensemble_is_scored_saved_and_gone_on_with(finished, tmp_path):
    from higgs_tutorial import Ensemble, evaluate, load_model

    _, alone = finished
    out = tmp_path / "out"
    settings = {
        "higgs": small(),
        "epochs": 2,
        "batch_size": 64,
        "ensemble": 3,
        "out": out,
        "save_models": True,
    }
    calls = []

    def stop(rung, epoch):
        if rung.name == "bn-1x100" and epoch.epoch == 1 and calls[-1][1] == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(RUNGS, **settings, on_epoch=stop, on_network=lambda rung, *rest: calls.append((rung.name, *rest)))
    assert calls == [(RUNGS[0], 1, 0), (RUNGS[0], 2, 1), (RUNGS[0], 3, 2), (RUNGS[1], 1, 0), (RUNGS[1], 2, 1)]
    results = run(RUNGS, **settings, resume=True)
    whole = run(RUNGS, **{**settings, "out": tmp_path / "whole"})
    for rung, again, single in zip(results["rungs"], whole["rungs"], alone["rungs"], strict=True):
        scores = ("train_auc", "valid_auc", "test_auc", "parameters")
        assert [rung[name] for name in scores] == [again[name] for name in scores]
        assert [member["seed"] for member in rung["members"]] == [0, 1, 2]
        losses = [[epoch["loss"] for epoch in member["epochs"]] for member in rung["members"]]
        assert losses[0] == [epoch["loss"] for epoch in rung["epochs"]]
        assert losses[0] == [epoch["loss"] for epoch in single["epochs"]]
        assert len({loss[-1] for loss in losses}) == 3
        assert rung["parameters"] == 3 * single["parameters"]
        model = load_model(out / "models" / f"{rung['name']}.npz")
        assert isinstance(model, Ensemble)
        assert evaluate(model, small().test) == pytest.approx(rung["test_auc"], abs=1e-6)
        assert evaluate(model.models[0], small().test) == pytest.approx(single["test_auc"], abs=1e-6)
    with pytest.raises(ValueError, match="was made with ensemble 3, not 1"):
        run(RUNGS, higgs=small(), epochs=2, batch_size=64, out=out, resume=True)


def test_an_averaged_model_is_saved_as_it_was_scored(tmp_path):
    from higgs_tutorial import evaluate, load_model
    from higgs_tutorial.nn.files.models import read_header

    results = run(["bn-1x100"], higgs=small(), epochs=2, average=2, out=tmp_path, save_models=True)
    file = tmp_path / "models" / "bn-1x100.npz"
    assert evaluate(load_model(file), small().test) == results["rungs"][0]["test_auc"]
    assert read_header(file)["about"]["average"] == 2


def test_results_are_written_after_each_epoch(tmp_path):
    seen = []

    def look(rung, epoch):
        written = json.loads((tmp_path / "results.json").read_text())
        seen.append((len(written["rungs"]), len(written["rungs"][-1]["epochs"])))

    run(RUNGS, higgs=small(), epochs=2, batch_size=500, out=tmp_path, on_epoch=look)
    assert seen == [(1, 1), (1, 2), (2, 1), (2, 2)]


def other(n, seed):
    """As many events as `part(n, seed)`, one of which differs in its last bit."""
    events = part(n, seed)
    x = events.x.copy()
    x[n // 2, 3] = np.nextafter(x[n // 2, 3], np.float32(9))
    return Dataset(x, events.y)


@pytest.mark.parametrize("which", ["train", "valid", "test"])
def test_results_on_other_events_are_not_gone_on_with(which, finished, tmp_path):
    out, results = finished
    parts = {"train": part(1000, 0), "valid": part(300, 1), "test": part(301, 2)}
    parts[which] = other(parts[which].n, list(parts).index(which))
    before = (out / "results.json").read_bytes()
    with pytest.raises(
        ValueError, match=r"made on other events than these.*new run.*another folder.*kind of processor"
    ):
        run(
            RUNGS,
            higgs=HiggsDataset(**parts, source="simulated"),
            epochs=2,
            batch_size=64,
            out=out,
            resume=True,
        )
    assert (out / "results.json").read_bytes() == before
    old = {name: value for name, value in results.items() if name != "fingerprint"}
    write_json(tmp_path / "results.json", old)
    with pytest.raises(ValueError, match="made before the events' fingerprint was noted"):
        run(RUNGS, higgs=small(), epochs=2, batch_size=64, out=tmp_path, resume=True)


def test_a_fingerprint_is_of_all_bits_wherever_they_lie(tmp_path):
    found = ladder.fingerprint(small())
    assert found == ladder.fingerprint(small())
    x = small().train.x
    np.save(tmp_path / "x.npy", np.concatenate([x[:, :1], x], axis=1))
    strided = np.load(tmp_path / "x.npy", mmap_mode="r")[:, 1:]
    parts = [part(1000, 0), part(300, 1), part(301, 2)]
    assert ladder.fingerprint(HiggsDataset(Dataset(strided, parts[0].y), *parts[1:], "uci")) == found
    weighted = Dataset(parts[0].x, parts[0].y, np.ones(1000, np.float32))
    for changed in ([weighted, *parts[1:]], [parts[0], parts[2], parts[1]], [other(1000, 0), *parts[1:]]):
        assert ladder.fingerprint(HiggsDataset(*changed, "simulated")) != found


def test_resume_with_other_rungs_keeps_those_that_are_there(finished, tmp_path):
    _, results = finished
    write_json(tmp_path / "results.json", results)
    settings = {"higgs": small(), "epochs": 2, "batch_size": 64, "out": tmp_path, "resume": True}
    seen = []

    def look(rung, epoch):
        seen.append([rung["name"] for rung in json.loads((tmp_path / "results.json").read_text())["rungs"]])

    added = run(["nn-1x100"], **settings, on_epoch=look)
    assert [rung["name"] for rung in added["rungs"]] == ["logistic", "nn-1x100", "bn-1x100"]
    assert seen == [["logistic", "nn-1x100", "bn-1x100"]] * 2  # at no moment is one missing
    assert added["rungs"][::2] == results["rungs"]
    assert json.loads((tmp_path / "results.json").read_text()) == added
    assert run(["logistic"], **settings) == added


def test_a_model_of_an_earlier_run_is_not_kept_for_this_ones(tmp_path):
    from higgs_tutorial.nn.files.models import read_header

    settings = {"higgs": small(), "epochs": 1, "batch_size": 500, "out": tmp_path}
    run(["logistic"], **settings, seed=1, save_models=True)
    results = run(["logistic"], **settings)
    file = tmp_path / "models" / "logistic.npz"
    assert read_header(file)["about"]["seed"] == 1
    resumed = run(["logistic"], **settings, resume=True, save_models=True)
    assert read_header(file)["about"]["seed"] == 0
    assert without_times(resumed) == without_times(results)


RUN = """
import sys
from higgs_tutorial import ladder
from test_ladder import small
print("started", flush=True)
wait = lambda *_: (print("go", flush=True), input())
ladder.run(["logistic"], higgs=small(), epochs=2, out=sys.argv[1], on_epoch=wait)
"""


def test_a_second_run_in_a_folder_is_refused_while_the_first_runs(tmp_path):
    path = os.pathsep.join([str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    with subprocess.Popen(
        [sys.executable, "-c", RUN, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    ) as first:
        assert [first.stdout.readline() for _ in range(2)] == ["started\n", "go\n"]
        before = (tmp_path / "results.json").read_bytes()
        for resume in (False, True):
            with pytest.raises(BlockingIOError, match=r"another run is writing to .*wait until it has ended"):
                run(["logistic"], higgs=small(), epochs=2, out=tmp_path, resume=resume)
        with pytest.raises(BlockingIOError, match="another run is writing to"):
            ladder.require_folders(
                ladder.Output(out=tmp_path), []
            )  # on the command line, before there are events
        assert (tmp_path / "results.json").read_bytes() == before
        first.kill()
    results = run(["logistic"], higgs=small(), epochs=2, out=tmp_path, resume=True)  # no stale lock
    assert len(results["rungs"][0]["epochs"]) == 2
    run(["logistic"], higgs=small(), epochs=2, out=tmp_path, resume=True)


def test_a_file_system_without_locks_is_said(tmp_path, monkeypatch):
    def cannot(*_, **__):
        raise NotImplementedError

    monkeypatch.setattr(folder.FileLock, "acquire", cannot)
    with pytest.warns(UserWarning, match="no files can be locked"), folder.RunFolder(tmp_path).claimed():
        pass


def test_a_new_run_keeps_the_results_of_the_one_before(tmp_path):
    settings = {"higgs": small(), "batch_size": 500, "out": tmp_path}
    first = run(["logistic"], epochs=2, **settings)
    run(["logistic"], epochs=1, **settings)
    assert json.loads((tmp_path / "results.previous.json").read_text()) == first
    assert (tmp_path / "ladder.previous.png").exists()
    resumed = run(["logistic"], epochs=1, **settings, resume=True)
    assert len(resumed["rungs"][0]["epochs"]) == 1
    assert json.loads((tmp_path / "results.previous.json").read_text()) == first


def test_a_failed_write_leaves_the_old_file(tmp_path):
    file = tmp_path / "results.json"
    write_json(file, {"old": True})
    with pytest.raises(TypeError):
        write_json(file, {"new": object()})
    assert json.loads(file.read_text()) == {"old": True}
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("name", ladder.RECORDED)
def test_recorded_runs_say_what_they_were_measured_on(name):
    recorded = ladder.recorded(name)
    assert (recorded["source"], recorded["data"]) == ("simulated", "simulated events")
    assert set(recorded["versions"]) == set(ladder.versions())


def test_an_unknown_recorded_run_is_an_error():
    with pytest.raises(
        ValueError,
        match="'talk', only: quick, talk-scale, beyond-the-talk, paper-tables, more-easy-things, fidelity",
    ):
        ladder.recorded("talk")


def test_profile_decides_the_sizes(monkeypatch):
    monkeypatch.setenv("HIGGS_PROFILE", "talk")
    results = run(["logistic"], higgs=small(), epochs=1)
    assert (results["profile"], results["batch_size"]) == ("talk", 8192)
    assert ladder.LADDER["dropout-6x500"].epochs["talk"] == 50
