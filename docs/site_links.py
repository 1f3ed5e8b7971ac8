"""A Sphinx extension: words, names, commands and files that the pages name become links to where they are explained.

Nothing is written into the sources: a notebook says "epoch" or `fit`, and its page leads to the glossary and to the
reference. Each is linked once a section, so that a page does not become a carpet of links.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from docutils import nodes
from reference_pages import glossary_terms
from sphinx.addnodes import desc_signature
from sphinx.application import Sphinx
from sphinx.util.nodes import make_refnode

import higgs_tutorial

ROOT = Path(__file__).resolve().parents[1]
FILES = "_files"  # where the site keeps its copies of data files
DATA = {".json", ".gz", ".txt", ".png", ".csv"}
# Words of the glossary that notebooks also use in another sense.
AMBIGUOUS = {"step", "unit", "column", "prepared", "profile", "graph", "phi", "eta"}
NAME = re.compile(r"((?:higgs_tutorial\.)?[A-Za-z_][\w.]*)(\(.*\))?")
FILE = re.compile(r"[\w./-]+\.(md|ipynb|py|json|csv\.gz|txt|png|csv|toml|yml)(::\w+)?")
COMMAND = re.compile(r"higgs-tutorial ([a-z]+)\b.*")
# Words that also mean something else: only code that calls them, or names their module, is surely ours.
COMMANDS = {"download", "load", "prepare", "simulate", "ladder", "talk", "features", "plots", "train", "fit"}


def setup(app: Sphinx) -> dict:
    """Register the handlers."""
    app.add_config_value("repository", "", "env")
    app.connect("builder-inited", prepare)
    app.connect("doctree-resolved", link)
    app.connect("build-finished", copy_files)
    return {"parallel_read_safe": True}


def prepare(app: Sphinx) -> None:
    """Read the glossary, whose words are to be linked."""
    terms = glossary_terms((ROOT / "docs" / "glossary.md").read_text(encoding="utf-8"))
    app.env.site_terms = {term: said for term, said in terms.items() if term not in AMBIGUOUS}
    app.env.site_files = set()


def copy_files(app: Sphinx, error: Exception | None) -> None:
    """Copy the data files that pages link to."""
    for path in () if error else app.env.site_files:
        target = Path(app.outdir, FILES, path)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, target)


def link(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Make the links of one page."""
    for section in _sections(doctree):
        _link_literals(app, section, page)
    if page.startswith("notebooks/"):
        _link_terms(app, doctree, page)


def _sections(doctree: nodes.document) -> list[list[nodes.literal]]:
    """Return the code words of each section that may become a link."""
    found: dict[int, list[nodes.literal]] = {}
    for literal in doctree.findall(nodes.literal):
        if not _within(literal, nodes.reference, nodes.title, desc_signature):
            section = _within(literal, nodes.section)
            found.setdefault(id(section), []).append(literal)
    return list(found.values())


def _link_literals(app: Sphinx, literals: list[nodes.literal], page: str) -> None:
    seen = set()
    for literal in literals:
        text = literal.astext()
        if text not in seen and (reference := _target(app, text, page)):
            seen.add(text)
            literal.replace_self(reference)
            reference.append(literal)


def _target(app: Sphinx, text: str, page: str) -> nodes.reference | None:
    """Return an empty reference to what `text` names: a command, a file of the repository, or a public name."""
    if command := COMMAND.fullmatch(text):
        return _to_page(app, page, "docs/command-line", f"higgs-tutorial-{command[1]}")
    if FILE.fullmatch(text):
        return _to_file(app, page, text)
    name = NAME.fullmatch(text)
    if not name or (name[1] in COMMANDS and not name[2]):
        return None
    objects = app.env.get_domain("py").objects
    public = name[1].split(".")[0] in higgs_tutorial.__all__
    full = name[1] if name[1].startswith("higgs_tutorial") else f"higgs_tutorial.{name[1]}"
    if (entry := objects.get(full)) and (public or full == name[1]) and entry.docname != page:
        return make_refnode(app.builder, page, entry.docname, entry.node_id, [], full)
    return None


def _to_page(app: Sphinx, page: str, target: str, anchor: str) -> nodes.reference | None:
    if target not in app.env.found_docs or page == target:
        return None
    return make_refnode(app.builder, page, target, anchor, [])


def _to_file(app: Sphinx, page: str, text: str) -> nodes.reference | None:
    """Return a reference to a page, a module's place, the site's copy of a data file, or the repository's file."""
    path = _path(page, text.split("::")[0])
    if path is None:
        return None
    name = path.with_suffix("").as_posix()
    if path.suffix in (".md", ".ipynb") and name in app.env.found_docs:
        return make_refnode(app.builder, page, name, "", [])
    module = app.env.get_domain("py").objects.get(name.replace("/", ".").removesuffix(".__init__"))
    if path.suffix == ".py" and module:
        return make_refnode(app.builder, page, module.docname, module.node_id, [])
    if path.suffix in DATA:
        app.env.site_files.add(path.as_posix())
        up = "../" * page.count("/")
        return nodes.reference("", "", internal=True, refuri=f"{up}{FILES}/{path.as_posix()}")
    return nodes.reference(
        "", "", internal=False, refuri=f"{app.config.repository}/blob/main/{path.as_posix()}"
    )


def _path(page: str, text: str) -> Path | None:
    """Return the file of the repository, from its root, that a page calls `text`."""
    for folder in ((ROOT / page).parent, ROOT, ROOT / "higgs_tutorial"):
        file = (folder / text).resolve()
        if file.is_relative_to(ROOT) and file.is_file() and "docs/_build" not in file.as_posix():
            return file.relative_to(ROOT)
    return None


def _link_terms(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Link the first mention of each of the glossary's words in a page's running text."""
    left = {term.lower(): (term, said) for term, said in app.env.site_terms.items()}
    for text in list(doctree.findall(nodes.Text)):
        paragraph = _within(text, nodes.paragraph)
        if not left or paragraph is None or not isinstance(text.parent, (nodes.paragraph, nodes.emphasis)):
            continue
        if _within(text, nodes.reference, nodes.title, nodes.table):
            continue
        pieces = _with_terms(app, page, text.astext(), left)
        if any(isinstance(piece, nodes.reference) for piece in pieces):
            text.parent.replace(text, pieces)


def _with_terms(app: Sphinx, page: str, text: str, left: dict[str, tuple[str, str]]) -> list[nodes.Node]:
    """Return `text` as nodes, with references at the words in `left`, which are taken out of it."""
    words = sorted(left, key=len, reverse=True)
    pattern = re.compile(rf"(?<![\w-])({'|'.join(map(re.escape, words))})(?:s|es)?(?![\w-])", re.IGNORECASE)
    places, pieces, end = app.env.get_domain("std").objects, [], 0
    for match in pattern.finditer(text):
        if match[1].lower() not in left:  # a second mention in this text
            continue
        term, meaning = left.pop(match[1].lower())
        reference = make_refnode(app.builder, page, *places["term", term], [], meaning)
        reference["classes"] += ["term"]
        reference.append(nodes.Text(match[0]))
        pieces += [nodes.Text(text[end : match.start()]), reference]
        end = match.end()
    pieces.append(nodes.Text(text[end:]))
    return [piece for piece in pieces if piece.astext()]


def _within(node: nodes.Node, *kinds: type) -> nodes.Element | None:
    """Return the nearest ancestor of one of the kinds."""
    parent = node.parent
    while parent is not None and not isinstance(parent, kinds):
        parent = parent.parent
    return parent
