"""Write the repository's address, which pyproject.toml holds, wherever it stands: `python docs/doors.py`.

These are the badges in the README that open the notebooks on Colab and Binder, and the cell by which each notebook
installs the package on Colab. A fork changes `[project.urls]` in pyproject.toml and runs this.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]
START, END = "<!-- badges -->\n", "<!-- end of badges -->\n"
CELL = "install-on-colab"
INSTALL = """\
import sys

if "google.colab" in sys.modules:  # there, the package has to be installed first
    import subprocess
    from importlib.metadata import distributions

    class NotInstalled(Exception):
        def _render_traceback_(self):  # what Jupyter shows: one line
            return [f"{PACKAGE} could not be installed: {self}"]

    PACKAGE = "git+REPOSITORY"
    keep = [f"tensorflow=={d.version}" for d in distributions(name="tensorflow")]
    wanted = [f"higgs-tutorial[colab] @ {PACKAGE}", *keep]  # with Colab's TensorFlow
    command = [sys.executable, "-m", "pip", "install", "-q", *wanted]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode:
        said = run.stderr.strip().splitlines() or ["pip did not say why"]
        causes = [line for line in said if "fatal:" in line or "ERROR:" in line]
        raise NotInstalled([*causes, said[-1]][0].strip())"""


def address(root: Path = ROOT) -> str:
    """Return the repository's address."""
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    try:
        return tomllib.loads(text)["project"]["urls"]["Repository"].rstrip("/")
    except KeyError:
        raise SystemExit(
            f"{root / 'pyproject.toml'} gives no address: [project.urls] has no Repository"
        ) from None


def badges(repository: str, first: str) -> str:
    """Return the README's badges; `first` is the notebook that the one for Colab opens.

    Elsewhere than on GitHub there are none: both look for the notebooks there.
    """
    if not repository.startswith("https://github.com/"):
        return ""
    name = repository.removeprefix("https://github.com/")
    colab = f"https://colab.research.google.com/github/{name}/blob/main/notebooks/{first}"
    binder = f"https://mybinder.org/v2/gh/{name}/main?urlpath=lab/tree/notebooks"
    return (
        f"[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({colab})\n"
        f"[![Open on Binder](https://mybinder.org/badge_logo.svg)]({binder})\n"
    )


def with_badges(readme: str, text: str) -> str:
    """Return the README with `text` between its marks."""
    return re.sub(rf"({START}).*?({END})", lambda marks: marks[1] + text + marks[2], readme, flags=re.DOTALL)


def with_install_cell(notebook: dict, repository: str) -> dict:
    """Return a notebook whose first code cell installs the package on Colab, and does nothing elsewhere.

    The cells after it are counted on: the notebook looks as if it had been run with that cell.

    """
    source = INSTALL.replace("REPOSITORY", repository).splitlines(keepends=True)
    install = {
        "cell_type": "code",
        "execution_count": 1,
        "id": CELL,
        "metadata": {},
        "outputs": [],
        "source": source,
    }
    cells = [cell for cell in notebook["cells"] if cell.get("id") != CELL]
    cells.insert(1, install)
    number = 0
    for cell in cells:
        if cell["cell_type"] == "code" and cell["execution_count"] is not None:
            number += 1
            cell["execution_count"] = number
            for output in cell["outputs"]:
                if "execution_count" in output:
                    output["execution_count"] = number
    return {**notebook, "cells": cells}


def changes(root: Path = ROOT) -> dict[Path, str]:
    """Return the text of each file that is not in step with the address."""
    repository, notebooks = address(root), sorted((root / "notebooks").glob("*.ipynb"))
    readme = root / "README.md"
    texts = {readme: with_badges(readme.read_text(encoding="utf-8"), badges(repository, notebooks[0].name))}
    for file in notebooks:
        notebook = with_install_cell(json.loads(file.read_text(encoding="utf-8")), repository)
        texts[file] = json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    return {file: text for file, text in texts.items() if file.read_text(encoding="utf-8") != text}


def main() -> None:
    """Rewrite what is not in step."""
    for file, text in changes().items():
        file.write_text(text, encoding="utf-8")
        sys.stdout.write(f"{file.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
