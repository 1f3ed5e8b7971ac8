"""What `higgs-tutorial ladder` prints: a line an epoch, and at the end the talk's AUCs beside ours."""

from __future__ import annotations

import math
import os
import sys
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from higgs_tutorial import ladder, talk
from higgs_tutorial.cli.interrupt import PoliteStop, Stopped
from higgs_tutorial.cli.terminal import legible
from higgs_tutorial.safe_text import in_markdown
from higgs_tutorial.startup import require_tensorflow_backend, start_tensorflow

if TYPE_CHECKING:
    from higgs_tutorial.data.dataset import HiggsDataset
    from higgs_tutorial.nn.history import Epoch

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
    rungs: Iterable[str] | str | None = None,
    *,
    settings: ladder.Settings | None = None,
    output: ladder.Output | None = None,
    strategy: str | None = None,
    resume_command: str = "the same call and resume=True",
    **options: Any,
) -> dict[str, Any]:
    """Run the ladder as `ladder.run` does, print as it goes, and return its results.

    Args:
        rungs: see `ladder.run`.
        settings: see there.
        output: see there.
        strategy: `"mirrored"` or `"multiworker"`, see `make_strategy`; default one device.
        resume_command: how to go on with a run that was stopped, for the message that says so.
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
        _epoch_bar() as bar,
    ):
        listener = _Printed(bar, stop, is_chief(), settings.ensemble).listener()
        try:
            results = ladder.run(higgs=higgs, settings=settings, output=output, listener=listener)
        except Stopped:
            bar.stop()
            say(f"stopped after this epoch; {go_on}")
            raise
        if is_chief():
            _print_results(results, output, undrawn)
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


class _Printed:
    """What is printed while the ladder runs, by the chief worker."""

    def __init__(self, bar: Progress, stop: PoliteStop, chief: bool, networks: int) -> None:
        self.bar, self.stop, self.chief, self.networks = bar, stop, chief, networks
        self.task = bar.add_task("", total=None)
        self.done: dict[str, int] = {}

    def listener(self) -> ladder.Listener:
        """Return what `ladder.run` is to tell."""
        return ladder.Listener(on_rung=self.on_rung, on_network=self.on_network, on_epoch=self.on_epoch)

    def on_rung(self, rung: ladder.Rung, higgs: HiggsDataset, epochs: int) -> None:
        """Print the rung's name."""
        if self.chief:
            self.bar.reset(self.task, total=epochs)
            typer.echo(f"\n{rung.name} ({rung.title}): {higgs.train.n:,} events for training, {higgs.data}")

    def on_network(self, rung: ladder.Rung, number: int, seed: int) -> None:
        """Print which network of an ensemble comes."""
        if self.chief:
            self.done.pop(rung.name, None)
            self.bar.reset(self.task)
            typer.echo(f"network {number} of {self.networks}, seed {seed}")

    def on_epoch(self, rung: ladder.Rung, epoch: Epoch) -> None:
        """Print the epoch, and stop here if a signal asked for it."""
        if self.chief:
            if epoch.epoch > self.done.get(rung.name, 0) + 1:
                typer.echo(f"going on after epoch {epoch.epoch - 1}, from a checkpoint")
            self.done[rung.name] = epoch.epoch
            typer.echo(f"{epoch}")
            self.bar.update(self.task, completed=epoch.epoch)
        self.stop.check()


def _print_results(results: dict[str, Any], output: ladder.Output, undrawn: list[str]) -> None:
    width = None if sys.stdout.isatty() else WIDTH_IN_A_PIPE
    Console(width=width).print("", table(results), "", Text(footnote(results)), sep="\n")
    if output.out is not None:
        files = ["results.json", *(["ladder.png"] if not undrawn else []), "checkpoints/"]
        files += ["models/"] if output.save_models else []
        typer.echo(f"written to {os.fspath(output.out)}: {', '.join(files)}")
    for text in undrawn:
        say(f"warning: {text}")


def say(text: str) -> None:
    """Print a line on standard error."""
    typer.echo(text, err=True)


def table(results: dict[str, Any]) -> Table:
    """Return the table of a run, the talk's AUCs beside ours."""
    title = Text(
        f"ROC AUC: the talk on HIGGS,\nhere on {events_of(results)}", style="table.title"
    )  # no markup
    out = Table(title=title, title_justify="left")
    out.add_column("rung", no_wrap=True)
    for heading in ("params", "epochs", "talk", "valid", "train", "test", "s/epoch"):
        out.add_column(heading, justify="right", no_wrap=True)
    for rung in results["rungs"]:
        seconds = sorted(epoch["seconds"] for epoch in rung["epochs"])
        out.add_row(
            Text(rung["name"]),
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
    data = in_markdown(results["data"])
    lines = [
        f"| rung | what it adds | parameters | talk: valid AUC, HIGGS | here: valid AUC, {data} "
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
