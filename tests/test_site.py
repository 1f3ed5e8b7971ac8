"""The site builds without a warning, and is whole: pages, links, pictures, and nothing fetched from elsewhere."""

import importlib
import json
import re
import sys
import zlib
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from site_html import Page, broken_links

import higgs_tutorial

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted(file.stem for file in (ROOT / "notebooks").glob("*.ipynb"))
DOCS = ROOT / "docs"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def builder():
    """The modules that make the pages, imported as the build does."""
    before = sys.path[:]
    sys.path.insert(0, str(DOCS))
    names = ("front_page", "notebook_pages", "reference_pages")
    yield {name: importlib.import_module(name) for name in names}
    sys.path[:] = before
    for name in (*names, "doors"):
        sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def lessons(builder):
    return builder["notebook_pages"].lessons(ROOT)


@pytest.fixture(scope="module")
def pages(site):
    return {file: Page(file) for file in sorted(site.rglob("*.html")) if "_static" not in file.parts}


def test_the_slides_are_there_where_their_notebook_is(site, pages):
    assert (site / "slides.html").exists() == (ROOT / "notebooks" / "00_the_talk.ipynb").exists()
    assert ("slides.html" in pages[site / "index.html"].links) == (site / "slides.html").exists()


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
    links = pages[site / "README.html"].links
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


def test_the_front_page_has_a_card_for_each_notebook(site, pages, lessons):
    page = pages[site / "index.html"]
    text = page.file.read_text(encoding="utf-8")
    assert {f"{lesson.page}.html" for lesson in lessons} <= set(page.links)
    assert {f"{lesson.number}.png" for lesson in lessons} <= {
        Path(picture["src"]).name for picture in page.pictures
    }
    for lesson in lessons:
        assert lesson.about, f"the README's table has no line for {lesson.file.name}"
        assert lesson.time, lesson.file.name
    assert len(re.findall(r'class="[^"]*\blesson\b', text)) == len(lessons)


def test_colab_is_offered_where_the_address_exists(site, pages, lessons, builder):
    colab = builder["notebook_pages"].colab
    assert colab("https://example.org/me/mine", lessons[0]) is None
    for lesson in lessons:
        address = colab("https://github.com/higgs-tutorial/higgs-tutorial", lesson)
        assert address.endswith(f"/blob/main/notebooks/{lesson.file.name}")
        assert address in pages[site / "index.html"].links
        assert address in pages[site / f"{lesson.page}.html"].links


def test_pages_say_what_they_are_where_they_are_shared(pages, site):
    for page in pages.values():
        if page.file.relative_to(site).parts[0] in (
            "notebooks",
            "docs",
            "results",
            "index.html",
            "README.html",
        ):
            assert {"og:title", "og:description", "og:image", "description"} <= set(page.meta), page.file
    assert (site / "_static" / "card.png").stat().st_size > 10_000


def test_a_notebook_can_be_downloaded_as_it_is(site, pages, lessons):
    for lesson in lessons:
        page = pages[site / f"{lesson.page}.html"]
        (link,) = [link for link in page.links if link.endswith(lesson.file.name) and "_downloads" in link]
        assert (page.file.parent / link).read_bytes() == lesson.file.read_bytes()


def test_a_notebooks_page_leads_to_its_neighbours_the_glossary_and_the_reference(site, pages, lessons):
    for before, lesson in pairwise(lessons):
        assert f"{before.file.stem}.html" in pages[site / f"{lesson.page}.html"].links
        assert f"{lesson.file.stem}.html" in pages[site / f"{before.page}.html"].links
    for lesson in lessons:
        links = pages[site / f"{lesson.page}.html"].links
        assert any(link.startswith("../docs/glossary.html#term-") for link in links), lesson.page
        assert any("#higgs_tutorial" in link for link in links), lesson.page


def test_a_name_that_a_notebook_writes_out_itself_is_not_linked(site):
    page = (site / "notebooks" / "10_dropout.html").read_text(encoding="utf-8")
    assert '<span class="k">class</span><span class="w"> </span><span class="nc">Dropout</span>' in page
    assert not re.search(r'class="code-link" href="[^"]*"><span class="n">Dropout', page)


def test_every_word_of_the_glossary_has_an_anchor(site, builder):
    terms = builder["reference_pages"].glossary_terms((DOCS / "glossary.md").read_text(encoding="utf-8"))
    assert {"epoch", "validation set", "ROC AUC", "logit"} <= set(terms)
    assert all(terms.values())
    page = (site / "docs" / "glossary.html").read_text(encoding="utf-8")
    assert set(re.findall(r'<dt id="term-[^"]+">([^<]+)<', page)) == set(terms)


def test_the_reference_shows_sources(site, pages):
    links = pages[site / "docs" / "api.html"].links
    assert sum(link.startswith("../_modules/higgs_tutorial/") for link in links) > 20


def test_the_command_lines_summaries_are_whole(site, builder):
    page = (site / "docs" / "command-line.html").read_text(encoding="utf-8")
    summaries = builder["reference_pages"].summaries()
    assert len(summaries) > 5
    for name, summary in summaries.items():
        assert not summary.endswith("..."), name
        assert f'href="#higgs-tutorial-{name}"' in page
        start = re.escape(summary.split("'")[0].split("`")[0])
        assert re.search(start, re.sub(r"<[^>]+>", "", page)), name


def test_data_files_are_linked_where_they_are_named(site, pages):
    page = pages[site / "results" / "talk-scale" / "README.html"]
    (link, *_) = [link for link in page.links if link.endswith("results.json")]
    shown = json.loads((page.file.parent / link).read_text(encoding="utf-8"))
    assert shown == json.loads((ROOT / "results" / "talk-scale" / "results.json").read_text(encoding="utf-8"))


def test_words_of_notebooks_come_out_as_text(builder, tmp_path):
    made = builder["notebook_pages"]
    hostile = made.Lesson(tmp_path / "01_x.ipynb", "<script>a</script>", "<b>|$`{x}`", "<i>5 s</i>")
    hostile.file.write_text(json.dumps({"cells": []}), encoding="utf-8")
    for text in (
        builder["front_page"].card(hostile, "https://github.com/a/b"),
        made.buttons(hostile, "https://github.com/a/b"),
    ):
        assert not re.search(r"(?<!\\)<[a-z/]", text)
        assert "`{x}`" not in text
