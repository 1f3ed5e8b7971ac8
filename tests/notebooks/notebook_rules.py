"""What a committed notebook must look like: the rules, each a function of the notebook alone.

`problems(notebook)` returns one sentence for every rule that is broken, naming the cell, so that a test can
show all of them at once and the renderer can repeat them.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from nbformat import NotebookNode
from solutions import solutions

from higgs_tutorial.draw.moving import WIDGET

HEADINGS = (
    "What you'll do",
    "What you'll learn",
    "What you'll need",
    "On your own",
    "In practice",
    "Further reading",
)
IGNORE_OUTPUT = "nbval-ignore-output"
FROM_SCRATCH = "from-scratch"  # what a lesson writes out: held against the package by test_from_scratch.py
ALLOWED_TAGS = {IGNORE_OUTPUT, FROM_SCRATCH}
WIDTH = 88  # of a line of code: what a notebook shows without a scroll bar
EXERCISE = re.compile(r"^\*\*(\d+)\.\*\*", re.MULTILINE)
DURATION = re.compile(r"\b(?:seconds?|minutes?)\b")
CLOCK = re.compile(r"perf_counter|monotonic\(|process_time|time\.time\(|timeit|^%%?time\b", re.MULTILINE)
CLOCK_OUTPUT = re.compile(
    r"Wall time|per loop|\d ?[mµn]s\b|\d seconds\b|(?:events|examples|batches)(?:/s| per second)"
)
MACHINE_PATH = re.compile(
    r"/(?:home|root|Users|work|tmp|var|private|mnt|opt|content)/[\w.]|site-packages|ipykernel_\d|[A-Z]:\\"
)
MAX_BYTES = 4_000_000  # GitHub stops drawing notebooks not far above


def code_cells(notebook: NotebookNode) -> list[tuple[int, NotebookNode]]:
    """The code cells that hold code, with their place in the notebook."""
    return [
        (place, cell)
        for place, cell in enumerate(notebook.cells)
        if cell.cell_type == "code" and cell.source.strip()
    ]


def tags(cell: NotebookNode) -> set[str]:
    return set(cell.metadata.get("tags", []))


def output_text(cell: NotebookNode) -> str:
    """Everything in a cell's outputs that is text."""
    pieces = []
    for output in cell.get("outputs", []):
        pieces.append(output.get("text", ""))
        pieces += [
            str(data) for mime, data in output.get("data", {}).items() if not mime.startswith("image/")
        ]
    return "\n".join(pieces)


def check_kernel(notebook: NotebookNode) -> Iterator[str]:
    name = notebook.metadata.get("kernelspec", {}).get("name")
    if name != "python3":
        yield f"the kernel is {name!r}, not 'python3'"
    views = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    if "widgets" in notebook.metadata or any(WIDGET in output.get("data", {}) for output in views):
        yield "widget state is stored in the notebook"


def check_execution(notebook: NotebookNode) -> Iterator[str]:
    for expected, (place, cell) in enumerate(code_cells(notebook), start=1):
        if cell.execution_count != expected:
            yield f"cell {place} has execution count {cell.execution_count}, not {expected}: render it again"
        if "execution" in cell.metadata:
            yield f"cell {place} stores the times of its execution"


def check_outputs(notebook: NotebookNode) -> Iterator[str]:
    for place, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                yield f"cell {place} shows an error: {output.ename}"
            if output.output_type == "stream" and output.name == "stderr":
                yield f"cell {place} writes to stderr: {output.text[:60]!r}"


def check_paths(notebook: NotebookNode) -> Iterator[str]:
    for place, cell in enumerate(notebook.cells):
        for where, text in (("source", cell.source), ("output", output_text(cell))):
            if found := MACHINE_PATH.search(text):
                yield f"cell {place} has a path of one machine in its {where}: {found.group()!r}"


