"""`higgs-tutorial score` and `export`: what is done with a saved network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from higgs_tutorial.cli.app import app, one_line_errors
from higgs_tutorial.startup import start_tensorflow


@app.command()
@one_line_errors
def score(
    model: Annotated[Path, typer.Argument(help="A model file: of ladder --save-models, or save_model.")],
    file: Annotated[Path, typer.Argument(help="Events: CSV (also gzipped), .npy or Parquet.")],
    out: Annotated[Path, typer.Option(help="FILE.csv, FILE.csv.gz, FILE.npy or FILE.parquet.")],
    bad_rows: Annotated[
        str, typer.Option(help="stop: an error names the first bad row; nan: score it as nan and go on.")
    ] = "stop",
    logits: Annotated[
        bool, typer.Option("--logits", help="Write log(p / (1 - p)): it never rounds to 0 or 1.")
    ] = False,
) -> None:
    """Write the probability of signal of each event in FILE, a row an event.

    FILE has the model's columns in their order, or a label and then these; or columns with the model's names, in
    any order.

    For example: `higgs-tutorial score ladder-results/models/adam-3x100.npz events.csv --out p.csv`
    """
    from higgs_tutorial.data.score import COLUMN, LOGITS, check_score, probabilities, score_file
    from higgs_tutorial.files import require_writable_file

    _require(model)
    check_score(file, out, bad_rows)
    require_writable_file(out)
    start_tensorflow()
    import numpy as np

    from higgs_tutorial.nn.files.models import load_model, read_header
    from higgs_tutorial.nn.training import predict
    from higgs_tutorial.safe_text import one_line

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
    typer.echo(f"columns taken: {scored.taken}")


@app.command()
@one_line_errors
def export(
    model: Annotated[Path, typer.Argument(help="A model file: of ladder --save-models, or save_model.")],
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
    from higgs_tutorial.safe_text import one_line

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
