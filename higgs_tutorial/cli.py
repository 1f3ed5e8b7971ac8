"""The command line: `higgs-tutorial`."""

from __future__ import annotations

import functools
import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from .interrupt import Stopped
from .startup import start_tensorflow
from .terminal import end_quietly_without_reader, legible

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="""Climb the ladder of the talk *TensorFlow Introduction* on HIGGS events, real or simulated.

    For example:

    * `higgs-tutorial ladder` – train the talk's nine networks on simulated events, in minutes
    * `higgs-tutorial notebooks lessons` – copy the tutorial's notebooks into the folder `lessons`
    * `higgs-tutorial download`, then `higgs-tutorial prepare` – get the real 11,000,000 events
    * `higgs-tutorial ladder --help` – what a command does and takes

    An error is said in a line on standard error, with exit code 2 (wrong options: in a frame);
    `higgs-tutorial --debug COMMAND` shows where it came from.
    """,
)
_state = {"debug": False}

DataDir = Annotated[
    Path | None,
    typer.Option(
        help="Data folder. Default: HIGGS_DATA_DIR, else data/ of a checkout, else the user's cache."
    ),
]
Seed = Annotated[int, typer.Option(min=0, help="Same seed, same rows.")]


def _print_version(asked: bool) -> None:
    if asked:
        from . import __version__

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


def _one_line_errors(command: Callable) -> Callable:
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


@app.command()
@_one_line_errors
def ladder(
    rungs: Annotated[str | None, typer.Option(help="Names, separated by commas. Default: all nine.")] = None,
    profile: Annotated[
        str | None, typer.Option(help="quick: minutes on two cores; talk: its own sizes.")
    ] = None,
    source: Annotated[str, typer.Option(help="auto, uci (the prepared real file) or simulated.")] = "auto",
    events: Annotated[int | None, typer.Option(help="Events in all. Default: the profile's.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Epochs of each rung. Default: the profile's.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Events a step. Default: the profile's.")] = None,
    seed: Annotated[
        int,
        typer.Option(
            min=0, help="Of weights, order, dropout and, if simulated, events. Same seed, same AUCs."
        ),
    ] = 0,
    data_dir: DataDir = None,
    out: Annotated[Path, typer.Option(help="Folder for results.json and ladder.png.")] = Path(
        "ladder-results"
    ),
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with what OUT holds, from the last epoch.")
    ] = False,
    save_models: Annotated[
        bool, typer.Option("--save-models", help="Keep the networks, as OUT/models/RUNG.npz, for score.")
    ] = False,
    strategy: Annotated[
        str | None,
        typer.Option(help="mirrored: all GPUs of this machine; multiworker: all machines in TF_CONFIG."),
    ] = None,
    tensorboard: Annotated[
        Path | None, typer.Option(help="Folder to log to, for: tensorboard --logdir FOLDER")
    ] = None,
    histograms: Annotated[
        bool, typer.Option("--histograms", help="Log the distribution of each weight, too.")
    ] = False,
    schedule: Annotated[
        str, typer.Option(help="How the learning rate falls: constant, cosine, exponential or linear.")
    ] = "constant",
    average: Annotated[
        str | None,
        typer.Option(help="Score averaged weights: ema (over about an epoch), or of the last N epochs."),
    ] = None,
    ensemble: Annotated[
        int,
        typer.Option(min=1, help="Networks of each rung (seeds SEED, SEED + 1, …) that predict together."),
    ] = 1,
) -> None:
    """Train the rungs of the ladder and set their ROC AUCs beside the talk's.

    For example:

    * `higgs-tutorial ladder` – all nine rungs, quick profile
    * `higgs-tutorial ladder --rungs logistic,adam-3x100 --epochs 5`
    * `higgs-tutorial ladder --profile talk --source uci --out results/uci`

    """
    from . import report
    from .data.settings import profile as check_profile

    if profile is not None:
        check_profile(profile, "--profile")
    again = [] if resume else ["--resume"]
    report.run_ladder(
        rungs=None if rungs is None else [name.strip() for name in rungs.split(",") if name.strip()],
        source=source,
        events=events,
        data_dir=data_dir,
        resume_command=shlex.join(["higgs-tutorial", *sys.argv[1:], *again]),
        profile=profile,
        epochs=epochs,
        batch_size=batch_size,
        seed=seed,
        out=out,
        resume=resume,
        save_models=save_models,
        strategy=strategy,
        tensorboard=tensorboard,
        histograms=histograms,
        schedule=schedule,
        average=average,
        ensemble=ensemble,
    )


