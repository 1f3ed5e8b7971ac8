"""A user's events through a model: a file in, a column of probabilities out, in bounded memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy.special import expit

from higgs_tutorial.data.csv.rows import REPORTED
from higgs_tutorial.data.files import text_file
from higgs_tutorial.data.progress import progress_bar
from higgs_tutorial.data.sources.root import branch_name, import_uproot
from higgs_tutorial.data.sources.several import Location
from higgs_tutorial.data.user_files import is_signal, open_table
from higgs_tutorial.files import written

COLUMN, LOGITS = "signal_probability", "signal_logit"
ENDINGS = (".csv", ".csv.gz", ".npy", ".parquet", ".root")
TREE = "scores"
"""What the tree in a ROOT file is called."""
_DISTINCT = 1 - 1e-9
"""Above it, from a logit of 21 on, float64's steps (1e-16) get larger than those that float32 logits make."""
BAD_ROWS = ("stop", "nan")


@dataclass
class Scored:
    """What was scored.

    Attributes:
        rows: how many in all.
        bad: how many of them are not usable.
        problems: a sentence for each of the first ten of these.
        columns: the places, from 0, of the features among the file's columns.
        taken: the same in words, and what was not used.
        saturated: how many outputs are too close to 0 or 1 for a probability to keep their order.
        labelled: what labels say of the scored events, if the file has them.
        no_label: why what seems to be a label in the file is none; empty if nothing does.
    """

    rows: int = 0
    bad: int = 0
    problems: list[str] = field(default_factory=list)
    columns: list[int] = field(default_factory=list)
    taken: str = ""
    saturated: int = 0
    labelled: Labelled | None = None
    no_label: str = ""


@dataclass
class Labelled:
    """The events that have a label, a score and, where the file has weights, one of these that is finite.

    Attributes:
        label: what the file calls the label.
        weighted_by: what it calls the weight; None if it has none.
        blocks: labels, scores and weights, a block of the file at a time.
    """

    label: str
    weighted_by: str | None
    blocks: list[tuple[NDArray, NDArray, NDArray | None]] = field(default_factory=list)

    def add(self, p: NDArray, aside: NDArray) -> None:
        """Keep what is usable of scores ``p`` ``[n]`` and of ``aside`` ``[n, 1 or 2]``, labels and perhaps weights."""
        y, weight = is_signal(aside[:, 0]), aside[:, 1] if self.weighted_by else None
        usable = np.isfinite(y) & np.isfinite(p)
        if weight is not None:
            usable &= np.isfinite(weight)
            weight = weight[usable]
        self.blocks.append((y[usable].astype(np.int8), p[usable], weight))

    def arrays(self) -> tuple[NDArray, NDArray, NDArray | None]:
        """Return the labels ``[n]``, 1 for signal and 0 for background, the scores ``[n]`` and the weights or None."""
        y, p, weight = zip(*self.blocks, strict=True)
        return np.concatenate(y), np.concatenate(p), np.concatenate(weight) if self.weighted_by else None


@dataclass(frozen=True)
class Form:
    """What the output looks like: the column's name, float32 or float64, and whether a CSV gets a header."""

    column: str
    dtype: np.dtype
    named: bool


def score_file(
    predict: Callable[[NDArray], NDArray],
    features: int,
    file: str | os.PathLike,
    out: str | os.PathLike,
    *,
    columns: Sequence[str] | None = None,
    bad_rows: str = "stop",
    column: str = COLUMN,
    progress: bool = False,
) -> Scored:
    """Write the probability of signal of every event in ``file`` to ``out``, one row each, in order.

    Args:
        predict: features float32 ``[n, k]`` -> probabilities, or logits, ``[n]``, float32 or float64.
        features: the number of features, k.
        file: CSV (plain, gzipped or alone in a zip archive), ``.npy``, Parquet, ROOT or HDF5: k columns in the
            model's order, or a label and then these, or columns with names of which ``columns`` are k, in any
            order. ``events.root:tree`` names a table where a ROOT or HDF5 file has several.
        out: its ending says what is written: ``.csv``, ``.csv.gz``, ``.npy`` ``[n]``, ``.parquet`` or ``.root``
            (a tree `TREE`), each with all digits of what ``predict`` gives. A CSV gets a header if the columns of
            ``file`` have names, so that lines correspond to lines. It appears under this name when it is whole.
        columns: the names of the features.
        bad_rows: what to do about an event with a value that is missing, not a number or not finite:
            ``"stop"`` with an error that names its line, or write ``"nan"`` and go on.
        column: what the column in the output is called.
        progress: whether to show a progress bar if standard error is a terminal.

    The file is read in blocks. What is kept of the events of a labelled file, for `Scored.labelled`, is no more than
    17 bytes each.

    Raises:
        FileNotFoundError: if there is no such file.
        ImportError: if a ROOT file is to be read or written and uproot is not installed.
        ValueError: if an argument is wrong, the file is damaged or of another kind, its columns do not fit,
            it has no events, or an event cannot be used.
        OSError: if ``out`` cannot be written; nothing half-written is kept.
    """
    location, out = Location.of(file), Path(out)
    check_score(location, out, bad_rows)
    table = open_table(location, features, columns)
    scored = Scored(columns=table.choice.places, taken=table.choice.sentence, no_label=table.no_label)
    if table.label:
        scored.labelled = Labelled(table.label, table.weight)
    dtype = np.asarray(predict(np.zeros([1, features], np.float32))).dtype
    bar = progress_bar("Scoring", table.rows, "rows", enabled=progress)
    # left to the garbage collector, the reader of a CSV might wait for its threads in one of them
    with closing(table.blocks), bar as advance, _writer(out, Form(column, dtype, table.named)) as write:
        for rows in table.blocks:
            if rows.problems and bad_rows == "stop":
                raise ValueError(
                    f"{rows.problems[0]}; mend it, or have bad rows scored as nan (--bad-rows nan)"
                )
            good = ~rows.bad
            p = np.full(len(rows.x), np.nan, dtype)
            p[good] = predict(rows.x[good])
            write(p)
            if scored.labelled:
                scored.labelled.add(p, rows.aside)
            scored.rows += len(p)
            scored.bad += len(p) - int(good.sum())
            scored.saturated += 0 if column == LOGITS else int(((p == 0) | (p > _DISTINCT)).sum())
            scored.problems += rows.problems[: REPORTED - len(scored.problems)]
            advance(len(p))
        if not scored.rows:
            raise ValueError(f"{file} has no events")
    return scored


