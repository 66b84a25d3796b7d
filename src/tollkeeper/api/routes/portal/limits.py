"""Limits in force, and the members that some of them are for."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query

from tollkeeper.api.bodies import Answer
from tollkeeper.api.books import OpenBooks
from tollkeeper.api.paging import Cursor, Limit, Page
from tollkeeper.api.portal import Portal
from tollkeeper.api.routes.customers import page_of_members
from tollkeeper.api.routes.limits import limits_of
from tollkeeper.api.routes.portal.bodies import PREFIX, TAG, PortalLimitAnswer, portal_limit

router = APIRouter(prefix=PREFIX, tags=[TAG])


class PortalLimitsAnswer(Answer):
    """The limits in force."""

    as_of: datetime
    data: list[PortalLimitAnswer]


@router.get("/limits", summary="Show limits")
async def show_limits(
    books: OpenBooks,
    session: Portal,
    member: Annotated[str | None, Query(description="Also what this member has used of limits by member.")] = None,
) -> PortalLimitsAnswer:
    """Every limit in force, by name, with what is used and held of it in the present window."""
    catalog, found, now = await limits_of(books, session.customer, member)
    return PortalLimitsAnswer(as_of=now, data=[portal_limit(limit, catalog) for limit in found])


class PortalMemberAnswer(Answer):
    """A person or an agent inside the customer."""

    key: str
    name: str
    created_at: datetime
    archived_at: datetime | None


@router.get("/members", summary="List members")
async def list_members(
    books: OpenBooks, session: Portal, limit: Limit = 100, cursor: Cursor = None
) -> Page[PortalMemberAnswer]:
    """Members by key."""
    return await page_of_members(books, session.customer, PortalMemberAnswer.of, limit, cursor)
