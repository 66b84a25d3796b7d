"""Customers, members, and the directory of customers that a process keeps."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from random import Random
from typing import Any
from uuid import UUID

import pytest

from tollkeeper.customers import (
    Customer,
    CustomerChanges,
    Directory,
    customer_id_of,
    get_customer,
    get_member,
    list_customers,
    list_members,
    upsert_customer,
    upsert_member,
)
from tollkeeper.db import Database, Tx, read_epochs
from tollkeeper.errors import Conflict, InvalidInput, NotFound, TollError

pytestmark = pytest.mark.anyio


async def never(tx: Tx, customer_id: UUID) -> bool:
    return False


async def always(tx: Tx, customer_id: UUID) -> bool:
    return True


async def put(
    database: Database, key: str, in_use: Callable[[Tx, UUID], Awaitable[bool]] = never, **fields: Any
) -> tuple[Customer, bool]:
    async with database.transaction() as tx:
        return await upsert_customer(tx, key, CustomerChanges(**fields), default_currency="USD", in_use=in_use)


async def epochs(database: Database) -> dict[str, int]:
    async with database.transaction() as tx:
        return await read_epochs(tx)


async def resolve(database: Database, directory: Directory, *keys: str) -> dict[str, Customer]:
    async with database.transaction() as tx:
        known = await directory.resolve(tx, await read_epochs(tx), keys)
        return {key: known[key] for key in keys if key in known}


# Creating and changing


async def test_a_new_customer_has_defaults_and_an_id_that_follows_from_its_key(database: Database) -> None:
    customer, created = await put(database, "acme")
    assert created
    assert customer.customer_id == customer_id_of("acme")
    assert (customer.name, customer.currency, customer.timezone) == ("acme", "USD", "UTC")
    assert customer.metadata == {}
    assert customer.archived_at is None
    async with database.transaction() as tx:
        assert await get_customer(tx, "acme") == customer


async def test_the_longest_texts_have_room_in_every_index(database: Database) -> None:
    """Of random letters, which can't be compressed, with 3 bytes each."""
    letters = Random(1)
    key, name = ("".join(chr(letters.randrange(0x4E00, 0x9FA5)) for _ in range(length)) for length in (200, 500))
    customer, created = await put(database, key, name=name)
    assert (created, customer.key, customer.name) == (True, key, name)


async def test_omitted_fields_stay(database: Database) -> None:
    await put(database, "acme", name="Acme", currency="EUR", timezone="Asia/Tokyo", metadata={"tier": 1})
    customer, created = await put(database, "acme", name="Acme Inc.")
    assert not created
    assert (customer.name, customer.currency, customer.timezone) == ("Acme Inc.", "EUR", "Asia/Tokyo")
    assert customer.metadata == {"tier": 1}
    async with database.transaction() as tx:
        assert await get_customer(tx, "acme") == customer


async def test_the_epoch_moves_with_changes_only(database: Database) -> None:
    at_first = await epochs(database)
    created, _ = await put(database, "acme", name="Acme", metadata={"a": 1, "b": [True]})
    repeated, _ = await put(database, "acme", name="Acme", metadata={"b": [True], "a": 1}, archived=False)
    assert repeated == created
    assert await epochs(database) == at_first
    changed, _ = await put(database, "acme", metadata={"a": 1, "b": [1]})  # equal in Python, not in JSON
    assert changed.metadata["b"][0] is not True
    assert changed.updated_at > created.updated_at
    assert await epochs(database) == at_first  # recording doesn't go by it
    for count, fields in enumerate(
        ({"currency": "EUR"}, {"timezone": "Asia/Tokyo"}, {"archived": True}, {"suspended": True}), 1
    ):
        await put(database, "acme", name=f"Acme {count}", **fields)
        assert await epochs(database) == at_first | {"customers": at_first["customers"] + count}


async def test_a_new_name_waits_for_no_batch_and_is_shown_at_once(database: Database) -> None:
    """The directory may keep the old one: nothing shows it, and it isn't emptied for a name."""
    await put(database, "acme")
    directory = Directory()
    await resolve(database, directory, "acme")
    async with database.transaction() as batch:
        await read_epochs(batch)
        renamed, _ = await asyncio.wait_for(put(database, "acme", name="Acme", metadata={"a": 1}), 5)
    async with database.transaction() as tx:
        assert await get_customer(tx, "acme") == renamed
    assert (await resolve(database, directory, "acme"))["acme"].customer_id == renamed.customer_id
    assert len(directory) == 1


async def test_archiving_keeps_its_first_time_and_can_be_undone(database: Database) -> None:
    await put(database, "acme")
    archived, _ = await put(database, "acme", archived=True)
    assert archived.archived_at is not None
    assert (await put(database, "acme", archived=True))[0] == archived
    assert (await put(database, "acme", archived=False))[0].archived_at is None