@app.command()
@_one_line_errors
def score(
    model: Annotated[Path, typer.Argument(help="A model file: of ladder --save-models, or save_model.")],
    file: Annotated[Path, typer.Argument(help="Events: CSV (also gzipped), .npy or Parquet.")],
    out: Annotated[Path, typer.Option(help="FILE.csv, FILE.csv.gz, FILE.npy or FILE.parquet.")],
    bad_rows: Annotated[
        str, typer.Option(help="stop: an error names the first bad row; nan: score it as nan and go on.")
    ] = "stop",
    logits: Annotated[
        bool, typer.Option("--logits", help="Write log(p / (1 - p)): it never rounds to 0 or 1.")
    ] = False,
) -> None:
    """Write the probability of signal of each event in FILE, a row an event.

    FILE has the model's columns in their order, or a label and then these; or columns with the model's names, in
    any order.

    For example: `higgs-tutorial score ladder-results/models/adam-3x100.npz events.csv --out p.csv`

    """
    from .data.score import COLUMN, LOGITS, check_score, probabilities, score_file
    from .folder import require_writable_file

    if not model.exists():
        raise FileNotFoundError(
            f"{model} is not there; models are written by: higgs-tutorial ladder --save-models (OUT/models/RUNG.npz)"
        )
    check_score(file, out, bad_rows)
    require_writable_file(out)
    start_tensorflow()
    import numpy as np

    from .nn.files.models import load_model, read_header
    from .nn.training import predict
    from .words import one_line

    header, network = read_header(model), load_model(model)
    convert = np.asarray if logits else probabilities
    scored = score_file(
        lambda x: convert(predict(network, x, logits=True)),
        header["features"],
        file,
        out,
        columns=header["columns"],
        bad_rows=bad_rows,
        column=LOGITS if logits else COLUMN,
        progress=True,
    )
    for problem in scored.problems:
        typer.echo(f"nan: {problem}", err=True)
    if scored.bad > len(scored.problems):
        typer.echo(f"nan: and {scored.bad - len(scored.problems):,} more", err=True)
    kind = "logits" if logits else "probabilities"
    typer.echo(f"{out}: {scored.rows:,} {kind} of signal, {scored.bad:,} of them nan")
    if trained_on := header["about"].get("trained on"):
        typer.echo(f"the model was trained on {one_line(trained_on)}")
    if scored.saturated:
        typer.echo(f"{scored.saturated:,} are too close to 0 or 1 to keep their order; --logits keeps it")
    typer.echo(f"columns taken: {scored.taken}")


@app.command()
@_one_line_errors
def simulate(
    events: Annotated[int, typer.Option(min=1, help="Number of events.")],
    out: Annotated[Path, typer.Option(help="FILE.npy, FILE.csv or FILE.csv.gz.")],
    seed: Seed = 0,
) -> None:
    """Simulate HIGGS-like events from physics, in the real file's columns, units and format.

    For example: `higgs-tutorial simulate --events 100000 --out events.csv.gz`

    """
    from .data.export import write_simulated
    from .folder import require_writable_file

    require_writable_file(out)
    write_simulated(out, events, seed)
    typer.echo(f"{out}: {events:,} simulated events, seed {seed}")


