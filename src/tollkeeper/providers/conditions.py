"""When a price holds, as a price table says it: tier, batch, region, input size, hours, weekdays."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from tollkeeper.providers.model import Conditions

CONDITIONS = frozenset({"tier", "batch", "region", "input_above", "input_up_to", "hours", "weekdays"})

STANDARD = "standard"
ANY = "any"
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")

_Report = Callable[[str, str], None]


def conditions_from(entry: Mapping[str, Any], path: str, problem: _Report) -> Conditions:
    """The conditions of one price list.

    What says nothing holds for standard calls: not for a batch, not for another tier. `tier = "any"` and
    `batch = "any"` hold for all. A region that isn't named leaves it open.
    """
    tier = entry.get("tier", STANDARD)
    if not isinstance(tier, str) or not tier:
        problem(f"{path}.tier", 'This must be a name such as "priority", or "any".')
    batch = entry.get("batch", False)
    if batch not in (True, False, ANY):
        problem(f"{path}.batch", 'This must be true, false or "any".')
    region = entry.get("region")
    if region is not None and (not isinstance(region, str) or not region):
        problem(f"{path}.region", "This must be a name.")
    return Conditions(
        service_tier=None if tier == ANY else str(tier).lower(),
        batch=None if batch == ANY else batch is True,
        region=None if region is None else str(region).lower(),
        input_above=_tokens(entry, "input_above", path, problem),
        input_up_to=_tokens(entry, "input_up_to", path, problem),
        hours=_hours(entry.get("hours"), path, problem),
        weekdays=_weekdays(entry.get("weekdays"), path, problem),
    )


def _tokens(entry: Mapping[str, Any], key: str, path: str, problem: _Report) -> int | None:
    found = entry.get(key)
    if found is None or (isinstance(found, int) and not isinstance(found, bool) and found > 0):
        return found
    problem(f"{path}.{key}", "This must be a number of tokens, larger than 0.")
    return None


def _hours(found: object, path: str, problem: _Report) -> tuple[str, str] | None:
    match found:
        case None:
            return None
        case [str(start), str(end)] if _TIME.fullmatch(start) and _TIME.fullmatch(end) and start != end:
            return start, end
    problem(f"{path}.hours", 'This must be two different times of the UTC day: ["16:30", "00:30"].')
    return None


def _weekdays(found: object, path: str, problem: _Report) -> tuple[int, ...] | None:
    if found is None:
        return None
    if isinstance(found, list) and found and all(type(day) is int and 1 <= day <= 7 for day in found):
        return tuple(sorted(set(found)))
    problem(f"{path}.weekdays", "This must be a list of ISO weekdays: [1, 2, 3, 4, 5] is Monday to Friday.")
    return None
