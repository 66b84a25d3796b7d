"""The options that every command takes, and that may stand anywhere on the line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_FLAGS = {"--json"}
_WITH_VALUE = {"--data", "--database-url"}


@dataclass(frozen=True, slots=True)
class Options:
    """What was given; None leaves it to the TOLLKEEPER_… variables."""

    data: Path | None
    database_url: str | None
    as_json: bool


def global_options_first(args: Sequence[str]) -> list[str]:
    """The line as the parser wants it: `keys list --json` becomes `--json keys list`. All behind a `--` stays."""
    ours, others = _divided(args)
    return ours + others


def asks_for_json(args: Sequence[str]) -> bool:
    """Whether --json is among the global options, wherever it stands and whatever else is wrong with the line."""
    return "--json" in _divided(args)[0]


def _divided(args: Sequence[str]) -> tuple[list[str], list[str]]:
    ours: list[str] = []
    others: list[str] = []
    waiting = iter(args)
    for arg in waiting:
        if arg == "--":
            others += [arg, *waiting]
        elif arg in _FLAGS or (arg.partition("=")[0] in _WITH_VALUE and "=" in arg):
            ours.append(arg)
        elif arg in _WITH_VALUE:
            ours += [arg, *(value for value in [next(waiting, None)] if value is not None)]
        else:
            others.append(arg)
    return ours, others
