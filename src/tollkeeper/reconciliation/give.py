"""Giving: the shares of a day's costs become true-ups of the events that they belong to. Once: what was given before is
subtracted, so a second run gives nothing, and growth only gives its change.

The gate books a true-up, and whether the customer is charged by it is for the price to say. What the gate refuses isn't
noted as given; it stays in the variance, and the next run tries again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from uuid import UUID

from tollkeeper.catalog import Attribution
from tollkeeper.db import Tx
from tollkeeper.events import CostSource, Status
from tollkeeper.gate import CallChange, Desk, Result, TrueUp, true_up
from tollkeeper.ids import content_id
from tollkeeper.money import ONE, ZERO, add, plain, subtract, sum_of
from tollkeeper.reconciliation.compare import compare
from tollkeeper.reconciliation.model import (
    Allocate,
    Bucket,
    Comparison,
    Grain,
    Member,
    Origin,
    Ours,
    Reason,
    Theirs,
    Unexplained,
)
from tollkeeper.reconciliation.reports import MINUTE, ReportKind, Stretch
from tollkeeper.reconciliation.shares import Share, by_class, meter_of, share_calls, share_gap, share_silent, split
from tollkeeper.reconciliation.sides import Sides, tokens_of, unexplained_minutes
from tollkeeper.reconciliation.store import (
    FoundCall,
    GivenShare,
    NewShare,
    SilentEvent,
    calls_in,
    insert_shares,
    known_minutes,
    latest_reports,
    shares_of,
    silent_events,
)

OWN_IDS = "reconciled:"
"""How the ids of the true-ups begin."""

_TOGETHER = 1000
_Place = tuple[UUID, str, str, str]
"""Grain, customer, event and call."""
_REASONS = {"guessed": Reason.ESTIMATE, "open": Reason.UNPRICED, "exact": Reason.PRICE_GAP}


@dataclass(frozen=True, slots=True)
class _Step:
    """A share that is to be given now, of one grain."""

    grain: Grain
    share: Share
    revision: int


@dataclass(slots=True)
class Given:
    """What was given, and what couldn't be."""

    shares: list[NewShare] = field(default_factory=list)
    refused: list[Result] = field(default_factory=list)


async def give_shares(
    tx: Tx,
    desk: Desk,
    bucket: Bucket,
    sides: Sides,
    comparisons: Mapping[Grain, Comparison],
    *,
    currency: str,
    attribution: Attribution,
    allocate: Allocate,
    now: datetime,
    by: str,
) -> Given:
    """True up the events that the day's costs belong to. Under the provider's lock; the day must be closed."""
    calls = await _calls(tx, bucket, sides, gaps=allocate is Allocate.PRICE_GAP)
    events = await silent_events(tx, bucket, attribution.meters, OWN_IDS) if attribution.meters else []
    given = _Earlier(await shares_of(tx, [grain.grain_id for grain in comparisons]))
    minutes = await _minutes(tx, bucket, sides) if attribution.classes else {}
    steps: list[_Step] = []
    for grain, found in comparisons.items():
        comparison = _without_gap(found, given.gap(grain), sides.grains[grain], currency)
        members = [member for member in calls.get(grain.origin, []) if member.reason is not Reason.PRICE_GAP]
        meters = _meters(grain, comparison, attribution, minutes.get(grain.origin, []))
        # What products have told of calls without their usage isn't shared out again.
        shareable = (*(one.cost for one in members), *(one.amount for one in given.attributed(grain).values()))
        told = subtract(comparison.ours.vague_cost, sum_of(shareable))
        shared = share_calls(comparison, members, told=told, silent=any(event.meter in meters for event in events))
        shares = [*shared.shares, *_attributed(shared.left, meters, events, given, grain)]
        if allocate is Allocate.PRICE_GAP:
            gap = [member for member in calls.get(grain.origin, []) if member.reason is Reason.PRICE_GAP]
            shares += share_gap(comparison.price_gap, gap, [given.gap_of(grain, member) for member in gap])
        steps += [_Step(grain, share, given.revision(grain, share.member) + 1) for share in shares if share.change]
    return await _book(tx, desk, bucket.provider, steps, now, by)


