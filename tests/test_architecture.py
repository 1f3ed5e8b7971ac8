"""The page on the architecture is true: its pictures show today's imports, and the files that it names are there."""

import re
import sys
from graphlib import CycleError
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


@pytest.fixture
def drawing(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    yield __import__("draw_architecture")
    sys.modules.pop("draw_architecture")


def test_the_pictures_show_todays_imports(drawing):
    for name, package in drawing.PICTURES.items():
        committed = (ROOT / "docs" / name).read_text(encoding="utf-8")
        assert committed == drawing.draw(package), f"{name} is old: run python docs/draw_architecture.py"
        assert f"({name})" in PAGE


def test_every_file_that_the_page_names_is_there():
    named = set(re.findall(r"`([\w/]+\.(?:py|toml))`", PAGE))
    missing = [
        name for name in named if not (ROOT / name).exists() and not (ROOT / "higgs_tutorial" / name).exists()
    ]
    assert len(named) > 20
    assert missing == []


def test_every_room_is_explained(drawing):
    rooms = set(drawing.read_imports("higgs_tutorial")[0])
    explained = re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (`.+?) \|", PAGE, flags=re.MULTILINE)))
    assert set(explained) <= rooms
    packages = {file.parent.name for file in (ROOT / "higgs_tutorial").glob("*/__init__.py")}
    assert packages <= set(explained)


def test_an_arrow_that_others_imply_is_left_out(drawing):
    edges = {"a": {"b", "c"}, "b": {"c"}, "c": set()}
    assert drawing.reduce(edges) == {"a": {"b"}, "b": {"c"}, "c": set()}
    rows, ways = drawing.rows_of({"a": {"b", "d"}, "b": {"c"}, "c": {"d"}, "d": set()})
    assert [len([name for name in row if ">" not in name]) for row in rows] == [1, 1, 1, 1]
    assert ["a", "a>d:2", "a>d:1", "d"] in ways


def test_a_circle_is_no_picture(drawing):
    with pytest.raises(CycleError):
        drawing.reduce({"a": {"b"}, "b": {"a"}})
