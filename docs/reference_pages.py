"""The pages that are made from the package itself: public names, modules, the command line, the glossary."""

from __future__ import annotations

import inspect
import pkgutil
import re
import subprocess
import sys

import typer
from docutils.nodes import make_id

import higgs_tutorial

# Not pages of their own: the command line's entry points, and what loads the public names.
UNDOCUMENTED = {"higgs_tutorial.__main__", "higgs_tutorial.cli"}
TERM = re.compile(r"^(?P<terms>\S.*)\n: (?P<meaning>.+(?:\n  .+)*)\n?", flags=re.MULTILINE)


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
    """Return the help of every command, as Typer writes it in Markdown, with the summaries that it cuts short."""
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
    text = re.sub(r"^# .+$", "# The command line", text, count=1, flags=re.MULTILINE)
    for name, summary in summaries().items():
        link = f"[`{name}`](#higgs-tutorial-{make_id(name)})"
        text = re.sub(rf"^\* `{name}`: .+$", lambda _: f"* {link}: {summary}", text, flags=re.MULTILINE)  # noqa: B023
    return text


def summaries() -> dict[str, str]:
    """Return each command's first sentence, whole."""
    from higgs_tutorial.cli.app import app

    commands = typer.main.get_command(app).commands
    return {name: command.get_short_help_str(limit=10_000) for name, command in commands.items()}


def glossary_page(page: str) -> str:
    """Return the glossary as Sphinx's own, whose words can be linked to.

    Args:
        page: the glossary, with entries of the form ``word, another word`` and then ``: what they mean``.

    """
    blocks: list[str] = []
    for part in re.split(r"(?m)^(?=#)", page):
        entries = [_entry(match) for match in TERM.finditer(part)]
        opening = TERM.sub("", part).strip()
        blocks.append(opening)
        if entries:
            blocks.append("\n".join(["````{glossary}", *entries, "````"]))
    return "\n\n".join(blocks) + "\n"


def _entry(match: re.Match) -> str:
    meaning = "\n".join("  " + line.strip() for line in match["meaning"].splitlines())
    return "\n".join(match["terms"].split(", ")) + f"\n{meaning}\n"


def glossary_terms(page: str) -> dict[str, str]:
    """Return what each of the glossary's words means, as plain text."""
    return {
        term: plain(match["meaning"]) for match in TERM.finditer(page) for term in match["terms"].split(", ")
    }


def plain(markdown: str) -> str:
    """Return a line of Markdown without its marks and links to notebooks."""
    text = re.sub(r"\s*\[(Notebook|The data card)[^\]]*\]\([^)]+\)", "", " ".join(markdown.split()))
    return re.sub(r"[*`]", "", re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", text)).strip()
