"""Execute notebooks in place: `python tests/notebooks/render.py notebooks/03_*.ipynb`.

They run one after the other on simulated events in a folder of their own, whatever data the caller has.
Prints the seconds each one took and every rule that its new outputs break; exits with 1 if any is broken.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import nbformat
from notebook_rules import problems
from notebook_running import render


def main(paths: list[str]) -> int:
    """Render the notebooks at `paths`; stop at the first one with a cell that fails."""
    broken = 0
    with tempfile.TemporaryDirectory() as folder:
        for path in map(Path, paths):
            start = time.perf_counter()
            render(path, Path(folder), Path(folder, "data"))
            print(f"{path.name}: {time.perf_counter() - start:.0f} s")
            for problem in problems(nbformat.read(path, as_version=4)):
                print(f"  {problem}")
                broken += 1
    return int(broken > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
