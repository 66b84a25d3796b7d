"""Top-ups: begun with what the catalog says then, ended once, and given with being paid."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import psycopg
import pytest
from tests.database.gating import DAY, HOUR, SECOND, START, Clock, hold, put_catalog, put_customer, settle
from tests.database.paying import (
    SOLD,
    D,
    assert_paid_for,
    end,
    found,
    grants,
    pay,
    selling,
    shop,
    start,
)

from tollkeeper.catalog import load
from tollkeeper.customers import customer_id_of
from tollkeeper.db import Database, list_facts
from tollkeeper.errors import Conflict, InvalidInput, NotFound, TollError
from tollkeeper.gate import verify
from tollkeeper.payments import MOST_GIVEN_UP, MOST_PENDING, TOP_UP_CHECKS, TopUpState, Wanted, processor_for
from tollkeeper.rating import MODELS
from tollkeeper.settings import Settings

pytestmark = pytest.mark.anyio

FAILED, CANCELLED = TopUpState.FAILED, TopUpState.CANCELLED


@pytest.fixture
def clock() -> Iterator[Clock]:
    with Clock() as stopped:
        yield stopped


async def test_a_pack_is_bought(database: Database, clock: Clock) -> None:
    books = await selling(database, "acme & sons", timezone="Europe/Berlin")
    begun = await start(books, customer="acme & sons", pack="team")
    assert begun.state(clock.at) is TopUpState.PENDING
    assert (begun.unit, begun.amount, begun.bonus, begun.price, begun.currency) == ("credit", 50, 5, 45, "USD")
    assert begun.checkout_url == f"https://app.example/pay?top_up={begun.top_up_id}&customer=acme%20%26%20sons"
    assert await grants(database, now=clock.at, customer="acme & sons") == []

    clock.go(HOUR)
    paid = await pay(books, begun, "ch_1")
    assert (paid.state(clock.at), paid.reference, paid.late) == (TopUpState.PAID, "ch_1", None)
    assert (paid.ended(clock.at), paid.ended_by) == (clock.at, "test")
    assert [paid] == await found(database, "acme & sons", now=clock.at)
    given = {grant.grant_id: grant for grant in await grants(database, now=clock.at, customer="acme & sons")}
    bought, bonus = given[paid.grant_id], given[paid.bonus_grant_id]  # type: ignore[index]
    assert (bought.amount, bought.kind, bonus.amount, bonus.kind) == (50, "paid", 5, "promotional")
    assert {bought.reference, bonus.reference} == {f"top-up {begun.top_up_id}"}
    assert bought.expires_at == bonus.expires_at == datetime(2027, 1, 15, 23, tzinfo=UTC)
    await assert_paid_for(database, now=clock.at, customer="acme & sons")


async def test_the_bonus_is_spent_first(database: Database, clock: Clock) -> None:
    books = await selling(database)
    paid = await pay(books, await start(books))
    await hold(books, "h")
    await settle(books, "h")
    spent = {grant.grant_id: grant.spent for grant in await grants(database, now=clock.at)}
    assert spent == {paid.bonus_grant_id: 1, paid.grant_id: 0}


async def test_money_for_money(database: Database, clock: Clock) -> None:
    books = await selling(database)
    begun = await start(books, unit="USD", amount=D("99.990"))
    assert (begun.amount, begun.price, begun.currency) == (D("99.99"), D("99.99"), "USD")
    await pay(books, begun)
    (grant,) = await grants(database, now=clock.at)
    assert (grant.unit, grant.amount, grant.expires_at) == ("USD", D("99.99"), datetime(2026, 2, 15, tzinfo=UTC))
    await assert_paid_for(database, now=clock.at)


async def test_a_later_catalog_changes_nothing(database: Database, clock: Clock) -> None:
    books = await selling(database)
    begun = await start(books, unit="credit", amount=D(5), key="order-1")
    assert begun.price == 6
    clock.go(SECOND)
    await put_catalog(database, SOLD.replace('"1.20"', '"2.00"'))
    assert await start(books, unit="credit", amount=D(5), key="order-1") == begun
    await put_catalog(database, SOLD.replace("amounts = [5, 10]", "amounts = [10]"))
    assert await start(books, unit="credit", amount=D(5), key="order-1") == begun
    assert (await pay(books, begun)).price == 6
    await assert_paid_for(database, now=clock.at)


async def test_money_is_taken_for_a_unit_that_is_gone(database: Database, clock: Clock) -> None:
    books = await selling(database)
    begun = await start(books, pack="team")
    for text in (SOLD.partition("[top_ups.credit]")[0], 'currency = "USD"\n[units.credit]\n'):
        clock.go(SECOND)
        await put_catalog(database, text)
    await pay(books, begun)
    await assert_paid_for(database, now=clock.at)


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"unit": "credit", "amount": D(7)}, "amount_not_offered"),
        ({"unit": "credit", "amount": D("NaN")}, "amount_not_offered"),
        ({"unit": "EUR", "amount": D(5)}, "unit_not_offered"),
        ({"unit": "credit"}, "invalid_top_up"),
        ({"amount": D(5)}, "invalid_top_up"),
        ({"pack": "team", "unit": "credit"}, "invalid_top_up"),
        ({"pack": "gone"}, "unknown_pack"),
        ({"pack": "team", "key": ""}, "invalid_id"),
        ({"pack": "team", "key": "x" * 201}, "id_too_long"),
    ],
)
async def test_what_isnt_sold_is_refused(database: Database, wanted: dict[str, Any], code: str) -> None:
    books = await selling(database)
    with pytest.raises(TollError) as refused:
        await start(books, **wanted)
    assert refused.value.code == code
    assert await found(database, now=START) == []


async def test_no_number_is_no_repeat(database: Database) -> None:
    books = await selling(database)
    await start(books, unit="credit", amount=D(5), key="k")
    for amount in ("NaN", "sNaN", "Infinity"):
        with pytest.raises(InvalidInput) as refused:
            await start(books, unit="credit", amount=D(amount), key="k")
        assert refused.value.code == "amount_not_offered"


async def test_who_isnt_known_buys_nothing(database: Database) -> None:
    books = await selling(database)
    with pytest.raises(NotFound, match="nobody"):
        await start(books, customer="nobody", pack="team")
    begun = await start(books, pack="team")
    await put_customer(database, "globex")
    for work in (
        pay(books, replace(begun, customer="globex")),
        end(books, replace(begun, customer="globex"), FAILED),
    ):
        with pytest.raises(NotFound, match="no top-up"):
            await work


async def test_without_a_processor_nothing_begins(database: Database) -> None:
    books = await selling(database)
    begun = await start(books, pack="team")
    off = shop(database, payments="none")
    with pytest.raises(Conflict, match="TOLLKEEPER_PAYMENTS"):
        await start(off, pack="team")
    assert (await pay(off, begun)).state(datetime.now(UTC)) is TopUpState.PAID


async def test_the_same_id_is_the_same_top_up(database: Database) -> None:
    books = await selling(database)
    first, new = await books.start_top_up("acme", Wanted(pack="team", key="a"), by="test")
    again, newer = await books.start_top_up("acme", Wanted(pack="team", key="a"), by="test")
    assert (again, new, newer) == (first, True, False)
    for other in ({"unit": "credit", "amount": D(50)}, {"unit": "credit", "amount": D(5)}):
        with pytest.raises(Conflict) as refused:
            await start(books, key="a", **other)
        assert refused.value.code == "top_up_conflict"
    begun = await asyncio.gather(*(start(shop(database), pack="team", key="b") for _ in range(6)))
    assert {one.top_up_id for one in begun} == {begun[0].top_up_id}
    assert {one.checkout_url for one in begun} == {begun[0].checkout_url}
    assert len(await found(database, now=datetime.now(UTC))) == 2


async def test_not_too_many_wait_at_once(database: Database, clock: Clock) -> None:
    books = await selling(database)
    begun = [await start(books, pack="team") for _ in range(MOST_PENDING)]
    with pytest.raises(Conflict) as refused:
        await start(books, pack="team")
    assert refused.value.code == "too_many_top_ups"
    await end(books, begun[0], CANCELLED)
    await start(books, pack="team")
    clock.go(DAY)
    await start(books, pack="team")


async def test_not_too_many_are_given_up(database: Database, clock: Clock) -> None:
    books = await selling(database)
    for _ in range(MOST_GIVEN_UP):
        await end(books, await start(books, pack="team"), CANCELLED)
    with pytest.raises(Conflict) as refused:
        await start(books, pack="team")
    assert refused.value.code == "too_many_top_ups"
    clock.go(DAY)
    await start(books, pack="team")


@pytest.mark.parametrize("state", [FAILED, CANCELLED])
async def test_each_ends_once(database: Database, clock: Clock, state: Any) -> None:
    books = await selling(database)
    begun = await start(books)
    ended = await end(books, begun, state)
    assert (ended.state(clock.at), ended.ended(clock.at), ended.grant_id) == (state, clock.at, None)
    clock.go(HOUR)
    assert await end(books, begun, state) == ended
    other = CANCELLED if state is FAILED else FAILED
    with pytest.raises(Conflict) as refused:
        await end(books, begun, other)
    assert (refused.value.code, refused.value.extra) == ("top_up_ended", {"state": state.value})
    paid = await start(books)
    await pay(books, paid)
    with pytest.raises(Conflict, match="was paid"):
        await end(books, paid, state)
    await assert_paid_for(database, now=clock.at)


async def test_what_isnt_paid_in_a_day_expires(database: Database, clock: Clock) -> None:
    books = await selling(database)
    begun = await start(books)
    clock.go(DAY - SECOND)
    assert await found(database, now=clock.at, state=TopUpState.PENDING) == [begun]
    clock.go(SECOND)
    (expired,) = await found(database, now=clock.at, state=TopUpState.EXPIRED)
    assert (expired.state(clock.at), expired.ended(clock.at)) == (TopUpState.EXPIRED, clock.at)
    assert await found(database, now=clock.at, state=TopUpState.PENDING) == []
    with pytest.raises(Conflict, match="expired"):
        await end(books, begun, CANCELLED)


@pytest.mark.parametrize("before", [FAILED, CANCELLED, TopUpState.EXPIRED])
async def test_money_that_comes_late_is_taken_and_told(database: Database, clock: Clock, before: Any) -> None:
    books = await selling(database)
    begun = await start(books)
    if before is TopUpState.EXPIRED:
        clock.go(2 * DAY)
    else:
        await end(books, begun, before)
    paid = await pay(books, begun, "late money")
    assert (paid.state(clock.at), paid.late) == (TopUpState.PAID, before.value)
    assert await pay(books, begun, "late money") == paid
    facts = await database.run(lambda tx: list_facts(tx, customer_id_of("acme"), topics=["top_up_late"], limit=9))
    (fact,) = facts
    assert (fact.body["ended"], fact.body["amount"], fact.body["price"]) == (before.value, "50", "45")
    await assert_paid_for(database, now=clock.at)


async def test_paid_twice_under_two_names_is_told(database: Database) -> None:
    books = await selling(database)
    begun = await start(books)
    paid = await pay(books, begun, "ch_1")
    for _ in range(2):
        assert await pay(books, begun, "ch_1") == paid
    assert await told_again(database) == []
    for _ in range(2):
        assert await pay(books, begun) == paid
        with pytest.raises(Conflict) as refused:
            await pay(books, begun, "ch_2")
        assert refused.value.code == "paid_otherwise"
    assert await told_again(database) == [("ch_1", "ch_2"), ("ch_1", None)]
    for reference in ("", "x" * 201, "a\0b"):
        with pytest.raises(InvalidInput):
            await pay(books, begun, reference)
    await assert_paid_for(database, now=datetime.now(UTC))


async def test_what_cant_be_told_from_a_second_payment_is_told(database: Database) -> None:
    """Fails where a first call without a reference makes any other payment look like its repetition."""
    books = await selling(database)
    begun = await start(books)
    paid = await pay(books, begun)
    assert await pay(books, begun, "ch_1") == paid
    assert await pay(books, begun) == paid
    assert await told_again(database) == [(None, None), (None, "ch_1")]
    await assert_paid_for(database, now=datetime.now(UTC))


async def told_again(database: Database) -> list[tuple[str | None, str | None]]:
    """What alerts of second payments say, the newest first."""
    found = await database.run(lambda tx: list_facts(tx, customer_id_of("acme"), topics=["top_up_paid_again"], limit=9))
    return [(fact.body["paid_as"], fact.body["again_as"]) for fact in found]


async def test_however_many_tell_that_it_was_paid_it_is_given_once(database_url: str) -> None:
    async with Database(database_url, pool_size=16) as database:
        books = await selling(database)
        begun = [await start(books, key=f"order-{i}") for i in range(4)]
        shops = [shop(database) for _ in range(6)]

        async def tell(books: Any, one: Any) -> None:
            assert (await pay(books, one, "money")).stored_state == "paid"

        async def give_up(books: Any, one: Any) -> None:
            with suppress(Conflict):
                await end(books, one, CANCELLED)

        async with anyio.create_task_group() as tasks:
            for one in begun:
                for each in shops:
                    tasks.start_soon(tell, each, one)
                tasks.start_soon(give_up, shops[0], one)
        assert len(await grants(database, now=datetime.now(UTC))) == 2 * len(begun)
        await assert_paid_for(database, now=datetime.now(UTC))


KILLED = """
import asyncio, importlib, os, signal, sys
from uuid import UUID
from tests.database.paying import shop
from tollkeeper.db import Database

