"""The rollups of calls, by local hour and day, meter and model: what the calls of a batch add to them.

The charge and the cost of an event are shared over the models of its calls by what those cost, or equally where that
isn't known or nothing. What events add is summed up here, before it's written: a batch mostly adds to few rows. Of an
event that is corrected the database, which knows all of its calls, takes off the shares and adds them anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from tollkeeper.calls.model import Caller, NewCall
from tollkeeper.calls.tokens import tokens_in
from tollkeeper.db import Queries, Tx, array, text_array, word_array
from tollkeeper.events import CostSource, NewEvent
from tollkeeper.money import CHARGE_DECIMALS, ONE, ZERO, add, allocate

_queries = Queries(__package__ or "")

_OF_PROVIDER, _OF_MODEL, _OF_ALL = 1, 2, 4
"""Parts of `repeats`: it's counted under an earlier model of the provider, an earlier provider of the model, or any."""

_Key = tuple[str, str, str, str, str, str, str, int]
"""Customer, hour, day, meter, unit, provider, model, repeats."""


@dataclass(slots=True)
class _Sum:
    """What events add to a row."""

    events: int = 0
    calls: int = 0
    charge: Decimal = ZERO
    cost: Decimal = ZERO
    unpriced: int = 0
    uncosted: int = 0
    uncosted_charge: Decimal = ZERO
    estimated: int = 0
    estimated_charge: Decimal = ZERO
    estimated_cost: Decimal = ZERO
    quantities: dict[str, Decimal] = field(default_factory=dict)
    """By unit, of the calls."""

    def count(self, event: NewEvent, calls: Sequence[NewCall], charge: Decimal, cost: Decimal) -> None:
        """Count an event with some of its calls, and its shares."""
        self.events += 1
        self.calls += len(calls)
        self.charge = add(self.charge, charge)
        self.cost = add(self.cost, cost)
        for call in calls:
            if call.quantities is not None:
                sums = self.quantities
                for unit, quantity in call.quantities.items():
                    sums[unit] = add(sums[unit], quantity) if unit in sums else quantity
        if event.charge is None or event.estimated or event.cost_source is not CostSource.RESPONSE:
            self._doubt(event, charge, cost)

    def row(self, key: _Key) -> _Row:
        """The sum as what is added to the row of this key."""
        read, cached, written, tokens = tokens_in(self.quantities)
        return _Row(
            *key,
            self.events,
            self.calls,
            read or None,
            cached or None,
            written or None,
            tokens or None,
            self.charge or None,
            self.cost or None,
            self.unpriced or None,
            self.uncosted or None,
            self.uncosted_charge or None,
            self.estimated or None,
            self.estimated_charge or None,
            self.estimated_cost or None,
        )

    def _doubt(self, event: NewEvent, charge: Decimal, cost: Decimal) -> None:
        self.unpriced += event.charge is None
        if event.cost_source is CostSource.NONE:
            self.uncosted += 1
            self.uncosted_charge = add(self.uncosted_charge, charge)
        if event.estimated or event.cost_source is CostSource.ESTIMATE:
            self.estimated += 1
            self.estimated_charge = add(self.estimated_charge, charge)
        if event.cost_source is CostSource.ESTIMATE:
            self.estimated_cost = add(self.estimated_cost, cost)


@dataclass(slots=True)
class _Row:
    """What is added to a row, as the query takes it: null for 0, as nearly all figures of doubt are."""

    customer_id: str
    hour: datetime | str
    day: date | str
    meter: str
    unit: str
    provider: str
    model: str
    repeats: int
    events: int | None
    calls: int | None
    input_tokens: Decimal | None
    cached_tokens: Decimal | None
    output_tokens: Decimal | None
    tokens: Decimal | None
    charge: Decimal | None
    cost: Decimal | None
    unpriced: int | None
    uncosted: int | None
    uncosted_charge: Decimal | None
    estimated: int | None
    estimated_charge: Decimal | None
    estimated_cost: Decimal | None


_TEXTS = frozenset({"meter", "unit", "provider", "model"})


async def add_calls(tx: Tx, callers: Sequence[Caller]) -> None:
    """Add the calls to the rollups, once they and their events are stored."""
    rows = [sums.row(key) for key, sums in sums_of(callers).items()]
    corrected = [caller for caller in callers if caller.corrected]
    if corrected:
        rows += await tx.all(_Row, _queries.corrected_shares, _corrected(corrected))
    params: dict[str, str] = {}
    for name in _Row.__slots__:
        column = [getattr(row, name) for row in rows]
        params[name] = text_array(column) if name in _TEXTS else array(column)
    params["hour"] = text_array([str(row.hour) for row in rows])
    await tx.execute(_queries.add_calls, params)


def _corrected(callers: Sequence[Caller]) -> dict[str, str]:
    events = [caller.event for caller in callers]
    return {
        "customer_id": word_array([one.customer_id for one in events]),
        "family": text_array([caller.family for caller in callers]),
        "event_id": text_array([one.event.id for one in events]),
        "hour": word_array([one.slot.hour_text for one in events]),
        "day": word_array([one.slot.day_text for one in events]),
        "meter": text_array([one.event.meter for one in events]),
        "unit": text_array([caller.unit for caller in callers]),
    }


def sums_of(callers: Iterable[Caller]) -> dict[_Key, _Sum]:
    """What events that aren't corrected add, by row."""
    found: dict[_Key, _Sum] = {}
    for caller in callers:
        if caller.corrected:
            continue
        event, slot = caller.event, caller.event.slot
        place = event.customer_id, slot.hour_text, slot.day_text, event.event.meter, caller.unit or ""
        if len(caller.calls) == 1:
            [call] = caller.calls
            row = _row(found, (*place, call.provider, call.model, 0))
            row.count(event, caller.calls, event.charge or ZERO, event.cost or ZERO)
            continue
        for model, repeats, calls, charge, cost in _shares(caller):
            _row(found, (*place, *model, repeats)).count(event, calls, charge, cost)
    return found


def _row(sums: dict[_Key, _Sum], key: _Key) -> _Sum:
    row = sums.get(key)
    if row is None:
        row = sums[key] = _Sum()
    return row


def _shares(caller: Caller) -> Iterator[tuple[tuple[str, str], int, list[NewCall], Decimal, Decimal]]:
    """Each provider and model that was called, how it repeats earlier ones, its calls, its charge and its cost."""
    calls: dict[tuple[str, str], list[NewCall]] = {}
    for call in caller.calls:
        calls.setdefault((call.provider, call.model), []).append(call)
    models = sorted(calls)
    weights = [_cost(calls[model]) for model in models]
    if caller.event.cost_source is CostSource.NONE or not any(weights):
        weights = [ONE] * len(models)
    charges = allocate(caller.event.charge or ZERO, weights, CHARGE_DECIMALS)
    costs = allocate(caller.event.cost or ZERO, weights, CHARGE_DECIMALS)
    for i, model in enumerate(models):
        repeats = _OF_ALL if i else 0
        repeats += _OF_PROVIDER if any(one[0] == model[0] for one in models[:i]) else 0
        repeats += _OF_MODEL if any(one[1] == model[1] for one in models[:i]) else 0
        yield model, repeats, calls[model], charges[i], costs[i]


def _cost(calls: Iterable[NewCall]) -> Decimal:
    total = ZERO
    for call in calls:
        total = add(total, call.cost or ZERO)
    return max(total, ZERO)
