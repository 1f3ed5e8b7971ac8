"""Progress on a terminal, and silence everywhere else: in pipes, logs and notebooks."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress_bar(
    title: str, total: int | None, unit: str = "bytes", *, enabled: bool = True
) -> Iterator[Callable[[int], None]]:
    """Show a bar on standard error while the block runs; yields the function that advances it.

    Args:
        title: what is going on.
        total: when it is done; None if nobody knows.
        unit: ``"bytes"``, or the word for what is counted.
        enabled: False for none even on a terminal.
    """
    if not (enabled and sys.stderr.isatty()):
        yield lambda amount: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    count = DownloadColumn() if unit == "bytes" else TextColumn("{task.completed:,.0f} {task.fields[unit]}")
    columns = (TextColumn("{task.description}"), BarColumn(), count, TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=total, unit=unit)
        yield lambda amount: bar.advance(task, amount)


@contextmanager
def spinner(title: str, *, enabled: bool = True) -> Iterator[None]:
    """Show on standard error, if it is a terminal, what is being waited for."""
    if not (enabled and sys.stderr.isatty()):
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(title):
        yield
