"""Build the site: `python docs/build.py`, in a checkout, with the `docs` extra. Nothing is fetched.

The pages are gathered in docs/_build/source, in the folders that they have in the repository, so that a link
which works there works on the site; from these Sphinx makes docs/_build/html. Warnings are errors.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

from doors import address
from draw_architecture import PICTURES, draw
from front_page import CARDS, front_page, write_card_pictures, write_deck, write_share_picture
from notebook_pages import ORIGINALS, buttons, contents_entry, lessons, notebook_page
from reference_pages import command_line_page, glossary_page, modules_page, public_names_page
from sphinx.cmd.build import build_main

from higgs_tutorial.cli.tables import footnote, markdown
from higgs_tutorial.plots import save_staircase

ROOT = Path(__file__).resolve().parents[1]
SOURCE, HTML = ROOT / "docs" / "_build" / "source", ROOT / "docs" / "_build" / "html"
GATHERED = (
    "CHANGELOG.md",
    "CITATION.cff",
    "LICENSE",
    "docs/*.md",
    "data/README.md",
    "benchmarks/*.md",
    "benchmarks/*.png",
    "results/**/*.md",
    "results/**/*.png",
    "results/**/*.json",
)
PICTURE = SOURCE / CARDS / "staircase.png"  # of the front page
CONTENTS = {
    "Start": "Install, run, use <README>",
    "Results": "results/quick/README\nresults/*/README",
    "Explanations": "docs/from-2016-to-today\ndocs/glossary\ndocs/export\ndata/README\n"
    "docs/architecture\ndocs/reliability\ndocs/versions",
    "Measurements": "benchmarks/*",
    "Reference": "docs/api\ndocs/command-line\ndocs/modules\nCHANGELOG",
}


def gather(root: Path = ROOT, source: Path = SOURCE) -> None:
    """Lay out the sources of all pages in the folder `source`, which is made anew."""
    shutil.rmtree(source, ignore_errors=True)
    for file in sorted(file for pattern in GATHERED for file in root.glob(pattern)):
        _copy(file, source / file.relative_to(root))
    gather_notebooks(root, source)
    for results in sorted(root.glob("results/*/results.json")):
        page = source / results.relative_to(root).with_name("README.md")
        if not page.exists():
            _write(page, ladder_page(results))
    _write(source / "docs" / "api.md", public_names_page(_read(root / "docs" / "api.md")))
    _write(source / "docs" / "glossary.md", glossary_page(_read(root / "docs" / "glossary.md")))
    _write(source / "docs" / "modules.md", modules_page())
    for name, package in PICTURES.items():  # as they are now, whatever was committed
        _write(source / "docs" / name, draw(package))
    _write(source / "docs" / "command-line.md", command_line_page())


def gather_notebooks(root: Path, source: Path) -> None:
    """Lay out the notebooks' pages and the two that lead to them, the front page and the README."""
    notebooks, repository = lessons(root), address(root)
    numbers = {lesson.number for lesson in notebooks}
    for lesson in notebooks:
        page = notebook_page(_read(lesson.file), numbers, buttons(lesson, repository))
        _write(source / lesson.file.relative_to(root), page)
        _copy(lesson.file, source / ORIGINALS / lesson.file.name)
    readme = without_badges(_read(root / "README.md"))
    _write(source / "README.md", readme)
    results = json.loads(_read(root / "results" / "talk-scale" / "results.json"))
    front = front_page(_read(root / "docs" / "index.md"), readme, notebooks, repository, results)
    entries = [contents_entry(lesson) for lesson in notebooks]
    _write(source / "index.md", f"{front}\n{contents(entries)}\n")
    (source / "docs" / "index.md").unlink()
    write_card_pictures(notebooks, source)
    save_staircase(results, source / CARDS / "staircase.png")


def contents(notebooks: list[str]) -> str:
    """Return the contents of the site, which stand at the side of each page.

    Args:
        notebooks: the entries of the notebooks.

    """
    return "\n\n".join(
        f"```{{toctree}}\n:hidden:\n:glob:\n:caption: {caption}\n\n{pages}\n```"
        for caption, pages in {"Lessons": "\n".join(notebooks), **CONTENTS}.items()
    )


def without_badges(readme: str) -> str:
    """Return the README without its badges, which are fetched from elsewhere."""
    return re.sub(r"<!-- badges -->.*?<!-- end of badges -->\n", "", readme, flags=re.DOTALL)


def ladder_page(file: Path) -> str:
    """Return a page of what `higgs-tutorial ladder --out` wrote beside `file`: its table and its picture."""
    results = json.loads(file.read_text(encoding="utf-8"))
    lines = [
        f"# The ladder, {results['profile']} profile",
        "",
        f"`higgs-tutorial ladder --profile {results['profile']}` on {results['data']}: "
        f"{results['events']['train']:,} events for training, {results['events']['valid']:,} for validation, "
        f"{results['events']['test']:,} for testing, seed {results['seed']}, on {results['device']}.",
        "",
        markdown(results),
        "",
        *(f"- {line}" for line in footnote(results).splitlines()),
        "",
    ]
    pictures = {
        "staircase.png": "A step a rung, as high as its validation AUC, with the training AUC and the talk's beside",
        "ladder.png": "Validation AUC after each epoch, a panel a rung, over the talk's curves",
    }
    for name, said in pictures.items():
        if file.with_name(name).exists():
            lines += [f"![{said}]({name})", ""]
    return "\n".join([*lines, f"All figures are in [{file.name}]({file.name})."])


def _copy(file: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(file, target)


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def _write(target: Path, text: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")


def main() -> int:
    """Gather the pages and build the site; return Sphinx's exit code."""
    gather()
    shutil.rmtree(HTML, ignore_errors=True)
    options = ["-q", "-W", "--keep-going", "-b", "html", "-c", str(ROOT / "docs")]
    code = build_main([*options, "-d", str(SOURCE.with_name("doctrees")), str(SOURCE), str(HTML)])
    if not code:
        write_share_picture(PICTURE, HTML / "_static" / "card.png")
        write_deck(lessons(ROOT), HTML)
        sys.stdout.write(f"{(HTML / 'index.html').relative_to(ROOT)}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
