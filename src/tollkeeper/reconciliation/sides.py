"""From rows and sums to what both sides have in each grain of a bucket. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from tollkeeper.errors import InvalidInput
from tollkeeper.money import ZERO, add, multiply, round_charge, subtract, sum_of
from tollkeeper.providers.model import Unit
from tollkeeper.reconciliation.model import Bucket, Grain, KnownMinute, Origin, Ours, OurSum, Theirs, Unexplained
from tollkeeper.reconciliation.origins import grains_of
from tollkeeper.reconciliation.reports import ReportKind, ReportRow

_TOOLS = frozenset({Unit.WEB_SEARCHES, Unit.FILE_SEARCHES, Unit.CODE_SESSIONS})
"""What a call uses besides its model; providers report and bill it apart from any model, so it's a grain of its own."""


@dataclass(frozen=True, slots=True)
class Rates:
    """How amounts become the catalog's currency."""

    currency: str
    usd_rate: Decimal | None = None
    """Units of the catalog's currency for 1 USD, where that is another one."""

    def convert(self, amount: Decimal, currency: str | None) -> Decimal:
        """The amount in the catalog's currency. Raises InvalidInput `rate_missing`."""
        if currency in (None, self.currency):
            return amount
        if currency == "USD" and self.usd_rate is not None:
            return multiply(amount, self.usd_rate)
        told = f"The provider bills in {currency}, and the catalog is in {self.currency}: set TOLLKEEPER_USD_RATE"
        raise InvalidInput("rate_missing", f"{told}, which turns USD into it.", field="currency")


@dataclass(slots=True)
class _Theirs:
    """What the provider tells of a grain, as it is added up."""

    requests: int | None = None
    usage: dict[str, Decimal] = field(default_factory=dict)
    used: bool = False
    billed: dict[str, Decimal] = field(default_factory=dict)
    """Quantities that the bill tells, for grains of which no usage is reported."""
    all_billed: bool = True
    asked: dict[str | None, Decimal] = field(default_factory=dict)
    """The money, by unit; None: the bill doesn't tell for which."""


@dataclass(frozen=True, slots=True)
class Sides:
    """The grains of a bucket."""

    grains: dict[Grain, tuple[Ours, Theirs]]
    places: dict[Origin, Origin]
    """The origin of the grain that each origin belongs to."""


def sides_of(bucket: Bucket, ours: Sequence[OurSum], reports: Sequence[ReportRow], rates: Rates) -> Sides:
    """Each grain of the bucket, with what both sides have. Raises InvalidInput `rate_missing`."""
    sums = [part for one in ours for part in _tool_sums(one)]
    rows = [(origin, row) for each in reports if not each.empty for origin, row in _origins(each)]
    places = grains_of({origin for origin, _ in rows} | {_origin(one) for one in sums})
    mine: dict[Origin, Ours] = {}
    other: dict[Origin, _Theirs] = {}
    for one in sums:
        _count_ours(mine.setdefault(places[_origin(one)], Ours()), one)
    for origin, row in rows:
        _count_theirs(other.setdefault(places[origin], _Theirs()), row, rates)
    told = any(row.kind == ReportKind.COST for row in reports)
    grains = {
        Grain(bucket, origin): (mine.get(origin, Ours()), _summed(other.get(origin), mine.get(origin), told=told))
        for origin in sorted({*mine, *other}, key=_by_name)
    }
    return Sides(grains, places)


def unexplained_minutes(
    reports: Sequence[ReportRow], known: Sequence[KnownMinute], places: Mapping[Origin, Origin]
) -> dict[Origin, list[Unexplained]]:
    """By grain, what each minute has of tokens and requests beyond our known calls."""
    tokens: dict[tuple[Origin, datetime], Decimal] = {}
    requests: dict[tuple[Origin, datetime], int] = {}
    for each in reports:
        for origin, row in _origins(each):
            place = places.get(origin, origin), row.bucket_start
            tokens[place] = add(tokens.get(place, ZERO), tokens_of(row.quantities or {}))
            requests[place] = requests.get(place, 0) + (row.requests or 0)
    for one in known:
        origin = Origin(one.model, one.project, one.api_key)
        place = places.get(origin, origin), one.minute
        if place in tokens:
            tokens[place] = subtract(tokens[place], one.tokens)
            requests[place] = requests[place] - one.calls
    found: dict[Origin, list[Unexplained]] = {}
    for (origin, minute), left in tokens.items():
        if left > 0:
            found.setdefault(origin, []).append(Unexplained(left, requests[origin, minute]))
    return found


