"""A Sphinx extension: the search shows where a word stands on a page also when the site is opened from a folder.

Sphinx's search fetches each page that it found, to show an excerpt; from file:// a browser does not allow that. So the
pages' texts are written into a script, which the search page loads and which answers in the place of the file.
"""

from __future__ import annotations

import json
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx

SCRIPT = "page_texts.js"
ANSWER = """(() => {
  if (location.protocol !== "file:") return;
  const texts = %s;
  const root = new URL(document.documentElement.dataset.content_root || "./", location.href).href;
  const fetched = window.fetch.bind(window);
  window.fetch = (address, ...rest) => {
    const page = decodeURI(new URL(address, location.href).href.split(/[?#]/)[0]).slice(root.length);
    if (!Object.hasOwn(texts, page)) return fetched(address, ...rest);
    const main = document.createElement("div");
    main.setAttribute("role", "main");
    main.textContent = texts[page];
    return Promise.resolve(new Response(main.outerHTML));
  };
})();
"""


def setup(app: Sphinx) -> dict:
    """Register the handlers."""
    app.connect("builder-inited", lambda app: setattr(app.env, "page_texts", {}))
    app.connect("doctree-resolved", remember)
    app.connect("html-page-context", load_on_search_page)
    app.connect("build-finished", write)
    return {"parallel_read_safe": True}


def remember(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Keep the text of a page, without its tables of contents."""
    app.env.page_texts[app.builder.get_target_uri(page)] = " ".join(doctree.astext().split())


def load_on_search_page(app: Sphinx, page: str, template: str, context: dict, doctree: object) -> None:
    """Load the script where it is needed only."""
    if page == "search":
        app.add_js_file(SCRIPT)


def write(app: Sphinx, error: Exception | None) -> None:
    """Write the script."""
    if error is None:
        texts = json.dumps(app.env.page_texts)  # in ASCII: no character of a page can end the script's string
        Path(app.outdir, "_static", SCRIPT).write_text(ANSWER % texts, encoding="utf-8")
