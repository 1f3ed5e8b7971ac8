"""Runs that come with the package, for notebooks and pages to draw."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

RECORDED = {
    "quick": "results.json",
    "talk-scale": "results.json",
    "paper-tables": "tables.json",
    "more-easy-things": "trainings.json",
}


def recorded(name: str = "quick") -> dict[str, Any]:
    """Return results on simulated events that come with this version; notebooks draw longer runs from them.

    Args:
        name: a folder of ``results``. ``"quick"`` is what `run` returned for all rungs in the quick profile,
            ``"talk-scale"`` for rungs at the talk's own size; ``"paper-tables"`` and ``"more-easy-things"`` are what
            the benchmarks of these names wrote.

    Raises:
        ValueError: if there is no such run.

    Example:
        >>> from higgs_tutorial import ladder
        >>> results = ladder.recorded("quick")
        >>> results["source"], len(results["rungs"])
        ('simulated', 9)
    """
    if name not in RECORDED:
        raise ValueError(f"no recorded run is called {name!r}, only: {', '.join(RECORDED)}")
    packaged = Path(__file__).with_name("results") / f"{name}.json"
    checkout = Path(__file__).resolve().parents[1] / "results" / name / RECORDED[name]
    return json.loads((packaged if packaged.exists() else checkout).read_text(encoding="utf-8"))
