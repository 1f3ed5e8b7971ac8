"""A notebook as a deck of slides: one HTML file that opens in a browser, without a network."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

LESSON = re.compile(r"\]\((\d\d_\w+)\.ipynb\)")  # a link to another notebook, in Markdown


def deck(notebook: Path, link: Callable[[str], str]) -> str:
    """Return the slides of a notebook whose cells have slide metadata, as the text of one HTML file.

    nbconvert makes the slides, reveal.js shows them; what both need is written into the file itself.

    Args:
        notebook: an ``.ipynb`` file with its outputs.
        link: where a lesson is found from the deck, given its name, such as ``"05_logistic_regression"``.

    Raises:
        ImportError: if nbconvert or sphinx-revealjs, which brings reveal.js, is not installed.

    """
    try:
        import nbformat
        import sphinx_revealjs
        from nbconvert import SlidesExporter
    except ImportError as error:
        raise ImportError(
            f'slides need {error.name}, which is not installed: pip install "higgs-tutorial[slides]"'
        ) from None

    talk = nbformat.read(notebook, as_version=4)
    _prepare(talk.cells, link)
    exporter = SlidesExporter(
        exclude_input_prompt=True, exclude_output_prompt=True, exclude_anchor_links=True
    )
    exporter.raw_template = resources.files(__package__).joinpath("deck.html.j2").read_text(encoding="utf-8")
    reveal = Path(sphinx_revealjs.__file__).parent / "_static" / "revealjs"
    text, _ = exporter.from_notebook_node(
        talk, {"metadata": {"name": notebook.stem}, "reveal_files": _reveal_files(reveal)}
    )
    return text


def _prepare(cells: list[Any], link: Callable[[str], str]) -> None:
    heading = ""
    for cell in cells:
        # nbconvert would put a cell without it on the slide before
        slide = cell.metadata.setdefault("slideshow", {"slide_type": "skip"})
        if cell.cell_type == "markdown":
            cell.source = LESSON.sub(lambda found: f"]({link(found[1])})", cell.source)
            heading = next(
                (line.lstrip("# ") for line in cell.source.splitlines() if line[:1] == "#"), heading
            )
            continue
        if slide.get("code") == "hidden":
            cell.metadata["transient"] = {"remove_source": True}  # nbconvert's name for: only its output
        for output in cell.outputs:
            if "image/png" in output.get("data", {}):
                output.metadata["image/png"] = {"alt": heading}


def _reveal_files(folder: Path) -> dict[str, str]:
    def read(name: str) -> str:
        return (folder / name).read_text(encoding="utf-8")

    theme = re.sub(r"@import url\([^)]*\);", "", read("dist/theme/white.css"))  # its fonts are other files
    scripts = {"reveal": "dist/reveal.js", "notes": "plugin/notes/notes.js"}
    return {
        "css": read("dist/reset.css") + read("dist/reveal.css") + theme,
        **{name: read(file).replace("</script", r"<\/script") for name, file in scripts.items()},
    }
