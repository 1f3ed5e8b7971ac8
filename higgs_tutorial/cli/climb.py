"""`higgs-tutorial ladder`."""

from __future__ import annotations

import json
import shlex
import sys
from typing import Annotated

import typer

from higgs_tutorial.cli.app import app, one_line_errors
from higgs_tutorial.cli.options import with_options_of
from higgs_tutorial.cli.runs import Json
from higgs_tutorial.cli.terminal import console
from higgs_tutorial.ladder.settings import Output, Settings


@app.command()
@one_line_errors
@with_options_of(settings=Settings, output=Output)
def ladder(
    settings: Settings,
    output: Output,
    strategy: Annotated[
        str | None,
        typer.Option(help="mirrored: all GPUs of this machine; multiworker: all machines in TF_CONFIG."),
    ] = None,
    names: Annotated[
        bool, typer.Option("--list", help="Name the rungs and what each adds; train nothing.")
    ] = False,
    as_json: Json = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print only the table.")] = False,
) -> None:
    """Train the rungs of the ladder and set their ROC AUCs beside the talk's.

    For example:

    * `higgs-tutorial ladder` – all nine rungs, quick profile
    * `higgs-tutorial ladder --list` – which they are
    * `higgs-tutorial ladder --rungs logistic,adam-3x100 --epochs 5`
    * `higgs-tutorial ladder --profile talk --source uci --out results/uci`
    """
    if names:
        _list(settings, as_json)
        return
    from higgs_tutorial.cli.report import run_ladder

    again = [] if output.resume else ["--resume"]
    command = shlex.join(["higgs-tutorial", *sys.argv[1:], *again])
    run_ladder(
        settings=settings,
        output=output,
        strategy=strategy,
        resume_command=command,
        quiet=quiet,
        as_json=as_json,
    )


def _list(settings: Settings, as_json: bool) -> None:
    from higgs_tutorial.cli.tables import listed, rungs_table

    if as_json:
        typer.echo(json.dumps(listed(settings), indent=1))
    else:
        console().print(rungs_table(settings))
