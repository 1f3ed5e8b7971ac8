"""Results as text: the table of a run, the same as Markdown, runs side by side, and the rungs by name."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from higgs_tutorial import ladder, talk
from higgs_tutorial.safe_text import in_markdown, one_line


def events_of(results: dict[str, Any]) -> str:
    """Say on which events the AUCs were measured, e.g. `simulated events (180,000 for training)`."""
    return f"{results['data']} ({results['events']['train']:,} for training)"


def table(results: dict[str, Any]) -> Table:
    """Return the table of a run, the talk's AUCs beside ours."""
    title = Text(
        f"ROC AUC: the talk on HIGGS,\nhere on {events_of(results)}", style="table.title"
    )  # no markup
    out = Table(title=title, title_justify="left")
    out.add_column("rung", no_wrap=True)
    for heading in ("params", "epochs", "talk", "valid", "train", "test", "s/epoch"):
        out.add_column(heading, justify="right", no_wrap=True)
    for rung in results["rungs"]:
        seconds = sorted(epoch["seconds"] for epoch in rung["epochs"])
        out.add_row(
            Text(rung["name"]),
            f"{rung['parameters']:,}",
            str(len(rung["epochs"])),
            f"{rung['talk']['valid_auc'][-1]:.3f}",
            *(f"{rung[part]:.3f}" for part in ("valid_auc", "train_auc", "test_auc")),
            f"{seconds[len(seconds) // 2]:.2f}",
        )
    return out


def footnote(results: dict[str, Any]) -> str:
    """Say what the two columns of AUCs can and can't be compared in."""
    said = f"The talk: {talk.EVENTS['train']:,} events, batches of {talk.BATCH_SIZE}, 25 or 50 epochs."
    here = f"Here: batches of {results['batch_size']}, seed {results['seed']}, {results['device']}."
    rate, schedule = results.get("learning_rate"), results.get("schedule", "constant")
    if rate is not None or schedule != "constant":
        here += f" Learning rate: {schedule if rate is None else f'{rate:g}, {schedule}'}."
    if average := results.get("average"):
        what = "exponential average" if average == "ema" else f"mean of the last {average} epochs, or of all"
        here += f" Weights: {what}."
    if (precision := results.get("precision", "float32")) != "float32":
        here += f" Precision: {precision}, where it is faster."
    if (networks := results.get("ensemble", 1)) > 1:
        here += f" Each rung: the mean prediction of {networks} networks; s/epoch is of one."
    caution = "Simulated events are not HIGGS: compare the shape of the climb, not the third digit."
    auc, counts = results["rungs"][-1]["valid_auc"], [results["events"][part] for part in ("valid", "test")]
    valid, test = (f"{auc_error(auc, half, half):.3f}" for half in (max(n / 2, 1) for n in counts))
    error = f"On {counts[0]:,} validation events an AUC of {auc:.2f} is good to ± {valid}"
    error += f", on {counts[1]:,} test events to ± {test}; s/epoch: the median."
    return "\n".join([said, here, error, *([caution] if results["source"] == "simulated" else [])])


def auc_error(auc: float, signal: float, background: float) -> float:
    """Return the standard error of an AUC that was measured on so many signal and background events.

    J. A. Hanley, B. J. McNeil, "The meaning and use of the area under a receiver operating characteristic (ROC)
    curve", Radiology 143, 29 (1982), equations 1 and 2.
    """
    two_signal, two_background = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    pairs = auc * (1 - auc)
    pairs += (signal - 1) * (two_signal - auc**2) + (background - 1) * (two_background - auc**2)
    return math.sqrt(pairs / (signal * background))


def markdown(results: dict[str, Any]) -> str:
    """Return the table of a run as Markdown, for a README; with each rung's step where the results say it."""
    data, stepped = in_markdown(results["data"]), any("gain" in rung for rung in results["rungs"])
    head = ["rung", "what it adds", "parameters", "talk: valid AUC, HIGGS", f"here: valid AUC, {data}"]
    head += [*(["above the rung before"] if stepped else []), "here: train", "here: test", "epochs"]
    lines = [[*head, "seconds of training"], ["---", "---", *["--:"] * (len(head) - 1)]]
    for rung in results["rungs"]:
        cells = [
            f"`{rung['name']}`",
            ladder.LADDER[rung["name"]].idea,
            f"{rung['parameters']:,}",
            f"{rung['talk']['valid_auc'][-1]:.3f}",
            f"{rung['valid_auc']:.3f}",
            *([_step(rung)] if stepped else []),
            *(f"{rung[part]:.3f}" for part in ("train_auc", "test_auc")),
            str(len(rung["epochs"])),
            f"{sum(epoch['seconds'] for epoch in rung['epochs']):.0f}",
        ]
        lines.append(cells)
    head, rule, *rows = (" | ".join(cells) for cells in lines)
    return "\n".join([f"| {head} |", f"|{rule.replace(' ', '')}|", *(f"| {row} |" for row in rows)])


def _step(rung: dict[str, Any]) -> str:
    gain = rung.get("gain")
    return f"{gain['valid_auc']:+.4f} ± {gain['error']:.4f}" if gain else "–"


