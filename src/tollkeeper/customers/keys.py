"""API keys: who may call. A secret is shown once, when it is made; the database holds its SHA-256 alone."""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from tollkeeper.clock import now
from tollkeeper.customers import store
from tollkeeper.customers.model import NAME_LENGTH, ApiKey, Scope, check_text
from tollkeeper.customers.verified import LIFETIME, MOST_KEPT, Verified, hash_of
from tollkeeper.db import Again, Tx
from tollkeeper.errors import Conflict, InvalidInput, NotFound
from tollkeeper.ids import new_id

_PREFIX_LENGTH = 12
_SECRET = re.compile(r"toll_[A-Za-z0-9_-]{43}", re.ASCII)


async def create_key(tx: Tx, name: str, scopes: Collection[Scope]) -> tuple[ApiKey, str]:
    """A new key, and its secret of 256 random bits, which can't be had again.

    Raises InvalidInput: `invalid_name`, `name_too_long`, `invalid_scopes`.
    """
    check_text(name, "name", NAME_LENGTH)
    if not scopes or not set(scopes) <= set(Scope):
        raise InvalidInput("invalid_scopes", f"A key has one or more of the scopes {', '.join(Scope)}.", field="scopes")
    secret = f"toll_{secrets.token_urlsafe(32)}"
    key = ApiKey(
        key_id=new_id(),
        name=name,
        prefix=secret[:_PREFIX_LENGTH],
        scopes=frozenset(scopes),
        created_at=now(),
        last_used_at=None,
        revoked_at=None,
    )
    await store.insert_api_key(tx, key, hash_of(secret))
    return key, secret


async def find_key(tx: Tx, secret: str) -> ApiKey | None:
    """The key with this secret; None if there is none or it was revoked."""
    # What can't be a secret of ours isn't worth a query. The query compares hashes, so its timing tells nothing.
    if not _SECRET.fullmatch(secret):
        return None
    return await store.find_api_key(tx, hash_of(secret))


async def list_keys(tx: Tx) -> list[ApiKey]:
    """All keys, the oldest first, revoked ones too."""
    return await store.list_api_keys(tx)


async def revoke_key(tx: Tx, key: UUID | str) -> ApiKey:
    """Revoke the key with this id or prefix; one that is revoked already stays as it is.

    Raises NotFound `unknown_key`, and Conflict `ambiguous_key` where two keys in use share the prefix.
    """
    found = await store.named_api_keys(tx, str(key)) if str(key).isprintable() else []
    if not found:
        raise NotFound("unknown_key", f"There is no API key with the id or prefix {str(key)!r}.", field="key")
    in_use = [each for each in found if each.revoked_at is None]
    if len(in_use) > 1:
        raise Conflict("ambiguous_key", f"Several API keys begin with {str(key)!r}; give an id.", field="key")
    revoked = await store.revoke_api_key(tx, (in_use or found)[0].key_id, now())
    if revoked is None:
        raise Again
    return revoked


async def touch_key(tx: Tx, key_id: UUID) -> None:
    """Note in `last_used_at` that the key was used; written at most once a minute."""
    await store.touch_api_key(tx, key_id, now())


class KeyRing:
    """The keys that this process has verified within the last five seconds, by the SHA-256 of their secrets.

    `ring.recall(secret) or await ring.verify(tx, secret)` is how a call is let in: no transaction is needed for most.
    That a secret is wrong isn't kept, so a new key works at once.
    """

    def __init__(self, *, lifetime: timedelta = LIFETIME, most: int = MOST_KEPT) -> None:
        self._verified: Verified[ApiKey] = Verified(lifetime=lifetime, most=most)

    def __len__(self) -> int:
        return len(self._verified)

    def recall(self, secret: str) -> ApiKey | None:
        """The key, if it was verified a moment ago."""
        return self._verified.recall(secret, now()) if _SECRET.fullmatch(secret) else None

    async def verify(self, tx: Tx, secret: str) -> ApiKey | None:
        """The key as the database has it now, or None; notes its use, so give it a transaction of its own."""
        asked_at = now()
        key = await find_key(tx, secret)
        if key is None:
            return None
        await touch_key(tx, key.key_id)
        self._verified.keep(secret, key, asked_at)
        return key
