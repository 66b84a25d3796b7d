"""What a proposal warns of: consequences that its author may not expect."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from tollkeeper.catalog.check import Draft
from tollkeeper.catalog.declarations import Declarations
from tollkeeper.catalog.model import ADDITIVE, Aggregation, Meter, Price, PriceHistory
from tollkeeper.catalog.prices import Models, Scope
from tollkeeper.catalog.timeline import Step, moment
from tollkeeper.clock import BEGINNING, calendar_period

_INSTANT = timedelta(microseconds=1)
_TIERED = {"graduated": "tiers", "volume": "tiers", "package": "packages"}
_PEAKS = {
    Aggregation.MAX: "the largest quantity",
    Aggregation.LATEST: "the latest quantity",
    Aggregation.UNIQUE_COUNT: "the number of distinct ones",
}
_INCLUDED, _MAXIMUM = "the included quantity", "the maximum"
_ANEW = {
    "tiers": "the first tier comes first again",
    "packages": "a new package begins",
    _INCLUDED: "all of the included quantity is free from then on",
    _MAXIMUM: "up to the whole maximum can be charged from then on, besides what was charged before",
}
_ANEW |= {peak: f"{peak} is charged in full again" for peak in _PEAKS.values()}
_BACK = {
    _INCLUDED: "its included quantity comes on top of what was free before",
    _MAXIMUM: "up to its maximum can be charged, besides what was charged before",
}
_LOST = {
    _INCLUDED: "what is left of the included quantity is lost",
    _MAXIMUM: "what is charged from then on comes on top of the maximum",
}


@dataclass(frozen=True, slots=True)
class Timeline:
    """Which price holds when, before and after the file is applied."""

    old: Mapping[Scope, PriceHistory]
    new: Mapping[Scope, PriceHistory]
    meters: Mapping[str, Meter]
    plans: Collection[str]
    """Those that were there before and stay: customers may be on them."""
    used: Collection[str]
    """The meters that have usage."""
    now: datetime


@dataclass(frozen=True, slots=True)
class _Turn:
    """An instant at which one price takes over from another, or from none, or none from it."""

    scope: Scope
    at: datetime
    starts: datetime | None
    """`at`, in the offset that the file's `from` was written in; None where there is no such `from`."""
    before: Price | None
    after: Price | None


def warnings_of(draft: Draft, found: Sequence[tuple[Scope, Step]], timeline: Timeline, models: Models) -> Iterator[str]:
    """The warnings for `draft`, of which `found` is new."""
    written = {(entry.scope, entry.price.effective_from): entry.starts for entry in draft.prices}
    for turn in _turns(timeline, written):
        yield from _anew(turn, timeline, models)
    for scope, step in found:
        nearer = scope.customer or scope.plan in timeline.plans
        if nearer and step.row.effective_from == BEGINNING and Scope(scope.meter) in timeline.old:
            yield (
                f"The price {scope.words} holds for all time, so usage of the past that is reported from now on is "
                "charged by it too; give `from` to avoid it."
            )
    priced = {entry.scope.meter for entry in draft.prices}
    for meter in draft.declared.meters:
        if meter not in priced:
            yield f"{meter} has no price: its usage is recorded, and stays unpriced."


def default_warnings(old: Declarations, new: Declarations, used: Collection[str]) -> Iterator[str]:
    """Another default plan is another plan for everyone who was never put on one, at all times."""
    if used and old.default_plan != new.default_plan:
        put = f"on the plan `{new.default_plan}`" if new.default_plan else "on no plan"
        yield (
            f"Customers that were never put on a plan are {put} from now on, and usage of the past that they report "
            "from now on is charged by its prices too; included quantities, tiers and maximums of prices that differ "
            "count anew."
        )


def _turns(timeline: Timeline, written: Mapping[tuple[Scope, datetime], datetime | None]) -> Iterator[_Turn]:
    """What the file adds or changes: turns that were the same before it are left out."""
    for scope, history in timeline.new.items():
        if scope.plan and scope.plan not in timeline.plans:
            continue
        known = timeline.old.get(scope)
        begun: list[Price] = []
        for at in history.starts:
            pair = _around(timeline.new, scope, at)
            if at == BEGINNING or (known is not None and at < timeline.now):
                continue
            if known is not None and at in known.starts and pair == _around(timeline.old, scope, at):
                continue
            turn = _Turn(scope, at, written.get((scope, at)), *pair)
            if turn.after is not None and not _begins_period(turn.after, turn.starts):
                begun.append(turn.after)
            yield turn
        if known is None:
            # The first price of a scope may hold for the past as well. Usage that is stored has been charged by another
            # one, or by none, so for the running totals it begins now.
            before, after = _held(timeline.old, scope, timeline.now), _held(timeline.new, scope, timeline.now)
            if after not in begun and (before or scope.meter in timeline.used):
                yield _Turn(scope, timeline.now, None, before, after)


