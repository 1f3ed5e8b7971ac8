"""What a ``results.json`` must hold to be gone on with or drawn, whoever wrote it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from higgs_tutorial.files import parse_json
from higgs_tutorial.safe_text import one_line

_AUCS = ("train_auc", "valid_auc", "test_auc")


def read_results(file: Path) -> dict[str, Any]:
    """Return what a ``results.json`` says, of this version or an older one.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is no such file, or an entry is missing or not what it must be; the message names it.
    """
    try:
        results = parse_json(file.read_text(encoding="utf-8"))
        _check(isinstance(results, dict), "it", results, "names and values")
        _check(isinstance(results.get("rungs"), list), "rungs", results.get("rungs"), "a list")
        for i, rung in enumerate(results["rungs"]):
            _check_rung(rung, f"rungs[{i}]")
        names = [rung["name"] for rung in results["rungs"]]
        if len(set(names)) < len(names):
            raise ValueError("a rung is in it twice")
    except (ValueError, AttributeError) as error:
        raise ValueError(
            f"{file} is not a results.json of the ladder ({one_line(error)}): move it away or choose another folder"
        ) from error
    return results


def read_run(file: Path) -> dict[str, Any]:
    """Return what a ``results.json`` says, if it says on what and with which settings, as pictures and tables need.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: as `read_results`, and if one of these is missing or not what it must be.
    """
    results = read_results(file)
    try:
        for name in ("data", "source", "device"):
            _check(isinstance(results.get(name), str), name, results.get(name), "a text")
        for name in ("seed", "batch_size"):
            _check(type(results.get(name)) is int, name, results.get(name), "a whole number")
        events = results.get("events")
        _check(isinstance(events, dict), "events", events, "names and numbers")
        for part in ("train", "valid", "test"):
            count = events.get(part)
            _check(type(count) is int and count > 0, f"events.{part}", count, "a number of events")
    except ValueError as error:
        raise ValueError(f"{file} is not a results.json of the ladder ({one_line(error)})") from error
    return results


def _check_rung(rung: Any, where: str) -> None:
    """Check a rung's record: its epochs, and, if it is finished, its scores and the talk's."""
    _check(isinstance(rung, dict), where, rung, "names and values")
    name = rung.get("name")
    _check(isinstance(name, str) and name.isprintable(), f"{where}.name", name, "a name")
    _check_epochs(rung.get("epochs"), f"{where}.epochs")
    members = rung.get("members", [])
    _check(isinstance(members, list), f"{where}.members", members, "a list")
    for i, member in enumerate(members):
        _check(isinstance(member, dict), f"{where}.members[{i}]", member, "names and values")
        _check_epochs(member.get("epochs"), f"{where}.members[{i}].epochs")
    if rung.get("test_auc") is None:
        return  # it was not finished
    parameters, recorded = rung.get("parameters"), rung.get("talk")
    _check(type(parameters) is int and parameters > 0, f"{where}.parameters", parameters, "a number of them")
    _check(bool(rung["epochs"]), f"{where}.epochs", rung["epochs"], "a list with an epoch")
    for name in _AUCS:
        _check_auc(rung.get(name), f"{where}.{name}")
    said = recorded.get("valid_auc") if isinstance(recorded, dict) else None
    _check(isinstance(said, list) and bool(said), f"{where}.talk.valid_auc", said, "a list of AUCs")
    for auc in said:
        _check_auc(auc, f"{where}.talk.valid_auc")


def _check_epochs(epochs: Any, where: str) -> None:
    _check(isinstance(epochs, list), where, epochs, "a list")
    for i, epoch in enumerate(epochs):
        place = f"{where}[{i}]"
        _check(isinstance(epoch, dict), place, epoch, "names and values")
        _check(type(epoch.get("epoch")) is int, f"{place}.epoch", epoch.get("epoch"), "a whole number")
        _check_auc(epoch.get("valid_auc"), f"{place}.valid_auc")
        _check(_is_number(epoch.get("loss")), f"{place}.loss", epoch.get("loss"), "a finite number")
        seconds = epoch.get("seconds")
        _check(_is_number(seconds) and seconds >= 0, f"{place}.seconds", seconds, "0 or more")


def _check_auc(value: Any, where: str) -> None:
    _check(_is_number(value) and 0 <= value <= 1, where, value, "between 0 and 1")


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) < 1e300 and math.isfinite(value)


def _check(right: bool, where: str, value: Any, wanted: str) -> None:
    if not right:
        shown = type(value).__name__ if isinstance(value, (dict, list)) else repr(value)
        raise ValueError(f"{where} is {one_line(shown, 40)}; it must be {wanted}")
