"""Portal sessions: the operator opens them, and a customer's browser exchanges their links."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import Field

from tollkeeper.api.attempts import Attempts
from tollkeeper.api.auth import Reader, Writer, caller
from tollkeeper.api.bodies import Answer, Asked
from tollkeeper.api.books import OpenBooks
from tollkeeper.api.paging import Cursor, Limit, Page, key_behind, page, uuid_in
from tollkeeper.api.problems import described_problem
from tollkeeper.customers import (
    LINK_SECONDS,
    SESSION_SECONDS,
    Opened,
    Permission,
    PortalSession,
    customer_id_of,
    customer_of_secret,
    exchange_link,
    get_customer,
    list_sessions,
    open_session,
    revoke_session,
)
from tollkeeper.db import Tx
from tollkeeper.errors import Unauthorized

MOST_WRONG_LINKS = 10
"""Links that never were, from one address within a minute."""
MOST_EXCHANGES = 120
"""Exchanges that one address may ask for within a minute: an office behind one address has many customers."""

router = APIRouter(prefix="/v1/portal-sessions", tags=["portal sessions"])

_EXCHANGE_PROBLEMS: dict[int | str, dict[str, Any]] = {
    401: described_problem("The link is unknown or over, or its session is."),
    429: described_problem("Too many attempts from this address; wait `Retry-After` seconds."),
}

SessionCustomer = Annotated[str, Query(min_length=1, max_length=200, description="The customer's key.")]


class Exchanges:
    """How often links were exchanged lately, by address."""

    def __init__(self) -> None:
        self.wrong = Attempts(MOST_WRONG_LINKS)
        self.all = Attempts(MOST_EXCHANGES)


class SessionAsked(Asked):
    """A session to open."""

    customer: str = Field(description="The customer's key.")
    permissions: list[Permission] = Field([Permission.READ], description="`read` is always included.")
    expires_in: int = Field(SESSION_SECONDS, description="Seconds until the session is over, 60 to 86,400.")
    link_expires_in: int | None = Field(
        None, description=f"Seconds until the link is over; at most `expires_in`. By default {LINK_SECONDS}."
    )
    return_url: str | None = Field(None, description="Where the page leads back to; http or https.")


class SessionAnswer(Answer):
    """A session, without its secrets."""

    id: UUID = Field(validation_alias="session_id")
    customer: str
    permissions: list[Permission]
    return_url: str | None
    created_at: datetime
    created_by: str
    expires_at: datetime
    link_expires_at: datetime | None = Field(description="Null: the session came of a link.")
    opened_from: UUID | None = Field(description="The session whose link was exchanged for this one.")
    revoked_at: datetime | None


class OpenedSessionAnswer(SessionAnswer):
    """A new session."""

    id: UUID
    token: str = Field(description="For widgets in your own pages. Shown this once; only its hash is kept.")
    url: str = Field(description="Opens the billing page until `link_expires_at`. Shown this once.")


class LinkAsked(Asked):
    """A link to exchange."""

    link: str = Field(description="What stands behind `#link=` in the session's `url`.", max_length=200)


class ExchangedAnswer(Answer):
    """A session of its own for who had the link."""

    token: str
    customer: str
    permissions: list[Permission]
    expires_at: datetime


@router.post(
    "",
    status_code=201,
    summary="Open a portal session",
    responses={404: described_problem("There is no such customer.")},
)
async def open_one(request: Request, books: OpenBooks, caller_key: Writer, asked: SessionAsked) -> OpenedSessionAnswer:
    """The only answer that holds the secrets. Repeating it opens another session, which does no harm."""

    async def work(tx: Tx) -> Opened:
        return await open_session(
            tx,
            asked.customer,
            permissions=asked.permissions,
            expires_in=asked.expires_in,
            link_expires_in=asked.link_expires_in,
            return_url=asked.return_url,
            by=caller(caller_key),
        )

    opened = await books.database.run(work, customer_id_of(asked.customer))
    url = opened.url(books.settings.public_url or str(request.base_url))
    return OpenedSessionAnswer(token=opened.token, url=url, **_shown(opened.session).model_dump())


def _shown(session: PortalSession) -> SessionAnswer:
    answer = SessionAnswer.of(session)
    answer.permissions = [each for each in Permission if each in session.permissions]
    return answer


@router.post("/exchange", summary="Exchange a link for a token", responses=_EXCHANGE_PROBLEMS)
async def exchange(request: Request, books: OpenBooks, asked: LinkAsked) -> ExchangedAnswer:
    """What the page does with the link that it was opened by. Needs no key: the link is one, for a few minutes."""
    exchanges: Exchanges = request.app.state.exchanges
    exchanges.wrong.check(request)
    exchanges.all.check(request)
    exchanges.all.note(request)
    try:
        opened = await books.database.run(lambda tx: exchange_link(tx, asked.link), customer_of_secret(asked.link))
    except Unauthorized as error:
        # Whoever opens a link that is over guesses nothing: others at the same address needn't wait for that.
        if error.code == "portal_session_unknown":
            exchanges.wrong.note(request)
        raise
    session = opened.session
    permissions = [each for each in Permission if each in session.permissions]
    return ExchangedAnswer(
        token=opened.token, customer=session.customer, permissions=permissions, expires_at=session.expires_at
    )


@router.get("", summary="List a customer's portal sessions")
async def list_all(
    books: OpenBooks, _: Reader, customer: SessionCustomer, limit: Limit = 100, cursor: Cursor = None
) -> Page[SessionAnswer]:
    """The newest first; those that ended within the last 30 days as well."""
    behind = key_behind(cursor)
    before = None if behind is None else uuid_in(behind)

    async def work(tx: Tx) -> list[PortalSession]:
        found = await get_customer(tx, customer)
        return await list_sessions(tx, found.customer_id, before=before, limit=limit + 1)

    found = await books.database.run(work, customer_id_of(customer))
    return page(found, limit, _shown, lambda last: (str(last.session_id),))


@router.post("/{id}/revoke", summary="Revoke a portal session")
async def revoke(books: OpenBooks, _: Writer, id: UUID, customer: SessionCustomer) -> SessionAnswer:
    """It ends within five seconds, and with it every session that came of its link. Repeating it changes nothing."""

    async def work(tx: Tx) -> PortalSession:
        return await revoke_session(tx, (await get_customer(tx, customer)).customer_id, id)

    return _shown(await books.database.run(work, customer_id_of(customer)))