def _around(histories: Mapping[Scope, PriceHistory], scope: Scope, at: datetime) -> tuple[Price | None, Price | None]:
    before = None if at == BEGINNING else _held(histories, scope, at - _INSTANT)
    return before, _held(histories, scope, at)


def _held(histories: Mapping[Scope, PriceHistory], scope: Scope, at: datetime) -> Price | None:
    """The price that rates the scope's usage: a customer's own or a plan's, else the one for everyone."""
    own, general = histories.get(scope), histories.get(Scope(scope.meter))
    return (own and own.at(at)) or (general and general.at(at)) or None


def _anew(turn: _Turn, timeline: Timeline, models: Models) -> Iterator[str]:
    """Running totals belong to a price: those of the one that begins don't know what was used before."""
    before, after = turn.before, turn.after
    if before == after:
        return
    meter = timeline.meters.get(turn.scope.meter)
    since = "now on" if turn.at == timeline.now else moment(turn.at)
    began: list[str] = []
    if after is not None and not _begins_period(after, turn.starts):
        began = _totals(after, meter, models)
        yield from _begins(turn, after, began, since)
    if before is not None and not _begins_period(before, turn.starts):
        ended = [part for part in _totals(before, meter, models) if part not in began]
        yield from _ends(turn, before, ended, since)


def _begins(turn: _Turn, price: Price, parts: list[str], since: str) -> Iterator[str]:
    if not parts:
        return
    told, period = _listed(parts), price.period
    count = "counts" if _is_one(parts) else "count"
    if not turn.scope.general and Scope.of(price).general:
        # It has held for the others all along, and here before there was a price of its own.
        whom = turn.scope.customer or f"customers on plan {turn.scope.plan}"
        yield (
            f"{told} of {turn.scope.meter} {count} for {whom}, from {since}, only what the price for "
            f"everyone has charged: what the {'customer' if turn.scope.customer else 'plan'}'s own price has charged "
            f"in the {period} doesn't count{_consequences(parts, _BACK)}."
        )
        return
    yield (
        f"{told} of {turn.scope.words} {count} anew from {since}, within a {period}: what was used and charged before "
        f"in the {period} doesn't count{_consequences(parts, _ANEW)}. Give `from` the start of a {period} to avoid it."
    )


def _ends(turn: _Turn, price: Price, parts: list[str], since: str) -> Iterator[str]:
    if not parts:
        return
    end = "ends" if _is_one(parts) else "end"
    dated = turn.after is not None and turn.after.effective_from == turn.at
    remedy = f" Give `from` the start of a {price.period} to avoid it." if dated else ""
    yield (
        f"{_listed(parts)} of {turn.scope.words} {end} with the price until then, within a {price.period}: what is "
        f"used from {since} isn't counted with what was used before{_consequences(parts, _LOST)}.{remedy}"
    )


def _totals(price: Price, meter: Meter | None, models: Models) -> list[str]:
    """What of a price runs over a period."""
    found: list[str] = []
    if models[price.model].cumulative and price.model != "unit":
        found.append(_TIERED.get(price.model, "the running total"))
    if meter is not None and meter.aggregation not in ADDITIVE:
        found.append(_PEAKS[meter.aggregation])
    if price.included:
        found.append(_INCLUDED)
    if price.maximum is not None:
        found.append(_MAXIMUM)
    return found


def _consequences(parts: Sequence[str], told: Mapping[str, str]) -> str:
    """The end of a sentence: "; all of the included quantity is free from then on"."""
    return "".join(f"; {told[part]}" for part in parts if part in told)


def _listed(parts: Sequence[str]) -> str:
    """ "Tiers, the included quantity and the maximum"."""
    text = " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else parts[0]
    return text[0].upper() + text[1:]


def _is_one(parts: Sequence[str]) -> bool:
    return len(parts) == 1 and parts[0] not in _TIERED.values()


def _begins_period(price: Price, starts: datetime | None) -> bool:
    """Whether `starts` is the first instant of a period of the price, in the offset that it was written in."""
    if starts is None or starts.timetz().replace(tzinfo=None) != time.min:
        return False
    return calendar_period(starts.date(), price.period)[0] == starts.date()
