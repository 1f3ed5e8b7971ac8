"""What is shown while the ladder runs: a story with bars on a terminal, plain lines in a pipe, or nothing."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
from rich.text import Text

from higgs_tutorial import ladder
from higgs_tutorial.cli.interrupt import PoliteStop
from higgs_tutorial.cli.pace import Pace

if TYPE_CHECKING:
    from higgs_tutorial.data.dataset import HiggsDataset
    from higgs_tutorial.nn.history import Epoch


class Silent:
    """Shows nothing, and stops the run after an epoch in which a signal asked for it."""

    def __init__(self, stop: PoliteStop, settings: ladder.Settings) -> None:
        self.stop, self.settings = stop, settings

    def on_start(self, rungs: list[ladder.Rung], higgs: HiggsDataset) -> None:
        """Hear that these rungs will be trained."""

    def on_rung(self, rung: ladder.Rung, higgs: HiggsDataset, epochs: int) -> None:
        """Hear that a rung begins."""

    def on_network(self, rung: ladder.Rung, number: int, seed: int) -> None:
        """Hear which network of an ensemble comes."""

    def on_epoch(self, rung: ladder.Rung, epoch: Epoch) -> None:
        """Stop here if a signal asked for it."""
        self.stop.check()

    def on_result(self, rung: ladder.Rung, record: dict[str, Any]) -> None:
        """Hear how a rung ended."""


class Lines(Silent):
    """A line an epoch, for a pipe or a file."""

    def __init__(self, stop: PoliteStop, settings: ladder.Settings) -> None:
        super().__init__(stop, settings)
        self.done: dict[str, int] = {}

    def on_rung(self, rung: ladder.Rung, higgs: HiggsDataset, epochs: int) -> None:
        """Print the rung's name."""
        typer.echo(f"\n{rung.name} ({rung.title}): {higgs.train.n:,} events for training, {higgs.data}")

    def on_network(self, rung: ladder.Rung, number: int, seed: int) -> None:
        """Print which network of an ensemble comes."""
        self.done.pop(rung.name, None)
        typer.echo(f"network {number} of {self.settings.ensemble}, seed {seed}")

    def on_epoch(self, rung: ladder.Rung, epoch: Epoch) -> None:
        """Print the epoch, and whether earlier ones came from a checkpoint."""
        if epoch.epoch > self.done.get(rung.name, 0) + 1:
            typer.echo(f"going on after epoch {epoch.epoch - 1}, from a checkpoint")
        self.done[rung.name] = epoch.epoch
        typer.echo(f"{epoch}")


class Story(Silent):
    """The plan, a line a rung when it is done, and below them a bar for the rung and one for the ladder."""

    def __init__(
        self, stop: PoliteStop, settings: ladder.Settings, bars: Progress, *, speaks: bool = True
    ) -> None:
        super().__init__(stop, settings)
        self.bars, self.say = bars, typer.echo if speaks else lambda text: None
        self.rung_bar = bars.add_task("", total=None, note="", visible=False)
        self.ladder_bar = bars.add_task("the ladder", total=None, note="", visible=False)
        self.pace: Pace | None = None
        self.began = self.since = self.first = time.monotonic()

    def on_start(self, rungs: list[ladder.Rung], higgs: HiggsDataset) -> None:
        """Print the plan, with the time that it takes as a measured step has it."""
        names = {rung.name for rung in rungs}
        if kept := [rung.name for rung in self.settings.chosen if rung.name not in names]:
            self.say(f"finished before: {', '.join(kept)}")
        self.count, self.ended = len(rungs), 0
        self.pace = Pace(rungs, higgs, self.settings)
        if not rungs:
            return
        self.bars.update(self.ladder_bar, visible=True, note="measuring a step")
        self.pace.measure()
        self.say(f"{plan(rungs, higgs, self.settings)}; {about(self.pace.left())} here.\n")
        self.say(f"{'rung':<14}{'valid AUC':>10}{'talk':>7}{'train':>7}{'gap':>8}{'seconds':>9}")
        self._show_ladder()

    def on_rung(self, rung: ladder.Rung, higgs: HiggsDataset, epochs: int) -> None:
        """Begin the rung's bar."""
        self.began = self.since = time.monotonic()
        self.bars.reset(self.rung_bar, total=epochs, description=rung.name, note="compiling", visible=True)
        self._show_ladder()

    def on_network(self, rung: ladder.Rung, number: int, seed: int) -> None:
        """Begin the bar anew, for this network of the ensemble."""
        said = f"{rung.name}, network {number} of {self.settings.ensemble}"
        self.bars.reset(self.rung_bar, description=said, note="")

    def on_epoch(self, rung: ladder.Rung, epoch: Epoch) -> None:
        """Move both bars on."""
        self.pace.epoch_done(rung, epoch.seconds)
        note = f"loss {epoch.loss:.3f}, validation AUC {epoch.valid_auc:.3f}"
        self.bars.update(self.rung_bar, completed=epoch.epoch, note=note)
        self._show_ladder()

    def on_result(self, rung: ladder.Rung, record: dict[str, Any]) -> None:
        """Print the rung's line."""
        self.ended += 1
        self.pace.rung_done(rung)
        self.say(line(record, time.monotonic() - self.began))
        self._show_ladder()

    def _show_ladder(self) -> None:
        now, left = time.monotonic(), self.pace.left() or 0.0
        done = (now - self.first) / max(now - self.first + left, 1e-9)
        note = f"{self.ended} of {self.count} rungs"
        self.bars.update(self.ladder_bar, visible=True, total=1.0, completed=done, note=note, ends=now + left)


