"""The built site in a browser: on a telephone and on a desk, light and dark, with nothing fetched from elsewhere."""

from __future__ import annotations

import functools
import http.server
import threading
from pathlib import Path

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PAGES = (
    "index",
    "README",
    "notebooks/03_variables_and_gradients",
    "notebooks/04_higgs_data",
    "results/quick/README",
)
PAGES += ("docs/from-2016-to-today", "docs/api", "benchmarks/fidelity", "data/README")
SIZES = {"telephone": (390, 844), "desk": (1280, 900)}
WIDTHS = {"telephone": 390, "small desk": 1280, "desk": 1440, "large desk": 1920}
NOTEBOOK = "notebooks/05_logistic_regression"
LINE = 88  # columns of a notebook's code
# What shows a part of itself only, and scrolls sideways; the outputs of cells may, as nobody wraps these.
CUT = """() => [...document.querySelectorAll("article :is(pre, table, div)")].filter(e => e.offsetParent
    && e.scrollWidth > e.clientWidth + 1 && ["auto", "scroll"].includes(getComputedStyle(e).overflowX)
    && !e.closest(".cell_output")).map(e => `${e.tagName} ${e.className} ${e.textContent.slice(0, 60)}`)"""
# The lines of a cell as they are seen, without those that a line too long goes on in.
COLUMNS = """() => {
    const block = document.querySelector(".cell_input pre"), style = getComputedStyle(block);
    const ruler = document.createElement("span");
    ruler.textContent = "0".repeat(100);
    ruler.style.position = "absolute";
    block.append(ruler);
    const letter = ruler.getBoundingClientRect().width / 100;
    ruler.remove();
    return Math.floor((block.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight)) / letter);
}"""
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


@pytest.fixture(scope="session")
def site(chromium, site: Path) -> Path:  # without a browser, a test is skipped before the site is built
    return site


@pytest.fixture(scope="module")
def address(site: Path):
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


def test_commands_code_and_tables_are_whole(site, address, open_page):
    page = open_page()
    cut = []
    for file in sorted(site.rglob("*.html")):
        name = file.relative_to(site)
        if name.parts[0] in ("_static", "_files", "_modules", "slides.html"):
            continue
        page.goto(f"{address}/{name}")
        for width in list(WIDTHS.values())[1:]:
            page.set_viewport_size({"width": width, "height": 900})
            cut += [f"{name}, {width} px: {found}" for found in page.evaluate(CUT)]
            if page.evaluate("document.documentElement.scrollWidth") > width:
                cut.append(f"{name}, {width} px: the page")
    assert cut == []


@pytest.mark.parametrize("size", list(WIDTHS)[1:])
def test_a_notebooks_line_fits_without_being_wrapped(size, address, open_page):
    page = open_page(WIDTHS[size])
    page.goto(f"{address}/{NOTEBOOK}.html")
    assert page.evaluate(COLUMNS) >= LINE


@pytest.mark.parametrize(
    ("name", "block", "expected"),
    [
        ("README", "#run-it .highlight-console", "python3 -m venv .venv && "),
        ("docs/api", "dd .doctest", ""),
        (NOTEBOOK, ".cell_input", "import "),
    ],
)
def test_a_click_copies_code_without_prompts(name, block, expected, address, open_page):
    page = open_page()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{address}/{name}.html")
    code = page.locator(block).first
    shown = code.locator("pre").inner_text()
    code.hover()
    code.locator("button.copybtn").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(expected)
    lines = [line.removeprefix("$ ").removeprefix(">>> ").removeprefix("... ") for line in shown.splitlines()]
    assert copied
    assert set(filter(None, copied.splitlines())) <= set(lines)  # what was printed leaves an empty line
    assert not [line for line in copied.splitlines() if line.startswith(("$ ", ">>> ", "... "))]


def test_outputs_have_no_copy_button(address, open_page):
    page = open_page()
    page.goto(f"{address}/{NOTEBOOK}.html")
    assert page.locator(".cell_input button.copybtn").count() > 5
    assert page.locator(".cell_output button.copybtn").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", ["telephone", "small desk"])
def test_axe_finds_nothing(size, scheme, address, open_page):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs the browser extra").Axe()
    page = open_page(WIDTHS[size], scheme=scheme, strict=False)  # axe asks for style sheets by itself
    wrong = []
    for name in (*PAGES, "notebooks/02_operations", "docs/glossary", "docs/command-line", "search"):
        page.goto(f"{address}/{name}.html", wait_until="networkidle")
        for found in axe.run(page).response["violations"]:
            wrong += [f"{name}: {found['id']}: {node['html'][:120]}" for node in found["nodes"]]
    assert wrong == []


def test_a_long_output_is_folded_and_unfolds(site, address, open_page):
    page = open_page()
    pages = sorted((site / "notebooks").glob("*.html"))
    (name, *_) = [file.name for file in pages if "Show the output, " in file.read_text(encoding="utf-8")]
    page.goto(f"{address}/notebooks/{name}")
    fold = page.locator("details:has-text('Show the output, ')").first
    assert not fold.locator(".output").first.is_visible()
    fold.locator("summary").click()
    assert fold.locator(".output").first.is_visible()


def test_the_cards_lead_to_their_notebooks(site, address, open_page):
    page = open_page()
    page.goto(f"{address}/index.html", wait_until="networkidle")
    for card in page.locator(".cards .lesson").all():
        card.scroll_into_view_if_needed()
        assert card.locator("img").evaluate("image => image.complete && image.naturalWidth > 200")
    page.locator(".cards .lesson").nth(1).click(position={"x": 60, "y": 60})  # on the picture
    assert "/notebooks/02_" in page.url or "/notebooks/01_" in page.url


def test_the_front_page_shows_what_it_is_in_one_screen(address, open_page):
    page = open_page()
    page.goto(f"{address}/index.html", wait_until="networkidle")
    for part in ("h1", ".hero img", ".doors .sd-card:last-child"):
        box = page.locator(part).last.bounding_box()
        assert box["y"] + box["height"] <= 900, part
    assert page.locator(".doors .sd-card").count() == 3


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


def test_search_shows_where_a_word_stands_also_in_a_folder(chromium, site):
    page = chromium.new_page()  # of a file, which the other fixture's pages may not open
    page.goto(f"{(site / 'search.html').as_uri()}?q=dropout")
    page.get_by_text("Search finished, found").wait_for()
    excerpts = page.locator("#search-results li .context")
    excerpts.first.wait_for()
    said = excerpts.all_inner_texts()
    assert len(said) > 5
    assert sum("dropout" in text.lower() for text in said) > len(said) / 2
    page.close()
