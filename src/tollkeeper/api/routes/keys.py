"""API keys: who may call. Only admins see or change them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from tollkeeper.api.auth import Admin
from tollkeeper.api.bodies import Answer, Asked
from tollkeeper.api.books import OpenBooks
from tollkeeper.api.paging import Cursor, Limit, Page, key_behind, page
from tollkeeper.customers import Scope, create_key, list_keys, revoke_key

router = APIRouter(prefix="/v1/keys", tags=["keys"])


class KeyAsked(Asked):
    """A key to make."""

    name: str = Field(description="What it's for, such as `production backend`.")
    scopes: list[Scope] = Field(description="`admin` includes the others; `write` doesn't include `read`.")


class KeyAnswer(Answer):
    """A key, without its secret."""

    key_id: UUID
    name: str
    prefix: str = Field(description="The secret's first characters, to recognise it by.")
    scopes: list[Scope]
    created_at: datetime
    last_used_at: datetime | None = Field(description="Accurate to a minute.")
    revoked_at: datetime | None


class NewKeyAnswer(KeyAnswer):
    """A new key."""

    secret: str = Field(description="Shown this once; only its hash is kept.")


@router.post("", status_code=201, summary="Make a key")
async def create(books: OpenBooks, _: Admin, asked: KeyAsked) -> NewKeyAnswer:
    """The only answer that holds the secret. Repeating it makes another key: revoke the one whose answer was lost."""
    key, secret = await books.database.run(lambda tx: create_key(tx, asked.name, asked.scopes))
    return NewKeyAnswer(secret=secret, **KeyAnswer.of(key).model_dump())


@router.get("", summary="List keys")
async def list_all(books: OpenBooks, _: Admin, limit: Limit = 100, cursor: Cursor = None) -> Page[KeyAnswer]:
    """All keys, the oldest first, revoked ones too."""
    after = key_behind(cursor)
    keys = await books.database.run(list_keys)
    rest = [key for key in keys if after is None or str(key.key_id) > after]
    return page(rest, limit, KeyAnswer.of, lambda key: (str(key.key_id),))


@router.post("/{key_id}/revoke", summary="Revoke a key")
async def revoke(books: OpenBooks, _: Admin, key_id: UUID) -> KeyAnswer:
    """The key stops working within five seconds. Repeating it changes nothing."""
    return KeyAnswer.of(await books.database.run(lambda tx: revoke_key(tx, key_id)))