def plan(rungs: list[ladder.Rung], higgs: HiggsDataset, settings: ladder.Settings) -> str:
    """Say what will be trained on what."""
    settings = settings.resolved()
    count = f"{len(rungs)} rungs" if len(rungs) > 1 else rungs[0].name
    networks = f" of {settings.ensemble} networks each" if settings.ensemble > 1 else ""
    return (
        f"{count}{networks} on {higgs.data}: {higgs.train.n:,} to train on, {higgs.valid.n:,} to validate and "
        f"{higgs.test.n:,} to test, batches of {settings.batch_size:,}, seed {settings.seed}"
    )


def about(seconds: float | None) -> str:
    """Say how long something will take, as roughly as it is known."""
    if seconds is None:
        return "for as long as it takes"
    if seconds < 45:
        return "less than a minute"
    if seconds < 5_400:
        minutes = max(round(seconds / 60), 1)
        return f"about {minutes} minute{'s' if minutes > 1 else ''}"
    return f"about {seconds / 3600:.1f} hours"


def line(record: dict[str, Any], seconds: float) -> str:
    """Return the line of a finished rung."""
    valid, train, said = record["valid_auc"], record["train_auc"], record["talk"]["valid_auc"][-1]
    return f"{record['name']:<14}{valid:>10.3f}{said:>7.3f}{train:>7.3f}{train - valid:>+8.3f}{seconds:>9.0f}"


class _Note(ProgressColumn):
    """What is said behind a bar, with the time that is left where that is known."""

    def render(self, task: Task) -> Text:
        note, ends = task.fields["note"], task.fields.get("ends")
        if ends is not None:
            left = max(round(ends - time.monotonic()), 0)
            note += f", {left // 60}:{left % 60:02d} left"
        return Text(note)


@contextmanager
def shown(
    stop: PoliteStop, settings: ladder.Settings, *, quiet: bool, as_json: bool, alone: bool
) -> Iterator[ladder.Listener]:
    """Yield who is to be told of a run, in this terminal or pipe; bars are on standard error.

    Rich would print what goes to standard output above the bars, on standard error: right on a terminal, wrong where
    standard output is a file.

    Args:
        stop: asked after each epoch.
        settings: those of the run.
        quiet: show nothing until the end.
        as_json: standard output is for the results alone.
        alone: whether this process reports, of those that share the work.
    """
    out, err = sys.stdout.isatty(), sys.stderr.isatty()
    told: list[Silent] = [Silent(stop, settings)]
    if quiet or not alone:
        yield _all_of(told)
        return
    if not (out or as_json):
        told.insert(0, Lines(stop, settings))
    bars = Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        _Note(),
        console=Console(stderr=True),
        redirect_stdout=out,
        transient=True,
        refresh_per_second=4,
    )
    if out or err:
        told.insert(0, Story(stop, settings, bars, speaks=out and not as_json))
    with bars if err else nullcontext():  # where Rich shows none, some versions still end with an empty line
        yield _all_of(told)


def _all_of(told: list[Silent]) -> ladder.Listener:
    """Return a listener that tells each of these; the last one may stop the run."""

    def tell(event: str) -> Callable[..., None]:
        def call(*said: Any) -> None:
            for one in told:
                getattr(one, event)(*said)

        return call

    return ladder.Listener(**{f.name: tell(f.name) for f in fields(ladder.Listener)})