def tokens_of(quantities: Mapping[str, Decimal]) -> Decimal:
    """The tokens among these quantities."""
    return sum_of(quantity for unit, quantity in quantities.items() if unit.endswith("tokens"))


def _by_name(origin: Origin) -> tuple[str, str, str]:
    return origin.model, origin.project or "", origin.api_key or ""


def _origin(one: OurSum) -> Origin:
    return Origin(one.model, one.project, one.api_key)


def _tool_sums(one: OurSum) -> Iterable[OurSum]:
    """The sum; or, of a tool, the sum under the tool's name. Its cost is taken out of that of its model's calls."""
    if one.unit not in _TOOLS:
        return [one]
    tool = replace(one, model=one.unit)
    if one.what != "lines":
        return [tool]
    cost = round_charge(one.cost)
    charged = replace(tool, what="calls", unit=None, quantity=cost, cost=cost)
    return [tool, charged, replace(charged, model=one.model, quantity=cost.copy_negate(), cost=cost.copy_negate())]


def _origins(row: ReportRow) -> list[tuple[Origin, ReportRow]]:
    """A row of a report under its origin; what it tells of tools under theirs."""
    if row.kind == ReportKind.COST:
        model = row.unit if row.unit in _TOOLS else row.model or row.unit or row.line_item or "other"
        return [(Origin(model or "other", row.project, row.api_key), row)]
    quantities = row.quantities or {}
    tools = {unit: quantity for unit, quantity in quantities.items() if unit in _TOOLS}
    rest = {unit: quantity for unit, quantity in quantities.items() if unit not in _TOOLS}
    found = [
        (Origin(unit, row.project, row.api_key), replace(row, requests=None, quantities={unit: quantity}))
        for unit, quantity in tools.items()
    ]
    if rest or not tools:
        model = row.model or (next(iter(rest)) if len(rest) == 1 else row.endpoint) or "other"
        found.append((Origin(model, row.project, row.api_key), replace(row, quantities=rest)))
    return found


def _count_ours(ours: Ours, one: OurSum) -> None:
    if one.what == "waiting":
        ours.waiting_cost = add(ours.waiting_cost, one.cost)
    elif one.kind != "exact":
        ours.vague_requests += one.calls
        ours.vague_cost = add(ours.vague_cost, one.cost)
    elif one.what == "calls":
        ours.requests += one.calls
        ours.cost = add(ours.cost, one.cost)
        ours.priced_cost = add(ours.priced_cost, one.quantity)
    elif one.unit is not None and one.what == "quantities":
        if one.quantity:
            ours.quantities[one.unit] = add(ours.quantities.get(one.unit, ZERO), one.quantity)
    elif one.unit is not None:
        quantity, cost = ours.priced.get(one.unit, (ZERO, ZERO))
        ours.priced[one.unit] = add(quantity, one.quantity), add(cost, one.cost)


def _count_theirs(theirs: _Theirs, row: ReportRow, rates: Rates) -> None:
    if row.kind == ReportKind.USAGE:
        theirs.used = True
        if row.requests is not None:
            theirs.requests = (theirs.requests or 0) + row.requests
        _add(theirs.usage, row.quantities or {})
        return
    amount = round_charge(rates.convert(row.amount or ZERO, row.currency))
    theirs.asked[row.unit] = add(theirs.asked.get(row.unit, ZERO), amount)
    if row.unit is None or row.quantity is None:
        theirs.all_billed = False
    else:
        _add(theirs.billed, {row.unit: row.quantity})


def _summed(theirs: _Theirs | None, ours: Ours | None, *, told: bool) -> Theirs:
    """All that they tell of the grain; nothing at all is 0, once they have told what the day costs.

    What the bill counts stands in where no usage is reported, or only in units that we don't have.
    """
    if theirs is None:
        return Theirs(quantities={}, money=ZERO if told else None)
    money = sum_of(theirs.asked.values()) if told else None
    asked = {} if None in theirs.asked else {unit: amount for unit, amount in theirs.asked.items() if unit is not None}
    billed = theirs.billed if theirs.all_billed and theirs.billed else None
    if theirs.used:
        mine = ours.quantities.keys() if ours else ()
        stranger = bool(mine) and not theirs.usage.keys() & mine
        return Theirs(theirs.requests, billed if stranger and billed else theirs.usage, money, asked)
    return Theirs(None, billed, money, asked)


def _add(sums: dict[str, Decimal], quantities: Mapping[str, Decimal]) -> None:
    for unit, quantity in quantities.items():
        sums[unit] = add(sums.get(unit, ZERO), quantity)
