"""`ladder --save-models` and `score`, as a user meets them: in processes of their own."""

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from higgs_tutorial import load, load_model, predict, simulate
from higgs_tutorial.nn import evaluate
from higgs_tutorial.nn.files.models import read_header
from higgs_tutorial.nn.scoring import roc_auc, roc_auc_error
from higgs_tutorial.physics.features import COLUMNS


def higgs(*arguments, folder):
    return subprocess.run(
        [sys.executable, "-m", "higgs_tutorial", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=folder,
        env={**os.environ, "HIGGS_DATA_DIR": str(folder / "data")},
    )


LADDER = (
    "ladder",
    "--rungs",
    "logistic",
    "--events",
    4000,
    "--epochs",
    1,
    "--source",
    "simulated",
    "--out",
    "o",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    run = higgs(*LADDER, "--save-models", folder=folder)
    assert run.returncode == 0, run.stderr
    x, y = simulate(300, seed=5)
    np.savetxt(folder / "events.csv", np.column_stack([y, x]), delimiter=",", fmt="%.9g")
    return folder


def test_an_ensemble_scores_with_the_mean_of_its_networks(folder):
    run = higgs(*LADDER[:-1], "three", "--ensemble", 3, "--save-models", folder=folder)
    assert run.returncode == 0, run.stderr
    assert [f"network {i} of 3, seed {i - 1}" in run.stdout for i in (1, 2, 3)] == [True] * 3
    assert run.stdout.count("validation AUC") == 3
    assert "the mean prediction of 3 networks" in " ".join(run.stdout.split())
    model = folder / "three" / "models" / "logistic.npz"
    scored = higgs("score", model, "events.csv", "--out", "three.npy", folder=folder)
    assert scored.returncode == 0, scored.stderr
    x, _ = simulate(300, seed=5)
    mean = np.mean([predict(member, x) for member in load_model(model).models], axis=0)
    np.testing.assert_allclose(np.load(folder / "three.npy"), mean, atol=1e-5)


def test_the_saved_model_is_the_one_that_was_measured(folder):
    model = folder / "o" / "models" / "logistic.npz"
    header = read_header(model)
    assert header["about"]["rung"] == "logistic"
    assert header["about"]["source"] == "simulated"
    assert header["columns"][0] == "lepton_pT"
    parts = load("simulated", events=4000, data_dir=folder / "data")
    assert evaluate(load_model(model), parts.valid) == pytest.approx(header["about"]["valid_auc"], abs=1e-6)


def test_score_writes_what_python_predicts(folder):
    run = higgs("score", "o/models/logistic.npz", "events.csv", "--out", "p.csv", folder=folder)
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines()[0] == "p.csv: 300 probabilities of signal, 0 of them nan"
    assert "trained on 2,400 events, simulated" in run.stdout.replace("\n", " ")
    x, _ = simulate(300, seed=5)
    p = predict(load_model(folder / "o" / "models" / "logistic.npz"), x)
    assert np.allclose(np.loadtxt(folder / "p.csv"), p, atol=1e-6)
    y = simulate(300, seed=5)[1]
    auc, error = roc_auc(y, p), roc_auc_error(y, p)
    assert f"ROC AUC {auc:.4f} ± {error:.4f} of 300 events with a label (column 1)" in run.stdout.splitlines()
    last = "columns taken: 2 to 29, by place, of 29; not used: column 1, the label"
    assert run.stdout.splitlines()[-1] == last
    run = higgs("score", "o/models/logistic.npz", "events.csv", "--out", "z.csv", "--logits", folder=folder)
    assert run.returncode == 0, run.stderr
    assert "z.csv: 300 logits of signal" in run.stdout
    z = predict(load_model(folder / "o" / "models" / "logistic.npz"), x, logits=True)
    assert np.allclose(np.loadtxt(folder / "z.csv"), z, atol=1e-5)


@pytest.mark.parametrize("ending", ["parquet", "root"])
def test_a_column_of_weights_counts_in_the_auc(ending, folder):
    if ending == "root":
        uproot = pytest.importorskip("uproot", reason="ROOT files need the extra hep")
    x, y = simulate(300, seed=5)
    weight = np.where(x[:, 0] > 1, 5.0, 0.5)  # by the first column, so that the AUC is another
    frame = pd.DataFrame(x, columns=COLUMNS).assign(weight=weight, label=y)
    if ending == "root":
        with uproot.recreate(folder / "weighted.root") as file:
            columns = {name: values.to_numpy() for name, values in frame.items()}
            file.mktree("events", {name: values.dtype for name, values in columns.items()}).extend(columns)
    else:
        frame.to_parquet(folder / "weighted.parquet")
    source, out = f"weighted.{ending}", f"weighted-scores.{ending}"
    run = higgs("score", "o/models/logistic.npz", source, "--out", out, folder=folder)
    assert run.returncode == 0, run.stderr
    p = predict(load_model(folder / "o" / "models" / "logistic.npz"), x)
    auc, error = roc_auc(y, p, weight), roc_auc_error(y, p, weight)
    assert abs(auc - roc_auc(y, p)) > 0.001
    line = f"ROC AUC {auc:.4f} ± {error:.4f} of 300 events with a label ('label'), weighted by 'weight'"
    assert line in run.stdout.splitlines()
    if ending == "root":
        with uproot.open(folder / out) as file:
            written = file["scores"]["signal_probability"].array(library="np")
    else:
        written = pd.read_parquet(folder / out)["signal_probability"]
    assert np.allclose(written, p, atol=1e-6)


def test_bad_rows_stop_it_or_are_named(folder):
    lines = (folder / "events.csv").read_text().splitlines()
    lines[41] = lines[41].replace(",", ";", 1)
    (folder / "bad.csv").write_text("\n".join(lines) + "\n")
    command = ("score", "o/models/logistic.npz", "bad.csv", "--out", "q.csv")
    run = higgs(*command, folder=folder)
    assert run.returncode == 2
    assert run.stderr.startswith("error: bad.csv, line 42: 28 columns instead of 29: '")
    assert "--bad-rows nan" in run.stderr
    assert not (folder / "q.csv").exists()
    run = higgs(*command, "--bad-rows", "nan", folder=folder)
    assert run.returncode == 0
    assert "nan: bad.csv, line 42: 28 columns instead of 29" in run.stderr
    assert "300 probabilities of signal, 1 of them nan" in run.stdout
    assert np.flatnonzero(np.isnan(np.loadtxt(folder / "q.csv"))).tolist() == [41]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["events.csv", "events.csv", "--out", "r.csv"], "events.csv is not a model of this package"),
        (["o/models/logistic.npz", "none.csv", "--out", "r.csv"], "none.csv is not there"),
        (["none.npz", "events.csv", "--out", "r.csv"], "none.npz"),
        (["o/models/logistic.npz", "events.csv", "--out", "r.txt"], "must end in one of"),
        (["o/models/logistic.npz", "events.csv", "--out", "r.csv", "--bad-rows", "skip"], "'skip'"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(arguments, says, folder):
    run = higgs("score", *arguments, folder=folder)
    assert run.returncode == 2
    assert run.stderr.count("\n") == 1, run.stderr
    assert says in run.stderr
    assert not (folder / "r.csv").exists()


def test_resuming_saves_a_model_that_is_missing(folder):
    model = folder / "o" / "models" / "logistic.npz"
    before = model.read_bytes()
    model.unlink()
    run = higgs(*LADDER, "--save-models", "--resume", folder=folder)
    assert run.returncode == 0, run.stderr
    assert model.read_bytes() == before
