"""The site builds without a warning, and is whole: pages, links, pictures, and nothing fetched from elsewhere."""

import json
import zlib
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from site_html import Page, broken_links

import higgs_tutorial

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted(file.stem for file in (ROOT / "notebooks").glob("*.ipynb"))
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def pages(site):
    return {file: Page(file) for file in sorted(site.rglob("*.html")) if "_static" not in file.parts}


def test_every_notebook_and_results_folder_has_a_page(site, pages):
    built = {str(file.relative_to(site)) for file in pages}
    assert {f"notebooks/{stem}.html" for stem in NOTEBOOKS} <= built
    folders = {
        file.parent for file in (ROOT / "results").glob("*/*") if file.name in ("README.md", "results.json")
    }
    assert {f"results/{folder.name}/README.html" for folder in folders} <= built
    assert {f"benchmarks/{file.stem}.html" for file in (ROOT / "benchmarks").glob("*.md")} <= built
    assert {"index.html", "data/README.html", "docs/glossary.html", "docs/command-line.html"} <= built


def test_a_notebooks_page_shows_its_pictures_and_code(site, pages):
    for stem in NOTEBOOKS:
        cells = json.loads((ROOT / "notebooks" / f"{stem}.ipynb").read_text(encoding="utf-8"))["cells"]
        outputs = [output for cell in cells for output in cell.get("outputs", [])]
        drawn = sum("image/png" in output.get("data", {}) for output in outputs)
        page = pages[site / "notebooks" / f"{stem}.html"]
        assert sum("_images/" in picture["src"] for picture in page.pictures) >= drawn, stem


def test_links_within_the_site_lead_somewhere(pages):
    assert broken_links(pages) == []


def test_a_broken_link_would_be_noticed(tmp_path):
    (tmp_path / "a.html").write_text('<p id="x"><a href="b.html">b</a> <a href="#y">y</a> <img src="c.png">')
    page = Page(tmp_path / "a.html")
    assert len(broken_links({page.file: page})) == 3


def test_readmes_links_to_files_are_links_to_pages(site, pages):
    links = pages[site / "index.html"].links
    for target in (
        "docs/architecture.html",
        "docs/reliability.html",
        "data/README.html",
        "benchmarks/fidelity.html",
        "CHANGELOG.html",
    ):
        assert target in links
    assert {f"notebooks/{stem}.html" for stem in NOTEBOOKS} <= set(links)


def test_nothing_is_fetched_from_elsewhere(pages):
    remote = [(page.file.name, at) for page in pages.values() for at in page.fetched if urlsplit(at).netloc]
    assert remote == []


def test_every_picture_has_a_text(pages):
    silent = [
        (page.file.name, picture["src"])
        for page in pages.values()
        for picture in page.pictures
        if not (picture.get("alt") or "").strip()
    ]
    assert silent == []


def test_every_public_name_is_explained(site):
    inventory = (site / "objects.inv").read_bytes().split(b"\n", 4)[-1]
    listed = {line.split(" ")[0] for line in zlib.decompress(inventory).decode().splitlines()}
    for name in higgs_tutorial.__all__:
        module = getattr(getattr(higgs_tutorial, name), "__name__", "")
        assert f"higgs_tutorial.{name}" in listed or module in listed or name == "LADDER", name
    assert "higgs_tutorial.ladder.rungs.Rung" in listed
    assert "higgs_tutorial.physics.significance.Cut" in listed
