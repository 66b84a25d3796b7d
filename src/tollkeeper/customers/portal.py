"""Portal sessions: who may look at one customer's billing page, what may be done there, and until when.

A secret names the customer and the session that it belongs to, so it's looked up within that customer's rows alone.
There are two kinds: a token opens the page's routes; a link, which is short-lived and stands in an address, is
exchanged for a token of its own. The database holds their SHA-256.
"""

from __future__ import annotations

import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID

from tollkeeper import clock
from tollkeeper.customers import store
from tollkeeper.customers.customers import get_customer
from tollkeeper.customers.model import Permission, PortalSession
from tollkeeper.customers.verified import Verified, hash_of
from tollkeeper.db import Again, Tx
from tollkeeper.errors import InvalidInput, NotFound, Unauthorized
from tollkeeper.ids import new_id

SESSION_SECONDS = 3600
LINK_SECONDS = 300
_SHORTEST_SECONDS, _LONGEST_SECONDS = 60, 86_400
_URL_LENGTH = 2000
_REMEMBERED = timedelta(days=30)
"""How long after its end a session can still be seen in lists."""

_TOKEN, _LINK = "tollp_", "tollx_"
_SECRET = re.compile(rf"({_TOKEN}|{_LINK})([A-Za-z0-9_-]{{86}})", re.ASCII)
_RANDOM_BYTES = 32


@dataclass(frozen=True, slots=True)
class Opened:
    """A new session with its secrets, which can't be had again."""

    session: PortalSession
    token: str
    link: str | None
    """None where the session came of a link."""

    def url(self, base: str) -> str:
        """Opens the page. The link stands in the fragment, which no browser sends: it reaches no log, no Referer."""
        return f"{base.rstrip('/')}/billing#link={self.link}"


async def open_session(
    tx: Tx,
    customer: str,
    *,
    permissions: Collection[Permission] = (),
    expires_in: int = SESSION_SECONDS,
    link_expires_in: int | None = None,
    return_url: str | None = None,
    by: str,
) -> Opened:
    """A new session for the customer's page; `read` is always among its permissions. Times are in seconds.

    Raises NotFound `unknown_customer`, and InvalidInput `invalid_expires_in`, `invalid_link_expires_in`,
    `invalid_return_url`.
    """
    if not _SHORTEST_SECONDS <= expires_in <= _LONGEST_SECONDS:
        told = f"A session lasts {_SHORTEST_SECONDS} to {_LONGEST_SECONDS} seconds."
        raise InvalidInput("invalid_expires_in", told, field="expires_in")
    link_seconds = min(LINK_SECONDS, expires_in) if link_expires_in is None else link_expires_in
    if not 1 <= link_seconds <= expires_in:
        told = "A link lasts at least 1 second, and no longer than its session."
        raise InvalidInput("invalid_link_expires_in", told, field="link_expires_in")
    if return_url is not None:
        _check_url(return_url)
    found = await get_customer(tx, customer)
    at = clock.now()
    session = PortalSession(
        session_id=new_id(),
        customer_id=found.customer_id,
        customer=found.key,
        permissions=frozenset({Permission.READ, *permissions}),
        return_url=return_url,
        created_at=at,
        created_by=by,
        expires_at=at + timedelta(seconds=expires_in),
        link_expires_at=at + timedelta(seconds=link_seconds),
        opened_from=None,
        revoked_at=None,
    )
    token, link = _secret(_TOKEN, session), _secret(_LINK, session)
    await store.insert_portal_session(tx, session, hash_of(token), hash_of(link))
    await store.forget_portal_sessions(tx, found.customer_id, at - _REMEMBERED)
    return Opened(session, token, link)


async def exchange_link(tx: Tx, link: str) -> Opened:
    """A session of its own for who has a link, with the permissions and the end of the session that the link is of.

    A link may be exchanged again until it expires. Raises Unauthorized `portal_session_unknown`,
    `portal_link_expired`, `portal_session_revoked`, `portal_session_expired`.
    """
    named = _ids_in(link, _LINK)
    parent = None if named is None else await store.lock_portal_link(tx, *named, hash_of(link))
    if parent is None:
        raise _unknown()
    at = clock.now()
    _check_open(parent, at)
    assert parent.link_expires_at is not None
    if parent.link_expires_at <= at:
        raise Unauthorized("portal_link_expired", "This link to the billing page has expired; ask for a new one.")
    child = replace(parent, session_id=new_id(), created_at=at, link_expires_at=None, opened_from=parent.session_id)
    token = _secret(_TOKEN, child)
    await store.insert_portal_session(tx, child, hash_of(token), None)
    return Opened(child, token, None)


