"""The built site as data: each page's links, pictures, anchors and what it fetches."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

FETCHED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}
NOT_FETCHED = {"canonical", "next", "prev", "search", "index", "author", "help"}  # of <link rel=…>


class Page(HTMLParser):
    """What matters of one page."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.file = file
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.pictures: list[dict[str, str | None]] = []
        self.anchors: set[str] = set()
        self.meta: dict[str, str] = {}
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        self.anchors |= {found[name] for name in ("id", "name") if found.get(name)}
        if tag == "meta" and found.get("content"):
            self.meta[found.get("property") or found.get("name") or ""] = found["content"]
        if tag == "a" and found.get("href"):
            self.links.append(found["href"])
        if tag == "img":
            self.pictures.append(found)
        if found.get(FETCHED.get(tag, "")) and found.get("rel") not in NOT_FETCHED:
            self.fetched.append(found[FETCHED[tag]])


def broken_links(pages: dict[Path, Page]) -> list[str]:
    """Every link or fetched file of the site's own that leads nowhere, as a sentence."""
    broken = []
    for page in pages.values():
        for link in [*page.links, *page.fetched]:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            address, anchor = urldefrag(link)
            target = page.file
            if path := urlsplit(address).path:
                target = (page.file.parent / unquote(path)).resolve()
            if not target.exists():
                broken.append(f"{page.file.name}: {link}: no such file")
            elif anchor and target in pages and unquote(anchor) not in pages[target].anchors:
                broken.append(f"{page.file.name}: {link}: no such place on the page")
    return broken
