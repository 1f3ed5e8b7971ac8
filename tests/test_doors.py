"""The repository's address stands in one place, and everything that repeats it is in step."""

import importlib.util
import json
import sys
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

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


@pytest.fixture
def on_colab(fork, monkeypatch):
    """Run the cell of a fork in IPython, as Colab does, with an answer of pip: what pip was asked, and the result."""
    (notebook,) = (text for file, text in doors.changes(fork).items() if file.suffix == ".ipynb")
    cells = json.loads(notebook)["cells"]
    source = "".join(next(cell for cell in cells if cell.get("id") == doors.CELL)["source"])
    monkeypatch.setenv("IPYTHONDIR", str(fork / "ipython"))
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])  # IPython puts its own there
    shell, ran = InteractiveShell(config=Config(HistoryManager={"enabled": False})), []

    def run(returncode=0, stderr="", colab=True):
        answer = SimpleNamespace(returncode=returncode, stderr=stderr)
        monkeypatch.setattr("subprocess.run", lambda command, **_: ran.append(command) or answer)
        if colab:
            monkeypatch.setitem(sys.modules, "google.colab", object())
        return ran, shell.run_cell(source)

    return run


def test_the_cell_does_nothing_elsewhere(on_colab):
    ran, result = on_colab(colab=False)
    assert ran == []
    assert result.success


def test_the_cell_installs_on_colab_and_keeps_its_tensorflow(on_colab):
    ran, result = on_colab()
    package = "higgs-tutorial[colab] @ git+https://github.com/me/mine"
    kept = f"tensorflow=={version('tensorflow')}"
    assert [command[1:] for command in ran] == [["-m", "pip", "install", "-q", package, kept]]
    assert result.success


def test_the_cell_brings_a_tensorflow_where_there_is_none(on_colab, monkeypatch):
    monkeypatch.setattr("importlib.metadata.distributions", lambda name: [])
    ran, _ = on_colab()
    assert ran[0][-1].startswith("higgs-tutorial[colab] @ ")


@pytest.mark.parametrize(
    ("stderr", "why"),
    [
        ("Traceback\nERROR: no such address\n[notice] a new pip\n", "ERROR: no such address"),
        (
            "error: subprocess-exited-with-error\n  x git clone did not run\n      fatal: no host\n\nnote: not pip's\n",
            "fatal: no host",
        ),
        ("something else\n", "something else"),
        ("", "pip did not say why"),
    ],
)
def test_the_cell_says_in_one_line_why_it_failed_and_stops(stderr, why, on_colab, capsys):
    _, result = on_colab(1, stderr)
    assert not result.success  # so that the cells below are not run
    printed = capsys.readouterr()
    assert printed.out == f"git+https://github.com/me/mine could not be installed: {why}\n"
    assert printed.err == ""


def test_colab_gets_what_the_notebooks_need_but_jupyter():
    extras = doors.tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "optional-dependencies"
    ]
    assert extras["colab"] == [line for line in extras["notebooks"] if not line.startswith("jupyter")]


def test_without_an_address_it_says_where_it_is_missing(tmp_path):
    (tmp_path / "pyproject.toml").write_text("[project]\n", encoding="utf-8")
    with pytest.raises(
        SystemExit, match=r"pyproject.toml gives no address: \[project.urls\] has no Repository$"
    ):
        doors.address(tmp_path)


def test_badges_open_what_is_on_github():
    assert "github/me/mine/blob" in doors.badges("https://github.com/me/mine", "00.ipynb")
    assert doors.badges("https://example.org/me/mine", "00.ipynb") == ""
