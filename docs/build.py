"""Build the site: `python docs/build.py`, in a checkout, with the `docs` extra. Nothing is fetched.

The pages are gathered in docs/_build/source, in the folders that they have in the repository, so that a link
which works there works on the site; from these Sphinx makes docs/_build/html. Warnings are errors.
"""

from __future__ import annotations

import ast
import inspect
import json
import pkgutil
import re
import shutil
import subprocess
import sys
from pathlib import Path

from doors import CELL
from draw_architecture import PICTURES, draw
from sphinx.cmd.build import build_main

import higgs_tutorial
from higgs_tutorial.cli.tables import markdown

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
CONTENTS = {
    "Results": "results/quick/README\nresults/*/README",
    "Explanations": "docs/from-2016-to-today\ndocs/glossary\ndocs/export\ndata/README\n"
    "docs/architecture\ndocs/reliability",
    "Measurements": "benchmarks/*",
    "Reference": "docs/api\ndocs/command-line\ndocs/modules\nCHANGELOG",
}
LINK = re.compile(r"\[([^\]]+)\]\((\d\d)_\w+\.ipynb\)")
# Not pages of their own: the command line's entry points, and what loads the public names.
UNDOCUMENTED = {"higgs_tutorial.__main__", "higgs_tutorial.cli"}


def gather(root: Path = ROOT, source: Path = SOURCE) -> None:
    """Lay out the sources of all pages in the folder `source`, which is made anew."""
    shutil.rmtree(source, ignore_errors=True)
    for file in sorted(file for pattern in GATHERED for file in root.glob(pattern)):
        _copy(file, source / file.relative_to(root))
    notebooks = sorted(root.glob("notebooks/*.ipynb"))
    numbers = {file.name[:2] for file in notebooks}
    for file in notebooks:
        _write(source / file.relative_to(root), notebook_page(file.read_text(encoding="utf-8"), numbers))
    titles = [notebook_title(file) for file in notebooks]
    _write(source / "index.md", landing_page((root / "README.md").read_text(encoding="utf-8"), titles))
    for results in sorted(root.glob("results/*/results.json")):
        page = source / results.relative_to(root).with_name("README.md")
        if not page.exists():
            _write(page, ladder_page(results))
    _write(
        source / "docs" / "api.md", public_names_page((root / "docs" / "api.md").read_text(encoding="utf-8"))
    )
    _write(source / "docs" / "modules.md", modules_page())
    for name, package in PICTURES.items():  # as they are now, whatever was committed
        _write(source / "docs" / name, draw(package))
    _write(source / "docs" / "command-line.md", command_line_page())


def landing_page(readme: str, notebooks: list[str]) -> str:
    """Return the README with the site's contents, and without the badges, which are fetched from elsewhere.

    Args:
        readme: the README.
        notebooks: the entries of the notebooks in the contents.

    """
    readme = re.sub(r"<!-- badges -->.*?<!-- end of badges -->\n", "", readme, flags=re.DOTALL)
    contents = [
        f"```{{toctree}}\n:hidden:\n:glob:\n:caption: {caption}\n\n{pages}\n```"
        for caption, pages in {"Notebooks": "\n".join(notebooks), **CONTENTS}.items()
    ]
    return "\n\n".join([readme, *contents]) + "\n"


def notebook_title(file: Path) -> str:
    """Return a notebook's entry in the contents: its number and its title without what follows a colon."""
    first = json.loads(file.read_text(encoding="utf-8"))["cells"][0]["source"]
    title = "".join(first).splitlines()[0].removeprefix("# ").split(":")[0]
    return f"{file.name[:2]} {title} <notebooks/{file.stem}>"


