"""Quarantine: look at what was refused, replay it after mending the cause, or discard it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from tollkeeper import clock
from tollkeeper.api.auth import Admin, Reader, Writer
from tollkeeper.api.bodies import Answer, Asked
from tollkeeper.api.books import OpenBooks
from tollkeeper.api.paging import Cursor, Limit, Page, key_behind, page, uuid_in
from tollkeeper.db import Tx
from tollkeeper.events import Quarantined, QuarantineStatus, get_quarantined, list_quarantine, resolve_quarantined

router = APIRouter(prefix="/v1/quarantine", tags=["quarantine"])


class QuarantinedAnswer(Answer):
    """An item that was refused: its text as it came, and why."""

    quarantine_id: UUID
    customer_key: str | None = Field(description="The customer that the item names, if it can be made out.")
    event_id: str | None
    code: str
    field: str | None
    detail: str
    item: str
    status: str
    attempts: int = Field(description="How often the same item was sent.")
    first_seen_at: datetime
    last_seen_at: datetime
    resolved_at: datetime | None
    resolved_by: str | None
    note: str | None


@router.get("", summary="List what was refused")
async def list_all(
    books: OpenBooks,
    _: Reader,
    status: QuarantineStatus | None = QuarantineStatus.OPEN,
    code: str | None = None,
    customer: str | None = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[QuarantinedAnswer]:
    """Refused items, oldest first; those that wait, unless `status` says otherwise."""
    after = key_behind(cursor)

    async def work(tx: Tx) -> list[Quarantined]:
        return await list_quarantine(
            tx,
            status=None if status is None else status.value,
            code=code,
            customer=customer,
            after=None if after is None else uuid_in(after),
            limit=limit + 1,
        )

    return page(await books.database.run(work), limit, QuarantinedAnswer.of, lambda item: (str(item.quarantine_id),))


@router.get("/{id:uuid}", summary="Show a refused item")
async def show(books: OpenBooks, _: Reader, id: UUID) -> QuarantinedAnswer:
    """One item, whatever has become of it."""
    return QuarantinedAnswer.of(await books.database.run(lambda tx: get_quarantined(tx, id)))


class ReplayAsked(Asked):
    """Which items to replay."""

    ids: Annotated[list[UUID], Field(min_length=1, max_length=1000)]


class ReplayedAnswer(Answer):
    """What became of a replayed item."""

    quarantine_id: UUID
    id: str | None
    status: str
    charge: str | None
    unit: str | None
    code: str | None
    detail: str | None
    field: str | None


class ReplayAnswer(Answer):
    """What became of each item that was still waiting."""

    results: list[ReplayedAnswer]


@router.post("/replay", summary="Replay refused items")
async def replay_items(books: OpenBooks, key: Writer, asked: ReplayAsked) -> ReplayAnswer:
    """Sends waiting items through the gate again. What is taken now is charged; the rest waits on, with its reason."""
    replayed = await books.replay(asked.ids, by=key.name)
    return ReplayAnswer(
        results=[
            ReplayedAnswer(
                quarantine_id=one.quarantine_id,
                id=one.result.id,
                status=one.result.status,
                charge=one.result.charge,
                unit=one.result.unit,
                code=one.result.error and one.result.error.code,
                detail=one.result.error and one.result.error.detail,
                field=one.result.error and one.result.error.field,
            )
            for one in replayed
        ]
    )


class DiscardAsked(Asked):
    """Which items to give up, and why."""

    ids: Annotated[list[UUID], Field(min_length=1, max_length=1000)]
    note: Annotated[str, Field(min_length=1, max_length=1000)]


class DiscardAnswer(Answer):
    """How many items were discarded."""

    discarded: int


@router.post("/discard", summary="Discard refused items")
async def discard(books: OpenBooks, key: Admin, asked: DiscardAsked) -> DiscardAnswer:
    """Gives items up, with a note that says why. They stay readable."""

    async def work(tx: Tx) -> int:
        return await resolve_quarantined(
            tx, asked.ids, QuarantineStatus.DISCARDED, now=clock.now(), by=key.name, note=asked.note
        )

    return DiscardAnswer(discarded=await books.database.run(work))
