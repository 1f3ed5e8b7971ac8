"""A notebook as a page of the site: its buttons, its time, its pictures' texts, its long outputs folded."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass
from pathlib import Path

from doors import CELL

from higgs_tutorial.safe_text import in_markdown

LINK = re.compile(r"\[([^\]]+)\]\((\d\d)_\w+\.ipynb\)")
ROW = re.compile(
    r"^\| *\d\d *\| *\[[^\]]+\]\(notebooks/(\w+)\.ipynb\) *\| *(.+?) *\| *(.+?) *\|$", re.MULTILINE
)
FOLDED = 20  # lines of output from which it is folded
ORIGINALS = "_originals"  # of the notebooks, for the button that downloads one


@dataclass(frozen=True)
class Lesson:
    """What the site says of a notebook: `about` and `time` are those of the README's table, if it is in there."""

    file: Path
    title: str
    about: str = ""
    time: str = ""

    @property
    def number(self) -> str:
        """The two digits that its name begins with."""
        return self.file.name[:2]

    @property
    def page(self) -> str:
        """The page's name, from the root of the site."""
        return f"notebooks/{self.file.stem}"


def lessons(root: Path) -> list[Lesson]:
    """Return the notebooks of a checkout, in reading order."""
    readme = (root / "README.md").read_text(encoding="utf-8")
    said = {name: (about, time) for name, about, time in ROW.findall(readme)}
    return [
        Lesson(file, _title(file), *said.get(file.stem, ()))
        for file in sorted(root.glob("notebooks/*.ipynb"))
    ]


def _title(file: Path) -> str:
    first = json.loads(file.read_text(encoding="utf-8"))["cells"][0]["source"]
    return "".join(first).splitlines()[0].removeprefix("# ")


def contents_entry(lesson: Lesson) -> str:
    """Return a notebook's line in the contents: its number and its title without what follows a colon."""
    return f"{lesson.number} {lesson.title.split(':')[0]} <{lesson.page}>"


def colab(repository: str, lesson: Lesson) -> str | None:
    """Return the address that opens a notebook on Colab, which knows those on GitHub."""
    host, name = repository.rsplit("/", 2)[0], "/".join(repository.rsplit("/", 2)[1:])
    if host != "https://github.com":
        return None
    return f"https://colab.research.google.com/github/{name}/blob/main/notebooks/{lesson.file.name}"


def buttons(lesson: Lesson, repository: str) -> str:
    """Return the line below a notebook's title: how long it takes, and where it can be run."""
    parts = [f"{{octicon}}`clock` about {in_markdown(lesson.time)} on two CPU cores"] if lesson.time else []
    parts.append(f"{{download}}`Download <../{ORIGINALS}/{lesson.file.name}>`")
    if address := colab(repository, lesson):
        parts.append(f"[Open in Colab]({address})")
    return "\n".join([":::{div} lesson-bar", *parts, ":::"])


def notebook_page(text: str, numbers: set[str], bar: str = "") -> str:
    """Return a notebook with its pictures' texts and its folded outputs where MyST-NB looks for them.

    Args:
        text: the notebook.
        numbers: of the notebooks there are; what links to one that is still to be written becomes plain text.
        bar: what stands below the title, in MyST's Markdown.

    """
    notebook = json.loads(text)
    section = ""
    for place, cell in enumerate(notebook["cells"]):
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            source = LINK.sub(lambda link: link[0] if link[2] in numbers else link[1], source)
            section = (re.findall(r"^#+ (.+)$", source, flags=re.MULTILINE) or [section])[-1]
            cell["source"] = _with_bar(source, bar) if place == 0 else source
        elif cell["cell_type"] == "code":
            _prepare_code(cell, source, section)
    return json.dumps(notebook, ensure_ascii=False)


def _with_bar(source: str, bar: str) -> str:
    title, _, rest = source.partition("\n")
    return f"{title}\n\n{bar}\n{rest}" if bar else source


def _prepare_code(cell: dict, source: str, section: str) -> None:
    metadata = cell["metadata"]
    settings = {"image": {"alt": metadata.get("alt") or picture_text(source, section)}}
    tags = list(metadata.get("tags", []))
    if cell.get("id") == CELL:
        tags = ["remove-cell"]
    elif (lines := text_lines(cell)) > FOLDED:
        tags.append("hide-output")
        settings["code_prompt_show"] = f"Show the output, {lines} lines"
        settings["code_prompt_hide"] = "Hide the output"
    cell["metadata"] = {**metadata, "tags": tags, "mystnb": settings}


def text_lines(cell: dict) -> int:
    """Return how many lines of text a cell shows, or 0 if it shows something else, too."""
    lines = 0
    for output in cell["outputs"]:
        data = output.get("data", {"text/plain": output.get("text", "")})
        if set(data) != {"text/plain"}:
            return 0
        lines += len("".join(data["text/plain"]).splitlines())
    return lines


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
