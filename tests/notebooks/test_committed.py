"""Every committed notebook was executed in one go and keeps the rules, and each rule can fail."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from notebook_rules import MAX_BYTES, problems

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def test_there_are_notebooks_named_in_reading_order():
    assert NOTEBOOKS
    numbers = [path.name[:2] for path in NOTEBOOKS]
    assert all(re.fullmatch(r"\d\d_[a-z0-9_]+\.ipynb", path.name) for path in NOTEBOOKS)
    assert len(set(numbers)) == len(numbers)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_committed_notebook_keeps_the_rules(path: Path):
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert not problems(notebook), f"{path.name}:\n" + "\n".join(problems(notebook))
    assert path.stat().st_size < MAX_BYTES


def good() -> nbformat.NotebookNode:
    code = [
        new_code_cell("print(1)", execution_count=1, outputs=[new_output("stream", text="1\n")]),
        new_code_cell("assert 1 + 1 == 2", execution_count=2),
    ]
    opening = "# T\n\n## What you'll do\n\n## What you'll learn\n\n## What you'll need\nAbout 20 seconds."
    fold = "<details><summary>Solution</summary>\n\n```python\nprint(2)\n```\n\n```text\n2\n```\n\n</details>"
    exercises = f"**1.** Try.\n\n{fold}\n\n**2.** Try again.\n\n{fold}"
    closing = f"## On your own\n\n{exercises}\n\n## In practice\n\n## Further reading\n"
    return new_notebook(
        cells=[new_markdown_cell(opening), *code, new_markdown_cell(closing)],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )


def test_a_good_notebook_has_no_problems():
    assert problems(good()) == []


def stderr(nb):
    nb.cells[1].outputs.append(new_output("stream", name="stderr", text="oh\n"))


def error(nb):
    nb.cells[1].outputs.append(new_output("error", ename="ValueError", evalue="", traceback=[]))


def widget(nb):
    data = {"image/png": "iVBORw0KGgo=", "application/vnd.jupyter.widget-view+json": {"model_id": "1"}}
    nb.cells[1].outputs = [new_output("display_data", data=data)]


def picture_and_object(nb):
    nb.cells[1].outputs = [
        new_output("execute_result", data={"text/plain": "[<Line2D>]"}, execution_count=1),
        new_output("display_data", data={"image/png": "iVBORw0KGgo=", "text/plain": "<Figure>"}),
    ]


SPOILED: dict[str, tuple[Callable, str]] = {
    "never run": (lambda nb: nb.cells[2].update(execution_count=None), "execution count None"),
    "run twice": (lambda nb: nb.cells[1].update(execution_count=7), "execution count 7, not 1"),
    "stored times": (lambda nb: nb.cells[1].metadata.update(execution={}), "times of its execution"),
    "error": (error, "shows an error: ValueError"),
    "stderr": (stderr, "writes to stderr"),
    "kernel": (lambda nb: nb.metadata.kernelspec.update(name="venv"), "not 'python3'"),
    "widgets": (lambda nb: nb.metadata.update(widgets={}), "widget state"),
    "widget in an output": (widget, "widget state"),
    "path in output": (
        lambda nb: nb.cells[1].outputs[0].update(text="/home/me/x\n"),
        "path of one machine in its output",
    ),
    "path in source": (
        lambda nb: nb.cells[2].update(source="assert open('/tmp/x')"),
        "path of one machine in its source",
    ),
    "no title": (lambda nb: nb.cells[0].update(source=nb.cells[0].source[4:]), "does not open with a title"),
    "two titles": (lambda nb: nb.cells[0].update(source=nb.cells[0].source + "\n# U"), "more than one title"),
    "heading missing": (
        lambda nb: nb.cells[3].update(source="## On your own\n\n## Further reading"),
        "do not hold",
    ),
    "heading out of place": (
        lambda nb: nb.cells[3].update(source=nb.cells[3].source + "\n## More"),
        "do not stand",
    ),
    "no duration": (lambda nb: nb.cells[0].update(source=nb.cells[0].source[:-11]), "how long it takes"),
    "skipped cell": (lambda nb: nb.cells[1].metadata.update(tags=["nbval-skip"]), "nbval-skip"),
    "collapsed cell": (
        lambda nb: nb.cells[2].metadata.update(jupyter={"source_hidden": True}),
        "is collapsed",
    ),
    "exercise alone": (
        lambda nb: nb.cells[3].update(source=nb.cells[3].source.replace("**2.**", "**2.** Do.\n\n**3.**")),
        "exercise 2 has no folded solution",
    ),
    "open solution": (
        lambda nb: nb.cells[3].update(source=nb.cells[3].source.replace("</details>", "", 1)),
        "without a fold",
    ),
    "wide solution": (
        lambda nb: nb.cells[3].update(source=nb.cells[3].source.replace("print(2)", f"print({'2' * 90})", 1)),
        "more than 88 columns",
    ),
    "solution that is not Python": (
        lambda nb: nb.cells[3].update(source=nb.cells[3].source.replace("print(2)", "print 2", 1)),
        "solution that is not Python",
    ),
    "clock in a solution": (
        lambda nb: nb.cells[3].update(source=nb.cells[3].source.replace("```text\n2", "```text\n2.1 ms", 1)),
        "timing in a solution",
    ),
    "clock": (lambda nb: nb.cells[1].update(source="print(time.perf_counter())"), "shows a timing"),
    "clock in output": (lambda nb: nb.cells[1].outputs[0].update(text="took 3.1 ms\n"), "shows a timing"),
    "semicolon": (lambda nb: nb.cells[1].update(source="plt.plot(x);"), "ends with ';'"),
    "picture and object": (picture_and_object, "next to the object"),
    "no claim": (lambda nb: nb.cells[2].update(source="1"), "asserts anything"),
    "not Python": (lambda nb: nb.cells[1].update(source="print 1"), "is not Python"),
}


@pytest.mark.parametrize("how", SPOILED)
def test_a_spoiled_notebook_is_named_for_what_is_wrong(how: str):
    spoil, expected = SPOILED[how]
    notebook = good()
    spoil(notebook)
    assert len(problems(notebook)) == 1
    assert expected in problems(notebook)[0]


def test_a_tagged_timing_is_allowed():
    notebook = good()
    notebook.cells[1].update(source="print(time.perf_counter())")
    notebook.cells[1].metadata.update(tags=["nbval-ignore-output"])
    assert problems(notebook) == []
