"""The folder of a run: its results, checkpoints, models and picture, used by one run at a time."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from higgs_tutorial.files import require_writable_folder, write_json
from higgs_tutorial.ladder.rungs import Rung
from higgs_tutorial.ladder.schema import read_results
from higgs_tutorial.ladder.settings import Output, Settings
from higgs_tutorial.safe_text import one_line

SCHEMA = 1
LOCK = Path("checkpoints", ".lock")
OF_THE_EVENTS = ("source", "data", "events")
"""What a run that goes on must have the same, beside its settings and the events themselves."""


class PictureWarning(RuntimeWarning):
    """A picture could not be drawn. The numbers that it would have shown are there."""


class RunFolder:
    """Where a run writes: ``results.json``, two pictures of it, ``checkpoints/RUNG/`` and ``models/RUNG.npz``.

    Example:
        >>> from higgs_tutorial import ladder
        >>> folder = ladder.RunFolder("my-run")
        >>> folder.results.name, [picture.name for picture in folder.pictures]
        ('results.json', ['ladder.png', 'staircase.png'])
    """

    def __init__(self, out: str | Path) -> None:
        """Use the folder ``out``; nothing is made yet."""
        self.out = Path(out)
        self.results = self.out / "results.json"
        self.pictures = [self.out / "ladder.png", self.out / "staircase.png"]

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Keep the folder, which is made if it is missing, from other runs; the claim ends with the process.

        Raises:
            BlockingIOError: if another run has it.
            OSError: if nothing can be written there.
        """
        file = self.out / LOCK
        file.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(file)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise BlockingIOError(
                f"another run is writing to {self.out}: wait until it has ended, or choose another folder"
            ) from None
        except NotImplementedError:  # some network file systems
            warnings.warn(f"no files can be locked in {self.out}: start no other run there", stacklevel=3)
        try:
            yield
        finally:
            lock.release()

    def checkpoints(self, network: str) -> Path:
        """Return the folder of a network's checkpoints."""
        return self.out / "checkpoints" / network

    def model(self, rung: str) -> Path:
        """Return the file of a rung's network."""
        return self.out / "models" / f"{rung}.npz"

    def put_aside(self) -> None:
        """Give the results and the pictures of an earlier run another name, ``results.previous.json`` and so on."""
        for older in (self.results, *self.pictures):
            if older.exists():
                older.replace(older.with_stem(f"{older.stem}.previous"))

    def write(self, results: dict[str, Any]) -> None:
        """Write ``results.json``; a reader never sees half of it."""
        write_json(self.results, results)

    def finished(self, head: dict[str, Any]) -> dict[str, dict]:
        """Return the finished rungs of an earlier run with the same ``head``, by name.

        Raises:
            ValueError: if the results there are of other settings or other events, or are none.
        """
        if not self.results.exists():
            return {}
        old = {**Settings.head_of_old(), **read_results(self.results)}
        for key in ("schema", *OF_THE_EVENTS, *Settings().head()):
            if old.get(key) != head[key]:
                raise ValueError(
                    f"{self.results} was made with {key} {one_line(old.get(key))}, not {head[key]}: "
                    "give the same settings to go on with it, or choose another folder"
                )
        self._check_fingerprint(old.get("fingerprint"), head)
        return {rung["name"]: rung for rung in old["rungs"] if rung.get("test_auc") is not None}

    def _check_fingerprint(self, found: str | None, head: dict[str, Any]) -> None:
        wanted = head["fingerprint"]
        if found is None:
            raise ValueError(
                f"{self.results} was made before the events' fingerprint was noted, so they may have been others"
                " than now: start a new run (it keeps these results beside its own), or choose another folder"
            )
        if found != wanted:
            elsewhere = (
                " (another kind of processor makes a few other events of the same seed: bring the data folder along)"
                if head["source"] == "simulated"
                else ""
            )
            raise ValueError(
                f"{self.results} was made on other events than these, whose fingerprint is {wanted[:12]} and not"
                f" {one_line(found, 12)}: give it the same data, start a new run (it keeps these results beside its"
                f" own), or choose another folder{elsewhere}"
            )

    def holds_model_of(self, record: dict[str, Any], head: dict[str, Any]) -> bool:
        """Say whether the model file holds the network of this finished rung, and not one of an earlier run."""
        from higgs_tutorial.nn.files.models import read_header

        try:
            about = read_header(self.model(record["name"]))["about"]
        except (OSError, ValueError):
            return False
        known = about.get("valid_auc"), about.get("fingerprint")
        return known == (record["valid_auc"], head["fingerprint"])

    def draw(self, results: dict[str, Any]) -> None:
        """Draw the pictures; whatever fails there is a warning, since hours of training are behind us."""
        for picture in self.pictures:
            try:
                from higgs_tutorial import plots

                getattr(plots, f"save_{picture.stem}")(results, picture)
            except Exception as error:  # a backend, a font, a setting
                said = f"{picture} was not drawn ({type(error).__name__}: {error}); the results are whole"
                warnings.warn(said, PictureWarning, stacklevel=4)


def require_folders(output: Output, rungs: Iterable[Rung]) -> None:
    """Check that a run of these rungs can write what it will write, before it starts.

    Raises:
        OSError: if it can't, or another run is writing to ``out``; the message names what is in the way.

    Example:
        >>> from higgs_tutorial import ladder
        >>> ladder.require_folders(ladder.Output(out="my-run"), ladder.select(["logistic"]))
    """
    folders = [] if output.tensorboard is None else [Path(output.tensorboard)]
    if output.out is not None:
        folder = RunFolder(output.out)
        if folder.results.is_dir():
            raise IsADirectoryError(f"{folder.results} is a folder: move it away or choose another out")
        folders += [folder.out, *(folder.checkpoints(rung.name) for rung in rungs)]
        folders += [folder.out / "models"] if output.save_models else []
    for path in folders:
        require_writable_folder(path)
    if output.out is not None and (folder.out / LOCK).exists():
        with folder.claimed():
            pass
