"""The first cells of every notebook, run as a student runs them: without a variable set, and without a red line."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import pytest
from notebook_rules import code_cells
from notebook_running import environment

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))
OPERATION = "import tensorflow\ntensorflow.constant([1.0]) + 1\nprint('done')\n"  # looks for devices, too


def imports(path: Path) -> str:
    """What the notebook's cells import and set, up to the last import at the top level of a cell."""
    kept = []
    for _, cell in code_cells(nbformat.read(path, as_version=4)):
        for node in ast.parse(cell.source).body:
            text = ast.unparse(node)
            if isinstance(node, (ast.Import, ast.ImportFrom)) or text.startswith("os.environ"):
                kept.append(text)
    return "\n".join([*kept, OPERATION])


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> dict[Path, subprocess.CompletedProcess[str]]:
    folder = tmp_path_factory.mktemp("first-cells")

    def run(path: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", imports(path)],
            cwd=folder,
            env={**environment(folder, folder), "MPLBACKEND": "agg"},
            capture_output=True,
            text=True,
            timeout=300,
        )

    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        return dict(zip(NOTEBOOKS, pool.map(run, NOTEBOOKS), strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_nothing_is_written_to_standard_error(path: Path, runs):
    assert (runs[path].stdout, runs[path].stderr) == ("done\n", "")
