"""What `higgs-tutorial ladder` prints: a line an epoch, and at the end the talk's AUCs beside ours."""

from __future__ import annotations

import math
import os
import shlex
import sys
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from . import ladder, talk
from .data.dataset import HiggsDataset, load
from .interrupt import PoliteStop, Stopped

if TYPE_CHECKING:
    from .nn.history import Epoch

WIDTH_IN_A_PIPE = 110


def events_of(results: dict[str, Any]) -> str:
    """Say on which events the AUCs were measured, e.g. `simulated events (180,000 for training)`."""
    return f"{results['data']} ({results['events']['train']:,} for training)"


def _epoch_bar() -> Progress:
    """Return a bar on standard error, shown only where that is a terminal.

    Rich would print what goes to standard output above the bar, on standard error: right on a terminal, wrong
    where standard output is a file.

    """
    return Progress(
        TextColumn("epochs"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        disable=not sys.stderr.isatty(),
        redirect_stdout=sys.stdout.isatty(),
        transient=True,
    )


def run_ladder(
    *,
    source: str,
    events: int | None,
    data_dir: str | os.PathLike | None,
    start: Callable[[], object],
    strategy: str | None = None,
    **settings: Any,
) -> dict[str, Any]:
    """Run the ladder with `ladder.run`'s arguments, print as it goes, and return its results.

    `start` is called once the arguments are checked and the events are there, before TensorFlow is needed.

    """
    ladder.check(**settings)
    higgs = load(source, events=events, data_dir=data_dir, seed=settings["seed"])
    start()
    from .nn.distributed import is_chief, make_strategy

    distributed = make_strategy(strategy).scope() if strategy else nullcontext()
    command = shlex.join(["higgs-tutorial", *sys.argv[1:], *([] if settings["resume"] else ["--resume"])])
    go_on = f"the epochs done are saved; go on with: {command}"
    with (
        distributed,
        warnings.catch_warnings(),
        PoliteStop(say, last_words=f"stopped; {go_on}") as stop,
        _epoch_bar() as bar,
    ):
        warnings.showwarning = lambda message, *_: say(f"warning: {message}")
        task = bar.add_task("", total=None)

        def on_rung(rung: ladder.Rung, higgs: HiggsDataset, epochs: int) -> None:
            if not chief:
                return
            bar.reset(task, total=epochs)
            typer.echo(f"\n{rung.name} ({rung.title}): {higgs.train.n:,} events for training, {higgs.data}")

        def on_network(rung: ladder.Rung, number: int, seed: int) -> None:
            if not chief:
                return
            done.pop(rung.name, None)
            bar.reset(task)
            typer.echo(f"network {number} of {settings['ensemble']}, seed {seed}")

        def on_epoch(rung: ladder.Rung, epoch: Epoch) -> None:
            if chief:
                if epoch.epoch > done.get(rung.name, 0) + 1:
                    typer.echo(f"going on after epoch {epoch.epoch - 1}, from a checkpoint")
                done[rung.name] = epoch.epoch
                typer.echo(f"{epoch}")
                bar.update(task, completed=epoch.epoch)
            stop.check()

        done: dict[str, int] = {}
        chief = is_chief()
        try:
            calls = {"on_rung": on_rung, "on_network": on_network, "on_epoch": on_epoch}
            results = ladder.run(higgs=higgs, **calls, **settings)
        except Stopped as stopped:
            bar.stop()
            say(f"stopped after this epoch; {go_on}")
            raise typer.Exit(stopped.code) from None
    if not chief:
        return results
    width = None if sys.stdout.isatty() else WIDTH_IN_A_PIPE
    Console(width=width).print("", table(results), "", footnote(results), sep="\n")
    if settings.get("out") is not None:
        models = ", models/" if settings["save_models"] else ""
        typer.echo(f"written to {settings['out']}: results.json, ladder.png, checkpoints/{models}")
    return results


def say(text: str) -> None:
    """Print a line on standard error."""
    typer.echo(text, err=True)


def table(results: dict[str, Any]) -> Table:
    """Return the table of a run, the talk's AUCs beside ours."""
    title = f"ROC AUC: the talk on HIGGS,\nhere on {events_of(results)}"
    out = Table(title=title, title_justify="left")
    out.add_column("rung", no_wrap=True)
    for heading in ("params", "epochs", "talk", "valid", "train", "test", "s/epoch"):
        out.add_column(heading, justify="right", no_wrap=True)
    for rung in results["rungs"]:
        seconds = sorted(epoch["seconds"] for epoch in rung["epochs"])
        out.add_row(
            rung["name"],
            f"{rung['parameters']:,}",
            str(len(rung["epochs"])),
            f"{rung['talk']['valid_auc'][-1]:.3f}",
            *(f"{rung[part]:.3f}" for part in ("valid_auc", "train_auc", "test_auc")),
            f"{seconds[len(seconds) // 2]:.2f}",
        )
    return out


def footnote(results: dict[str, Any]) -> str:
    """Say what the two columns of AUCs can and can't be compared in."""
    said = f"The talk: {talk.EVENTS['train']:,} events, batches of {talk.BATCH_SIZE}, 25 or 50 epochs."
    here = f"Here: batches of {results['batch_size']}, seed {results['seed']}, {results['device']}."
    if (schedule := results.get("schedule", "constant")) != "constant":
        here += f" Learning rate: {schedule}."
    if average := results.get("average"):
        what = "exponential average" if average == "ema" else f"mean of the last {average} epochs, or of all"
        here += f" Weights: {what}."
    if (networks := results.get("ensemble", 1)) > 1:
        here += f" Each rung: the mean prediction of {networks} networks; s/epoch is of one."
    caution = "Simulated events are not HIGGS: compare the shape of the climb, not the third digit."
    auc, counts = results["rungs"][-1]["valid_auc"], [results["events"][part] for part in ("valid", "test")]
    valid, test = (f"{auc_error(auc, half, half):.3f}" for half in (max(n / 2, 1) for n in counts))
    error = f"On {counts[0]:,} validation events an AUC of {auc:.2f} is good to ± {valid}"
    error += f", on {counts[1]:,} test events to ± {test}; s/epoch: the median."
    return "\n".join([said, here, error, *([caution] if results["source"] == "simulated" else [])])


def auc_error(auc: float, signal: float, background: float) -> float:
    """Return the standard error of an AUC that was measured on so many signal and background events.

    J. A. Hanley, B. J. McNeil, "The meaning and use of the area under a receiver operating characteristic (ROC)
    curve", Radiology 143, 29 (1982), equations 1 and 2.
    """
    two_signal, two_background = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    pairs = auc * (1 - auc)
    pairs += (signal - 1) * (two_signal - auc**2) + (background - 1) * (two_background - auc**2)
    return math.sqrt(pairs / (signal * background))


def markdown(results: dict[str, Any]) -> str:
    """Return the table of a run as Markdown, for a README."""
    lines = [
        f"| rung | what it adds | parameters | talk: valid AUC, HIGGS | here: valid AUC, {results['data']} "
        "| here: train | here: test | epochs | seconds of training |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for rung in results["rungs"]:
        cells = (
            f"`{rung['name']}`",
            ladder.LADDER[rung["name"]].idea,
            f"{rung['parameters']:,}",
            f"{rung['talk']['valid_auc'][-1]:.3f}",
            *(f"{rung[part]:.3f}" for part in ("valid_auc", "train_auc", "test_auc")),
            str(len(rung["epochs"])),
            f"{sum(epoch['seconds'] for epoch in rung['epochs']):.0f}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
