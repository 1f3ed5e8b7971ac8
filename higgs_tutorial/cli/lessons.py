"""The tutorial's notebooks, as files of one's own: they ship with the package."""

from __future__ import annotations

import os
from pathlib import Path

from higgs_tutorial.files import written

PACKAGE = Path(__file__).resolve().parents[1]


def notebook_files() -> list[Path]:
    """Return the notebooks of this installation in reading order: of the package, else of the checkout.

    Raises:
        FileNotFoundError: if there are none.

    """
    for folder in (PACKAGE / "notebooks", PACKAGE.parent / "notebooks"):
        if files := sorted(folder.glob("[0-9][0-9]_*.ipynb")):
            return files
    raise FileNotFoundError("this installation has no notebooks: install the package again")


def copy_notebooks(folder: str | os.PathLike, *, overwrite: bool = False) -> list[Path]:
    """Copy the notebooks into ``folder``, which is made if it is missing, and return the files there.

    Either all of them are copied or, if one is refused, none. A file gets its name when it is whole.

    Args:
        folder: where to.
        overwrite: replace notebooks that were changed, by running them for instance.

    Raises:
        FileExistsError: if a notebook there differs from the package's and ``overwrite`` is not set.
        NotADirectoryError: if ``folder`` is a file.

    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"{folder} is a file, not a folder")
    texts = {folder / file.name: file.read_bytes() for file in notebook_files()}
    changed = [file for file, text in texts.items() if file.exists() and file.read_bytes() != text]
    if changed and not overwrite:
        names = ", ".join(file.name for file in changed)
        raise FileExistsError(
            f"{folder} has changed copies of {names}: name another folder, or replace them with --overwrite"
        )
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in texts.items():
        with written(file) as part:
            part.write_bytes(text)
    return list(texts)
