"""`higgs-tutorial score` and `export`: what is done with a saved network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from higgs_tutorial.cli.app import app, one_line_errors
from higgs_tutorial.safe_text import one_line
from higgs_tutorial.startup import start_tensorflow

if TYPE_CHECKING:
    from higgs_tutorial.data.score import Scored

ModelFile = Annotated[Path, typer.Argument(help="A model file: of ladder --save-models, or save_model.")]


@app.command()
@one_line_errors
def score(
    model: ModelFile,
    file: Annotated[
        Path, typer.Argument(help="Events: CSV (also gzipped), .npy, Parquet, ROOT or HDF5 (FILE:TREE).")
    ],
    out: Annotated[Path, typer.Option(help="FILE.csv, .csv.gz, .npy, .parquet or .root.")],
    bad_rows: Annotated[
        str, typer.Option(help="stop: an error names the first bad row; nan: score it as nan and go on.")
    ] = "stop",
    logits: Annotated[
        bool, typer.Option("--logits", help="Write log(p / (1 - p)): it never rounds to 0 or 1.")
    ] = False,
) -> None:
    """Write the probability of signal of each event in FILE, a row an event.

    FILE has the model's columns in their order, or a label and then these; or columns with the model's names, in
    any order. If it has labels, their ROC AUC is printed with its error, weighted if a column is called `weight`.

    For example:

    * `higgs-tutorial score ladder-results/models/adam-3x100.npz events.csv --out p.csv`
    * `higgs-tutorial score ladder-results/models/adam-3x100.npz ntuple.root:events --out p.root`

    """
    from higgs_tutorial.data.score import COLUMN, LOGITS, check_score, probabilities, score_file
    from higgs_tutorial.data.sources.several import Location
    from higgs_tutorial.files import require_writable_file

    _require(model)
    check_score(Location.of(file), out, bad_rows)
    require_writable_file(out)
    start_tensorflow()
    import numpy as np

    from higgs_tutorial.nn.files.models import load_model, read_header
    from higgs_tutorial.nn.training import predict

    header, network = read_header(model), load_model(model)
    convert = np.asarray if logits else probabilities
    scored = score_file(
        lambda x: convert(predict(network, x, logits=True)),
        header["features"],
        file,
        out,
        columns=header["columns"],
        bad_rows=bad_rows,
        column=LOGITS if logits else COLUMN,
        progress=True,
    )
    for problem in scored.problems:
        typer.echo(f"nan: {problem}", err=True)
    if scored.bad > len(scored.problems):
        typer.echo(f"nan: and {scored.bad - len(scored.problems):,} more", err=True)
    kind = "logits" if logits else "probabilities"
    typer.echo(f"{out}: {scored.rows:,} {kind} of signal, {scored.bad:,} of them nan")
    if trained_on := header["about"].get("trained on"):
        typer.echo(f"the model was trained on {one_line(trained_on)}")
    if scored.saturated:
        typer.echo(f"{scored.saturated:,} are too close to 0 or 1 to keep their order; --logits keeps it")
    if line := _auc(scored):
        typer.echo(line)
    typer.echo(f"columns taken: {scored.taken}")


def _auc(scored: Scored) -> str:
    """Say what the labels in the file, if there are any, make of the scores."""
    from higgs_tutorial.nn.scoring import roc_auc, roc_auc_error

    if scored.labelled is None:
        return f"no ROC AUC: {one_line(scored.no_label)}" if scored.no_label else ""
    y, p, weight = scored.labelled.arrays()
    weighted = f", weighted by {one_line(scored.labelled.weighted_by)}" if weight is not None else ""
    try:
        auc, error = roc_auc(y, p, weight), roc_auc_error(y, p, weight)
    except ValueError as reason:
        return f"no ROC AUC: {reason}"
    label = one_line(scored.labelled.label)
    return f"ROC AUC {auc:.4f} ± {error:.4f} of {len(y):,} events with a label ({label}){weighted}"


@app.command()
@one_line_errors
def export(
    model: ModelFile,
    out: Annotated[
        Path, typer.Option(help="FILE.keras, FILE.onnx, FILE.tflite, or FOLDER for a SavedModel.")
    ],
    logits: Annotated[
        bool, typer.Option("--logits", help="Let the output be log(p / (1 - p)), not the probability.")
    ] = False,
) -> None:
    """Write a saved network in a format of Keras, TensorFlow, ONNX or LiteRT; its predictions stay the same.

    The input is called events, [batch, columns], and the output probability (or logit), [batch, 1].

    For example: `higgs-tutorial export ladder-results/models/adam-3x100.npz --out adam.onnx`
    """
    _require(model)
    start_tensorflow()
    from higgs_tutorial.nn.files.models import load_model, read_header
    from higgs_tutorial.nn.formats import check_format, export_model

    check_format(out)
    header, network = read_header(model), load_model(model)
    export_model(network, out, logits=logits, columns=header["columns"])
    names = "" if header["columns"] is None else f": {one_line(', '.join(header['columns']), 1000)}"
    typer.echo(
        f"{out}: events [batch, {header['features']}] -> {'logit' if logits else 'probability'} [batch, 1]"
    )
    typer.echo(f"columns of the events, in this order{names or ': those that the model was trained on'}")


def _require(model: Path) -> None:
    if not model.exists():
        raise FileNotFoundError(
            f"{model} is not there; models are written by: higgs-tutorial ladder --save-models (OUT/models/RUNG.npz)"
        )