def notebook_page(text: str, numbers: set[str]) -> str:
    """Return a notebook with its pictures' texts and its collapsed cells where MyST-NB looks for them.

    Args:
        text: the notebook.
        numbers: of the notebooks there are; what links to one that is still to be written becomes plain text.

    """
    notebook = json.loads(text)
    section = ""
    for cell in notebook["cells"]:
        source, metadata = "".join(cell["source"]), cell["metadata"]
        if cell["cell_type"] == "markdown":
            cell["source"] = LINK.sub(lambda link: link[0] if link[2] in numbers else link[1], source)
            section = (re.findall(r"^#+ (.+)$", source, flags=re.MULTILINE) or [section])[-1]
            continue
        metadata["mystnb"] = {"image": {"alt": metadata.get("alt") or picture_text(source, section)}}
        if cell.get("id") == CELL:
            metadata["tags"] = ["remove-cell"]
        if metadata.get("jupyter", {}).get("source_hidden"):
            metadata["tags"] = [*metadata.get("tags", []), "hide-cell"]
    return json.dumps(notebook, ensure_ascii=False)


def picture_text(source: str, section: str) -> str:
    """Return what the code of a cell says of its picture: titles and axis labels, or else the section's heading."""
    said = {"title": [], "xlabel": [], "ylabel": []}
    for node in ast.walk(ast.parse(re.sub(r"^\s*[%!].*$", "", source, flags=re.MULTILINE))):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", "").removeprefix("set_").removeprefix("sup")
        texts = [(name, node.args[0])] if node.args and name in said else []
        texts += [(word.arg, word.value) for word in node.keywords if word.arg in said]
        for kind, text in texts:
            if (
                isinstance(text, ast.Constant)
                and isinstance(text.value, str)
                and text.value not in said[kind]
            ):
                said[kind].append(text.value.replace("\n", " "))
    parts = (
        [f"{', '.join(said['ylabel'])} against {', '.join(said['xlabel'])}"]
        if all(said[axis] for axis in ("xlabel", "ylabel"))
        else said["xlabel"] + said["ylabel"]
    )
    return "; ".join([f"Figure in the section {section}", *said["title"], *parts])


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
    ]
    if results["source"] == "simulated":
        lines += [
            "**Simulated events are not HIGGS: compare the shape of the climb, not the third digit.**",
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


def public_names_page(page: str) -> str:
    """Return the page of public names with those that it has no place for at the end."""
    for name in higgs_tutorial.__all__:
        value = getattr(higgs_tutorial, name)
        if callable(value) and f":: higgs_tutorial.{name}\n" not in page:
            kind = "autoclass" if inspect.isclass(value) else "autofunction"
            page += f"\n```{{eval-rst}}\n.. {kind}:: higgs_tutorial.{name}\n```\n"
    return page


def modules_page() -> str:
    """Return a page with the docstrings of every module, but for the names that the page of public names has."""
    found = pkgutil.walk_packages(higgs_tutorial.__path__, "higgs_tutorial.")
    rooms = {module.name: module.ispkg for module in found if module.name not in UNDOCUMENTED}
    public: dict[str, list[str]] = {}
    for name in higgs_tutorial.__all__:
        module = getattr(getattr(higgs_tutorial, name), "__module__", "")
        public.setdefault(module, []).append(name)
    lines = [
        "# Modules",
        "",
        "Every module of the package; [the public names](api.md) are on a page of their own.",
        "",
    ]
    for name, is_room in sorted(rooms.items()):
        options = [] if is_room else ["   :members:"]  # a room's names have their place in its modules
        if name in public:
            options.append(f"   :exclude-members: {', '.join(public[name])}")
        lines += [f"## `{name}`", "", f"```{{eval-rst}}\n.. automodule:: {name}", *options, "```", ""]
    return "\n".join(lines)


def command_line_page() -> str:
    """Return the help of every command, as Typer writes it in Markdown."""
    command = [
        sys.executable,
        "-m",
        "typer",
        "higgs_tutorial.cli",
        "utils",
        "docs",
        "--name",
        "higgs-tutorial",
    ]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return re.sub(r"^# .+$", "# The command line", text, count=1, flags=re.MULTILINE)


def _copy(file: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(file, target)


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
        sys.stdout.write(f"{(HTML / 'index.html').relative_to(ROOT)}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
