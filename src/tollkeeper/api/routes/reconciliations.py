"""What providers report, compared with our calls: what was found and booked, and having it found now."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, Field

from tollkeeper import clock
from tollkeeper.api.auth import Admin, Reader, caller
from tollkeeper.api.bodies import Amount, Answer, Asked
from tollkeeper.api.books import OpenBooks
from tollkeeper.api.paging import Cursor, Limit, Page, decode_cursor, instant_in, page, uuid_in
from tollkeeper.api.times import sane
from tollkeeper.db import Tx
from tollkeeper.errors import InvalidInput
from tollkeeper.reconciliation import (
    Allocate,
    Comparison,
    DayCompared,
    Finding,
    GivenShare,
    Grain,
    Ran,
    Reconciliation,
    Wanted,
    booked_totals,
    find_days,
    get_reconciliation,
    list_reconciliations,
    shares_of,
)

router = APIRouter(prefix="/v1/reconciliations", tags=["reconciliations"])

_SHOWN = timedelta(days=30)
_MOST_DAYS = 180


class UnitAnswer(Answer):
    """How much of a unit each side has; null where a side doesn't tell."""

    unit: str
    ours: Amount | None
    theirs: Amount | None


class PartAnswer(Answer):
    """A part of the difference; all of them sum to it."""

    finding: Finding
    unit: str | None
    ours: Amount | None
    theirs: Amount | None
    amount: Amount
    because: str = Field(description="The arithmetic, as a sentence.")


class ReconciliationAnswer(Answer):
    """One revision of a grain: a provider's day of one model, project and API key, compared and booked."""

    reconciliation_id: UUID
    revision: int
    provider: str
    start: datetime
    end: datetime
    model: str
    project: str | None = Field(description="Null: compared over all of them, because one side doesn't tell.")
    api_key: str | None
    our_requests: int
    vague_requests: int = Field(description="Our calls whose usage or cost isn't known exactly.")
    their_requests: int | None
    units: list[UnitAnswer]
    our_cost: Amount
    their_money: Amount | None = Field(description="Null: not reported yet.")
    unit: str
    finding: Finding
    difference: Amount | None
    parts: list[PartAnswer]
    booked: Amount = Field(description="What stands in the account `variance` for the grain after this revision.")
    change: Amount = Field(description="What this revision has posted of it.")
    compared_at: datetime
    compared_by: str