async def list_sessions(tx: Tx, customer_id: UUID, *, before: UUID | None = None, limit: int) -> list[PortalSession]:
    """Up to `limit` sessions of a customer, the newest first, from the first one behind `before`; ended ones too."""
    return await store.list_portal_sessions(tx, customer_id, before, limit)


async def revoke_session(tx: Tx, customer_id: UUID, session_id: UUID) -> PortalSession:
    """Revoke a session and those that came of its link; one that is revoked already stays as it is.

    Raises NotFound `unknown_portal_session`.
    """
    await store.revoke_portal_session(tx, customer_id, session_id, clock.now())
    found = await store.get_portal_session(tx, customer_id, session_id)
    if found is None:
        raise NotFound("unknown_portal_session", f"The customer has no portal session {session_id}.", field="id")
    if found.revoked_at is None:
        raise Again
    return found


def customer_of_secret(secret: str) -> UUID:
    """The customer that a token or a link names: its rows alone need to be seen to look the secret up.

    Raises Unauthorized `portal_session_unknown` where it can't be a secret of ours.
    """
    named = _ids_in(secret, _TOKEN) or _ids_in(secret, _LINK)
    if named is None:
        raise _unknown()
    return named[0]


class PortalRing:
    """The sessions that this process has verified within the last five seconds, by the SHA-256 of their tokens."""

    def __init__(self) -> None:
        self._verified: Verified[PortalSession] = Verified()

    def recall(self, token: str) -> PortalSession | None:
        """The session, if it was verified a moment ago. Raises Unauthorized `portal_session_expired`."""
        at = clock.now()
        session = self._verified.recall(token, at)
        if session is not None:
            _check_open(session, at)
        return session

    async def verify(self, tx: Tx, token: str) -> PortalSession:
        """The session as the database has it now.

        Raises Unauthorized `portal_session_unknown`, `portal_session_revoked`, `portal_session_expired`.
        """
        asked_at = clock.now()
        named = _ids_in(token, _TOKEN)
        session = None if named is None else await store.find_portal_session(tx, *named, hash_of(token))
        if session is None:
            raise _unknown()
        _check_open(session, asked_at)
        self._verified.keep(token, session, asked_at)
        return session


def _check_open(session: PortalSession, at: datetime) -> None:
    if session.revoked_at is not None:
        raise Unauthorized("portal_session_revoked", "This session of the billing page was ended; ask for a new one.")
    if session.expires_at <= at:
        raise Unauthorized("portal_session_expired", "This session of the billing page is over; ask for a new one.")


def _unknown() -> Unauthorized:
    return Unauthorized("portal_session_unknown", "There is no such session of a billing page.")


def _secret(prefix: str, session: PortalSession) -> str:
    content = session.customer_id.bytes + session.session_id.bytes + secrets.token_bytes(_RANDOM_BYTES)
    return prefix + urlsafe_b64encode(content).rstrip(b"=").decode()


def _ids_in(secret: str, prefix: str) -> tuple[UUID, UUID] | None:
    """The ids of the customer and the session that a secret names, whether it's theirs or not."""
    found = _SECRET.fullmatch(secret)
    if found is None or found[1] != prefix:
        return None
    content = urlsafe_b64decode(found[2] + "==")
    return UUID(bytes=content[:16]), UUID(bytes=content[16:32])


def _check_url(url: str) -> None:
    """A page's button leads there, so nothing but a web address will do: `javascript:` would be run."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and url.isprintable() and " " not in url
    except ValueError:
        usable = False
    if not usable or len(url) > _URL_LENGTH:
        told = f"return_url must be an http or https address of at most {_URL_LENGTH} characters."
        raise InvalidInput("invalid_return_url", told, field="return_url")
