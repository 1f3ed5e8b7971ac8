"""Solutions, folded into Markdown, are run: what becomes of them on the way, and that a wrong one is seen."""

from __future__ import annotations

import ast
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from notebook_rules import code_cells
from notebook_running import run_nbval
from solutions import solutions, with_solutions, without_solutions

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))


def fold(code: str, printed: str = "", prose: str = "Because.") -> str:
    text = f"```text\n{printed}```\n\n" if printed else ""
    return f"<details><summary>Solution</summary>\n\n```python\n{code}\n```\n\n{text}{prose}\n\n</details>"


def notebook(*markdown: str) -> nbformat.NotebookNode:
    lesson = new_code_cell("x = 2", execution_count=1)
    after = new_code_cell("x", execution_count=2)
    after.outputs = [new_output("execute_result", data={"text/plain": "2"}, execution_count=2)]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    return new_notebook(cells=[lesson, *map(new_markdown_cell, markdown), after], metadata=kernel)


def test_a_solution_becomes_a_cell_below_its_exercise_and_goes_again():
    written = notebook("**1.** Double x.\n\n" + fold("print(2 * x)\n\nx + 1", "4\n"), "**2.** Read.")
    run = with_solutions(written)
    assert [cell.cell_type for cell in run.cells] == ["code", "markdown", "code", "markdown", "code"]
    assert run.cells[2].source == "print(2 * x)\n\nx + 1"
    assert run.cells[2].outputs[0].text == "4\n"
    for number, place in enumerate((0, 2, 4), start=1):
        run.cells[place].execution_count = number
    run.cells[4].outputs[0].execution_count = 3
    assert without_solutions(run) == written


@pytest.mark.parametrize("before", ["", "4\n"])
@pytest.mark.parametrize("after", ["", "5\n6\n"])
def test_what_a_solution_prints_is_written_below_it(before: str, after: str):
    run = with_solutions(
        notebook(fold("first()"), fold("second()", before) + "\n\n" + fold("third()", "3\n"))
    )
    run.cells[4].outputs = [new_output("stream", text=part) for part in after.splitlines(keepends=True)]
    again = without_solutions(run).cells[2].source
    assert [solution.printed for solution in solutions(again)] == [after, "3\n"]
    assert again == fold("second()", after) + "\n\n" + fold("third()", "3\n")


def test_a_solution_that_fails_or_warns_is_not_written():
    run = with_solutions(notebook(fold("print(1)", "1\n")))
    run.cells[2].outputs.append(new_output("stream", name="stderr", text="oh\n"))
    with pytest.raises(ValueError, match="oh"):
        without_solutions(run)


def test_a_wrong_solution_fails_its_notebook(tmp_path: Path):
    picture = "import matplotlib.pyplot as plt\nplt.plot([1, x])\nplt.show()\nprint(x)"
    right = fold("print(x + 1)", "3\n"), fold(picture, "2\n")
    wrong = fold("print(x)", "3\n"), fold("assert x == 3"), fold(picture + "\nassert x == 3", "2\n")
    (tmp_path / "source").mkdir()
    nbformat.write(notebook(*right, *wrong), tmp_path / "source" / "n.ipynb")
    done = run_nbval(tmp_path / "source" / "n.ipynb", tmp_path, tmp_path / "data")
    assert "3 failed, 4 passed" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("path", NOTEBOOKS[1:], ids=lambda path: path.stem)
def test_each_lesson_has_solutions_that_stand_alone(path: Path):
    lesson = nbformat.read(path, as_version=4)
    found = [solution for cell in lesson.cells for solution in solutions(cell.source)]
    assert len(found) >= 2
    cells = "\n".join(cell.source for _, cell in code_cells(lesson))
    for number, solution in enumerate(found):
        others = [other for place, other in enumerate(found) if place != number]
        borrowed = loaded(solution.code) & set().union(*(stored(other.code) for other in others))
        assert borrowed <= stored(solution.code) | stored(cells), f"solution {number + 1}"


def names(code: str, context: type) -> set[str]:
    nodes = list(ast.walk(ast.parse(code)))
    return {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, context)}


def loaded(code: str) -> set[str]:
    return names(code, ast.Load)


def stored(code: str) -> set[str]:
    nodes = list(ast.walk(ast.parse(code)))
    defined = {n.name for n in nodes if isinstance(n, (ast.FunctionDef, ast.ClassDef))}
    given = {a.arg for n in nodes if isinstance(n, ast.arguments) for a in [*n.args, *n.kwonlyargs]}
    modules = {
        a.asname or a.name for n in nodes if isinstance(n, (ast.Import, ast.ImportFrom)) for a in n.names
    }
    return names(code, ast.Store) | defined | given | modules
