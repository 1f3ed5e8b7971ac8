"""`higgs-tutorial notebooks` and `info`: what comes with this installation, and what it finds."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from higgs_tutorial.cli.app import app, one_line_errors
from higgs_tutorial.cli.options import DataDir
from higgs_tutorial.startup import start_tensorflow


@app.command()
@one_line_errors
def notebooks(
    folder: Annotated[Path, typer.Argument(help="Where to; made if it is missing.")] = Path(
        "higgs-notebooks"
    ),
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace notebooks that you changed.")
    ] = False,
) -> None:
    """Copy the tutorial's notebooks into a folder of your own.

    Notebooks there that you have run or changed stay as they are, unless you ask for `--overwrite`.

    For example:

    * `higgs-tutorial notebooks` – into `higgs-notebooks`
    * `higgs-tutorial notebooks lessons && jupyter lab lessons`

    """
    from importlib.util import find_spec

    from higgs_tutorial.cli.lessons import copy_notebooks

    copied = copy_notebooks(folder, overwrite=overwrite)
    typer.echo(f"{folder}: {len(copied)} notebooks")
    if find_spec("jupyterlab") is None:
        typer.echo('JupyterLab is not installed here; first run: pip install "higgs-tutorial[notebooks]"')
    typer.echo(f"open them with: jupyter lab {shlex.quote(str(folder))}")


@app.command()
@one_line_errors
def info(data_dir: DataDir = None) -> None:
    """Say which versions, devices and data this installation finds.

    For example: `higgs-tutorial info --data-dir /data/higgs`

    """
    from higgs_tutorial.data.prepared import SMALL, describe, is_prepared, read_manifest
    from higgs_tutorial.data.settings import data_folder, profile
    from higgs_tutorial.data.simulated import FOLDER
    from higgs_tutorial.files import versions

    start_tensorflow()
    from higgs_tutorial.nn.engine.device import device_name

    for name, number in versions().items():
        typer.echo(f"{name} {number}")
    typer.echo(f"device: {device_name()}")
    typer.echo(f"profile: {profile()}")
    folder = data_folder(data_dir)
    found = "no HIGGS file prepared"
    if is_prepared(folder):
        manifest = read_manifest(folder)
        found = f"{manifest['rows']:,} rows prepared: {describe(manifest)}"
    typer.echo(f"data folder: {folder} ({found})")
    if is_prepared(folder / SMALL):
        typer.echo(f"for --source openml: {describe(read_manifest(folder / SMALL))}")
    simulated = list((folder / FOLDER).glob("*.npy"))
    if simulated:
        size = sum(file.stat().st_size for file in simulated) / 1e9
        typer.echo(
            f"simulated events: {len(simulated)} file(s), {size:.3f} GB, in {folder / FOLDER}; made again if deleted"
        )
