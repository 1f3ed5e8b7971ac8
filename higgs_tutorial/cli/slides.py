"""`higgs-tutorial slides`: the talk as a deck, from its notebook."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Annotated

import typer

from higgs_tutorial.cli.app import app, one_line_errors


@app.command()
@one_line_errors
def slides(
    out: Annotated[Path, typer.Option(help="The HTML file to write.")] = Path("the_talk.html"),
) -> None:
    """Write the talk as slides, with notes for the presenter: one file that opens in a browser, without a network.

    The slides are notebook 00 with its outputs. They link to the lessons where this project is published.

    For example: `higgs-tutorial slides --out talk.html`, open the file, press S for the notes
    """
    from higgs_tutorial.cli.deck import deck
    from higgs_tutorial.cli.lessons import notebook_files
    from higgs_tutorial.files import require_writable_file, written

    require_writable_file(out)
    notebook = next(file for file in notebook_files() if file.stem == "00_the_talk")
    text = deck(notebook, lambda lesson: f"{_repository()}/blob/main/notebooks/{lesson}.ipynb")
    with written(out) as part:
        part.write_text(text, encoding="utf-8")
    typer.echo(f"{out}: open it in a browser; arrows turn the slides, S shows the presenter's notes")


def _repository() -> str:
    """Return the address that pyproject.toml gives this project, as the installation knows it."""
    try:
        addresses = metadata("higgs-tutorial").get_all("Project-URL") or []
    except PackageNotFoundError:
        addresses = []
    named = dict(address.split(", ", 1) for address in addresses)
    return named.get("Repository", "https://github.com/higgs-tutorial/higgs-tutorial").rstrip("/")
