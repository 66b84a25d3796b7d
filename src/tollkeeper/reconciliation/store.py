"""The tables of this stage, and what it reads of provider_calls: one function for each query in queries.sql."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from tollkeeper.db import Queries, Tx, array, text_array
from tollkeeper.errors import NotFound
from tollkeeper.money import plain
from tollkeeper.reconciliation.model import Bucket, Day, KnownMinute, OurSum, Reconciliation
from tollkeeper.reconciliation.reports import ReportRow, Stretch

_queries = Queries(__package__ or "")


@dataclass(frozen=True, slots=True)
class _Report:
    report_id: UUID
    revision: int
    kind: str
    provider: str
    bucket_start: datetime
    bucket_end: datetime
    project: str | None
    api_key: str | None
    model: str | None
    endpoint: str | None
    batch: bool | None
    service_tier: str | None
    line_item: str | None
    requests: int | None
    quantities: dict[str, str] | None
    unit: str | None
    quantity: Decimal | None
    amount: Decimal | None
    currency: str | None


@dataclass(frozen=True, slots=True)
class _Start:
    day_start: datetime


@dataclass(frozen=True, slots=True)
class FoundCall:
    """A single call, as it may get a share of a cost."""

    customer_id: str
    customer: str
    event_id: str
    """The event itself, where a correction has brought the call."""
    call_id: str
    model: str
    project: str | None
    api_key: str | None
    billed: Decimal
    tokens: Decimal
    first_cost: Decimal | None
    cost: Decimal
    kind: str


@dataclass(frozen=True, slots=True)
class SilentEvent:
    """An event that told of no call."""

    customer_id: str
    customer: str
    event_id: str
    meter: str
    billed: Decimal


@dataclass(frozen=True, slots=True)
class GivenShare:
    """What a grain has given to a call so far for one reason; `revision` counts all steps up to the last of them."""

    grain_id: UUID
    customer_id: str
    customer: str
    event_id: str
    call_id: str
    reason: str
    amount: Decimal
    revision: int
    priced: bool


@dataclass(frozen=True, slots=True)
class NewShare:
    """What a grain gives, or takes back, now."""

    customer_id: str
    grain_id: UUID
    event_id: str
    call_id: str
    revision: int
    reason: str
    amount: Decimal
    true_up_id: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which reconciliations to list: of buckets that begin in [start, end), and that match what is given."""

    start: datetime
    end: datetime
    provider: str | None = None
    finding: str | None = None
    model: str | None = None
    project: str | None = None
    api_key: str | None = None
    revisions: bool = False
    """Earlier revisions of each grain as well."""


@dataclass(frozen=True, slots=True)
class Booked:
    """What stands in the house's account `variance` by reconciliations with one provider."""

    provider: str
    unit: str
    grains: int
    booked: Decimal


async def lock_provider(tx: Tx, provider: str) -> None:
    """Have the provider's reports and what is booked by them to itself, until the transaction ends."""
    await tx.execute(_queries.lock_provider, {"provider": provider})


async def latest_reports(tx: Tx, provider: str, stretch: Stretch) -> list[tuple[ReportRow, int]]:
    """The rows of a stretch as they were last read, each with its revision; emptied ones too."""
    params = {
        "provider": provider,
        "kind": stretch.kind.value,
        "start": stretch.start,
        "end": stretch.end,
        "width": stretch.width,
    }
    return [(_report(row), row.revision) for row in await tx.all(_Report, _queries.latest_reports, params)]


async def insert_reports(tx: Tx, rows: Sequence[tuple[ReportRow, int]], read_at: datetime) -> None:
    """Store these rows, each with its revision."""
    if not rows:
        return
    params = {
        "report_id": array([row.report_id for row, _ in rows]),
        "revision": array([revision for _, revision in rows]),
        "row": text_array([_json(asdict(row)) for row, _ in rows]),
        "read_at": read_at,
    }
    await tx.execute(_queries.insert_reports, params)


async def find_days(tx: Tx, provider: str, start: datetime, end: datetime) -> list[Day]:
    """The days that were read and begin in [start, end), in their order."""
    return await tx.all(Day, _queries.find_days, {"provider": provider, "start": start, "end": end})


async def last_read(tx: Tx, provider: str) -> datetime | None:
    """When the provider's reports were last read."""
    return await tx.scalar(_queries.last_read, {"provider": provider})


async def outdate_days(tx: Tx, provider: str, since: datetime) -> None:
    """Note the days whose calls have changed since then."""
    await tx.execute(_queries.outdate_days, {"provider": provider, "since": since})


async def outdated_days(tx: Tx, provider: str) -> list[datetime]:
    """The days whose calls have changed since they were compared."""
    return [row.day_start for row in await tx.all(_Start, _queries.outdated_days, {"provider": provider})]


