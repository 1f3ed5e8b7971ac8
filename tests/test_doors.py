"""The repository's address stands in one place, and everything that repeats it is in step."""

import importlib.util
import json
import sys
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parents[1]
SPEC = importlib.util.spec_from_file_location("doors", ROOT / "docs" / "doors.py")
doors = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(doors)


def test_everything_is_in_step():
    assert [file.name for file in doors.changes()] == [], "run: python docs/doors.py"


@pytest.fixture
def fork(tmp_path):
    """A checkout of another address, not in step yet."""
    (tmp_path / "notebooks").mkdir()
    for name in ("pyproject.toml", "README.md", "notebooks/01_tensorflow_and_numpy.ipynb"):
        text = (ROOT / name).read_text(encoding="utf-8")
        if name == "pyproject.toml":
            text = text.replace(doors.address(), "https://github.com/me/mine")
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_a_fork_changes_one_place(fork):
    assert {file.name for file in doors.changes(fork)} == {"README.md", "01_tensorflow_and_numpy.ipynb"}
    for file, text in doors.changes(fork).items():
        file.write_text(text, encoding="utf-8")
        assert "me/mine" in text
        assert doors.address() not in text
    assert doors.changes(fork) == {}


def test_the_cell_comes_first_and_the_others_are_counted_on(fork):
    (notebook,) = (text for file, text in doors.changes(fork).items() if file.suffix == ".ipynb")
    cells = json.loads(notebook)["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert (cells.index(code[0]), code[0]["id"]) == (1, doors.CELL)
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    for cell in code:
        counted = [output["execution_count"] for output in cell["outputs"] if "execution_count" in output]
        assert set(counted) <= {cell["execution_count"]}


def test_the_cell_installs_on_colab_and_does_nothing_elsewhere(fork, monkeypatch):
    (notebook,) = (text for file, text in doors.changes(fork).items() if file.suffix == ".ipynb")
    source = "".join(
        next(cell for cell in json.loads(notebook)["cells"] if cell.get("id") == doors.CELL)["source"]
    )
    ran, answer = [], SimpleNamespace(returncode=0, stderr="")
    monkeypatch.setattr("subprocess.run", lambda command, **_: ran.append(command) or answer)
    exec(source, {})
    assert ran == []
    monkeypatch.setitem(sys.modules, "google.colab", object())
    exec(source, {})
    package = "higgs-tutorial[colab] @ git+https://github.com/me/mine"
    kept = f"tensorflow=={version('tensorflow')}"
    assert [command[1:] for command in ran] == [["-m", "pip", "install", "-q", package, kept]]
    answer.returncode, answer.stderr = 1, "Traceback\nERROR: no such address\n"
    with pytest.raises(
        SystemExit, match=r"^git\+https.*mine could not be installed: ERROR: no such address$"
    ):
        exec(source, {})


def test_colab_gets_what_the_notebooks_need_but_jupyter():
    extras = doors.tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "optional-dependencies"
    ]
    assert extras["colab"] == [line for line in extras["notebooks"] if not line.startswith("jupyter")]
