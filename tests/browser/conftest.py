"""A headless Chromium whose pages may reach nothing but this machine, and that remember what went wrong."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def chromium() -> Iterator:
    """The browser that HIGGS_CHROMIUM names, or the one that is installed; without one, tests are skipped."""
    api = pytest.importorskip("playwright.sync_api", reason="needs the browser extra")
    executable = os.environ.get("HIGGS_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if executable is None:
        pytest.skip("no Chromium is installed")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium) -> Iterator[Callable]:
    """Open pages of a given width and colour scheme; at the end, nothing may have gone wrong on any of them."""
    contexts, wrong = [], []

    def local(url: str) -> bool:
        parts = urlsplit(url)
        return parts.scheme in ("data", "blob", "about") or parts.hostname in ("127.0.0.1", "localhost")

    def route(request) -> None:
        if local(request.request.url):
            request.continue_()
        else:
            wrong.append(f"asked for {request.request.url}")
            request.abort()

    def new(width: int = 1280, height: int = 900, scheme: str = "light", *, strict: bool = True):
        context = chromium.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce"
        )
        contexts.append(context)
        context.route("**/*", route)
        page = context.new_page()
        if strict:
            page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
            page.on("pageerror", lambda error: wrong.append(str(error)))
        return page

    yield new
    for context in contexts:
        context.close()
    assert wrong == []