def listed(settings: ladder.Settings) -> list[dict[str, Any]]:
    """Return the rungs as data: what each adds, its network and optimiser, its epochs here, and the talk's AUC."""
    return [
        {
            "name": rung.name,
            "title": rung.title,
            "adds": rung.idea,
            "num_layers": rung.num_layers,
            "size": rung.size,
            "batch_norm": rung.batch_norm,
            "keep_prob": rung.keep_prob,
            "optimizer": rung.optimizer,
            "learning_rate": rung.learning_rate,
            "epochs": settings.epochs_of(rung),
            "talk_valid_auc": talk.RUNGS[rung.name].valid_auc[-1],
        }
        for rung in settings.chosen
    ]


def rungs_table(settings: ladder.Settings) -> Table:
    """Return the rungs by name, with what each adds to the one before it."""
    out = Table(title=f"The ladder, {settings.resolved().profile} profile", title_justify="left")
    for heading in ("rung", "what it adds", "optimiser"):
        out.add_column(heading, no_wrap=True)
    for heading in ("epochs", "the talk's AUC"):
        out.add_column(heading, justify="right", no_wrap=True)
    for rung in listed(settings):
        optimizer = f"{rung['optimizer']}, {rung['learning_rate']:g}"
        auc = f"{rung['talk_valid_auc']:.3f}"
        out.add_row(rung["name"], rung["adds"], optimizer, str(rung["epochs"]), auc)
    return out


Runs = Sequence[tuple[str, dict[str, Any]]]
"""Runs with what they are called."""


def compared(runs: Runs) -> dict[str, Any]:
    """Return the finished rungs of these runs side by side, as data: validation AUCs and their standard errors."""
    names = [name for name in ladder.LADDER if any(_finished(results, name) for _, results in runs)]
    names += sorted(
        {r["name"] for _, results in runs for r in results["rungs"] if _finished(results, r["name"])}
        - set(names)
    )
    heads = [
        {"run": run, **{key: value for key, value in results.items() if key != "rungs"}}
        for run, results in runs
    ]
    return {"runs": heads, "rungs": [{"name": name, **_side_by_side(name, runs)} for name in names]}


def _finished(results: dict[str, Any], name: str) -> dict[str, Any] | None:
    rungs = (rung for rung in results["rungs"] if rung["name"] == name and rung.get("test_auc") is not None)
    return next(rungs, None)


def _side_by_side(name: str, runs: Runs) -> dict[str, Any]:
    found = [_finished(results, name) for _, results in runs]
    aucs = [rung and rung["valid_auc"] for rung in found]
    errors = [
        None if auc is None else auc_error(auc, *[max(results["events"]["valid"] / 2, 1)] * 2)
        for auc, (_, results) in zip(aucs, runs, strict=True)
    ]
    said = next(rung["talk"]["valid_auc"][-1] for rung in found if rung)
    return {"talk_valid_auc": said, "valid_auc": aucs, "error": errors}


def comparison(runs: Runs) -> Table:
    """Return a table of the runs side by side: of two with their difference, of more with mean and deviation."""
    out = Table(title="Validation ROC AUC ± standard error", title_justify="left")
    out.add_column("rung", no_wrap=True)
    for heading in ("the talk", *(name for name, _ in runs)):
        out.add_column(Text(one_line(heading, 40)), justify="right", overflow="fold")
    out.add_column("difference" if len(runs) == 2 else "mean (deviation)", justify="right")
    for rung in compared(runs)["rungs"]:
        cells = [
            "–" if auc is None else f"{auc:.3f} ± {error:.3f}"
            for auc, error in zip(rung["valid_auc"], rung["error"], strict=True)
        ]
        out.add_row(Text(rung["name"]), f"{rung['talk_valid_auc']:.3f}", *cells, _together(rung))
    return out


def _together(rung: dict[str, Any]) -> str:
    aucs = [auc for auc in rung["valid_auc"] if auc is not None]
    if len(aucs) < 2:
        return "–"
    if len(rung["valid_auc"]) == 2:
        return f"{aucs[1] - aucs[0]:+.3f} ± {math.hypot(*rung['error']):.3f}"
    return f"{statistics.mean(aucs):.3f} ({statistics.stdev(aucs):.3f})"


def sources(runs: Runs) -> str:
    """Say of each run what it was, and what their differences may not be taken for."""
    lines = [f"{one_line(name, 40)}: {_source(results)}" for name, results in runs]
    prints = [results.get("fingerprint") for _, results in runs]
    if None not in prints and len(set(prints)) < len(prints):
        lines.append(
            "Runs on the same events share their chance: their difference is known better than its error says."
        )
    if len({results["data"] for _, results in runs}) > 1:
        lines.append("The runs are on different data: only the shapes of the climbs can be compared.")
    lines.append(
        "The errors are of the validation events; how training again would change an AUC is not in them."
    )
    return "\n".join(lines)


def _source(results: dict[str, Any]) -> str:
    return (
        f"{events_of(results)}, {results.get('profile', 'unknown')} profile, batches of {results['batch_size']:,}, "
        f"seed {results['seed']}, {one_line(results['device'], 60)}"
    )