def check_headings(notebook: NotebookNode) -> Iterator[str]:
    lines = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown").splitlines()
    if not lines or not lines[0].startswith("# "):
        yield "it does not open with a title (# …)"
    if sum(line.startswith("# ") for line in strip_fences(lines)) > 1:
        yield "it has more than one title (# …)"
    sections = [line[3:].strip() for line in lines if line.startswith("## ")]
    if [section for section in sections if section in HEADINGS] != list(HEADINGS):
        yield f"its sections {sections} do not hold {list(HEADINGS)} in this order"
        return
    if sections[:3] != list(HEADINGS[:3]) or sections[-3:] != list(HEADINGS[3:]):
        yield "the fixed sections do not stand at the beginning and at the end"
    needs = lines[lines.index("## What you'll need") + 1 :]
    needs = needs[: next((i for i, line in enumerate(needs) if line.startswith("## ")), len(needs))]
    if not DURATION.search("\n".join(needs)):
        yield "the section What you'll need does not say how long it takes"


def strip_fences(lines: list[str]) -> Iterator[str]:
    """The lines outside of ``` code blocks, whose comments look like titles."""
    inside = False
    for line in lines:
        if line.startswith("```"):
            inside = not inside
        elif not inside:
            yield line


def check_tags(notebook: NotebookNode) -> Iterator[str]:
    for place, cell in code_cells(notebook):
        if unknown := tags(cell) - ALLOWED_TAGS:
            yield f"cell {place} has tags other than those allowed: {sorted(unknown)}"
        if cell.metadata.get("jupyter", {}).get("source_hidden"):
            yield f"cell {place} is collapsed, which GitHub does not honour: fold it in Markdown"
        text = output_text(cell)
        timed = (CLOCK.search(cell.source) and text.strip()) or CLOCK_OUTPUT.search(text)
        if timed and IGNORE_OUTPUT not in tags(cell):
            yield f"cell {place} shows a timing and is not tagged {IGNORE_OUTPUT}"


def check_solutions(notebook: NotebookNode) -> Iterator[str]:
    """Each numbered exercise has a folded solution, of Python that a narrow page shows."""
    for place, cell in enumerate(notebook.cells):
        if cell.cell_type != "markdown":
            continue
        found = solutions(cell.source)
        if cell.source.count("<summary>Solution") != len(found):
            yield f"cell {place} has a solution without a fold around it, or without one block of python in it"
        for number, exercise in zip(*[iter(EXERCISE.split(cell.source)[1:])] * 2, strict=True):
            if "<summary>Solution" not in exercise:
                yield f"cell {place}: exercise {number} has no folded solution"
        for solution in found:
            try:
                ast.parse(solution.code)
            except SyntaxError as error:
                yield f"cell {place} has a solution that is not Python: {error.msg}"
            if max(map(len, solution.code.splitlines())) > WIDTH:
                yield f"cell {place} has a solution with a line of more than {WIDTH} columns"
            slow = CLOCK.search(solution.code) and solution.printed
            timed = slow or CLOCK_OUTPUT.search(solution.printed)
            if timed and IGNORE_OUTPUT not in tags(cell):
                yield f"cell {place} shows a timing in a solution and is not tagged {IGNORE_OUTPUT}"


def check_pictures(notebook: NotebookNode) -> Iterator[str]:
    for place, cell in code_cells(notebook):
        last = cell.source.rstrip().splitlines()[-1]
        if last.endswith(";"):
            yield f"cell {place} ends with ';', which nbval does not honour: end it with plt.show()"
        drawn = any("image/png" in output.get("data", {}) for output in cell.outputs)
        if drawn and any(output.output_type == "execute_result" for output in cell.outputs):
            yield f"cell {place} shows a picture next to the object that drew it: end it with plt.show()"


def check_claims(notebook: NotebookNode) -> Iterator[str]:
    asserts = 0
    for place, cell in code_cells(notebook):
        source = re.sub(r"^\s*[%!].*$", "", cell.source, flags=re.MULTILINE)
        try:
            asserts += sum(isinstance(node, ast.Assert) for node in ast.walk(ast.parse(source)))
        except SyntaxError as error:
            yield f"cell {place} is not Python: {error.msg}"
    if not asserts:
        yield "no cell asserts anything: its claims are not checked"


RULES = (
    check_kernel,
    check_execution,
    check_outputs,
    check_paths,
    check_headings,
    check_tags,
    check_solutions,
    check_pictures,
    check_claims,
)


def problems(notebook: NotebookNode) -> list[str]:
    """Every broken rule, as one sentence each; an empty list for a notebook that may be committed."""
    return [problem for rule in RULES for problem in rule(notebook)]
