"""What `higgs-tutorial ladder` prints: a line an epoch, and at the end the talk's AUCs beside ours."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from . import ladder, talk
from .data.dataset import HiggsDataset, load

if TYPE_CHECKING:
    from .nn.training import Epoch

WIDTH_IN_A_PIPE = 110


def events_of(results: dict[str, Any]) -> str:
    """Say on which events the AUCs were measured, e.g. `simulated events (180,000 for training)`."""
    kind = {"uci": "real HIGGS events", "simulated": "simulated events"}[results["source"]]
    return f"{kind} ({results['events']['train']:,} for training)"


def progress_bar(what: str) -> Progress:
    """Return a progress bar on standard error, shown only where that is a terminal."""
    return Progress(
        TextColumn(what),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        disable=not sys.stderr.isatty(),
        transient=True,
    )


def run_ladder(
    *,
    source: str,
    events: int | None,
    data_dir: str | os.PathLike | None,
    start: Callable[[], object],
    **settings: Any,
) -> dict[str, Any]:
    """Run the ladder with `ladder.run`'s arguments, print as it goes, and return its results.

    `start` is called once the arguments are checked and the events are there, before TensorFlow is needed.

    """
    ladder.check(**settings)
    higgs = load(source, events=events, data_dir=data_dir, seed=settings["seed"])
    start()
    with progress_bar("epochs") as bar:
        task = bar.add_task("", total=None)

        def on_rung(rung: ladder.Rung, higgs: HiggsDataset, epochs: int) -> None:
            bar.reset(task, total=epochs)
            typer.echo(f"\n{rung.name} ({rung.title}): {higgs.train.n:,} {higgs.source} events to train on")

        def on_epoch(rung: ladder.Rung, epoch: Epoch) -> None:
            typer.echo(f"{epoch}")
            bar.advance(task)

        results = ladder.run(higgs=higgs, on_rung=on_rung, on_epoch=on_epoch, **settings)
    width = None if sys.stdout.isatty() else WIDTH_IN_A_PIPE
    Console(width=width).print("", table(results), "", footnote(results), sep="\n")
    return results


def table(results: dict[str, Any]) -> Table:
    """Return the table of a run, the talk's AUCs beside ours."""
    out = Table(title=f"ROC AUC: the talk on HIGGS, here on {events_of(results)}", title_justify="left")
    out.add_column("rung", no_wrap=True)
    for heading in (
        "parameters",
        "epochs",
        "talk, valid",
        "here, valid",
        "train",
        "test",
        "s/epoch",
        "events/s",
    ):
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
            f"{rung['examples_per_second']:,}",
        )
    return out


def footnote(results: dict[str, Any]) -> str:
    """Say what the two columns of AUCs can and can't be compared in."""
    said = f"The talk: {talk.EVENTS['train']:,} events, batches of {talk.BATCH_SIZE}, 25 or 50 epochs."
    here = f"Here: batches of {results['batch_size']}, seed {results['seed']}, {results['device']}."
    caution = "Simulated events are not HIGGS: compare the shape of the climb, not the third digit."
    return "\n".join([said, here, *([caution] if results["source"] == "simulated" else [])])