@app.command()
@_one_line_errors
def download(data_dir: DataDir = None) -> None:
    """Download HIGGS.csv.gz (2.8 GB) from UCI; run it again to go on after an interruption.

    The file gets its name when its size and its SHA-256 are right. `higgs-tutorial prepare` is the next step.

    For example: `higgs-tutorial download --data-dir /data/higgs`

    """
    from .data.download import download as fetch

    typer.echo(f"{fetch(data_dir)}: complete, size and SHA-256 as expected; next: higgs-tutorial prepare")


@app.command()
@_one_line_errors
def prepare(
    csv: Annotated[
        Path | None, typer.Argument(help="A file in HIGGS format. Default: the downloaded one.")
    ] = None,
    data_dir: DataDir = None,
    rows: Annotated[int | None, typer.Option(min=1, help="Number of rows the file must have.")] = None,
    any_rows: Annotated[bool, typer.Option("--any-rows", help="Accept any number of rows.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of the split into training and validation events.")] = 0,
) -> None:
    """Turn the CSV into training, validation and test files that load in an instant.

    For example:

    * `higgs-tutorial prepare` – the downloaded HIGGS.csv.gz, which must have 11,000,000 rows
    * `higgs-tutorial prepare mine.csv.gz --any-rows --data-dir mine`

    """
    from .data.prepare import HIGGS_ROWS
    from .data.prepare import prepare as convert

    if rows is not None and any_rows:
        raise ValueError("--rows and --any-rows exclude each other")
    manifest = convert(csv, data_dir, rows=None if any_rows else rows or HIGGS_ROWS, seed=seed)
    typer.echo(f"{manifest['rows']:,} rows prepared")


@app.command()
@_one_line_errors
def notebooks(
    folder: Annotated[Path, typer.Argument(help="Where to; made if it is missing.")] = Path(
        "higgs-notebooks"
    ),
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace notebooks that you changed.")
    ] = False,
) -> None:
    """Copy the tutorial's notebooks into a folder of your own.

    Notebooks there that you have run or changed stay as they are, unless you ask for `--overwrite`.

    For example:

    * `higgs-tutorial notebooks` – into `higgs-notebooks`
    * `higgs-tutorial notebooks lessons && jupyter lab lessons`

    """
    from importlib.util import find_spec

    from .lessons import copy_notebooks

    copied = copy_notebooks(folder, overwrite=overwrite)
    typer.echo(f"{folder}: {len(copied)} notebooks; open them with: jupyter lab {shlex.quote(str(folder))}")
    if find_spec("jupyterlab") is None:
        typer.echo('JupyterLab is not installed here: pip install "higgs-tutorial[notebooks]"')


@app.command()
@_one_line_errors
def info(data_dir: DataDir = None) -> None:
    """Say which versions, devices and data this installation finds.

    For example: `higgs-tutorial info --data-dir /data/higgs`

    """
    from .data.settings import data_folder, profile
    from .data.simulated import FOLDER
    from .data.store import describe, is_prepared, read_manifest
    from .ladder import versions

    start_tensorflow()
    from .nn.engine.device import device_name

    for name, number in versions().items():
        typer.echo(f"{name} {number}")
    typer.echo(f"device: {device_name()}")
    typer.echo(f"profile: {profile()}")
    folder = data_folder(data_dir)
    found = "no real file prepared"
    if is_prepared(folder):
        manifest = read_manifest(folder)
        found = f"{manifest['rows']:,} rows prepared: {describe(manifest)}"
    typer.echo(f"data folder: {folder} ({found})")
    simulated = list((folder / FOLDER).glob("*.npy"))
    if simulated:
        size = sum(file.stat().st_size for file in simulated) / 1e9
        typer.echo(
            f"simulated events: {len(simulated)} file(s), {size:.3f} GB, in {folder / FOLDER}; made again if deleted"
        )


def main() -> None:
    """Run the command line, on any terminal and into any pipe."""
    os.environ["MPLBACKEND"] = (
        "agg"  # no window is opened, and under a wrong name not even Keras could be imported
    )
    with legible():
        code = end_quietly_without_reader(lambda: app(prog_name="higgs-tutorial"))
    sys.exit(code)
