"""Running a notebook, its exercises' solutions too, in surroundings of its own: no settings, no data of the caller."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from solutions import with_solutions, without_solutions

from higgs_tutorial.draw.moving import WIDGET

SANITIZE = Path(__file__).resolve().with_name("sanitize.cfg")
TIMEOUT = 600  # seconds: far above what a notebook may take, so only one that hangs is stopped


def environment(data_dir: Path, ipython_dir: Path) -> dict[str, str]:
    """The caller's environment without what would change a notebook's output."""
    foreign = ("MPLBACKEND", "PYTHONWARNINGS", "PYTEST_ADDOPTS", "PYTEST_PLUGINS", "HIGGS_PROFILE")
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in foreign and not name.startswith(("TF_", "CUDA_"))
    }
    return {**kept, "HIGGS_DATA_DIR": str(data_dir), "IPYTHONDIR": str(ipython_dir)}


def run_nbval(
    notebook: Path, folder: Path, data_dir: Path, of_libraries: bool = True
) -> subprocess.CompletedProcess[str]:
    """Compare a copy of `notebook`, run in `folder`, with its stored outputs; the exit status is pytest's.

    In the copy the solutions of the exercises are cells, whose outputs are those that stand below them. With
    `of_libraries` what libraries in C++ write to standard error is compared, too.
    """
    copy = folder / notebook.name
    nbformat.write(with_solutions(nbformat.read(notebook, as_version=4)), copy)
    if of_libraries:
        _show_all_of_stderr(folder / "ipython")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--nbval",
        "--nbval-current-env",
        f"--nbval-sanitize-with={SANITIZE}",
    ]
    command += [
        f"--nbval-cell-timeout={TIMEOUT}",
        "--nbval-kernel-startup-timeout=300",
        "-p",
        "no:cacheprovider",
        "--color=no",
        "-q",
    ]
    command += [f"--rootdir={folder}", "-c", os.devnull, copy.name]
    return subprocess.run(
        command,
        cwd=folder,
        env=environment(data_dir, folder / "ipython"),
        capture_output=True,
        text=True,
        timeout=2 * TIMEOUT,
        check=False,
    )


def _show_all_of_stderr(ipython_dir: Path) -> None:
    """Let kernels show what C++ writes to standard error, as they do to readers: under pytest they would not."""
    profile = ipython_dir / "profile_default"
    profile.mkdir(parents=True, exist_ok=True)
    (profile / "ipython_kernel_config.py").write_text(
        "import os\n\nos.environ.pop('PYTEST_CURRENT_TEST', None)  # what ipykernel asks\n", encoding="utf-8"
    )


def render(notebook: Path, folder: Path, data_dir: Path) -> None:
    """Execute a copy of `notebook` in `folder`, top to bottom, and keep the outputs of its cells and solutions.

    It stays as it was if a cell fails.
    """
    copy = folder / notebook.name
    nbformat.write(with_solutions(nbformat.read(notebook, as_version=4)), copy)
    command = [sys.executable, "-m", "jupyter", "nbconvert", "--to", "notebook", "--execute", "--inplace"]
    command += ["--log-level=WARN", "--ExecutePreprocessor.record_timing=False"]
    command += ["--ExecutePreprocessor.kernel_name=python3", f"--ExecutePreprocessor.timeout={TIMEOUT}"]
    subprocess.run([*command, str(copy)], env=environment(data_dir, folder / "ipython"), check=True)
    done = without_solutions(nbformat.read(copy, as_version=4))
    done.metadata.pop("widgets", None)  # their state, of use to no other kernel
    for cell in done.cells:
        if cell.cell_type == "code":
            cell.outputs = list(_as_kept(cell.outputs))
    nbformat.write(done, notebook)


def _as_kept(outputs: list[NotebookNode]) -> Iterator[NotebookNode]:
    """Each stretch of text as one output, and of a slider only its picture."""
    for stream, group in groupby(outputs, key=lambda output: output.get("name")):
        if stream:
            first, *others = group
            first.text = "".join(output.text for output in (first, *others))
            yield first
            continue
        for output in group:
            output.get("data", {}).pop(WIDGET, None)
            yield output