def _without_gap(
    found: Comparison, given: tuple[Decimal, Decimal], sides: tuple[Ours, Theirs], currency: str
) -> Comparison:
    """The grain as it would be had nothing of a price gap been given: what is to be given doesn't depend on that."""
    whole, priced = given
    if not whole:
        return found
    ours, theirs = sides
    bare = replace(ours, cost=subtract(ours.cost, whole), priced_cost=subtract(ours.priced_cost, priced))
    return compare(bare, theirs, currency=currency)


async def _calls(tx: Tx, bucket: Bucket, sides: Sides, *, gaps: bool) -> dict[Origin, list[Member]]:
    """The calls that may get a share, by their grain's origin."""
    found: dict[Origin, list[Member]] = {}
    for call in await calls_in(tx, bucket, ["guessed", "open", *(["exact"] if gaps else [])]):
        origin = Origin(call.model, call.project, call.api_key)
        found.setdefault(sides.places.get(origin, origin), []).append(_member(call))
    return found


def _member(call: FoundCall) -> Member:
    return Member(
        call.customer_id,
        call.customer,
        call.event_id,
        call.call_id,
        call.cost,
        call.tokens,
        call.billed,
        _REASONS[call.kind],
    )


async def _minutes(tx: Tx, bucket: Bucket, sides: Sides) -> dict[Origin, list[Unexplained]]:
    stretch = Stretch(ReportKind.USAGE, bucket.start, bucket.end, MINUTE)
    rows = [row for row, _ in await latest_reports(tx, bucket.provider, stretch)]
    return unexplained_minutes(rows, await known_minutes(tx, bucket), sides.places) if rows else {}


def _meters(
    grain: Grain, comparison: Comparison, attribution: Attribution, minutes: Sequence[Unexplained]
) -> dict[str, Decimal]:
    """The meters whose events a grain's unexplained cost may belong to, each with its weight."""
    named = meter_of(grain.bucket.provider, grain.origin, attribution)
    if named is not None:
        return {named: ONE}
    tokens = subtract(tokens_of(comparison.theirs.quantities or {}), tokens_of(comparison.ours.quantities))
    if tokens <= 0:
        return {}
    requests = (comparison.theirs.requests or 0) - comparison.ours.requests
    meters: dict[str, Decimal] = {}
    for each, weight in by_class(minutes or [Unexplained(tokens, requests)]).items():
        # A class without a meter keeps its part: it is missing here.
        meter = attribution.classes.get(each, "")
        meters[meter] = add(meters.get(meter, ZERO), weight)
    return meters


def _attributed(
    left: Decimal, meters: Mapping[str, Decimal], events: Sequence[SilentEvent], given: _Earlier, grain: Grain
) -> list[Share]:
    """The shares of events that told of no call; those that got one before, and don't any more, give it back."""
    earlier = given.attributed(grain)
    shares: list[Share] = []
    for meter, part in zip(meters, split(left, [*meters.values()]), strict=True):
        found = [event for event in events if event.meter == meter]
        members = [_silent(one, earlier.pop((one.customer_id, one.event_id), None)) for one in found]
        shares += share_silent(part, members)
    return [*shares, *(Share(_former(one), ZERO) for one in earlier.values())]


def _silent(event: SilentEvent, before: GivenShare | None) -> Member:
    call_id, cost = ("", ZERO) if before is None else (before.call_id, before.amount)
    return Member(
        event.customer_id, event.customer, event.event_id, call_id, cost, ZERO, event.billed, Reason.ATTRIBUTION
    )


def _former(one: GivenShare) -> Member:
    return Member(one.customer_id, one.customer, one.event_id, one.call_id, one.amount, ZERO, ZERO, Reason.ATTRIBUTION)


