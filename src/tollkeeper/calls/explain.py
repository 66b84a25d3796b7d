"""How the cost of an event's calls comes about, in words and figures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from tollkeeper.calls.model import NewCall, StoredCall
from tollkeeper.calls.price import BOOK_CURRENCY
from tollkeeper.events import CostSource
from tollkeeper.money import ONE, amount_in_words, grouped, plain, price_of, sum_of
from tollkeeper.providers.model import Line
from tollkeeper.rating import Step, figure

_WHY = {
    "model": "the price book doesn't know its model",
    "usage": "its usage isn't known, or can't be understood",
    "usd_rate": "there is no rate from dollars to the catalog's currency (TOLLKEEPER_USD_RATE)",
}


@dataclass(frozen=True, slots=True)
class _Call:
    """What both kinds of calls have."""

    of: str
    lines: list[Line]
    rate: Decimal | None
    cost: Decimal | None
    cost_source: str
    missing: Sequence[str]
    adjusts: str | None


def cost_steps(calls: Iterable[NewCall | StoredCall], currency: str, booked: Decimal | None) -> list[Step]:
    """The arithmetic of each call, then what the event costs: `booked`, None where that isn't known."""
    found = [_seen(call) for call in calls]
    steps = [step for call in found for step in _steps(call, currency)]
    if not found and booked is None:
        return []
    if booked is None:
        text = "The event's cost isn't known while one of its calls is unpriced"
        return [*steps, Step("cost", text, {"cost": "unpriced"})]
    told = sum_of(call.cost for call in found if call.cost is not None)
    text = f"Cost: {amount_in_words(booked, currency)}"
    if told != booked:
        text += ", with what the event's other calls had cost before all were known"
    return [*steps, Step("cost", text, {"cost": plain(booked)})]


def elsewhere(call_id: str) -> Step:
    """That a call which the event brings costs nothing in it."""
    text = f"The call {call_id} costs nothing here: it's counted where it was first recorded"
    return Step("counted_elsewhere", text, {"call_id": call_id, "cost": "0"})


def _seen(call: NewCall | StoredCall) -> _Call:
    lines = [line if isinstance(line, Line) else _line(line) for line in call.lines or ()]
    of = f"{call.model} of {call.provider}"
    return _Call(of, lines, call.rate, call.cost, call.cost_source, call.missing, call.adjusts)


def _line(stored: dict[str, str]) -> Line:
    numbers = {name: Decimal(stored[name]) for name in ("quantity", "amount", "per")}
    return Line(unit=stored["unit"], price_id=stored["price_id"], **numbers)


def _steps(call: _Call, currency: str) -> Iterator[Step]:
    for line in call.lines:
        cost = price_of(line.quantity, line.amount, line.per)
        rate = amount_in_words(line.amount, BOOK_CURRENCY) + ("" if line.per == ONE else f" per {grouped(line.per)}")
        quantity = quantity_in_words(line.quantity, line.unit)
        text = f"{call.of}: {quantity} × {rate} = {amount_in_words(cost, BOOK_CURRENCY)}"
        numbers = {name: plain(getattr(line, name)) for name in ("quantity", "amount", "per")}
        own = {"unit": str(line.unit), "cost": figure(cost), "price_row": line.price_id}
        yield Step("call_price", text, own | numbers)
    if call.cost is None:
        why = "; ".join(_WHY.get(each, f"the price book has no price for its {_words(each)}") for each in call.missing)
        yield Step("call_unpriced", f"{call.of} is unpriced: {why}", {"missing": ", ".join(call.missing)})
        return
    known = amount_in_words(call.cost, currency)
    if call.rate is not None:
        text = f"{call.of}: × {grouped(call.rate)} {currency} for 1 {BOOK_CURRENCY} = {known}"
        yield Step("exchange", text, {"rate": plain(call.rate), "cost": plain(call.cost)})
    if call.adjusts is not None:
        text = f"{call.of}: {known} {'is added to' if call.cost >= 0 else 'is the change of'} the call {call.adjusts}"
        yield Step("call_adjusted", text + _source(call), {"call_id": call.adjusts, "cost": plain(call.cost)})
    elif not call.lines:
        yield Step("call_cost", f"{call.of}: {known}{_source(call)}", {"cost": plain(call.cost)})
    elif call.cost_source == CostSource.ESTIMATE:
        yield Step("call_estimated", f"{call.of}: its usage is an estimate", {"cost": plain(call.cost)})


def _source(call: _Call) -> str:
    match call.cost_source:
        case CostSource.PROVIDER_REPORT:
            return ", as the provider reported"
        case CostSource.ESTIMATE:
            return ", an estimate"
    return "" if call.lines else ", as it was told"


def quantity_in_words(number: Decimal, unit: str) -> str:
    """A quantity of one of the price book's units: "1 image", "1,500 input tokens"."""
    words = _words(unit)
    if number.copy_abs() == ONE:
        words = words.removesuffix("es") if words.endswith("ches") else words.removesuffix("s")
    return f"{grouped(number)} {words}"


def _words(unit: str) -> str:
    return unit.replace("_", " ")