async def test_suspension_keeps_its_first_time_and_can_be_undone(database: Database) -> None:
    assert (await put(database, "acme"))[0].suspended_at is None
    suspended, _ = await put(database, "acme", suspended=True)
    assert suspended.suspended_at is not None
    assert suspended.archived_at is None
    assert (await put(database, "acme", suspended=True))[0] == suspended
    assert (await put(database, "acme", name="Acme"))[0].suspended_at == suspended.suspended_at
    async with database.transaction() as tx:
        assert (await get_customer(tx, "acme")).suspended_at == suspended.suspended_at
    assert (await put(database, "acme", suspended=False))[0].suspended_at is None


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("", {}, "invalid_customer"),
    (" acme", {}, "invalid_customer"),
    ("acme\u00a0", {}, "invalid_customer"),
    ("a\x00b", {}, "invalid_customer"),
    ("a\ud800b", {}, "invalid_customer"),
    ("k" * 201, {}, "customer_too_long"),
    ("acme", {"name": ""}, "invalid_name"),
    ("acme", {"name": "a\nb"}, "invalid_name"),
    ("acme", {"name": "n" * 501}, "name_too_long"),
    ("acme", {"name": "😀" * 376}, "name_too_long"),
    ("😀" * 151, {}, "customer_too_long"),
    ("acme", {"currency": "usd"}, "unknown_currency"),
    ("acme", {"currency": ""}, "unknown_currency"),
    ("acme", {"timezone": "Mars/Olympus"}, "unknown_timezone"),
    ("acme", {"metadata": {"x": "y" * 16_384}}, "metadata_too_large"),
    ("acme", {"metadata": {"x": "\x00"}}, "invalid_metadata"),
    ("acme", {"metadata": {"x": "\ud800"}}, "invalid_metadata"),
    ("acme", {"metadata": {"x": object()}}, "invalid_metadata"),
    ("acme", {"metadata": {"x": float("nan")}}, "invalid_metadata"),
]


async def test_what_cannot_be_stored_is_refused(database: Database) -> None:
    for key, fields, code in REFUSED:
        with pytest.raises(InvalidInput) as caught:
            await put(database, key, **fields)
        assert caught.value.code == code
        assert caught.value.field == next(iter(fields), "customer")


async def test_unusual_keys_and_metadata_come_back_unchanged(database: Database) -> None:
    for key in ("k" * 200, "große Firma 会社", "a/b?c=d%", "👩\u200d💻", "O'Brien\\u0000"):
        customer, _ = await put(database, key, metadata={key: [key, None, 10**30]})
        async with database.transaction() as tx:
            assert await get_customer(tx, key) == customer
        assert customer.key == key
        assert customer.metadata == {key: [key, None, 10**30]}


# What usage locks


@pytest.mark.parametrize(("field", "value"), [("currency", "EUR"), ("timezone", "Europe/Berlin")])
async def test_usage_locks_currency_and_time_zone(database: Database, field: str, value: str) -> None:
    before, _ = await put(database, "acme")
    with pytest.raises(Conflict) as caught:
        await put(database, "acme", always, name="Other", **{field: value})
    assert (caught.value.code, caught.value.field) == (f"{field}_in_use", field)
    async with database.transaction() as tx:
        assert await get_customer(tx, "acme") == before
    unlocked, _ = await put(database, "acme", always, name="Other", **{field: getattr(before, field)})
    assert unlocked.name == "Other"
    moved, _ = await put(database, "acme", never, **{field: value})
    assert getattr(moved, field) == value


async def test_first_usage_in_a_batch_under_way_still_locks_the_currency(database: Database) -> None:
    """The batch has read the customer before the change, and commits after the change began."""
    await put(database, "acme")
    used = False

    async def in_use(tx: Tx, customer_id: UUID) -> bool:
        return used

    async with database.transaction() as batch:
        await read_epochs(batch)
        change = asyncio.create_task(put(database, "acme", in_use, currency="EUR"))
        await asyncio.sleep(0.1)
        used = True
    with pytest.raises(Conflict, match="USD"):
        await change


async def test_creating_the_same_customer_at_once_makes_one(database: Database) -> None:
    made = await asyncio.gather(*(put(database, "acme", metadata={"n": n}) for n in range(8)))
    assert [created for _, created in made].count(True) == 1
    async with database.transaction() as tx:
        assert len(await list_customers(tx, limit=10)) == 1


# Finding


async def test_an_unknown_customer_is_not_found(database: Database) -> None:
    async with database.transaction() as tx:
        for key in ("nobody", "", "\x00", "\ud800", "k" * 300):
            with pytest.raises(NotFound) as caught:
                await get_customer(tx, key)
            assert caught.value.code == "unknown_customer"


async def test_lists_page_search_and_filter(database: Database) -> None:
    for key, name in [("b", "Beta 100%"), ("a", "Alpha"), ("C", "Gamma"), ("d", "alphabet")]:
        await put(database, key, name=name)
    await put(database, "d", archived=True)

    async def keys(**filters: Any) -> list[str]:
        async with database.transaction() as tx:
            return [customer.key for customer in await list_customers(tx, **({"limit": 10} | filters))]

    assert await keys() == ["C", "a", "b", "d"]
    assert await keys(limit=2) == ["C", "a"]
    assert await keys(limit=2, after="a") == ["b", "d"]
    assert await keys(search="ALPHA") == ["a", "d"]
    assert await keys(search=" alpha ") == ["a", "d"]
    assert await keys(search="%") == ["b"]
    assert await keys(search=" ") == ["C", "a", "b", "d"]
    assert await keys(search="c") == ["C"]
    assert await keys(archived=True) == ["d"]
    assert await keys(archived=False, search="alpha") == ["a"]
    for bad in ({"search": "\x00"}, {"after": "\ud800"}):
        with pytest.raises(InvalidInput):
            await keys(**bad)


