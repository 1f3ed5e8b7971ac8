"""A file that may hold several tables: which one is meant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_LISTED = 10


@dataclass(frozen=True)
class Location:
    """A file, and the table in it that is meant, if one was named: ``events.root:tree``."""

    path: Path
    inside: str | None = None

    @classmethod
    def of(cls, file: object) -> Location:
        """Return where ``file`` is: what follows a colon names a table, unless that is the file's own name."""
        text = str(Path(str(file)).expanduser())
        if not Path(text).exists():
            for place in range(len(text) - 1, 0, -1):
                if text[place] == ":" and text[place + 1 :] and Path(text[:place]).is_file():
                    return cls(Path(text[:place]), text[place + 1 :])
        return cls(Path(text))

    def __str__(self) -> str:
        return str(self.path) if self.inside is None else f"{self.path}:{self.inside}"


def the_one(path: Path, noun: str, names: Sequence[str], wanted: str | None) -> str:
    """Return the name of the table that is meant: ``wanted``, or the only one there is.

    Raises:
        ValueError: if there is none, or not that one, or several and none was named; they are listed.
    """
    listed = ", ".join(names[:_LISTED]) + (
        f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    )
    if not names:
        raise ValueError(f"{path} has no {noun} in it")
    if wanted is not None:
        name = wanted if wanted in names else wanted.strip("/")
        if name not in names:
            raise ValueError(f"{path} has no {noun} {wanted!r}; it has: {listed}")
        return name
    if len(names) > 1:
        raise ValueError(f"{path} has {len(names)} {noun}s ({listed}); name one of them: {path}:{names[0]}")
    return names[0]
