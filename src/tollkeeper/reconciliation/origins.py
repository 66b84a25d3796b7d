"""Which rows of both sides are about the same: the rule by which project, key and model are matched.

Both sides say where usage comes from, but not equally exactly. A product may not tell its project; a cost report may
not be split by key; a response names `gpt-4o-2024-08-06` where a bill says `gpt-4o`. The rule is one for all three:
where the unspecific name occurs beside specific ones, on whichever side, they are one grain. Where it doesn't, each
specific name is a grain of its own. So nothing is ever assigned by guess, and every row is in exactly one grain.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable
from typing import TypeVar

from tollkeeper.providers import undated
from tollkeeper.reconciliation.model import Origin

Name = TypeVar("Name", bound=Hashable)


def grains_of(seen: Collection[Origin]) -> dict[Origin, Origin]:
    """The origin of the grain that each of these belongs to: all origins of one bucket, of both sides."""
    models = _absorbed({origin.model for origin in seen}, undated)
    projects = {
        model: _absorbed(names, _unknown)
        for model, names in _by((models[origin.model], origin.project) for origin in seen).items()
    }
    found = {origin: (models[origin.model], projects[models[origin.model]][origin.project]) for origin in seen}
    keys = {
        place: _absorbed(names, _unknown)
        for place, names in _by((found[origin], origin.api_key) for origin in seen).items()
    }
    return {origin: Origin(*found[origin], keys[found[origin]][origin.api_key]) for origin in seen}


def _unknown(name: str | None) -> str | None:
    return None


def _by(pairs: Iterable[tuple[Hashable, Name]]) -> dict[Hashable, set[Name]]:
    found: dict[Hashable, set[Name]] = defaultdict(set)
    for place, name in pairs:
        found[place].add(name)
    return found


def _absorbed(names: Collection[Name], general: Callable[[Name], Name]) -> dict[Name, Name]:
    """What each name is called together with others; the only specific one lends its name to the unspecific."""
    called: dict[Name, Name] = {}
    for name in names:
        wide = general(name)
        if wide not in names:
            called[name] = name
            continue
        specific = [each for each in names if general(each) == wide and each != wide]
        called[name] = specific[0] if len(specific) == 1 else wide
    return called
