"""The outbox: facts put down once, and listed newest first."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from tollkeeper.customers import CustomerChanges, upsert_customer
from tollkeeper.db import Database, Fact, PublishedFact, Tx, list_facts, publish

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


async def never(tx: Tx, customer_id: UUID) -> bool:
    return False


async def customer(database: Database, key: str = "acme") -> UUID:
    async with database.transaction() as tx:
        made, _ = await upsert_customer(tx, key, CustomerChanges(), default_currency="USD", in_use=never)
        return made.customer_id


async def put(database: Database, *facts: Fact, now: datetime = NOW) -> None:
    async with database.transaction() as tx:
        await publish(tx, facts, now=now)


async def listed(database: Database, customer_id: UUID | None = None, **asked: Any) -> list[PublishedFact]:
    async with database.transaction(customer_id) as tx:
        return await list_facts(tx, customer_id, **{"limit": 100, **asked})


async def test_a_fact_is_put_down_once_for_each_customer(database: Database) -> None:
    acme, other = await customer(database), await customer(database, "other")
    await put(database)
    first = Fact(str(acme), "low", 'k"{1}', {"n": 1})
    await put(database, first, Fact(str(acme), "low", 'k"{1}', {"n": 2}), Fact(str(other), "low", 'k"{1}', {"n": 3}))
    await put(database, first, now=NOW + timedelta(days=1))
    [found] = await listed(database, acme)
    assert (found.customer, found.topic, found.body, found.created_at) == ("acme", "low", {"n": 1}, NOW)
    assert [fact.customer for fact in await listed(database)] == ["other", "acme"]


async def test_decimals_are_strings_in_plain_digits(database: Database) -> None:
    acme = await customer(database)
    body = {"a": Decimal("1E+3"), "b": [Decimal("0E-12"), None], "c": {"d": Decimal("0.10")}, "e": NOW, "f": 'ü"\\'}
    await put(database, Fact(str(acme), "t", "k", body))
    [found] = await listed(database, acme)
    assert found.body == {"a": "1000", "b": ["0", None], "c": {"d": "0.1"}, "e": "2026-03-10T12:00:00Z", "f": 'ü"\\'}


async def test_facts_page_newest_first_by_topic(database: Database) -> None:
    acme = await customer(database)
    for n in range(5):
        await put(database, Fact(str(acme), "even" if n % 2 == 0 else "odd", f"k{n}", {"n": n}))
        await asyncio.sleep(0.002)  # ids are in order by the millisecond
    page = await listed(database, acme, limit=3)
    assert [fact.body["n"] for fact in page] == [4, 3, 2]
    rest = await listed(database, acme, limit=3, before=page[-1].fact_id)
    assert [fact.body["n"] for fact in rest] == [1, 0]
    assert [fact.body["n"] for fact in await listed(database, topics=["odd"])] == [3, 1]
    assert await listed(database, topics=[]) == []


async def test_facts_put_down_together_are_listed_in_their_order(database: Database) -> None:
    acme = await customer(database)
    await put(database, *(Fact(str(acme), "t", f"k{n * 7 % 10}", {"n": n}) for n in range(10)))
    assert [fact.body["n"] for fact in await listed(database, acme)] == [*reversed(range(10))]


async def test_the_same_facts_at_once_are_put_down_once(database: Database) -> None:
    ids = [await customer(database, f"c{n}") for n in range(10)]
    facts = [Fact(str(one), "t", f"k{n}", {}) for one in ids for n in range(5)]
    await asyncio.gather(*(put(database, *(facts if n % 2 else reversed(facts))) for n in range(6)))
    assert len(await listed(database, limit=1000)) == 50


async def test_a_fact_of_work_that_is_rolled_back_never_was(database: Database) -> None:
    acme = await customer(database)
    with suppress(ZeroDivisionError):
        async with database.transaction() as tx:
            await publish(tx, [Fact(str(acme), "t", "k", {})], now=NOW)
            raise ZeroDivisionError
    assert await listed(database, acme) == []
