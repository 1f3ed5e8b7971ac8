"""The command line itself: what it says of itself, its errors in a line, and how it ends."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer

from higgs_tutorial.cli.interrupt import Stopped
from higgs_tutorial.cli.terminal import end_quietly_without_reader, legible
from higgs_tutorial.startup import be_quick

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="""Climb the ladder of the talk *TensorFlow Introduction* on HIGGS events or simulated ones.

    For example:

    * `higgs-tutorial ladder` – train the talk's nine networks on simulated events, in minutes
    * `higgs-tutorial notebooks lessons` – copy the tutorial's notebooks into the folder `lessons`
    * `higgs-tutorial download`, then `higgs-tutorial prepare` – get HIGGS's 11,000,000 events
    * `higgs-tutorial ladder --help` – what a command does and takes

    An error is said in a line on standard error, with exit code 2 (wrong options: in a frame);
    `higgs-tutorial --debug COMMAND` shows where it came from.
    """,
)
_state = {"debug": False}


def _print_version(asked: bool) -> None:
    if asked:
        from higgs_tutorial import __version__

        typer.echo(f"higgs-tutorial {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    debug: Annotated[bool, typer.Option(help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    _state["debug"] = debug


def one_line_errors(command: Callable) -> Callable:
    """Let a command say an error in a line on standard error, with exit code 2, unless `--debug` was given."""

    @functools.wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except BrokenPipeError:
            raise  # nobody reads on: `main` ends quietly
        except (ValueError, OSError, ArithmeticError, MemoryError, ImportError) as error:
            if _state["debug"]:
                raise
            typer.echo(f"error: {error}", err=True)
            raise typer.Exit(2) from None
        except Stopped as stopped:
            raise typer.Exit(stopped.code) from None
        except KeyboardInterrupt:
            typer.echo("interrupted: run the same command again (ladder: with --resume)", err=True)
            raise typer.Exit(130) from None

    return wrapped


def main() -> None:
    """Run the command line, on any terminal and into any pipe."""
    os.environ["MPLBACKEND"] = (
        "agg"  # no window is opened, and under a wrong name not even Keras could be imported
    )
    be_quick()
    with legible():
        code = end_quietly_without_reader(lambda: app(prog_name="higgs-tutorial"))
    sys.exit(code)
