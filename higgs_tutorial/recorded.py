"""Runs that come with the package, for notebooks and pages to draw."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

RECORDED = {
    "quick": "results/quick/results.json",
    "talk-scale": "results/talk-scale/results.json",
    "beyond-the-talk": "results/beyond-the-talk/results.json",
    "paper-tables": "results/paper-tables/tables.json",
    "more-easy-things": "results/more-easy-things/trainings.json",
    "fidelity": "benchmarks/fidelity.json",
}


def recorded(name: str = "quick") -> dict[str, Any]:
    """Return results on simulated events that come with this version; notebooks draw longer runs from them.

    Args:
        name: ``"quick"`` is what `run` returned for all rungs in the quick profile,
            ``"talk-scale"`` for rungs at the talk's own size, ``"beyond-the-talk"`` for one of them with the ideas of
            its last slide; ``"paper-tables"``, ``"more-easy-things"`` and ``"fidelity"`` are what the benchmarks of
            these names wrote.

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
    checkout = Path(__file__).resolve().parents[1] / RECORDED[name]
    return json.loads((packaged if packaged.exists() else checkout).read_text(encoding="utf-8"))
