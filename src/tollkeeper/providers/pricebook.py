"""The price book: which row prices a quantity, and what a call costs by it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from itertools import chain

from tollkeeper.clock import BEGINNING
from tollkeeper.ids import content_id
from tollkeeper.money import ZERO, round_charge, sum_of
from tollkeeper.providers.conditions import STANDARD
from tollkeeper.providers.model import INPUT_UNITS, CallFacts, Conditions, Line, Priced, PriceRow, Unit
from tollkeeper.providers.registry import model_key, provider_key, provider_of
from tollkeeper.providers.rows import bundled_rows

_STANDARD_TIERS = frozenset({"", "auto", "default", "on_demand", "on-demand", STANDARD})
_FALLBACKS: Mapping[str, tuple[str, ...]] = {
    Unit.REASONING_TOKENS: (Unit.OUTPUT_TOKENS,),
    # The shortest lifetime is what a provider's one price for cache writes means; longer ones cost more, so that only
    # a row of their own can price them.
    Unit.CACHE_WRITE_5M_TOKENS: (Unit.CACHE_WRITE_TOKENS,),
    Unit.CACHE_WRITE_30M_TOKENS: (Unit.CACHE_WRITE_TOKENS,),
}
_MOST_KNOWN = 4096

_Rows = Mapping[str, tuple[PriceRow, ...]]
"""By unit."""


class PriceBook:
    """Dated rows. It never changes: own rows make another book."""

    def __init__(self, rows: Iterable[PriceRow]) -> None:
        self.rows = tuple(rows)
        self.version = content_id("price book", *(row.price_id for row in self.rows)).hex[:16]
        self._shelves = _shelved(self.rows)
        self._known: dict[tuple[str, str], tuple[_Rows, ...]] = {}

    def with_own(self, rows: Iterable[PriceRow]) -> PriceBook:
        """This book with the operator's own rows, which go before the others unit by unit."""
        own = tuple(rows)
        return PriceBook((*own, *self.rows)) if own else self

    def price(self, facts: CallFacts) -> Priced:
        """What the call costs, in USD. Unknown is None, never 0; only quantities that are all 0 cost 0."""
        quantities = {str(unit): quantity for unit, quantity in facts.quantities.items()}
        if not quantities:
            return Priced(None, (), ("usage",), self.version)
        if not any(quantities.values()):
            return Priced(ZERO, (), (), self.version)
        shelves, situation = self._situation(facts, quantities)
        if not any(situation.in_force(row) for rows in shelves for row in chain.from_iterable(rows.values())):
            return Priced(None, (), ("model",), self.version)
        lines, missing = [], []
        for unit, quantity in quantities.items():
            row = _row_for(unit, shelves, situation) if quantity else None
            if row is not None:
                billed = quantity if row.least is None else max(quantity, row.least)
                lines.append(Line(unit, billed, row.amount, row.per, row.price_id))
            elif quantity:
                missing.append(unit)
        cost = None if missing else round_charge(sum_of(line.cost for line in lines))
        return Priced(cost, tuple(lines), tuple(missing), self.version)

    def row(self, facts: CallFacts, unit: str) -> PriceRow | None:
        """The row that prices `unit` in such a call, if there is one."""
        shelves, situation = self._situation(facts, {str(each): number for each, number in facts.quantities.items()})
        return _row_for(unit, shelves, situation)

    def rows_for(self, provider: str, model: str) -> tuple[PriceRow, ...]:
        """The rows of all times that can price a model: its own, or those of the provider that is resold."""
        key = provider_key(provider)
        name, _ = model_key(key, model, None)
        return tuple(row for rows in self._of(key, name) for unit in rows.values() for row in unit)

    def _situation(self, facts: CallFacts, quantities: Mapping[str, Decimal]) -> tuple[tuple[_Rows, ...], _Situation]:
        provider = provider_key(facts.provider)
        model, region = model_key(provider, facts.model, facts.region)
        tier = (facts.service_tier or "").strip().lower()
        batch = facts.batch or tier == "batch"
        tier = STANDARD if tier == "batch" or tier in _STANDARD_TIERS else tier
        whole = sum_of(quantities.get(unit, ZERO) for unit in INPUT_UNITS)
        return self._of(provider, model), _Situation(facts.at.astimezone(UTC), tier, batch, region, whole)

    def _of(self, provider: str, model: str) -> tuple[_Rows, ...]:
        """The rows of a model: the operator's own, then the bundled ones."""
        if (known := self._known.get((provider, model))) is not None:
            return known
        resells = provider_of(provider).resells
        own = self._on_shelf(provider, model, own=True)
        bundled = self._on_shelf(provider, model, own=False)
        if not bundled and resells is not None:
            bundled = self._on_shelf(resells, model, own=False)
        found = tuple(rows for rows in (own, bundled) if rows)
        if len(self._known) >= _MOST_KNOWN:  # Names of models come from outside: there's no end of them.
            self._known.clear()
        self._known[provider, model] = found
        return found

    def _on_shelf(self, provider: str, model: str, *, own: bool) -> _Rows:
        exact, patterns = self._shelves.get((provider, own), ({}, ()))
        if (found := exact.get(model)) is not None:
            return found
        return next((rows for pattern, rows in patterns if pattern.fullmatch(model)), {})


