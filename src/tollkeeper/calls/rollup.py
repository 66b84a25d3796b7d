"""The rollups of calls, by local hour and day, meter and model: what the calls of a batch add to them.

The charge and the cost of an event are shared over the models of its calls by what those cost, or equally where that
isn't known or nothing. What events add is summed up here, before it's written: a batch nearly always adds to few rows. An
event that is corrected has its shares taken off and added anew by the database, which knows all of its calls.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
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
    input_tokens: Decimal = ZERO
    cached_tokens: Decimal = ZERO
    output_tokens: Decimal = ZERO
    tokens: Decimal = ZERO
    charge: Decimal = ZERO
    cost: Decimal = ZERO
    unpriced: int = 0
    uncosted: int = 0
    uncosted_charge: Decimal = ZERO
    estimated: int = 0
    estimated_charge: Decimal = ZERO
    estimated_cost: Decimal = ZERO

    def call(self, call: NewCall) -> None:
        """Count a call."""
        self.calls += 1
        if call.quantities is not None:
            more = tokens_in(call.quantities)
            self.input_tokens = add(self.input_tokens, more.input)
            self.cached_tokens = add(self.cached_tokens, more.cached)
            self.output_tokens = add(self.output_tokens, more.output)
            self.tokens = add(self.tokens, more.total)

    def event(self, event: NewEvent, charge: Decimal, cost: Decimal) -> None:
        """Count an event with its shares."""
        self.events += 1
        self.charge = add(self.charge, charge)
        self.cost = add(self.cost, cost)
        self.unpriced += event.charge is None
        if event.cost_source is CostSource.NONE:
            self.uncosted += 1
            self.uncosted_charge = add(self.uncosted_charge, charge)
        if event.estimated or event.cost_source is CostSource.ESTIMATE:
            self.estimated += 1
            self.estimated_charge = add(self.estimated_charge, charge)
        if event.cost_source is CostSource.ESTIMATE:
            self.estimated_cost = add(self.estimated_cost, cost)


async def add_calls(tx: Tx, callers: Sequence[Caller]) -> None:
    """Add the calls to the rollups, once they and their events are stored."""
    sums = sums_of(callers)
    params = _columns(sums)
    corrected = [caller for caller in callers if caller.corrected]
    if not corrected:
        await tx.execute(_queries.add_calls, params)
        return
    events = [caller.event for caller in corrected]
    params |= {
        "corrected_customer": word_array([one.customer_id for one in events]),
        "corrected_family": text_array([caller.family for caller in corrected]),
        "corrected_event": text_array([one.event.id for one in events]),
        "corrected_hour": word_array([one.slot.hour_text for one in events]),
        "corrected_day": word_array([one.slot.day_text for one in events]),
        "corrected_meter": text_array([one.event.meter for one in events]),
        "corrected_unit": text_array([caller.unit for caller in corrected]),
    }
    await tx.execute(_queries.add_calls_anew, params)


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
            row = found.setdefault((*place, call.provider, call.model, 0), _Sum())
            row.call(call)
            row.event(event, event.charge or ZERO, event.cost or ZERO)
            continue
        for model, repeats, calls, charge, cost in _shares(caller):
            row = found.setdefault((*place, *model, repeats), _Sum())
            for call in calls:
                row.call(call)
            row.event(event, charge, cost)
    return found


def _shares(caller: Caller) -> Iterator[tuple[tuple[str, str], int, list[NewCall], Decimal, Decimal]]:
    """Each provider and model that was called, how it repeats earlier ones, its calls, and its shares of charge and cost."""
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


def _columns(sums: dict[_Key, _Sum]) -> dict[str, str]:
    keys, rows = [*sums], [*sums.values()]
    params = {name: array([getattr(row, name) for row in rows]) for name in _Sum.__slots__}
    for i, name in enumerate(("customer_id", "hour", "day")):
        params[name] = word_array([str(key[i]) for key in keys])
    for i, name in enumerate(("meter", "unit", "provider", "model")):
        params[name] = text_array([str(key[3 + i]) for key in keys])
    return params | {"repeats": array([key[7] for key in keys])}
