"""Which of a file's columns are the model's features: by name where both have names, else by place."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from higgs_tutorial.data.csv.edges import is_number

_INDEX = re.compile(r"|index|__index_level_\d+__|unnamed: \d+(\.\d+)*|level_\d+", re.IGNORECASE)
LABELS = {"label", "labels", "class", "class_label", "target", "y", "is_signal", "truth"}
_WEIGHTS = {"weight", "weights", "event_weight", "sample_weight"}
_LISTED = 5


@dataclass(frozen=True)
class Choice:
    """Which of a file's columns are what.

    Attributes:
        places: those of the features, from 0.
        sentence: the same for the reader of the output.
        label: the place of what may be the label, if there is one.
        weight: the place of what is called a weight, if there is one.
    """

    places: list[int]
    sentence: str
    label: int | None = None
    weight: int | None = None


def choose(
    file: Path,
    count: int,
    names: Sequence[str] | None,
    features: int,
    wanted: Sequence[str] | None,
    sample: Callable[[int], Sequence],
    index: Sequence[str] = (),
) -> Choice:
    """Choose the model's ``features`` columns among a file's ``count``.

    Where file and model have names, every name that the model wants must be there, in any order and among
    others. Else the columns are taken in their order, without an index (of pandas: by its name, or because it
    counts the rows), without a label (by its name wherever it stands, else the first column) and without a weight
    (by its name, if there is a column too many).

    Args:
        file: for the messages.
        count: number of columns.
        names: theirs; None if they have none.
        features: how many the model takes.
        wanted: their names; None if it has none.
        sample: gives the first values of the column at a place.
        index: names of columns that the file says are an index.

    Raises:
        ValueError: if the columns do not fit, with what is missing, what is near it and what to do.
    """
    if names is not None and all(re.fullmatch(r"\d+", name) for name in names):
        names = None  # the numbers that pandas gives to columns without names
    if names is not None and wanted is not None:
        return _by_name(file, list(names), wanted)
    left_out = {} if names is None else _left_out(names, index)
    places = [i for i in range(count) if i not in left_out]
    weights = [i for i in places if names is not None and names[i].casefold() in _WEIGHTS]
    if len(places) != features and len(places) - len(weights) in (features, features + 1):
        left_out |= dict.fromkeys(weights, "the weight")
        places = [i for i in places if i not in weights]
    if len(places) == features + 1 and "the label" not in left_out.values():
        left_out |= {places[0]: _what_is_first(file, places, sample)}
        places = places[1:]
    if len(places) != features:
        without = "".join(f", without {why} {names[i]!r}" for i, why in left_out.items() if names)
        raise ValueError(
            f"{file} has {len(places)} column{'s' if len(places) != 1 else ''}{without};"
            f" the model takes {features}, or a label and then {features}"
        )
    if names is None and _counts_rows(sample(places[0])):
        raise ValueError(
            f"{file}: its first column counts the rows: leave the index out (pandas: index=False)"
        )
    unused = [f"column {i + 1}, {why}" for i, why in left_out.items()]
    sentence = f"{_ranges(places)}, by place, of {count}{_not_used(unused)}"
    return Choice(places, sentence, *(_only(left_out, why) for why in ("the label", "the weight")))


def _by_name(file: Path, names: list[str], wanted: Sequence[str]) -> Choice:
    missing = [name for name in wanted if name not in names]
    if missing:
        others = [name for name in names if name not in wanted]
        listed = [repr(name) + _near(name, others) for name in missing[:_LISTED]]
        more = f" and {len(missing) - _LISTED} more" if len(missing) > _LISTED else ""
        raise ValueError(
            f"{file} has no column {', '.join(listed)}{more}, which the model needs: its columns must have the"
            " model's names, in any order, or (CSV, .npy) no names and the model's order"
        )
    double = [name for name in wanted if names.count(name) > 1]
    if double:
        raise ValueError(_doubled(file, double[0], names.count(double[0])))
    unused = [repr(name) for name in names if name not in wanted]
    shown = list(wanted) if len(wanted) <= _LISTED else [*wanted[:2], "…", wanted[-1]]
    sentence = f"{len(wanted)} by name ({', '.join(shown)})"
    others = {i: "the weight" for i, name in enumerate(names) if name.casefold() in _WEIGHTS}
    others |= _left_out(names, ())
    others = {i: why for i, why in others.items() if names[i] not in wanted}
    places = [names.index(name) for name in wanted]
    return Choice(
        places, sentence + _not_used(unused), *(_only(others, why) for why in ("the label", "the weight"))
    )


def _only(left_out: dict[int, str], why: str) -> int | None:
    """Return the place of the only column that is left out for this reason."""
    found = [i for i, reason in left_out.items() if reason == why]
    return found[0] if len(found) == 1 else None


def check_distinct(file: Path, names: Sequence[str], places: Sequence[int]) -> None:
    """Refuse a file, read by names, in which one of the chosen columns has another one's name.

    Raises:
        ValueError: naming it.
    """
    for i in places:
        if (times := list(names).count(names[i])) > 1:
            raise ValueError(_doubled(file, names[i], times))


def _doubled(file: Path, name: str, times: int) -> str:
    return f"{file} has {times} columns called {name!r}: give each a name of its own"


def _near(name: str, others: list[str]) -> str:
    """Propose a name that may be the one that is meant."""
    plain = {re.sub(r"[\W_]+", "", other).casefold(): other for other in others}
    key = re.sub(r"[\W_]+", "", name).casefold()
    close = [key] if key in plain else difflib.get_close_matches(key, plain, 1)
    return f" (there is {plain[close[0]]!r})" if close else ""


def _left_out(names: Sequence[str], index: Sequence[str]) -> dict[int, str]:
    """Return the places of columns that are no features by their names, and what they are."""
    indices = {i: "the index" for i, name in enumerate(names) if name in index or _INDEX.fullmatch(name)}
    words = LABELS - (
        {"y"} if "x" in {name.casefold() for name in names} else set()
    )  # then y is a coordinate
    labels = {i: "the label" for i, name in enumerate(names) if name.casefold() in words}
    return labels | indices


def _what_is_first(file: Path, places: list[int], sample: Callable[[int], Sequence]) -> str:
    """Say whether the first column, one too many, is a label or an index; refuse it if it is neither."""
    first, last = (sample(places[i]) for i in (0, -1))
    if _is_label(first):
        return "the label"
    if _counts_rows(first):
        return "the index"
    advice = "leave out what is no feature, or put the label into the first column"
    if _is_label(last):
        advice = f"the label seems to be the last column ({places[-1] + 1}): put it first, or leave it out"
    raise ValueError(
        f"{file} has one column more than the model takes, and the first is no label (it has"
        f" {str(first[0])[:20]!r}): {advice}"
    )


def _is_label(values: Sequence) -> bool:
    """Say whether nearly all of a column's values are 0 or 1, -1 or 1, or one of two words."""
    texts = [str(value) for value in values]
    numbers = {float(text) for text in texts if is_number(text)}
    words = {text for text in texts if not is_number(text)}
    usual = sum(is_number(text) and float(text) in (-1, 0, 1) for text in texts)
    return (not numbers and len(words) <= 2) or usual >= 0.9 * len(texts)


def _counts_rows(values: Sequence) -> bool:
    """Say whether a column holds 0, 1, 2, … or 1, 2, 3, … for at least three rows."""
    texts = [str(value) for value in values]
    if len(texts) < 3 or not all(map(is_number, texts)):
        return False
    first = float(texts[0])
    return first in (0, 1) and all(float(text) == first + i for i, text in enumerate(texts))


def _ranges(places: list[int]) -> str:
    """Write places, counted from 1, with runs of them as ranges."""
    runs: list[list[int]] = []
    for place in places:
        if runs and place == runs[-1][-1] + 1:
            runs[-1][1:] = [place]
        else:
            runs.append([place])
    return ", ".join(f"{run[0] + 1} to {run[-1] + 1}" if len(run) > 1 else f"{run[0] + 1}" for run in runs)


def _not_used(unused: list[str]) -> str:
    if not unused:
        return ""
    more = f" and {len(unused) - _LISTED} more" if len(unused) > _LISTED else ""
    return f"; not used: {', '.join(unused[:_LISTED])}{more}"
