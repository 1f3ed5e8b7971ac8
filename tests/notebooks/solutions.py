"""Solutions of exercises: folded into the Markdown below an exercise, and run with their notebook by the tests.

GitHub shows every code cell, so a solution in one is hidden nowhere but in JupyterLab. `<details>` folds on GitHub, on
Colab, in JupyterLab and on the site. Here the code in it becomes a cell of a copy of the notebook, right below its
exercise: run there, it finds what the lesson has defined, and costs no second run of the lesson.
"""

from __future__ import annotations

import copy
import re
from typing import NamedTuple

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_output

FOLD = re.compile(r"<details><summary>Solution</summary>\n\n(.+?)\n\n</details>", re.DOTALL)
CODE = re.compile(r"^```python\n(.+?)\n```$", re.DOTALL | re.MULTILINE)
PRINTED = re.compile(r"(?<=^```text\n)(.*?)(?=^```$)", re.DOTALL | re.MULTILINE)
MARK = "of-solution"  # metadata of a cell made here
ONLY_TEXT = "%%capture --no-stdout --no-stderr\n"  # a fold has no pictures: whoever runs it sees them


class Solution(NamedTuple):
    """The code in a fold, and what it prints."""

    code: str
    printed: str


def solutions(source: str) -> list[Solution]:
    """The folded solutions in a Markdown cell; one without code is none."""
    found = []
    for fold in FOLD.findall(source):
        code, printed = CODE.findall(fold), PRINTED.findall(fold)
        if len(code) == 1 and len(printed) <= 1:
            found.append(Solution(code[0], printed[0] if printed else ""))
    return found


def with_solutions(notebook: NotebookNode, pictures: bool = False) -> NotebookNode:
    """A copy with a code cell below each Markdown cell for each solution in it, outputs as the fold says.

    With `pictures` a solution's pictures are among its outputs; without, its text alone.
    """
    cells = []
    for cell in notebook.cells:
        cells.append(copy.deepcopy(cell))
        if cell.cell_type == "markdown":
            for number, solution in enumerate(solutions(cell.source)):
                hide = "" if pictures or "plt.show()" not in solution.code else ONLY_TEXT
                outputs = [new_output("stream", text=solution.printed)] if solution.printed else []
                metadata = {MARK: True, "tags": list(cell.metadata.get("tags", []))}
                made = new_code_cell(
                    hide + solution.code, execution_count=1, outputs=outputs, metadata=metadata
                )
                cells.append(NotebookNode({**made, "id": f"{cell.id}-{number}"}))
    return NotebookNode({**notebook, "cells": cells})


def without_solutions(notebook: NotebookNode) -> NotebookNode:
    """The notebook that `with_solutions` was called on, with what its cells and its solutions printed when run."""
    cells, printed, number = [], [], 0
    for cell in reversed(notebook.cells):
        if MARK in cell.metadata:
            if wrong := [output for output in cell.outputs if output.get("name") != "stdout"]:
                raise ValueError(
                    f"the solution {cell.id} shows {wrong[0]}, which is no text on standard output"
                )
            printed.insert(0, "".join(output.text for output in cell.outputs))
        else:
            cells.insert(0, copy.deepcopy(cell))
            if printed:
                cells[0].source = _reprinted(cell.source, printed)
                printed = []
    for cell in cells:
        if cell.cell_type == "code" and cell.execution_count is not None:
            number += 1
            cell.execution_count = number
            for output in cell.outputs:
                if "execution_count" in output:
                    output.execution_count = number
    return NotebookNode({**notebook, "cells": cells})


def _reprinted(source: str, printed: list[str]) -> str:
    """The Markdown with what its solutions print now, in a block below the code of each."""
    texts = iter(printed)

    def fold(found: re.Match[str]) -> str:
        if not solutions(found[0]):
            return found[0]
        text = next(texts)
        if PRINTED.search(found[0]):
            return (
                PRINTED.sub(lambda _: text, found[0])
                if text
                else re.sub(r"\n\n```text\n.*?^```$", "", found[0], flags=re.DOTALL | re.MULTILINE)
            )
        if not text:
            return found[0]
        return CODE.sub(lambda code: f"{code[0]}\n\n```text\n{text}```", found[0])

    return FOLD.sub(fold, source)