@cache
def book() -> PriceBook:
    """The bundled prices, read once."""
    return PriceBook(bundled_rows())


class _Situation:
    """What a row's conditions are compared with."""

    def __init__(self, at: datetime, tier: str, batch: bool, region: str | None, whole: Decimal) -> None:
        self._at, self._tier, self._batch, self._region, self._whole = at, tier, batch, region, whole
        self._time, self._weekday = at.strftime("%H:%M"), at.isoweekday()

    def in_force(self, row: PriceRow) -> bool:
        """Whether the row holds at that time: from its start, until before its end."""
        return (row.start is None or row.start <= self._at) and (row.end is None or self._at < row.end)

    def applies(self, row: PriceRow) -> bool:
        """Whether the row holds for this call."""
        on = row.conditions
        return (
            self.in_force(row)
            and on.service_tier in (None, self._tier)
            and on.batch in (None, self._batch)
            and on.region in (None, self._region)
            and (on.input_above is None or self._whole > on.input_above)
            and (on.input_up_to is None or self._whole <= on.input_up_to)
            and (on.weekdays is None or self._weekday in on.weekdays)
            and (on.hours is None or _within(self._time, on.hours))
        )


def _within(time: str, hours: tuple[str, str]) -> bool:
    start, end = hours
    return start <= time < end if start < end else time >= start or time < end


def _row_for(unit: str, shelves: tuple[_Rows, ...], situation: _Situation) -> PriceRow | None:
    """The row that prices a unit: own before bundled, then the region's, the latest, and the one that says most."""
    for candidate in (unit, *_FALLBACKS.get(unit, ())):
        for rows in shelves:
            fitting = [row for row in rows.get(candidate, ()) if situation.applies(row)]
            if fitting:
                return max(enumerate(fitting), key=lambda each: (*_rank(each[1]), each[0]))[1]
    return None


def _rank(row: PriceRow) -> tuple[bool, datetime, int]:
    # A region's prices are a series of their own: a new list for all the others doesn't replace them.
    return row.conditions.region is not None, row.start or BEGINNING, _said(row.conditions)


def _said(on: Conditions) -> int:
    """How many conditions a row has."""
    told = (on.service_tier, on.batch, on.region, on.input_above, on.input_up_to, on.hours, on.weekdays)
    return sum(one is not None for one in told)


_Shelf = tuple[Mapping[str, _Rows], tuple[tuple[re.Pattern[str], _Rows], ...]]


def _shelved(rows: Iterable[PriceRow]) -> dict[tuple[str, bool], _Shelf]:
    """Rows by provider, then by model: plain names, and patterns with the most specific first."""
    by_model: dict[tuple[str, bool], dict[str, dict[str, list[PriceRow]]]] = {}
    for row in rows:
        units = by_model.setdefault((row.provider, row.own), {}).setdefault(row.model, {})
        units.setdefault(row.unit, []).append(row)
    shelves: dict[tuple[str, bool], _Shelf] = {}
    for place, models in by_model.items():
        frozen: dict[str, _Rows] = {
            model: {unit: tuple(each) for unit, each in units.items()} for model, units in models.items()
        }
        exact: Mapping[str, _Rows] = {model: units for model, units in frozen.items() if "*" not in model}
        ranked = sorted((model for model in frozen if "*" in model), key=lambda model: (-_literal(model), model))
        shelves[place] = (exact, tuple((_pattern(model), frozen[model]) for model in ranked))
    return shelves


def _literal(pattern: str) -> int:
    return len(pattern.replace("*", ""))


def _pattern(model: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in model.split("*")))