# Members


async def test_members_are_created_changed_and_listed(database: Database) -> None:
    acme, _ = await put(database, "acme")
    other, _ = await put(database, "other")
    async with database.transaction(acme.customer_id) as tx:
        ann, created = await upsert_member(tx, acme, "ann", metadata={"team": "x"})
        assert created
        assert ann.name == "ann"
        assert await upsert_member(tx, acme, "ann", metadata={"team": "x"}) == (ann, False)
        named, _ = await upsert_member(tx, acme, "ann", name="Ann")
        assert (named.name, named.metadata) == ("Ann", {"team": "x"})
        assert named.updated_at > ann.updated_at
        gone, _ = await upsert_member(tx, acme, "ann", archived=True)
        assert gone.archived_at is not None
        bob, _ = await upsert_member(tx, acme, "bob")
        assert await get_member(tx, acme, "ann") == gone
        assert await list_members(tx, acme, limit=10) == [gone, bob]
        assert await list_members(tx, acme, after="ann", limit=10) == [bob]
    async with database.transaction() as tx:
        assert await list_members(tx, other, limit=10) == []


async def test_unknown_and_impossible_members_are_refused(database: Database) -> None:
    acme, _ = await put(database, "acme")

    async def code_of(work: Awaitable[object]) -> str:
        with pytest.raises(TollError) as caught:
            await work
        return caught.value.code

    async with database.transaction() as tx:
        assert await code_of(get_member(tx, acme, "ann")) == "unknown_member"
        assert await code_of(get_member(tx, acme, "\x00")) == "unknown_member"
        assert await code_of(upsert_member(tx, acme, "")) == "invalid_member"
        assert await code_of(upsert_member(tx, acme, "m" * 201)) == "member_too_long"
        assert await code_of(upsert_member(tx, acme, "ann", name="\t")) == "invalid_name"
        assert await code_of(upsert_member(tx, acme, "ann", metadata={"x": {1, 2}})) == "invalid_metadata"


# The directory


class CountingTx(Tx):
    """A transaction that counts its queries."""

    queries = 0

    async def ask(self, *args: Any, **kwargs: Any) -> Any:
        self.queries += 1
        return await super().ask(*args, **kwargs)


async def test_the_directory_asks_once_for_all_that_it_does_not_know(database: Database) -> None:
    made = {key: (await put(database, key))[0] for key in ("a", "b", "c")}
    directory = Directory()
    async with database.transaction() as tx:
        counting = CountingTx(tx.connection)
        at = await read_epochs(tx)
        assert (await directory.resolve(counting, at, ["a"]))["a"] == made["a"]
        assert counting.queries == 2  # Customers and agreements, in one round trip.
        known = await directory.resolve(counting, at, ["a", "b", "c", "nobody", "\ud800", ""])
        assert known == made
        assert counting.queries == 4
        assert await directory.resolve(counting, at, {"a", "b", "c"}) == made
        assert counting.queries == 4


async def test_the_directory_sees_creations_and_changes_at_once(database: Database) -> None:
    directory = Directory()
    assert await resolve(database, directory, "a") == {}
    created, _ = await put(database, "a")
    assert await resolve(database, directory, "a") == {"a": created}
    changed, _ = await put(database, "a", archived=True)
    assert await resolve(database, directory, "a") == {"a": changed}


async def test_the_directory_keeps_nothing_that_is_rolled_back(database: Database) -> None:
    directory = Directory()
    await put(database, "kept", name="Before")
    with suppress(ZeroDivisionError):
        async with database.transaction() as tx:
            await upsert_customer(tx, "new", CustomerChanges(), default_currency="USD", in_use=never)
            await upsert_customer(tx, "kept", CustomerChanges(name="Undone"), default_currency="USD", in_use=never)
            known = await directory.resolve(tx, await read_epochs(tx), ["new", "kept"])
            assert (known["new"].key, known["kept"].name) == ("new", "Undone")
            raise ZeroDivisionError
    assert len(directory) == 0
    # The same epoch again, with another change behind it.
    changed, _ = await put(database, "kept", name="After")
    assert await resolve(database, directory, "new", "kept") == {"kept": changed}


async def test_a_full_directory_starts_anew_and_leaves_its_callers_what_they_got(database: Database) -> None:
    for key in "abc":
        await put(database, key)
    directory = Directory(most=2)
    async with database.transaction() as tx:
        at = await read_epochs(tx)
        first = await directory.resolve(tx, at, ["a", "b"])
        second = await directory.resolve(tx, at, ["b", "c"])
        assert set(first) == {"a", "b"}
        assert set(second) == {"b", "c"}
        assert len(directory) == 2
