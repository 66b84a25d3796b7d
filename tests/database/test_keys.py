"""API keys: their secrets, scopes and revocation, and the ring of keys that a process keeps."""

from __future__ import annotations

import re
from datetime import timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from tollkeeper import clock
from tollkeeper.customers import (
    ApiKey,
    KeyRing,
    Scope,
    create_key,
    find_key,
    keys,
    list_keys,
    revoke_key,
    touch_key,
)
from tollkeeper.db import Database
from tollkeeper.errors import Conflict, InvalidInput, NotFound

pytestmark = pytest.mark.anyio


async def make(database: Database, *scopes: Scope, name: str = "product") -> tuple[ApiKey, str]:
    async with database.transaction() as tx:
        return await create_key(tx, name, scopes or [Scope.WRITE])


async def find(database: Database, secret: str) -> ApiKey | None:
    async with database.transaction() as tx:
        return await find_key(tx, secret)


async def revoke(database: Database, key: UUID | str) -> ApiKey:
    async with database.transaction() as tx:
        return await revoke_key(tx, key)


@pytest.fixture
def pass_time(monkeypatch: pytest.MonkeyPatch):
    """Moves the clock that keys and the ring read."""
    offset = timedelta()

    def move(by: timedelta) -> None:
        nonlocal offset
        offset += by

    monkeypatch.setattr(keys, "now", lambda: clock.now() + offset)
    return move


async def test_a_secret_opens_its_own_key_and_is_stored_nowhere(database: Database, database_url: str) -> None:
    key, secret = await make(database, Scope.READ, Scope.WRITE)
    other, other_secret = await make(database)
    assert re.fullmatch(r"toll_[A-Za-z0-9_-]{43}", secret)
    assert key.prefix == secret[:12]
    assert secret != other_secret
    assert await find(database, secret) == key
    assert await find(database, other_secret) == other
    with psycopg.connect(database_url) as connection:
        rows = connection.execute("select secret_hash, api_keys::text from api_keys order by key_id").fetchall()
    assert [bytes(row[0]) for row in rows] == [sha256(each.encode()).digest() for each in (secret, other_secret)]
    assert secret not in repr(rows) + repr(key)


async def test_what_is_no_secret_of_ours_opens_nothing(database: Database) -> None:
    _, secret = await make(database)
    wrong = secret[:-1] + ("A" if secret[-1] != "A" else "B")
    for text in ("", wrong, secret + "\n", f" {secret}", secret.upper(), "toll_\x00", "\ud800" * 48):
        assert await find(database, text) is None
        assert KeyRing().recall(text) is None


async def test_admin_allows_everything_and_write_does_not_allow_reading(database: Database) -> None:
    admin, _ = await make(database, Scope.ADMIN)
    write, _ = await make(database, Scope.WRITE)
    read, _ = await make(database, Scope.READ)
    assert [[key.allows(scope) for scope in Scope] for key in (admin, write, read)] == [
        [True, True, True],
        [False, True, False],
        [False, False, True],
    ]


async def test_a_key_needs_a_name_and_known_scopes(database: Database) -> None:
    read = [Scope.READ]
    refused: list[tuple[str, Any, str]] = [
        ("", read, "invalid_name"),
        ("n" * 501, read, "name_too_long"),
        ("product", [], "invalid_scopes"),
        ("product", ["root"], "invalid_scopes"),
    ]
    async with database.transaction() as tx:
        for name, scopes, code in refused:
            with pytest.raises(InvalidInput) as caught:
                await create_key(tx, name, scopes)
            assert caught.value.code == code
        assert await list_keys(tx) == []


async def test_keys_are_revoked_by_id_or_prefix_once_and_for_all(database: Database) -> None:
    first, first_secret = await make(database, name="first")
    second, second_secret = await make(database, name="second")
    revoked = await revoke(database, first.key_id)
    assert revoked.revoked_at is not None
    assert await revoke(database, str(first.key_id)) == revoked
    assert await revoke(database, first.prefix) == revoked
    assert await find(database, first_secret) is None
    assert await find(database, second_secret) == second
    async with database.transaction() as tx:
        assert await list_keys(tx) == [revoked, second]


async def test_an_unknown_key_cannot_be_revoked(database: Database) -> None:
    for name in (uuid4(), "toll_nobody1", "\x00", ""):
        with pytest.raises(NotFound) as caught:
            await revoke(database, name)
        assert caught.value.code == "unknown_key"


async def test_a_shared_prefix_is_ambiguous_while_both_keys_are_in_use(database: Database, database_url: str) -> None:
    first, _ = await make(database)
    second, _ = await make(database)
    with psycopg.connect(database_url) as connection:
        connection.execute("update api_keys set prefix = %s", [first.prefix])
    with pytest.raises(Conflict) as caught:
        await revoke(database, first.prefix)
    assert caught.value.code == "ambiguous_key"
    await revoke(database, first.key_id)
    assert (await revoke(database, first.prefix)).key_id == second.key_id


async def test_use_is_noted_once_a_minute(database: Database, pass_time) -> None:
    key, _ = await make(database)

    async def touched() -> ApiKey:
        async with database.transaction() as tx:
            await touch_key(tx, key.key_id)
            return (await list_keys(tx))[0]

    assert key.last_used_at is None
    first = (await touched()).last_used_at
    assert first is not None
    pass_time(timedelta(seconds=50))
    assert (await touched()).last_used_at == first
    pass_time(timedelta(seconds=11))
    second = (await touched()).last_used_at
    assert second is not None
    assert second - first >= timedelta(minutes=1)


async def test_the_ring_recalls_a_key_for_five_seconds(database: Database, pass_time) -> None:
    key, secret = await make(database)
    ring = KeyRing()
    assert ring.recall(secret) is None
    async with database.transaction() as tx:
        assert await ring.verify(tx, secret) == key
        assert (await list_keys(tx))[0].last_used_at is not None
    await revoke(database, key.key_id)
    pass_time(timedelta(seconds=4))
    assert ring.recall(secret) == key
    pass_time(timedelta(seconds=1))
    assert ring.recall(secret) is None
    async with database.transaction() as tx:
        assert await ring.verify(tx, secret) is None
    pass_time(timedelta(hours=-1))
    assert ring.recall(secret) is None


async def test_the_ring_does_not_keep_refusals_and_stays_small(database: Database) -> None:
    ring = KeyRing(most=2)
    async with database.transaction() as tx:
        assert await ring.verify(tx, f"toll_{'A' * 43}") is None
        assert len(ring) == 0
        for _ in range(3):
            _, secret = await create_key(tx, "product", [Scope.READ])
            assert await ring.verify(tx, secret) is not None
            assert len(ring) <= 2
        assert ring.recall(secret) is not None