def probabilities(logits: NDArray) -> NDArray:
    """Return the sigmoid of ``logits`` float32 ``[n]``, float64: different logits up to 20 stay different.

    In float32 everything above 17 would be exactly 1.
    """
    return expit(np.asarray(logits, np.float64))


def check_score(file: Location, out: Path, bad_rows: str) -> None:
    """Refuse the arguments of `score_file` that are wrong, before anything is started.

    Raises:
        FileNotFoundError: if there is no such file.
        ImportError: if the output is a ROOT file and uproot is not installed.
        ValueError: if the output's name or ``bad_rows`` is not one of those known, or the output is the input.
    """
    if bad_rows not in BAD_ROWS:
        raise ValueError(f"bad_rows is {bad_rows!r}; it must be one of: {', '.join(BAD_ROWS)}")
    if not out.name.endswith(ENDINGS):
        raise ValueError(f"{out}: the name of the output must end in one of: {', '.join(ENDINGS)}")
    if not file.path.is_file():
        raise FileNotFoundError(f"{file} is not there, or no file")
    if out.exists() and file.path.samefile(out):
        raise ValueError(f"{out} is the input: its events would be lost; choose another output")
    if out.suffix == ".root":
        import_uproot(out)


@contextmanager
def _writer(out: Path, form: Form) -> Iterator[Callable[[NDArray], None]]:
    """Yield what appends probabilities to ``out``; it gets its name if the block ends well."""
    kind = next(kind for kind in (_parquet, _npy, _root, _csv) if out.name.endswith(kind.endings))
    whole, opened = ExitStack(), ExitStack()
    with whole:
        with _explained(out):
            out.parent.mkdir(parents=True, exist_ok=True)
            part = whole.enter_context(written(out))
            append = opened.enter_context(kind(part, out, form))

        def write(p: NDArray) -> None:
            with _explained(out):
                append(p)

        try:
            yield write
            with _explained(out):
                opened.close()
        except BaseException:
            with suppress(OSError):  # a full disk is the first error, and would be the second
                opened.close()
            raise
        with _explained(out):
            whole.close()


@contextmanager
def _explained(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        why = error.strerror or error
        raise OSError(error.errno, f"{why}: cannot write {out}; nothing half-written was kept") from error


@contextmanager
def _csv(part: Path, out: Path, form: Form) -> Iterator[Callable[[NDArray], None]]:
    with text_file(part, gzipped=out.name.endswith(".gz")) as stream:
        if form.named:
            stream.write(f"{form.column}\n".encode())
        line = {4: "%.9g\n", 8: "%.17g\n"}[form.dtype.itemsize]  # digits that hold all of a float
        yield lambda p: stream.write((line * len(p) % tuple(p.tolist())).encode())


@contextmanager
def _npy(part: Path, out: Path, form: Form) -> Iterator[Callable[[NDArray], None]]:
    def header(rows: int) -> None:
        stream.seek(0)
        described = {"descr": form.dtype.str, "fortran_order": False, "shape": (rows,)}
        np.lib.format.write_array_header_1_0(
            stream, described
        )  # of one length: NumPy leaves room for the number

    with part.open("wb") as stream:
        header(0)
        start = stream.tell()
        yield lambda p: stream.write(p.tobytes())
        header((stream.tell() - start) // form.dtype.itemsize)


@contextmanager
def _parquet(part: Path, out: Path, form: Form) -> Iterator[Callable[[NDArray], None]]:
    schema = pa.schema([(form.column, pa.from_numpy_dtype(form.dtype))])
    with pq.ParquetWriter(part, schema) as writer:
        yield lambda p: writer.write_table(pa.table([pa.array(p)], schema))


@contextmanager
def _root(part: Path, out: Path, form: Form) -> Iterator[Callable[[NDArray], None]]:
    name = branch_name(form.column)
    with import_uproot(out).recreate(part) as file:
        tree = file.mktree(TREE, {name: form.dtype})
        yield lambda p: tree.extend({name: p})


_csv.endings, _npy.endings, _parquet.endings = (".csv", ".csv.gz"), (".npy",), (".parquet",)
_root.endings = (".root",)
