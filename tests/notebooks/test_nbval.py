"""Every notebook, run afresh in another folder without your data, reproduces its outputs to the letter.

HIGGS_NBVAL_TWICE names the notebooks to run a second time in a row (`01,02` by number, or `all`).
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from notebook_rules import code_cells
from notebook_running import SANITIZE, run_nbval
from old_tensorflow import LOGS_ALWAYS
from solutions import with_solutions

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))


def runs() -> list[pytest.ParameterSet]:
    """One run of every notebook, and another of those that HIGGS_NBVAL_TWICE names."""
    numbers = {path.name[:2] for path in NOTEBOOKS}
    named = {name for name in os.environ.get("HIGGS_NBVAL_TWICE", "").replace(" ", "").split(",") if name}
    twice = numbers if named == {"all"} else named
    if unknown := twice - numbers:
        raise pytest.UsageError(
            f"HIGGS_NBVAL_TWICE names {sorted(unknown)}; the notebooks are {sorted(numbers)}"
        )
    return [
        pytest.param(path, id=path.stem if run == 1 else f"{path.stem}-again")
        for path in NOTEBOOKS
        for run in ((1, 2) if path.name[:2] in twice else (1,))
    ]


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty data folder for all notebooks of this session: what one simulates, the others load."""
    return tmp_path_factory.mktemp("higgs-data")


@pytest.mark.slow
@pytest.mark.parametrize("path", runs())
def test_outputs_are_reproduced(path: Path, tmp_path: Path, data_dir: Path):
    done = run_nbval(path, tmp_path, data_dir, of_libraries=not LOGS_ALWAYS)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    run = with_solutions(nbformat.read(path, as_version=4))
    cells = sum(cell.cell_type == "code" for cell in run.cells)
    assert re.search(rf"\b{cells} passed\b", done.stdout), done.stdout[-2000:]
    assert len(code_cells(run)) == cells, "an empty code cell"


def test_a_changed_output_fails(tmp_path: Path):
    cells = [
        ("import sys; print(sys.version_info[0], 'at', hex(2**40), '1.2.3')", "3 at 0xffffffffff 1.2.4\n"),
        ("print(0.781)", "0.782\n"),
        ("print(1); print('oh', file=sys.stderr)", "1\n"),
        ("import os, time; os.write(2, b'oh'); time.sleep(1)", ""),  # as TensorFlow's C++ does
    ]
    outputs = [[new_output("stream", text=text)] if text else [] for _, text in cells]
    run = [new_code_cell(cells[i][0], execution_count=i + 1, outputs=outputs[i]) for i in range(len(cells))]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    (tmp_path / "source").mkdir()
    nbformat.write(new_notebook(cells=run, metadata=kernel), tmp_path / "source" / "n.ipynb")
    done = run_nbval(tmp_path / "source" / "n.ipynb", tmp_path, tmp_path / "data")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "3 failed, 1 passed" in done.stdout
    assert "::Cell 0" not in done.stdout.split("short test summary")[-1]


SECTIONS = re.findall(r"^\[(.*)\]\n(.*)\n(.*)$", SANITIZE.read_text(encoding="utf-8"), flags=re.MULTILINE)


def test_every_section_of_the_sanitising_file_is_one_that_nbval_reads():
    text = SANITIZE.read_text(encoding="utf-8")
    assert len(SECTIONS) == len(re.findall(r"^\[", text, flags=re.MULTILINE)) == text.count("\nregex: ")
    for name, regex, replacement in SECTIONS:
        assert regex.startswith("regex: "), name
        assert replacement.startswith("replace: "), name
        re.compile(regex.removeprefix("regex: "))


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section[0].split(":")[0])
def test_a_section_hides_nothing_but_what_it_is_for(section: tuple[str, str, str]):
    regex = re.compile(section[1].removeprefix("regex: "))
    for kept in (
        "AUC 0.781",
        "[0.1 0.25 -3.5]",
        "10,000 events",
        "shape (10, 200)",
        "1e-07",
        "loss 12.125",
        "True",
    ):
        assert not regex.search(kept)
