"""Console sessions: a browser in which somebody has signed in with an admin key. Its cookie stands in for the key."""

from __future__ import annotations

import re
import secrets
from base64 import urlsafe_b64encode
from datetime import timedelta
from hashlib import sha256

from tollkeeper import clock
from tollkeeper.customers import store
from tollkeeper.customers.keys import find_key, touch_key
from tollkeeper.customers.model import ConsoleSession, Scope
from tollkeeper.customers.verified import Verified, hash_of
from tollkeeper.db import Tx
from tollkeeper.errors import Forbidden, Unauthorized

SESSION_LIFETIME = timedelta(hours=12)
_REMEMBERED = timedelta(days=30)

_TOKEN = re.compile(r"tollc_[A-Za-z0-9_-]{43}", re.ASCII)


async def sign_in(tx: Tx, secret: str) -> tuple[ConsoleSession, str]:
    """A new session of the key with this secret, and the session's token of 256 random bits.

    Raises Unauthorized `unknown_key`, and Forbidden `scope_missing` where it's no admin's.
    """
    key = await find_key(tx, secret)
    if key is None:
        raise Unauthorized("unknown_key", "There is no such API key, or it was revoked.")
    if not key.allows(Scope.ADMIN):
        raise Forbidden(
            "scope_missing", f"The key {key.prefix}… lacks the scope 'admin'.", scope=Scope.ADMIN.value, field="key"
        )
    token = f"tollc_{secrets.token_urlsafe(32)}"
    now = clock.now()
    await store.insert_session(tx, hash_of(token), key.key_id, now, now + SESSION_LIFETIME)
    await store.forget_sessions(tx, now - _REMEMBERED)
    await touch_key(tx, key.key_id)
    return ConsoleSession(key, now + SESSION_LIFETIME), token


async def sign_out(tx: Tx, token: str) -> None:
    """End the session; one that has ended, or never was, stays as it is."""
    if _TOKEN.fullmatch(token):
        await store.end_session(tx, hash_of(token), clock.now())


async def find_session(tx: Tx, token: str) -> ConsoleSession | None:
    """The session with this token; None if it never was, was ended, has expired, or its key was revoked."""
    if not _TOKEN.fullmatch(token):
        return None
    row = await store.find_session(tx, hash_of(token), clock.now())
    return None if row is None else row.session


def csrf_of(token: str) -> str:
    """What the console's own page sends beside the cookie, and no other page can know.

    It follows from the token, so nothing is stored; from it the token can't be found.
    """
    return urlsafe_b64encode(sha256(b"csrf:" + token.encode(errors="replace")).digest()).rstrip(b"=").decode()


class SessionRing:
    """The sessions that this process has verified within the last five seconds, as `KeyRing` keeps keys."""

    def __init__(self) -> None:
        self._kept: Verified[ConsoleSession] = Verified()

    def recall(self, token: str) -> ConsoleSession | None:
        """The session, if it was verified a moment ago and hasn't expired since."""
        if not _TOKEN.fullmatch(token):
            return None
        now = clock.now()
        session = self._kept.recall(token, now)
        return session if session is not None and now < session.expires_at else None

    async def verify(self, tx: Tx, token: str) -> ConsoleSession | None:
        """The session as the database has it now, or None; notes its key's use, so give it a transaction of its own."""
        asked_at = clock.now()
        session = await find_session(tx, token)
        if session is None:
            return None
        await touch_key(tx, session.key.key_id)
        self._kept.keep(token, session, asked_at)
        return session

    def forget(self, token: str) -> None:
        """Ask the database again the next time."""
        if _TOKEN.fullmatch(token):
            self._kept.forget(token)