async def compared_day(tx: Tx, provider: str, start: datetime) -> None:
    """Note that the day was compared as it is."""
    await tx.execute(_queries.compared_day, {"provider": provider, "start": start})


async def put_day(tx: Tx, day: Day) -> None:
    """Note how far the day is settled."""
    await tx.execute(_queries.put_day, asdict(day))


async def our_usage(tx: Tx, bucket: Bucket) -> list[OurSum]:
    """What all customers' calls in the bucket add up to."""
    return await tx.all(OurSum, _queries.our_usage, asdict(bucket))


async def calls_in(tx: Tx, bucket: Bucket, kinds: Sequence[str]) -> list[FoundCall]:
    """The calls in the bucket of these kinds: `guessed`, `open`, `exact`."""
    return await tx.all(FoundCall, _queries.calls_in, asdict(bucket) | {"kinds": [*kinds]})


async def known_minutes(tx: Tx, bucket: Bucket) -> list[KnownMinute]:
    """What our known calls used, minute by minute."""
    return await tx.all(KnownMinute, _queries.known_minutes, asdict(bucket))


async def silent_events(tx: Tx, bucket: Bucket, meters: Collection[str], own: str) -> list[SilentEvent]:
    """Events of these meters that told of no call; corrections whose ids begin with `own` don't count as telling."""
    params = {"start": bucket.start, "end": bucket.end, "meters": sorted(meters), "own": f"{own}%"}
    return await tx.all(SilentEvent, _queries.silent_events, params)


async def shares_of(tx: Tx, grain_ids: Collection[UUID]) -> list[GivenShare]:
    """What these grains have given so far."""
    return await tx.all(GivenShare, _queries.shares_of, {"grain_ids": array(sorted(grain_ids))})


async def insert_shares(tx: Tx, provider: str, shares: Sequence[NewShare], now: datetime) -> None:
    """Note what was given."""
    if not shares:
        return
    params: dict[str, Any] = {
        name: array([getattr(one, name) for one in shares])
        for name in ("customer_id", "grain_id", "revision", "reason", "amount")
    }
    texts = {name: text_array([getattr(one, name) for one in shares]) for name in ("event_id", "call_id", "true_up_id")}
    await tx.execute(_queries.insert_shares, params | texts | {"provider": provider, "now": now})


async def latest_reconciliations(tx: Tx, bucket: Bucket) -> list[Reconciliation]:
    """The newest revision of each grain that begins within the bucket."""
    return await tx.all(Reconciliation, _queries.latest_reconciliations, asdict(bucket))


async def insert_reconciliations(tx: Tx, rows: Sequence[Reconciliation]) -> None:
    """Store these revisions."""
    if rows:
        await tx.execute(_queries.insert_reconciliations, {"rows": text_array([_json(asdict(row)) for row in rows])})


async def list_reconciliations(
    tx: Tx, wanted: Wanted, *, before: tuple[datetime, UUID] | None, limit: int
) -> list[Reconciliation]:
    """A page, newest buckets first, going on behind the one at (start, id) `before`."""
    params = asdict(wanted) | {
        "before": before[0] if before else None,
        "before_id": before[1] if before else None,
        "limit": limit,
    }
    return await tx.all(Reconciliation, _queries.list_reconciliations, params)


async def booked_totals(
    tx: Tx, provider: str | None = None, start: datetime | None = None, end: datetime | None = None
) -> list[Booked]:
    """What was booked of the days that begin in [start, end), by provider; of all days without them."""
    return await tx.all(Booked, _queries.booked_totals, {"provider": provider, "start": start, "end": end})


async def get_reconciliation(tx: Tx, reconciliation_id: UUID) -> tuple[Reconciliation, list[Reconciliation]]:
    """One of them, and all revisions of its grain, the first one first. Raises NotFound `unknown_reconciliation`."""
    params = {"reconciliation_id": reconciliation_id}
    found = await tx.one(Reconciliation, _queries.get_reconciliation, params)
    if found is None:
        raise NotFound("unknown_reconciliation", f"There is no reconciliation {reconciliation_id}.", field="id")
    return found, await tx.all(Reconciliation, _queries.revisions_of, {"grain_id": found.grain_id})


def _report(row: _Report) -> ReportRow:
    fields = {name: getattr(row, name) for name in ReportRow.__dataclass_fields__}
    if row.quantities is not None:
        fields["quantities"] = {unit: Decimal(text) for unit, text in sorted(row.quantities.items())}
    return ReportRow(**fields)


def _json(row: dict[str, Any]) -> str:
    """A row as JSON, its decimals as texts in plain digits."""
    return msgspec.json.encode(_plain(row)).decode()


def _plain(value: Any) -> Any:
    match value:
        case Decimal():
            return plain(value)
        case dict():
            return {name: _plain(each) for name, each in value.items()}
        case list():
            return [_plain(each) for each in value]
    return value
