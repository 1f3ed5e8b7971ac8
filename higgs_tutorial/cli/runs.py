"""`higgs-tutorial plot` and `compare`: what was written by earlier runs, drawn again and side by side."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from higgs_tutorial.cli.app import app, one_line_errors
from higgs_tutorial.cli.terminal import WIDTH_IN_A_PIPE, console

Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines, and nothing else.")]


@app.command()
@one_line_errors
def plot(
    results: Annotated[
        str, typer.Argument(help="A results.json, its folder, or a recorded run, say, quick or talk-scale.")
    ],
    out: Annotated[
        Path | None, typer.Option(help="Folder for the pictures. Default: beside RESULTS.")
    ] = None,
) -> None:
    """Draw ladder.png and staircase.png again from the results of a run.

    For example:

    * `higgs-tutorial plot ladder-results`
    * `higgs-tutorial plot talk-scale --out pictures`

    """
    from higgs_tutorial import plots
    from higgs_tutorial.files import require_writable_folder

    folder, found = open_run(results)
    out = out or folder or Path()
    require_writable_folder(out)
    out.mkdir(parents=True, exist_ok=True)
    for name, save in (("ladder.png", plots.save_ladder), ("staircase.png", plots.save_staircase)):
        save(found, out / name)
        typer.echo(f"{out / name}")


@app.command()
@one_line_errors
def compare(
    runs: Annotated[
        list[str],
        typer.Argument(metavar="A B …", help="Results as for plot, two or more; A is the standard."),
    ],
    as_json: Json = False,
) -> None:
    """Set the validation AUCs of runs side by side, with their errors.

    For example:

    * `higgs-tutorial compare ladder-results talk-scale`
    * `higgs-tutorial compare seed-0 seed-1 seed-2` – with mean and standard deviation

    """
    from rich.text import Text

    from higgs_tutorial.cli.tables import compared, comparison, sources

    if len(runs) < 2:
        raise ValueError("compare needs two runs or more")
    found = [(name, open_run(name)[1]) for name in runs]
    if as_json:
        typer.echo(json.dumps(compared(found), indent=1))
        return
    console(max(WIDTH_IN_A_PIPE, 32 + 16 * len(runs))).print(
        comparison(found), "", Text(sources(found)), sep="\n"
    )


def open_run(name: str) -> tuple[Path | None, dict[str, Any]]:
    """Return the folder of a run, None if it comes with the package, and its results.

    Raises:
        FileNotFoundError: if there is no such file, folder or recorded run.
        ValueError: if the file is no results.json.
    """
    from higgs_tutorial.ladder import RECORDED, recorded
    from higgs_tutorial.ladder.schema import read_run

    path = Path(name)
    file = path / "results.json" if path.is_dir() else path
    if file.exists():
        return file.parent, read_run(file)
    known = [run for run, kept in RECORDED.items() if Path(kept).name == "results.json"]
    if name in known:
        return None, recorded(name)
    what = f"{path} has no results.json" if path.is_dir() else f"{name} is no file, no folder"
    raise FileNotFoundError(f"{what} and no recorded run ({', '.join(known)}): name what the ladder wrote")
