"""The live stream of a customer's billing page: server-sent events, one `state` whenever something has changed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from tollkeeper import clock
from tollkeeper.api.books import OpenBooks
from tollkeeper.api.portal import Portal
from tollkeeper.api.routes.portal.bodies import PREFIX, TAG
from tollkeeper.customers import PortalSession
from tollkeeper.errors import TooManyStreams
from tollkeeper.notify import Feed

router = APIRouter(prefix=PREFIX, tags=[TAG])

MOST_STREAMS = 20
"""Of one session, in one process: as many tabs as anybody has open, and no more than a browser can do without."""

MOST_OF_CUSTOMER = 500
"""Of one customer, in one process. Whoever has a link can open any number of sessions, and no one customer should take
all the connections that the process may have."""

_SILENCE_SECONDS = 15
_EXPIRED = "portal_session_expired"
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}

_EXAMPLE = """\
event: state
data: {"as_of":"2026-11-28T11:00:00Z","period":{"start":"…","end":"…"},"wallets":[],"spent":[],"held":[],"meters":[],…}

: ping

event: end
data: {"code":"portal_session_expired"}

"""
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Events.",
        "content": {"text/event-stream": {"schema": {"type": "string"}, "example": _EXAMPLE}},
    },
    429: {
        "description": f"Enough streams are open: {MOST_STREAMS} of the session, {MOST_OF_CUSTOMER} of the customer, "
        "or as many as this process may have."
    },
}


@router.get("/live", summary="Stream what changes", response_class=StreamingResponse, responses=_ANSWERS)
async def live(books: OpenBooks, session: Portal) -> StreamingResponse:
    """Server-sent events: the customer's figures at once, and anew within a second whenever they change.

    `event: state` has the newest figures; one that isn't read in time is left out. `changed` names the parts that are
    new. `event: end` says why the stream closes: the session is over (`portal_session_expired`), was ended
    (`portal_session_revoked`), or the server stops (`server_stopping`: connect again). Raises `too_many_streams`.
    """
    for who, opened, most in (
        ("session", books.feed.pages_of(session.session_id), MOST_STREAMS),
        ("customer", books.feed.pages_for(session.customer_id), MOST_OF_CUSTOMER),
        ("process", len(books.feed), books.settings.live_streams),
    ):
        if opened >= most:
            told = f"This {who} has {most} live streams open; close one, or read /v1/portal/overview now and then."
            raise TooManyStreams("too_many_streams", told)
    return StreamingResponse(_events(books.feed, session), media_type="text/event-stream", headers=_HEADERS)


async def _events(feed: Feed, session: PortalSession) -> AsyncIterator[bytes]:
    with feed.subscribed(session.customer_id, session.session_id) as page:
        yield b": open\n\n"  # The head goes out before the first look at the database.
        while page.ended is None:
            left = (session.expires_at - clock.now()).total_seconds()
            if left <= 0:
                page.end(_EXPIRED)
                break
            news = await page.news(min(left, _SILENCE_SECONDS))
            if news is not None:
                yield b"event: state\ndata: " + news + b"\n\n"
            elif page.ended is None:
                yield b": ping\n\n"
        yield b"event: end\ndata: " + msgspec.json.encode({"code": page.ended}) + b"\n\n"