paying = importlib.import_module("tollkeeper.payments.pay")

async def main():
    async with Database(sys.argv[1], pool_size=2) as database:
        books = shop(database)
        where = sys.argv[3]
        real = getattr(paying, where)
        async def killed(*args, **kwargs):
            await real(*args, **kwargs)
            os.kill(os.getpid(), signal.SIGKILL)
        setattr(paying, where, killed)
        await books.pay_top_up("acme", UUID(sys.argv[2]), by="killed")

asyncio.run(main())
"""


@pytest.mark.parametrize("where", ["lock_top_up", "write_end", "write_till"])
async def test_who_is_killed_before_the_commit_has_given_nothing(database: Database, where: str) -> None:
    books = await selling(database)
    begun = await start(books)
    process = await anyio.to_thread.run_sync(
        lambda: subprocess.run(
            [sys.executable, "-c", KILLED, database.url, str(begun.top_up_id), where], env=os.environ, check=False
        )
    )
    assert process.returncode == -signal.SIGKILL
    now = datetime.now(UTC)
    assert [one.stored_state for one in await found(database, now=now)] == ["pending"]
    assert await grants(database, now=now) == []
    await pay(books, begun)
    await assert_paid_for(database, now=datetime.now(UTC))


async def test_verify_finds_what_was_not_given(database: Database, owner: psycopg.Connection[Any]) -> None:
    books = await selling(database)
    one, other = await pay(books, await start(books)), await pay(books, await start(books))
    owner.execute("update top_ups set amount = 51 where top_up_id = %s", [one.top_up_id])
    owner.execute("update top_ups set bonus_grant_id = %s where top_up_id = %s", [one.bonus_grant_id, other.top_up_id])
    async with database.transaction(snapshot=True) as tx:
        verdict = await verify(tx, await load(tx, MODELS), also=TOP_UP_CHECKS)
    (check,) = [check for check in verdict.checks if check.differences]
    assert {(each.place, each.expected, each.found) for each in check.differences} == {
        (f"top-up {one.top_up_id}", "51 + 5 credit", "50 + 5 credit"),
        (f"grant {one.bonus_grant_id}", "1 top-up", "2 top-ups"),
    }


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"payments": "bitcoin"}, "none, test, link"),
        ({"payments": "link"}, "TOLLKEEPER_CHECKOUT_URL must be set"),
        ({"payments": "link", "checkout_url": "https://app.example/pay"}, "`{id}`"),
        ({"payments": "link", "checkout_url": "https://app.example/{id}/{amount}"}, "`{id}`"),
        ({"payments": "link", "checkout_url": "javascript:{id}"}, "`{id}`"),
    ],
)
def test_settings_that_cant_be_used(settings: dict[str, str], says: str) -> None:
    with pytest.raises(InvalidInput, match="TOLLKEEPER") as refused:
        processor_for(Settings(**settings))
    assert says in refused.value.detail


def test_nobody_is_asked_to_pay_by_default() -> None:
    assert processor_for(Settings()) is None


async def test_pretended_payments_have_no_checkout(database: Database) -> None:
    await selling(database)
    begun = await start(shop(database, payments="test"))
    assert (begun.processor, begun.checkout_url, begun.reference) == ("test", None, f"test {begun.top_up_id}")
    assert begun.open_until - begun.created_at == timedelta(days=1)
