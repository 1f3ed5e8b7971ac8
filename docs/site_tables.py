"""A Sphinx extension: tables that fit the page and can be read aloud."""

from __future__ import annotations

import re

from docutils import nodes
from sphinx.application import Sphinx

LONG = 24  # characters of a name from which it may be broken, so that its column does not push the others out
CORNER = "row"  # what is read aloud where the heading of a column is empty
EMPTY = re.compile(r"<th([^>]*)>(?:&nbsp;|\s)*</th>")


def setup(app: Sphinx) -> dict:
    """Register the handler."""
    app.connect("doctree-resolved", mend_tables)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def mend_tables(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Mark the long names in a page's tables, and name their empty corners."""
    for entry in doctree.findall(nodes.entry):
        for literal in entry.findall(nodes.literal):
            if len(literal.astext()) > LONG:
                literal["classes"].append("long")
    for head in doctree.findall(nodes.thead):
        for entry in head.findall(nodes.entry):
            if not entry.astext().strip():
                entry[:] = [nodes.paragraph("", "", nodes.inline("", CORNER, classes=["visually-hidden"]))]
    for raw in list(doctree.findall(nodes.raw)):  # a table of pandas
        raw.children = [nodes.Text(EMPTY.sub(r"<td\1></td>", raw.astext()))]
