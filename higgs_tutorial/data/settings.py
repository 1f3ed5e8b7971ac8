"""Where the data live and how much of them a profile uses."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

PROFILE_EVENTS = {"lesson": 216_000, "quick": 300_000, "talk": 11_000_000}
"""Events (training, validation and test together) that each profile loads unless told otherwise.

``lesson`` is what a notebook trains on, in seconds; ``quick`` what the command runs, in minutes on two cores; ``talk``
what the talk had, hours of them or a GPU.
"""


def profile(name: str | None = None, called: str = "profile", *, default: str = "quick") -> str:
    """Return ``name`` or, without one, what ``HIGGS_PROFILE`` names, or else the default.

    Args:
        name: ``"lesson"``, ``"quick"``, ``"talk"`` or None.
        called: what the error's message calls ``name``.
        default: what is meant where nobody chose. A notebook's is ``"lesson"``.

    Raises:
        ValueError: if there is no profile of that name.

    Example:
        >>> from higgs_tutorial.data import profile
        >>> profile(), profile(default="lesson"), profile("talk", default="lesson")
        ('quick', 'lesson', 'talk')
    """
    if name is None:
        name, called = os.environ.get("HIGGS_PROFILE") or None, "HIGGS_PROFILE"
    if name is None:
        name, called = default, "default"
    if name not in PROFILE_EVENTS:
        raise ValueError(f"{called} is {name!r}; it must be one of: {', '.join(PROFILE_EVENTS)}")
    return name


def data_folder(data_dir: str | os.PathLike | None = None) -> Path:
    """Return the folder for data: the argument, else ``HIGGS_DATA_DIR``, else a default.

    The default is ``data/`` of the checkout when the package runs from one, and the user's cache folder when
    it was installed. The folder is not created.
    """
    chosen = data_dir or os.environ.get("HIGGS_DATA_DIR")
    if chosen:
        return Path(chosen).expanduser()
    checkout = Path(__file__).resolve().parents[2]
    if (checkout / "pyproject.toml").is_file():
        return checkout / "data"
    return platformdirs.user_cache_path("higgs-tutorial")
