"""Options that several commands take, and those that are made from the fields of a dataclass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, fields
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

DataDir = Annotated[
    Path | None,
    typer.Option(
        help="Data folder. Default: HIGGS_DATA_DIR, else data/ of a checkout, else the user's cache."
    ),
]
Seed = Annotated[int, typer.Option(min=0, help="Same seed, same rows.")]


def with_options_of(**nouns: type) -> Callable[[Callable], Callable]:
    """Give a command an option for each field of these dataclasses, and hand it the objects made of them.

    Each argument is the name of one of the command's parameters and the dataclass for it, with fields made by
    `higgs_tutorial.ladder.settings.option`. The command's other parameters stay options of their own.

    Raises:
        ValueError: as the dataclasses do, the field being called by its option: "--epochs is 0; …".
    """

    def wrap(command: Callable) -> Callable:
        asked = signature(command, eval_str=True).parameters.values()
        own = [p.replace(kind=Parameter.KEYWORD_ONLY) for p in asked if p.name not in nouns]
        made = [parameter for kind in nouns.values() for parameter in _parameters(kind)]

        def run(**given: Any) -> Any:
            objects = {}
            for name, kind in nouns.items():
                values = {f.name: given.pop(f.name) for f in fields(kind)}
                objects[name] = _made(kind, values)
            return command(**objects, **given)

        run.__name__, run.__doc__, run.__module__ = command.__name__, command.__doc__, command.__module__
        run.__signature__ = Signature([*made, *own])
        run.__annotations__ = {p.name: p.annotation for p in (*made, *own)}
        return run

    return wrap


def _parameters(kind: type) -> list[Parameter]:
    hints, parameters = get_type_hints(kind), []
    for f in fields(kind):
        read = f.metadata.get("typed", hints[f.name])
        flag = [f"--{f.name.replace('_', '-')}"] if read is bool else []  # without its --no-…
        default = f.metadata.get("typed_default", None if f.default is MISSING else f.default)
        option = typer.Option(*flag, help=f.metadata["help"])
        parameters.append(
            Parameter(f.name, Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[read, option])
        )
    return parameters


def _made(kind: type, values: dict[str, Any]) -> Any:
    try:
        return kind(**values)
    except ValueError as error:
        name = str(error).split(" ", 1)[0]
        if name not in values:
            raise
        raise ValueError(f"--{name.replace('_', '-')}{str(error)[len(name) :]}") from error
