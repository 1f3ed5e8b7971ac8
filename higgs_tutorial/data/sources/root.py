"""ROOT, read by uproot, some thousand entries at a time: a TTree or an RNTuple with a number an event a branch."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from higgs_tutorial.data.sources.arrays import damage
from higgs_tutorial.data.sources.base import Columns
from higgs_tutorial.data.sources.several import the_one
from higgs_tutorial.safe_text import one_line

TREES = ("TTree", "TNtuple", "TNtupleD", "ROOT::RNTuple")


def import_uproot(file: object) -> Any:
    """Return uproot.

    Raises:
        ImportError: if it is not installed; the message has the command that installs it.
    """
    try:
        import uproot
    except ImportError as error:
        raise ImportError(
            f'{file} is a ROOT file, which needs uproot: pip install "higgs-tutorial[hep]"'
        ) from error
    return uproot


def branch_name(name: str) -> str:
    """Return a column's name with letters, digits and underscores only, so that ROOT's formulas can use it.

    >>> branch_name("jet_1_b-tag")
    'jet_1_b_tag'
    """
    return re.sub(r"\W", "_", name, flags=re.ASCII)


class RootTree(Columns):
    """A TTree or an RNTuple as a `Source`."""

    def __init__(self, path: Path, inside: str | None) -> None:
        """Open a tree of ``path``, which needs no name if it is the only one.

        Raises:
            ImportError: if uproot is not installed.
            ValueError: if the file is damaged, or there is no such tree, or several.
        """
        uproot = import_uproot(path)
        try:
            file = uproot.open(path)
            kinds = file.classnames(recursive=True, cycle=False)
        except Exception as error:  # uproot raises what the wrong bytes happen to lead to
            raise ValueError(f"{path} is a damaged or cut off ROOT file ({one_line(error)})") from error
        trees = [name for name, kind in kinds.items() if kind in TREES]
        name = the_one(path, "tree", trees, inside)
        self.file = str(path) if inside is None else f"{path}:{inside}"
        with damage(self.file, 0):
            self._tree = file[name]
            self.names, self.rows = list(self._tree.keys()), self._tree.num_entries
        self.count = len(self.names)

    def spelled(self, name: str) -> str:
        """See `Source.spelled`."""
        return name if name in self.names else branch_name(name)

    def kind(self, place: int) -> str | None:
        """See `Source.kind`."""
        with damage(self.file, 0):
            name = self.names[place]
            kind = str(self._tree.arrays([name], entry_stop=0)[name].type.content)
        if kind.startswith("var *") or "* " in kind:
            return f"a list of values an event ({one_line(kind)})"
        return None if re.fullmatch(r"u?int\d+|float\d+", kind) else one_line(kind)

    def values(self, places: Sequence[int], size: int) -> Iterator[NDArray]:
        """See `Columns.values`."""
        names, done = [self.names[place] for place in places], 0
        blocks = self._tree.iterate(names, step_size=size)
        while True:
            with damage(self.file, done):
                block = next(blocks, None)
                if block is None:
                    return
                columns = np.stack([block[name].to_numpy() for name in names], axis=1)
            yield columns
            done += len(columns)
