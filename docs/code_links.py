"""A Sphinx extension: in the code of a notebook's page, names from this package lead to the reference.

They are known from the notebook's own imports. A name that the notebook defines itself, as where a layer is written
out, stays plain. (sphinx-codeautolink knows more, but took a quarter of the time of a build with two notebooks.)
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from html import escape

from docutils import nodes
from sphinx.application import Sphinx

PACKAGE = "higgs_tutorial"
CODE = re.compile(r'(<div class="cell_input.*?</pre>)', re.DOTALL)
BACK = re.compile(rf'class="viewcode-back" href="([^"#]*)#({PACKAGE}\.[\w.]+)"')
FOREIGN = re.compile(rf'<li><a href="(?!{PACKAGE})[^"]*">[^<]*</a></li>\s*')
DOT = r'<span class="o">\.</span>'
CHAIN = re.compile(rf'(?<!{DOT})<span class="n">\w+</span>(?:{DOT}<span class="n">\w+</span>)*')


def setup(app: Sphinx) -> dict:
    """Register the handlers."""
    app.connect("html-page-context", link_code)
    app.connect("html-page-context", mend_back_links)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def link_code(app: Sphinx, page: str, template: str, context: dict, doctree: nodes.document | None) -> None:
    """Link the names in a notebook's highlighted cells."""
    if doctree is None or not page.startswith("notebooks/"):
        return
    names = imported(block.astext() for block in doctree.findall(nodes.literal_block))
    objects = app.env.get_domain("py").objects

    def address(name: str) -> str | None:
        entry = objects.get(public(name, objects))
        return f"{app.builder.get_relative_uri(page, entry.docname)}#{entry.node_id}" if entry else None

    def linked(chain: re.Match) -> str:
        words = re.findall(r">(\w+)<", chain[0])
        for length in range(len(words), 0, -1):  # the longest part that has a place in the reference
            if words[0] in names and (to := address(".".join([names[words[0]], *words[1:length]]))):
                return _link(chain[0], length, to)
        return chain[0]

    parts = CODE.split(context["body"])
    parts[1::2] = [CHAIN.sub(linked, part) for part in parts[1::2]]
    context["body"] = "".join(parts)


def mend_back_links(app: Sphinx, page: str, template: str, context: dict, doctree: object) -> None:
    """Lead a module's source back to where its names are explained.

    Sphinx takes all of a module's names for public ones if the first that it meets is, and lists what is not ours.

    """
    if not page.startswith("_modules/"):
        return
    module = page.removeprefix("_modules/").replace("/", ".")
    objects = app.env.get_domain("py").objects

    def mended(link: re.Match) -> str:
        known = link[2] in objects
        return link[0] if known else link[0].replace(f"#{PACKAGE}.", f"#{module}.")

    body = BACK.sub(mended, context["body"])
    context["body"] = FOREIGN.sub("", body) if module == "index" else body


def _link(chain: str, length: int, address: str) -> str:
    spans = re.findall(r"<span.*?</span>", chain)
    end = 2 * length - 1  # names and the dots between them
    return f'<a class="code-link" href="{escape(address)}">{"".join(spans[:end])}</a>{"".join(spans[end:])}'


def public(name: str, objects: dict) -> str:
    """Return the name under which the reference lists what is called `name`."""
    short = f"{PACKAGE}.{name.rsplit('.', 1)[-1]}"
    return name if name in objects else short if short in objects else name


def imported(blocks: Iterator[str]) -> dict[str, str]:
    """Return what each name that the blocks of code import from this package stands for.

    >>> imported(["from higgs_tutorial import Dropout, load as get", "import numpy as np", "class Dropout: pass"])
    {'get': 'higgs_tutorial.load'}

    """
    names, own = {}, set()
    for block in blocks:
        try:
            tree = ast.parse(re.sub(r"^\s*[%!].*$", "", block, flags=re.MULTILINE))
        except SyntaxError:  # an output, or another language
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == PACKAGE:
                names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
            elif isinstance(node, ast.Import):
                names |= {
                    a.asname or PACKAGE: a.name if a.asname else PACKAGE for a in node.names if _ours(a)
                }
            elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                own.add(node.name)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                own.add(node.id)
    return {name: full for name, full in names.items() if name not in own}


def _ours(alias: ast.alias) -> bool:
    return alias.name.split(".")[0] == PACKAGE
