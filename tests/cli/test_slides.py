"""The deck of notebook 00: whole, alone in its file, and linked to the lessons."""

import re

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from typer.testing import CliRunner

from higgs_tutorial.cli import app
from higgs_tutorial.cli.deck import deck
from higgs_tutorial.cli.lessons import notebook_files

PRESENTED = ("slide", "subslide")


def talk() -> nbformat.NotebookNode:
    return nbformat.read(notebook_files()[0], as_version=4)


def kind(cell: nbformat.NotebookNode) -> str:
    return cell.metadata.get("slideshow", {}).get("slide_type", "skip")


@pytest.fixture(scope="module")
def html(tmp_path_factory) -> str:
    file = tmp_path_factory.mktemp("slides") / "talk.html"
    result = CliRunner().invoke(app, ["slides", "--out", str(file)])
    assert result.exit_code == 0, result.output
    assert str(file) in result.output
    return file.read_text(encoding="utf-8")


def test_every_slide_of_the_notebook_is_in_the_deck(html):
    titles = [
        cell.source.splitlines()[0].lstrip("# ").split("**")[0]
        for cell in talk().cells
        if kind(cell) in PRESENTED and cell.cell_type == "markdown"
    ]
    headings = [
        re.sub(r"<[^>]+>|&#182;", "", found) for found in re.findall(r"<h[12][^>]*>(.*?)</h[12]>", html)
    ]
    assert len(titles) > 35
    assert [
        title for title in titles if title.replace("'", "&#39;") not in headings and title not in headings
    ] == []


def test_it_loads_nothing_from_elsewhere(html):
    page = re.sub(
        r"(<script>).*?</script>", r"\1</script>", html, flags=re.DOTALL
    )  # a script's text loads nothing
    loaded = re.findall(
        r"<(?:script|img|iframe)[^>]*\ssrc=\"([^\"]{0,40})|<link[^>]*href=\"([^\"]*)|@import", page
    )
    assert {source[:11] for source, _ in loaded} == {"data:image/"}


def test_links_lead_to_the_lessons_where_the_project_is_published(html):
    links = set(re.findall(r'href="(https://[^"]+\.ipynb)"', html))
    assert {link.rsplit("/", 1)[1] for link in links} >= {f.name for f in notebook_files()[1:14]} - {
        "14_from_here_to_keras.ipynb"
    }
    assert 'href="01_' not in html


def test_notes_are_for_the_presenter_and_what_is_skipped_is_not_there(html):
    assert html.count('<aside class="notes">') == sum(kind(cell) == "notes" for cell in talk().cells)
    assert "google.colab" not in html


def test_the_code_that_only_draws_is_left_out_and_its_picture_is_not(tmp_path):
    picture = new_output("display_data", data={"image/png": "iVBORw0KGgo="})
    cells = [
        new_markdown_cell("# T", metadata={"slideshow": {"slide_type": "slide"}}),
        new_code_cell(
            "drawing()", outputs=[picture], metadata={"slideshow": {"slide_type": "-", "code": "hidden"}}
        ),
        new_code_cell("lesson()", metadata={"slideshow": {"slide_type": "-"}}),
    ]
    file = tmp_path / "n.ipynb"
    nbformat.write(new_notebook(cells=cells), file)
    text = deck(file, str)
    assert "drawing" not in text
    assert "lesson" in text
    assert "iVBORw0KGgo=" in text


def test_a_title_from_a_strangers_notebook_stays_text(tmp_path):
    file = tmp_path / "n.ipynb"
    texts = {"# </title><script>alert(1)</script>": "skip", "## A slide": "slide"}
    cells = [
        new_markdown_cell(text, metadata={"slideshow": {"slide_type": kind}}) for text, kind in texts.items()
    ]
    nbformat.write(new_notebook(cells=cells), file)
    assert "<script>alert" not in deck(file, str)


def test_a_folder_in_the_files_place_is_one_line(tmp_path):
    result = CliRunner().invoke(app, ["slides", "--out", str(tmp_path)])
    assert result.exit_code == 2
    assert "folder" in result.output
    assert len(result.output.strip().splitlines()) == 1


def test_without_reveal_one_line_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "sphinx_revealjs", None)
    result = CliRunner().invoke(app, ["slides", "--out", str(tmp_path / "talk.html")])
    assert result.exit_code == 2
    assert 'pip install "higgs-tutorial[slides]"' in result.output
    assert list(tmp_path.iterdir()) == []


def test_pictures_are_described_by_their_slides_heading(html):
    described = re.findall(r'<img alt="([^"]*)" (?:class="" )?src="data', html)
    assert len(described) > 10
    assert "Machine translation" in described
    assert all(described)
