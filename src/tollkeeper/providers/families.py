"""Which model of the same family is the next smaller one: data that `families.toml` has, each row with its source."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from itertools import pairwise

from tollkeeper.providers.registry import model_key, provider_key, provider_of, undated

_VERSION = re.compile(r"-v\d+(?::\d+)*$")


@dataclass(frozen=True, slots=True)
class Sibling:
    """A smaller model that its provider presents as one for the same kind of work."""

    provider: str
    model: str
    """The larger one."""
    smaller: str
    source: str
    """The page that says so: a URL."""
    checked_on: date


def smaller_ones(provider: str, model: str) -> list[Sibling]:
    """The smaller siblings of a model, the next one first; none where no family is known.

    A model is found by its name without the date or the version, and a reseller's in the family of what it resells.
    """
    known, key = _siblings(), provider_key(provider)
    name = _family_name(model_key(key, model, None)[0])
    resold = provider_of(key).resells
    found: list[Sibling] = []
    while (next_one := known.get((key, name)) or known.get((resold or key, name))) is not None:
        found.append(next_one)
        name = _family_name(next_one.smaller)
    return found


def siblings() -> list[Sibling]:
    """Every pair of the table."""
    return [*_siblings().values()]


@cache
def _siblings() -> dict[tuple[str, str], Sibling]:
    """By provider and the larger one's name."""
    text = (files("tollkeeper.providers") / "families.toml").read_text(encoding="utf-8")
    found: dict[tuple[str, str], Sibling] = {}
    for table in tomllib.loads(text)["families"]:
        for family in table["families"]:
            for larger, smaller in pairwise(family):
                told = Sibling(table["provider"], larger, smaller, table["source"], table["checked_on"])
                # A model may stand in several rows: the first says what's next to it.
                found.setdefault((table["provider"], _family_name(larger)), told)
    return found


def _family_name(model: str) -> str:
    return undated(_VERSION.sub("", model))
