"""Prepaid value, grant by grant."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field

from tollkeeper.api.bodies import Amount, Answer
from tollkeeper.api.books import OpenBooks
from tollkeeper.api.paging import Cursor, Limit, Page
from tollkeeper.api.portal import Portal
from tollkeeper.api.routes.grants import page_of_grants
from tollkeeper.api.routes.portal.bodies import PREFIX, TAG
from tollkeeper.wallets import Grant, GrantState

router = APIRouter(prefix=PREFIX, tags=[TAG])


class PortalGrantAnswer(Answer):
    """A lot of prepaid value: amount = remaining + spent + expired + voided + rolled_out."""

    id: UUID
    unit: str
    kind: str
    amount: Amount
    remaining: Amount
    spent: Amount
    expired: Amount
    voided: Amount
    rolled_in: Amount
    rolled_out: Amount
    effective_at: datetime
    expires_at: datetime | None
    state: GrantState
    recurring: str | None = Field(description="The recurring grant that made it.")
    reference: str | None
    created_at: datetime
    voided_at: datetime | None


def _answer(grant: Grant, now: datetime) -> PortalGrantAnswer:
    names = PortalGrantAnswer.model_fields.keys() - {"id", "state"}
    fields = {name: getattr(grant, name) for name in names}
    return PortalGrantAnswer(id=grant.grant_id, state=grant.state(now), **fields)


@router.get("/grants", summary="List prepaid value")
async def list_grants(
    books: OpenBooks,
    session: Portal,
    state: Annotated[
        Literal["active", "all"], Query(description="What can pay now, or all that there ever was.")
    ] = "active",
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[PortalGrantAnswer]:
    """Grants, newest first, with what became of each."""
    only = GrantState.ACTIVE if state == "active" else None
    return await page_of_grants(books, session.customer, _answer, limit, cursor, state=only)
