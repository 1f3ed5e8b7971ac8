"""What `higgs-tutorial ladder` does: a run that is told of, and at the end the talk's AUCs beside ours."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import typer
from rich.text import Text

from higgs_tutorial import ladder
from higgs_tutorial.cli.interrupt import PoliteStop, Stopped
from higgs_tutorial.cli.story import shown
from higgs_tutorial.cli.tables import footnote, table
from higgs_tutorial.cli.terminal import console, legible
from higgs_tutorial.startup import require_tensorflow_backend, start_tensorflow


def run_ladder(
    rungs: Iterable[str] | str | None = None,
    *,
    settings: ladder.Settings | None = None,
    output: ladder.Output | None = None,
    strategy: str | None = None,
    resume_command: str = "the same call and resume=True",
    quiet: bool = False,
    as_json: bool = False,
    **options: Any,
) -> dict[str, Any]:
    """Run the ladder as `ladder.run` does, print as it goes, and return its results.

    Args:
        rungs: see `ladder.run`.
        settings: see there.
        output: see there.
        strategy: `"mirrored"` or `"multiworker"`, see `make_strategy`; default one device.
        resume_command: how to go on with a run that was stopped, for the message that says so.
        quiet: print only the table.
        as_json: print the results as JSON and nothing else.
        **options: fields of `settings` and `output`, in the place of their own values.

    Raises:
        Stopped: Ctrl-C or SIGTERM asked for it, and the epoch has ended.
        ValueError: as `ladder.run`, and so for its other errors.
    """
    options |= {} if rungs is None else {"rungs": rungs}
    settings, output, _ = ladder.nouns(options, settings, output)
    require_tensorflow_backend()
    if strategy != "multiworker":  # of several machines, only the first needs the folder
        ladder.require_folders(output, settings.chosen)
    higgs = ladder.load_events(settings)
    start_tensorflow()
    from higgs_tutorial.nn.distributed.cluster import is_chief, make_strategy

    go_on = f"the epochs done are saved; go on with: {resume_command}"
    if output.out is None:
        go_on = "nothing is saved, for want of a folder (out)"
    undrawn: list[str] = []
    with (
        make_strategy(strategy).scope() if strategy else nullcontext(),
        legible(),
        _warnings_said(undrawn),
        PoliteStop(say, last_words=f"stopped; {go_on}") as stop,
    ):
        try:
            with shown(stop, settings, quiet=quiet, as_json=as_json, alone=is_chief()) as listener:
                results = ladder.run(higgs=higgs, settings=settings, output=output, listener=listener)
        except Stopped:
            say(f"stopped after this epoch; {go_on}")
            raise
        if is_chief() and as_json:
            typer.echo(json.dumps(results, indent=1))
        elif is_chief():
            _print_table(results)
            if output.out is not None and not quiet:
                _print_files(output, undrawn)
        for text in undrawn:
            say(f"warning: {text}")
    return results


@contextmanager
def _warnings_said(undrawn: list[str]) -> Iterator[None]:
    """Print warnings in a line each, except those of pictures: they go into `undrawn`, to come after the table."""

    def show(message: Warning, *_: object, **__: object) -> None:
        if isinstance(message, ladder.PictureWarning):
            undrawn.append(str(message))
        else:
            say(f"warning: {message}")

    with warnings.catch_warnings():
        warnings.simplefilter("always", ladder.PictureWarning)
        warnings.showwarning = show
        yield


def _print_table(results: dict[str, Any]) -> None:
    console().print("", table(results), "", Text(footnote(results)), sep="\n")


def _print_files(output: ladder.Output, undrawn: list[str]) -> None:
    """Say what was written where."""
    folder = ladder.RunFolder(output.out)
    drawn = [file.name for file in folder.pictures if not any(str(file) in text for text in undrawn)]
    models = ["models/"] if output.save_models else []
    typer.echo(
        f"written to {os.fspath(output.out)}: {', '.join(['results.json', *drawn, 'checkpoints/', *models])}"
    )


def say(text: str) -> None:
    """Print a line on standard error."""
    typer.echo(text, err=True)