@router.get("", summary="List reconciliations")
async def list_all(
    books: OpenBooks,
    _: Reader,
    provider: str | None = None,
    start: Annotated[
        AwareDatetime | None, Query(alias="from", description="Days that begin then or later; 30 days ago by default.")
    ] = None,
    end: Annotated[
        AwareDatetime | None, Query(alias="to", description="Days that begin before; now by default.")
    ] = None,
    finding: Finding | None = None,
    model: str | None = None,
    project: str | None = None,
    api_key: str | None = None,
    revisions: Annotated[bool, Query(description="Earlier revisions of each grain as well.")] = False,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[ReconciliationAnswer]:
    """What was found of each provider's day, newest first: by model, project and API key."""
    now = clock.now()
    wanted = Wanted(
        start=now - _SHOWN if start is None else sane(start, "from"),
        end=now if end is None else sane(end, "to"),
        provider=provider,
        finding=None if finding is None else finding.value,
        model=model,
        project=project,
        api_key=api_key,
        revisions=revisions,
    )
    before = None if cursor is None else _point(*decode_cursor(cursor, 2))
    found = await books.database.run(lambda tx: list_reconciliations(tx, wanted, before=before, limit=limit + 1))
    key = lambda last: (last.start.isoformat(), str(last.reconciliation_id))  # noqa: E731
    return page(found, limit, ReconciliationAnswer.of, key)


def _point(start: str, reconciliation_id: str) -> tuple[datetime, UUID]:
    return instant_in(start), uuid_in(reconciliation_id)


class DayAnswer(Answer):
    """How far a provider's UTC day is settled."""

    provider: str
    start: datetime
    reads: int
    stable_reads: int = Field(description="Reads in a row, after the day's end, that have found the same.")
    last_read_at: datetime
    closed_at: datetime | None = Field(description="Since when it's taken for final; null: it may still grow.")
    reopened: int = Field(description="How often it has grown after it had been closed.")


class DaysAnswer(Answer):
    """The days of a provider that were read, in their order."""

    data: list[DayAnswer]


@router.get("/days", summary="List a provider's days")
async def list_days(
    books: OpenBooks,
    _: Reader,
    provider: str,
    start: Annotated[AwareDatetime | None, Query(alias="from", description="30 days ago by default.")] = None,
    end: Annotated[AwareDatetime | None, Query(alias="to", description="Now by default.")] = None,
) -> DaysAnswer:
    """Which days are closed, which may still grow, and which were opened again."""
    now = clock.now()
    first = now - _SHOWN if start is None else sane(start, "from")
    last = now if end is None else sane(end, "to")
    found = await books.database.run(lambda tx: find_days(tx, provider, first, last))
    return DaysAnswer(data=[DayAnswer.of(day) for day in found])


class BookedAnswer(Answer):
    """What stands in the operator's account `variance` for a provider's days."""

    provider: str
    unit: str
    grains: int
    booked: Amount = Field(description="Positive: the provider bills more than the calls cost by the price book.")


class TotalsAnswer(Answer):
    """What was booked, by provider and unit."""

    data: list[BookedAnswer]


@router.get("/totals", summary="Sum up what reconciliations have booked")
async def totals(
    books: OpenBooks,
    _: Reader,
    provider: str | None = None,
    start: Annotated[
        AwareDatetime | None, Query(alias="from", description="Days that begin then or later; the first by default.")
    ] = None,
    end: Annotated[
        AwareDatetime | None, Query(alias="to", description="Days that begin before; all by default.")
    ] = None,
) -> TotalsAnswer:
    """What all reconciliations have booked as the operator's own; no customer's ledger or margin has any of it."""
    first = None if start is None else sane(start, "from")
    last = None if end is None else sane(end, "to")
    found = await books.database.run(lambda tx: booked_totals(tx, provider, first, last))
    return TotalsAnswer(data=[BookedAnswer.of(one) for one in found])


class ShareAnswer(Answer):
    """What a call or event was given of the grain's cost."""

    customer: str
    event_id: str
    call_id: str
    reason: str
    amount: Amount


class ExplainedAnswer(ReconciliationAnswer):
    """A revision, the others of its grain, and to whom its cost was given."""

    shares: list[ShareAnswer]
    revisions: list[ReconciliationAnswer]


@router.get("/{id:uuid}", summary="Explain a reconciliation")
async def explain(books: OpenBooks, _: Reader, id: UUID) -> ExplainedAnswer:
    """The arithmetic of one grain: what each side has, why it differs, what was booked, who was given a cost."""

    async def work(tx: Tx) -> tuple[Reconciliation, list[Reconciliation], list[GivenShare]]:
        found, revisions = await get_reconciliation(tx, id)
        return found, revisions, await shares_of(tx, [found.grain_id])

    found, revisions, shares = await books.database.run(work)
    shown = ReconciliationAnswer.of(found).model_dump()
    return ExplainedAnswer.model_validate(
        shown
        | {
            "shares": [ShareAnswer.of(share) for share in shares],
            "revisions": [ReconciliationAnswer.of(one) for one in revisions],
        }
    )


class RunAsked(Asked):
    """What to reconcile, and how."""

    provider: str | None = Field(default=None, description="`openai` or `anthropic`; all that have a key by default.")
    start: AwareDatetime | None = Field(default=None, alias="from", description="The first UTC day, and …")
    end: AwareDatetime | None = Field(
        default=None, alias="to", description="… the instant before which the last one begins. Both, or neither."
    )
    dry_run: bool = Field(default=False, description="Show what would be found; keep and book nothing.")
    allocate: Allocate | None = Field(default=None, description="As the setting `TOLLKEEPER_ALLOCATE` by default.")
    close: bool = Field(default=False, description="Take the days that are over for final now.")


class ComparedAnswer(Answer):
    """A grain as it was compared now."""

    model: str
    project: str | None
    api_key: str | None
    finding: Finding
    our_cost: Amount
    their_money: Amount | None
    difference: Amount | None
    change: Amount = Field(description="What this run has booked of it.")


class DayRunAnswer(DayAnswer):
    """A day, with its grains."""

    grains: list[ComparedAnswer]
    shared: int = Field(description="How many calls and events were given a part of the day's cost.")
    refused: list[str] = Field(description="Why others couldn't be: as sentences.")


class RunAnswer(Answer):
    """What was found of a provider."""

    provider: str
    currency: str
    dry_run: bool
    days: list[DayRunAnswer]


class RunsAnswer(Answer):
    """What was found, by provider."""

    data: list[RunAnswer]


@router.post("", summary="Reconcile now")
async def reconcile(books: OpenBooks, key: Admin, asked: RunAsked) -> RunsAnswer:
    """Reads what providers report, compares it with our calls, and books what differs. Safe to repeat."""
    found = await books.reconcile(
        asked.provider,
        days=_days(asked.start, asked.end),
        dry=asked.dry_run,
        allocate=asked.allocate,
        close=asked.close,
        by=caller(key),
    )
    return RunsAnswer(data=[_run(ran) for ran in found])


def _days(start: datetime | None, end: datetime | None) -> tuple[datetime, datetime] | None:
    if start is None and end is None:
        return None
    if start is None or end is None:
        raise InvalidInput("missing_field", "Give both `from` and `to`, or neither.", field="to" if start else "from")
    if sane(end, "to") <= sane(start, "from") or end - start > timedelta(days=_MOST_DAYS):
        told = f"`from` must lie before `to`, by at most {_MOST_DAYS} days."
        raise InvalidInput("invalid_range", told, field="to")
    return start, end


def _run(ran: Ran) -> RunAnswer:
    days = [_day(day) for day in ran.days]
    return RunAnswer(provider=ran.provider, currency=ran.currency, dry_run=ran.dry, days=days)


def _day(compared: DayCompared) -> DayRunAnswer:
    changes = {row.grain_id: row for row in compared.written}
    grains = [_grain(grain, one, changes.get(grain.grain_id)) for grain, one in compared.comparisons.items()]
    refused = [one.error.detail for one in compared.given.refused if one.error is not None]
    shown = DayAnswer.of(compared.day).model_dump()
    return DayRunAnswer(**shown, grains=grains, shared=len(compared.given.shares), refused=refused)


def _grain(grain: Grain, one: Comparison, row: Reconciliation | None) -> ComparedAnswer:
    return ComparedAnswer.model_validate(
        {
            "model": grain.origin.model,
            "project": grain.origin.project,
            "api_key": grain.origin.api_key,
            "finding": one.finding,
            "our_cost": one.ours.whole_cost,
            "their_money": one.theirs.money,
            "difference": one.difference,
            "change": 0 if row is None else row.change,
        }
    )
