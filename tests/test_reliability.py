"""Every fault in docs/reliability.md has a test, and the test exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| The fault")]


def test_the_tables_are_there():
    assert len(ROWS) >= 25
    assert PAGE.count("| The fault | What happens | What is lost | The test |") >= 4


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip()[:40])
def test_the_test_of_each_fault_exists(row):
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert len(cells) == 4
    found = re.fullmatch(r"`(tests/\S+\.py)::(test_\w+)`", cells[3])
    assert found, cells[3]
    assert f"\ndef {found[2]}(" in (ROOT / found[1]).read_text(encoding="utf-8"), cells[3]
