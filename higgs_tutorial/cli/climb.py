"""`higgs-tutorial ladder`."""

from __future__ import annotations

import shlex
import sys
from typing import Annotated

import typer

from higgs_tutorial.cli.app import app, one_line_errors
from higgs_tutorial.cli.options import with_options_of
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
) -> None:
    """Train the rungs of the ladder and set their ROC AUCs beside the talk's.

    For example:

    * `higgs-tutorial ladder` – all nine rungs, quick profile
    * `higgs-tutorial ladder --rungs logistic,adam-3x100 --epochs 5`
    * `higgs-tutorial ladder --profile talk --source uci --out results/uci`
    """
    from higgs_tutorial.cli.report import run_ladder

    again = [] if output.resume else ["--resume"]
    command = shlex.join(["higgs-tutorial", *sys.argv[1:], *again])
    run_ladder(settings=settings, output=output, strategy=strategy, resume_command=command)
