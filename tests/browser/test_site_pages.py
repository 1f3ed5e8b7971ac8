"""The built site in a browser: on a telephone and on a desk, light and dark, with nothing fetched from elsewhere."""

from __future__ import annotations

import functools
import http.server
import threading
from pathlib import Path

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PAGES = ("index", "notebooks/03_variables_and_gradients", "notebooks/04_higgs_data", "results/quick/README")
PAGES += ("docs/from-2016-to-today", "docs/api", "benchmarks/fidelity", "data/README")
SIZES = {"telephone": (390, 844), "desk": (1280, 900)}
BROKEN = "images => images.filter(i => i.complete ? !i.naturalWidth : true).map(i => i.src)"
CONTRAST = """() => {
    const light = colour => {
        const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map(v => v / 255)
            .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ground = element => {
        for (let e = element; e; e = e.parentElement) {
            const colour = getComputedStyle(e).backgroundColor;
            if (!/^rgba\\(.*, 0\\)$/.test(colour)) return colour;
        }
        return getComputedStyle(document.documentElement).backgroundColor;
    };
    const weak = [];
    for (const e of document.querySelectorAll("article p, article li, article td, article h2, article pre span")) {
        if (!e.textContent.trim() || !e.offsetParent || e.closest(".MathJax, mjx-container")) continue;
        const [a, b] = [light(getComputedStyle(e).color), light(ground(e))].sort((x, y) => y - x);
        if ((a + 0.05) / (b + 0.05) < 4.5) weak.push(`${e.tagName} ${e.className} ${e.textContent.slice(0, 30)}`);
    }
    return weak;
}"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_) -> None:
        pass


@pytest.fixture(scope="module")
def address(chromium, site: Path):  # without a browser, the test is skipped before the site is built
    handler = functools.partial(Quiet, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", PAGES)
def test_page_is_whole(name, size, address, open_page):
    page = open_page(*SIZES[size])
    page.goto(f"{address}/{name}.html", wait_until="networkidle")
    assert page.eval_on_selector_all("article img", BROKEN) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size][0]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES[:2])
def test_text_stands_out_from_its_ground(name, scheme, address, open_page):
    page = open_page(scheme=scheme)
    page.goto(f"{address}/{name}.html", wait_until="networkidle")
    assert page.evaluate("document.documentElement.dataset.theme") == scheme
    assert page.evaluate(CONTRAST) == []


def test_pictures_of_a_notebook_are_seen(address, open_page):
    page = open_page()
    page.goto(f"{address}/notebooks/04_higgs_data.html", wait_until="networkidle")
    pictures = page.locator(".cell_output img").all()
    assert len(pictures) >= 5
    for picture in pictures:
        picture.scroll_into_view_if_needed()
        box = picture.bounding_box()
        assert min(box["width"], box["height"]) > 100
        assert picture.get_attribute("alt")


def test_formulas_are_typeset(address, open_page):
    page = open_page()
    page.goto(f"{address}/notebooks/08_adam.html")
    page.locator("mjx-container[display=true] mjx-mfrac").first.wait_for()
    fonts = page.evaluate(
        "document.fonts.ready.then(f => [...f].filter(x => x.status == 'loaded').map(x => x.family))"
    )
    assert any("MJX" in font for font in fonts)


def test_search_finds_dropout(address, open_page):
    page = open_page()
    page.goto(f"{address}/search.html?q=dropout")
    page.get_by_text("Search finished, found").wait_for()
    found = page.eval_on_selector_all("#search-results li a", "links => links.map(link => link.href)")
    assert any("/docs/glossary.html" in link for link in found)
    assert any("/docs/api.html" in link for link in found)