class _Earlier:
    """What the day's grains have given so far."""

    def __init__(self, given: Sequence[GivenShare]) -> None:
        self._given = given
        self._revisions: dict[_Place, int] = {}
        self._gaps: dict[_Place, Decimal] = {}
        for one in given:
            place = one.grain_id, one.customer_id, one.event_id, one.call_id
            self._revisions[place] = max(one.revision, self._revisions.get(place, 0))
            if one.reason == Reason.PRICE_GAP:
                self._gaps[place] = one.amount

    def attributed(self, grain: Grain) -> dict[tuple[str, str], GivenShare]:
        """By customer and event, what events that told of no call got of the grain."""
        return {
            (one.customer_id, one.event_id): one
            for one in self._given
            if one.grain_id == grain.grain_id and one.reason == Reason.ATTRIBUTION
        }

    def revision(self, grain: Grain, member: Member) -> int:
        """In how many steps the member has got its share so far."""
        return self._revisions.get(_place(grain, member), 0)

    def gap(self, grain: Grain) -> tuple[Decimal, Decimal]:
        """How much of a price gap the grain's calls have got; and how much of that those that the book has priced."""
        found = [one for one in self._given if one.grain_id == grain.grain_id and one.reason == Reason.PRICE_GAP]
        return sum_of(one.amount for one in found), sum_of(one.amount for one in found if one.priced)

    def gap_of(self, grain: Grain, member: Member) -> Decimal:
        """How much of a price gap the call has got."""
        return self._gaps.get(_place(grain, member), ZERO)


def _place(grain: Grain, member: Member) -> _Place:
    return grain.grain_id, member.customer_id, member.event_id, member.call_id


async def _book(tx: Tx, desk: Desk, provider: str, steps: Sequence[_Step], now: datetime, by: str) -> Given:
    given = Given()
    ordered = sorted(steps, key=lambda step: (step.share.member.customer_id, step.share.member.event_id))
    wanted = [
        _true_up(provider, [*group])
        for _, group in groupby(ordered, key=lambda step: (step.share.member.customer_id, step.share.member.event_id))
    ]
    for first in range(0, len(wanted), _TOGETHER):
        some = wanted[first : first + _TOGETHER]
        results = await true_up(tx, desk, [one for one, _ in some], now=now, by=by)
        for result, (_, shares) in zip(results, some, strict=True):
            if result.status in (Status.ACCEPTED, Status.DUPLICATE):
                given.shares += shares
            else:
                given.refused.append(result)
    await insert_shares(tx, provider, given.shares, now)
    return given


def _true_up(provider: str, steps: Sequence[_Step]) -> tuple[TrueUp, list[NewShare]]:
    """One event's true-up, and the shares that it stands for; its id follows from them."""
    member = steps[0].share.member
    said = [
        text
        for step in steps
        for text in (str(step.grain.grain_id), step.share.member.call_id, str(step.revision), plain(step.share.change))
    ]
    id = f"{OWN_IDS}{content_id('true-up', member.customer_id, member.event_id, *said).hex}"
    calls = [_change(provider, step) for step in steps]
    shares = [
        NewShare(
            customer_id=member.customer_id,
            grain_id=step.grain.grain_id,
            event_id=member.event_id,
            # What an event without calls gets becomes its call.
            call_id=step.share.member.call_id or f"{id}#{i}",
            revision=step.revision,
            reason=step.share.member.reason.value,
            amount=step.share.change,
            true_up_id=id,
        )
        for i, step in enumerate(steps)
    ]
    return TrueUp(member.customer, member.event_id, id, calls, CostSource.PROVIDER_REPORT), shares


def _change(provider: str, step: _Step) -> CallChange:
    member, origin = step.share.member, step.grain.origin
    if member.call_id:
        return CallChange(member.call_id, step.share.change, provider=provider)
    return CallChange(
        None,
        step.share.change,
        provider=provider,
        model=origin.model,
        project=origin.project,
        api_key=origin.api_key,
    )
