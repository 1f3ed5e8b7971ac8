"""How far what notebooks assert is from failing, over several seeds.

    python tests/notebooks/seeds.py notebooks/08_adam.ipynb --seeds 1,2,3,4,5

Runs copies in which the seed of the events (`load`) and every seed written as a number are other ones, and in
which no assertion stops the run. Prints a line an assertion: the smallest margin over the seeds (the distance
between the two sides of a comparison, positive where it holds), or how often it was true. Exits with 1 if one
failed. Too slow for CI: meant for whoever writes or changes a claim.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from notebook_running import TIMEOUT, environment
from solutions import with_solutions

NUMBERED = re.compile(r"\b((?:seed|random_state)=|default_rng\(|from_seed\()(\d+)")
STEP = {
    "from_seed(": 10**9
}  # TensorFlow's generators count from the seed on: neighbours draw the same numbers

PREAMBLE = """
import json as _json
import higgs_tutorial.data.dataset as _dataset
_dataset.load.__kwdefaults__["seed"] = {seed}
_claims = []
def _claim(text, holds, margin):
    try:
        margin = float(margin())
    except (TypeError, ValueError):
        margin = None
    _claims.append((text, bool(holds), margin))
"""


class Recorded(ast.NodeTransformer):
    """Turns `assert a > b` into a record of the claim and of how far apart its sides are."""

    def visit_Assert(self, node):
        test, margin = node.test, "None"
        if isinstance(test, ast.Compare) and len(test.ops) == 1:
            left, right = ast.unparse(test.left), ast.unparse(test.comparators[0])
            if isinstance(test.ops[0], (ast.Gt, ast.GtE)):
                margin = f"({left}) - ({right})"
            elif isinstance(test.ops[0], (ast.Lt, ast.LtE)):
                margin = f"({right}) - ({left})"
        text = ast.unparse(test)
        return ast.parse(f"_claim({text!r}, {text}, lambda: {margin})").body[0]


def rewritten(source: str, seed: int) -> str:
    source = NUMBERED.sub(lambda match: f"{match[1]}{int(match[2]) + seed * STEP.get(match[1], 1)}", source)
    try:
        return ast.unparse(Recorded().visit(ast.parse(source)))
    except SyntaxError:  # a magic
        return source


def claims(path: Path, seed: int, folder: str) -> list[tuple[str, bool, float | None]]:
    """The notebook's assertions at this seed, in their order: text, whether it holds, margin."""
    notebook = with_solutions(nbformat.read(path, as_version=4), pictures=True)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source = rewritten(cell.source, seed)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(PREAMBLE.format(seed=seed)))
    notebook.cells.append(nbformat.v4.new_code_cell("print(_json.dumps(_claims))"))
    env = environment(Path(folder, f"data-{seed}"), Path(folder, "ipython"))
    client = NotebookClient(notebook, timeout=TIMEOUT, resources={"metadata": {"path": folder}})
    client.execute(env=env)
    return json.loads(notebook.cells[-1].outputs[0].text)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="+", type=Path)
    parser.add_argument("--seeds", default="1,2,3,4,5", help="added to each seed of the notebook")
    arguments = parser.parse_args()
    seeds = [int(seed) for seed in arguments.seeds.split(",")]
    failed = 0
    for path in arguments.notebooks:
        print(f"{path.name}: seeds {arguments.seeds}")
        with tempfile.TemporaryDirectory() as folder:
            runs = [claims(path, seed, folder) for seed in seeds]
        for each in zip(*runs, strict=True):
            held, margins = sum(holds for _, holds, _ in each), [margin for *_, margin in each]
            failed += held < len(seeds)
            said = "" if None in margins else "  margins " + " ".join(f"{margin:.3g}" for margin in margins)
            print(f"  {held} of {len(seeds)}  {each[0][0]}{said}", flush=True)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
