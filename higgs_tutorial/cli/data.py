"""`higgs-tutorial simulate`, `download` and `prepare`: where events come from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from higgs_tutorial.cli.app import app, one_line_errors
from higgs_tutorial.cli.options import DataDir, Seed


@app.command()
@one_line_errors
def simulate(
    events: Annotated[int, typer.Option(min=1, help="Number of events.")],
    out: Annotated[Path, typer.Option(help="FILE.csv.gz, .csv, .npy, .parquet or .root.")],
    seed: Seed = 0,
    parameter: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="Simulate with another value; may be given several times."),
    ] = None,
    truth: Annotated[
        Path | None, typer.Option(help="FILE.parquet or FILE.npy: also write partons and all jets.")
    ] = None,
) -> None:
    """Simulate HIGGS-like events from physics, in the HIGGS file's columns, units and format.

    For example:

    * `higgs-tutorial simulate --events 100000 --out events.csv.gz`
    * `higgs-tutorial simulate --events 100000 --out up.npy --parameter response=1.05` – jet energies 5% higher
    * `higgs-tutorial simulate --events 1000 --out events.npy --truth truth.parquet` – what the jets came from

    """
    from higgs_tutorial.data.export import write_simulated
    from higgs_tutorial.files import require_writable_file
    from higgs_tutorial.physics.parameters import parse

    changes = parse(parameter or [])
    for file in filter(None, (out, truth)):
        require_writable_file(file)
    write_simulated(out, events, seed, parameters=changes, truth=truth)
    different = "".join(f", {name} {value:g}" for name, value in changes.items())
    typer.echo(f"{out}: {events:,} simulated events, seed {seed}{different}")


@app.command()
@one_line_errors
def download(
    data_dir: DataDir = None,
    small: Annotated[
        bool, typer.Option("--small", help="OpenML's 98,049 of the events instead (20 MB), prepared as well.")
    ] = False,
) -> None:
    """Download HIGGS.csv.gz (2.8 GB) from UCI; run it again to go on after an interruption.

    The file gets its name when its size and its SHA-256 are right. `higgs-tutorial prepare` is the next step.

    For example:

    * `higgs-tutorial download --data-dir /data/higgs`
    * `higgs-tutorial download --small`, then `higgs-tutorial ladder --source openml`

    """
    if small:
        from higgs_tutorial.data.openml import download_small
        from higgs_tutorial.data.prepared import describe

        typer.echo(
            f"{describe(download_small(data_dir))}: prepared; next: higgs-tutorial ladder --source openml"
        )
        return
    from higgs_tutorial.data.download import download as fetch

    typer.echo(f"{fetch(data_dir)}: complete, size and SHA-256 as expected; next: higgs-tutorial prepare")


@app.command()
@one_line_errors
def prepare(
    csv: Annotated[
        Path | None,
        typer.Argument(
            help="HIGGS events: CSV, .npy, Parquet, ROOT or HDF5 (FILE:TREE). Default: the downloaded file."
        ),
    ] = None,
    data_dir: DataDir = None,
    rows: Annotated[int | None, typer.Option(min=1, help="Number of rows the file must have.")] = None,
    any_rows: Annotated[bool, typer.Option("--any-rows", help="Accept any number of rows.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of the split into training and validation events.")] = 0,
) -> None:
    """Turn the CSV into training, validation and test files that load in an instant.

    For example:

    * `higgs-tutorial prepare` – the downloaded HIGGS.csv.gz, which must have 11,000,000 rows
    * `higgs-tutorial prepare mine.csv.gz --any-rows --data-dir mine`
    * `higgs-tutorial prepare ntuple.root:events --any-rows --data-dir mine` – branches by name

    """
    from higgs_tutorial.data.prepare import HIGGS_ROWS
    from higgs_tutorial.data.prepare import prepare as convert

    if rows is not None and any_rows:
        raise ValueError("--rows and --any-rows exclude each other")
    manifest = convert(csv, data_dir, rows=None if any_rows else rows or HIGGS_ROWS, seed=seed)
    typer.echo(f"{manifest['rows']:,} rows prepared")
