"""Prepaid value in the database: what is written is what is read, history needs no replay, and the books agree."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

import pytest
from psycopg.errors import InsufficientPrivilege

from tollkeeper.catalog import RecurringGrant
from tollkeeper.clock import Period, zone
from tollkeeper.customers import CustomerChanges, customer_id_of, upsert_customer
from tollkeeper.db import Database, Tx
from tollkeeper.errors import NotFound
from tollkeeper.events import has_usage
from tollkeeper.ids import new_id
from tollkeeper.ledger import balances, get_transaction, receivables
from tollkeeper.wallets import (
    WALLET_CHECKS,
    Changes,
    Cover,
    GiveBack,
    Grant,
    GrantState,
    NewGrant,
    Purse,
    Recurrence,
    advance_all,
    ask_burned,
    ask_purses,
    balance_at,
    burn,
    burns_of_event,
    complete,
    due_wallets,
    end_recurring,
    expiring,
    find_grant,
    get_grant,
    give,
    give_back,
    list_entries,
    list_grants,
    list_wallets,
    load_all_grants,
    open_purse,
    payable,
    put_recurring,
    read_purses,
    recurring_grants,
    void,
)

pytestmark = pytest.mark.anyio

T = TypeVar("T")
D = Decimal
START = datetime(2026, 1, 1, tzinfo=UTC)
ACME = str(customer_id_of("acme"))
BETA = str(customer_id_of("beta"))


def day(number: float) -> datetime:
    return START + timedelta(days=number)


@dataclass(frozen=True)
class Difference:
    customer: str
    place: str
    expected: str
    found: str


async def put(database: Database, *keys: str) -> None:
    for key in keys:
        async with database.transaction() as tx:
            await upsert_customer(tx, key, CustomerChanges(), default_currency="USD", in_use=has_usage)


async def purse_in(tx: Tx, customer_id: str = ACME, first: int = 4) -> Purse:
    found = await read_purses(await ask_purses(tx, [customer_id], first))
    return next((one for one in found if one.wallet.unit == "USD"), open_purse(customer_id, "USD"))


async def at(database: Database, now: datetime, work: Callable[[Tx, Purse, Changes], Awaitable[T]]) -> T:
    """Do something with acme's wallet, as the gate does: load, advance, decide, write."""
    async with database.transaction(pipelined=True) as tx:
        changes = Changes(new_id(), now, "test")
        purse = await purse_in(tx)
        if purse.due(now):
            await advance_all(tx, [(purse, ())], changes)
        result = await work(tx, purse, changes)
        async with tx.together():
            await changes.write(tx)
    return result


async def granted(database: Database, now: datetime, amount: str, **fields: Any) -> Grant:
    async def work(_: Tx, purse: Purse, changes: Changes) -> Grant:
        return give(purse, NewGrant("USD", D(amount), **fields), changes)

    return await at(database, now, work)


async def spent(database: Database, now: datetime, amount: str, event: str) -> UUID:
    async def work(tx: Tx, purse: Purse, changes: Changes) -> UUID:
        await complete(tx, [(purse, D(amount))])
        assert payable(purse, now) >= D(amount)
        burn(purse, [Cover(purse.wallet, event, D(amount), now)], changes)
        return changes.transaction_id

    return await at(database, now, work)


async def returned(database: Database, now: datetime, amount: str, event: str, corrects: str | None) -> Decimal:
    async def work(tx: Tx, purse: Purse, changes: Changes) -> Decimal:
        burned = await ask_burned(tx, {(ACME, corrects)} if corrects else ())
        await burned.complete(tx, purse, D(amount), corrects, changes)
        return give_back(purse, [GiveBack(purse.wallet, event, D(amount), corrects)], burned, changes)

    return await at(database, now, work)


async def read(database: Database, work: Callable[[Tx], Awaitable[T]]) -> T:
    return await database.run(work, UUID(ACME))


async def differences(database: Database) -> list[Difference]:
    async with database.transaction(snapshot=True) as tx:
        return [each for _, _, query in WALLET_CHECKS for each in await tx.all(Difference, query, {"limit": 100})]


async def test_what_is_written_is_what_is_read(database: Database) -> None:
    await put(database, "acme")
    texts = {"reference": 'invoice "7", {a\\b}', "note": "für Mühe, NULL", "key": "order-1"}
    full = await granted(database, day(0), "12.345", kind="paid", priority=7, expires_at=day(9), **texts)
    plain = await granted(database, day(1), "3E+2", kind="promotional", effective_at=day(5))
    voided = await granted(database, day(1), "8")

    async def take_back(tx: Tx, purse: Purse, changes: Changes) -> Grant:
        found = await find_grant(tx, ACME, voided.grant_id)
        assert found is not None
        return void(purse, found, changes, refund=True, note="sent twice")

    voided = await at(database, day(2), take_back)
    for grant in (full, plain, voided):
        assert await read(database, lambda tx, grant=grant: get_grant(tx, ACME, grant.grant_id)) == grant
    [wallet] = await read(database, lambda tx: list_wallets(tx, ACME))
    assert (wallet.balance, wallet.last_at, wallet.next_change_at) == (D("12.345"), day(2), day(5))
    assert await differences(database) == []
    with pytest.raises(NotFound) as missing:
        await read(database, lambda tx: get_grant(tx, ACME, new_id()))
    assert missing.value.code == "unknown_grant"


async def test_many_customers_in_one_go_and_only_the_first_grants(database: Database) -> None:
    await put(database, "acme", "beta")
    async with database.transaction() as tx:
        changes = Changes(new_id(), START, "test")
        for customer_id, count in ((ACME, 6), (BETA, 2)):
            for unit in ("USD", "EUR"):
                purse = open_purse(customer_id, unit)
                for number in range(count):
                    give(purse, NewGrant(unit, D(5), priority=90 - number), changes)
        await changes.write(tx)
    async with database.transaction() as tx:
        purses = await read_purses(await ask_purses(tx, [ACME, BETA, str(new_id())]))
        shape = [(one.wallet.customer_id, one.wallet.unit, len(one.grants), one.complete) for one in purses]
        assert sorted(shape) == sorted(
            (customer_id, unit, count, whole)
            for customer_id, count, whole in ((ACME, 4, False), (BETA, 2, True))
            for unit in ("USD", "EUR")
        )
        [purse] = [one for one in purses if one.wallet.key == (ACME, "USD")]
        assert [grant.priority for grant in purse.grants] == [85, 86, 87, 88]
        first = purse.grants[0]
        await complete(tx, [(purse, D(20))])
        assert len(purse.grants) == 4
        await complete(tx, [(purse, D("20.5"))])
        assert [grant.priority for grant in purse.grants] == [85, 86, 87, 88, 89, 90]
        assert purse.grants[0] is first
        burn(purse, [Cover(purse.wallet, "e", D(3), START)], changes)
        await load_all_grants(tx, [purse])
        assert (purse.grants[0].remaining, purse.made) == (2, {})
    # A customer's transaction sees its own purses, whatever it asks for.
    async with database.transaction(UUID(BETA)) as tx:
        purses = await read_purses(await ask_purses(tx, [ACME, BETA]))
        assert {one.wallet.customer_id for one in purses} == {BETA}


async def test_spending_is_posted_from_wallet_to_receivable(database: Database) -> None:
    await put(database, "acme")
    for number in range(6):
        await granted(database, day(number), "5")
    transaction_id = await spent(database, day(8), "27", "e")
    burns = await read(database, lambda tx: burns_of_event(tx, ACME, "e"))
    assert sorted(burned.amount for burned in burns) == [2, 5, 5, 5, 5, 5]
    [posting] = await read(database, lambda tx: get_transaction(tx, UUID(ACME), transaction_id))
    assert (posting.kind, posting.debit, posting.credit) == ("grant_spent", "wallet", "receivable")
    assert (posting.amount, posting.line, posting.events, posting.booked_by) == (27, 100, 1, "test")
    found = await read(database, lambda tx: balances(tx, UUID(ACME)))
    assert {(one.account, one.balance) for one in found} == {("cash", 30), ("wallet", -3), ("receivable", -27)}
    assert await read(database, lambda tx: receivables(tx, [ACME])) == {(ACME, "USD"): -27}
    assert await differences(database) == []


async def test_corrections_find_the_grants_that_paid_though_they_have_ended(database: Database) -> None:
    await put(database, "acme")
    first = await granted(database, day(0), "5", expires_at=day(3))
    await granted(database, day(0), "5")
    await spent(database, day(1), "7", "e")
    await spent(database, day(2), "3", "f")
    # `e` took 5 and 2: the second gets 2 back, the first 4, which lapse because it has expired.
    assert await returned(database, day(4), "6", "c", "e") == 0
    entries = await read(database, lambda tx: list_entries(tx, ACME, limit=3))
    assert [(one.kind, one.amount, one.balance) for one in reversed(entries)] == [
        ("returned", 2, 2),
        ("returned", 4, 6),
        ("expired", -4, 2),
    ]
    stored = await read(database, lambda tx: get_grant(tx, ACME, first.grant_id))
    assert (stored.spent, stored.expired, stored.remaining) == (1, 4, 0)
    # A step down a volume price: what was burned most recently. More than was ever spent nobody takes back.
    assert await returned(database, day(5), "1", "step", None) == 0
    assert await returned(database, day(6), "100", "much", None) == 97
    assert await differences(database) == []


async def test_what_corrections_gave_back_is_not_given_back_again(database: Database) -> None:
    await put(database, "acme")
    await granted(database, day(0), "9")
    await spent(database, day(1), "5", "e")
    await returned(database, day(2), "2", "c1", "e")
    async with database.transaction() as tx:
        # Stored by the stage above: which event corrects which.
        await store_correction(tx, "c1", "e")
    async with database.transaction() as tx:
        burned = await ask_burned(tx, {(ACME, "e"), (BETA, "e"), (ACME, "never")})
        changes = Changes(new_id(), day(3), "test")
        assert burned.paid_for((ACME, "e"), changes) == 3
        assert burned.paid_for((BETA, "e"), changes) == 0


async def store_correction(tx: Tx, event_id: str, corrects: str) -> None:
    await tx.execute(
        b"insert into events (customer_id, event_id, series_id, time, recorded_at, transaction_id, quantity, billed,"
        b" estimated, corrects) values (%(c)s, %(e)s, %(s)s, now(), now(), %(s)s, -1, -1, false, %(o)s)",
        {"c": ACME, "e": event_id, "s": new_id(), "o": corrects},
    )


async def test_the_balance_at_any_instant_is_read_from_history(database: Database) -> None:
    await put(database, "acme")
    await granted(database, day(1), "5", expires_at=day(6))
    await granted(database, day(2), "7", effective_at=day(4))
    await spent(database, day(3), "2", "e")
    await granted(database, day(9), "1")  # Notices what happened on days 4 and 6.
    expected = {0: 0, 1: 5, 2: 5, 3: 3, 4: 10, 5: 10, 6: 7, 8: 7, 9: 8, 20: 8}
    for number, balance in expected.items():
        found = await read(database, lambda tx, number=number: balance_at(tx, ACME, "USD", day(number)))
        assert found == {"USD": balance}, number
        assert await read(database, lambda tx, number=number: balance_at(tx, ACME, None, day(number))) == found
    assert await read(database, lambda tx: balance_at(tx, ACME, "EUR", day(9))) == {"EUR": 0}
    pages = await read(database, lambda tx: list_entries(tx, ACME, unit="USD", limit=2))
    rest = await read(database, lambda tx: list_entries(tx, ACME, before=(pages[1].at, pages[1].entry_id), limit=9))
    assert [one.kind for one in [*pages, *rest]] == ["granted", "expired", "granted", "spent", "granted"]
    assert [one.booked_at for one in [*pages, *rest]] == [day(9), day(9), day(9), day(3), day(1)]
    assert await differences(database) == []


async def test_entries_of_one_instant_stay_in_their_order(database: Database) -> None:
    await put(database, "acme")
    for number in range(5):
        await granted(database, day(1), str(number + 1))
    found = await read(database, lambda tx: list_entries(tx, ACME, limit=9))
    assert [one.balance for one in found] == [15, 10, 6, 3, 1]
    assert (await read(database, lambda tx: balance_at(tx, ACME, "USD", day(2)))) == {"USD": 15}
    assert await differences(database) == []


async def test_grants_by_state_and_page(database: Database) -> None:
    await put(database, "acme")
    active = await granted(database, day(0), "5", expires_at=day(6))
    scheduled = await granted(database, day(1), "5", effective_at=day(8))
    gone = await granted(database, day(2), "5", priority=1)
    await spent(database, day(3), "5", "e")

    def ids(state: GrantState | None, now: datetime, **page: Any) -> Awaitable[list[UUID]]:
        async def work(tx: Tx) -> list[UUID]:
            found = await list_grants(tx, ACME, now=now, state=state, **({"limit": 9} | page))
            assert state is None or {grant.state(now) for grant in found} <= {state}
            return [grant.grant_id for grant in found]

        return read(database, work)

    assert await ids(None, day(4)) == [gone.grant_id, scheduled.grant_id, active.grant_id]
    assert await ids(None, day(4), before=(gone.created_at, gone.grant_id), limit=1) == [scheduled.grant_id]
    assert await ids(GrantState.ACTIVE, day(4)) == [active.grant_id]
    assert await ids(GrantState.SCHEDULED, day(4)) == [scheduled.grant_id]
    assert await ids(GrantState.ENDED, day(7)) == [gone.grant_id, active.grant_id]
    assert await ids(GrantState.ACTIVE, day(9)) == [scheduled.grant_id]
    assert await ids(None, day(4), unit="EUR") == []


async def test_the_sweep_and_the_alerts_find_what_is_due(database: Database) -> None:
    await put(database, "acme")
    grant = await granted(database, day(0), "5", expires_at=day(6))
    await granted(database, day(0), "5", effective_at=day(1), expires_at=day(6))
    async with database.transaction() as tx:
        assert await due_wallets(tx, day(1), 10) == []
        assert await due_wallets(tx, day(1.5), 10) == [ACME]
        found = await expiring(tx, after=day(5), until=day(6), limit=10)
        assert [one.grant_id for one in found] == [grant.grant_id]
        assert await expiring(tx, after=day(6), until=day(9), limit=10) == []


RULE = RecurringGrant("monthly", "USD", D(10), Period.MONTH, most_rolled=D(4))


async def test_recurring_grants_are_made_once_and_roll_over(database: Database) -> None:
    await put(database, "acme")
    recurrence = Recurrence(RULE, datetime(2026, 1, 31, tzinfo=UTC), zone("UTC"), None, "plan pro")

    async def make(now: datetime) -> None:
        async with database.transaction(pipelined=True) as tx:
            changes = Changes(new_id(), now, "test")
            purse = await purse_in(tx, first=1)
            await advance_all(tx, [(purse, [recurrence])], changes)
            await changes.write(tx)

    await make(datetime(2026, 2, 1, tzinfo=UTC))
    await spent(database, datetime(2026, 2, 2, tzinfo=UTC), "8", "e")
    for _ in range(2):
        await make(datetime(2026, 3, 5, tzinfo=UTC))
    found = await read(database, lambda tx: list_grants(tx, ACME, now=day(90), limit=9))
    assert [(one.period_start, one.amount, one.rolled_in, one.spent) for one in reversed(found)] == [
        (datetime(2026, 1, 31, tzinfo=UTC), 10, 0, 8),
        (datetime(2026, 2, 28, tzinfo=UTC), 12, 2, 0),
    ]
    assert {(one.recurring, one.created_by) for one in found} == {("plan pro: monthly", "plan pro")}
    assert await differences(database) == []


async def test_a_customers_own_recurring_grants(database: Database) -> None:
    await put(database, "acme")

    async def put_it(tx: Tx, now: datetime, **fields: Any) -> Any:
        return await put_recurring(tx, ACME, RULE, **({"anchor": None, "now": now, "by": "ann"} | fields))

    first = await database.run(lambda tx: put_it(tx, day(1)))
    assert (first.anchor, first.terms, first.ended_at) == (day(1), RULE.as_terms(), None)
    again = await database.run(lambda tx: put_it(tx, day(2)))
    assert (again.anchor, again.created_at) == (day(1), day(1))
    moved = await database.run(lambda tx: put_it(tx, day(3), anchor=day(9)))
    assert (moved.anchor, moved.created_at) == (day(9), day(1))
    ended = await database.run(lambda tx: end_recurring(tx, ACME, "monthly", day(10)))
    assert ended.ended_at == day(10)
    assert (await database.run(lambda tx: end_recurring(tx, ACME, "monthly", day(11)))).ended_at == day(10)
    assert ended.recurrence(RULE, zone("UTC")).until == day(10)
    assert await database.run(lambda tx: recurring_grants(tx, [ACME, BETA])) == [ended]
    anew = await database.run(lambda tx: put_it(tx, day(12)))
    assert (anew.anchor, anew.created_at, anew.ended_at) == (day(12), day(12), None)
    with pytest.raises(NotFound) as missing:
        await database.run(lambda tx: end_recurring(tx, ACME, "weekly", day(1)))
    assert missing.value.code == "unknown_recurring_grant"


async def test_verify_finds_what_was_tampered_with(database: Database, database_url: str) -> None:
    await put(database, "acme")
    await granted(database, day(0), "5")
    await spent(database, day(1), "2", "e")
    assert await differences(database) == []
    with pytest.raises(InsufficientPrivilege):
        await database.run(lambda tx: tx.execute(b"update burns set amount = 1"))
    for statement, broken in (
        (b"update wallets set balance = balance + 1", {"wallets", "wallet history"}),
        (b"update grants set spent = spent + 1, remaining = remaining - 1", {"wallets", "grants", "prepaid"}),
        (b"insert into wallet_entries select customer_id, unit, at + '1 day', %(i)s, transaction_id, kind, grant_id,"
         b" amount, balance, booked_at from wallet_entries where kind = 'spent'", {"wallet history"}),
        (b"insert into burns select customer_id, 'x', grant_id, transaction_id, unit, amount, at from burns",
         {"grants", "burns"}),
    ):  # fmt: skip
        async with database.transaction() as tx:
            await tx.execute(statement, {"i": new_id()})
            found = {name for name, _, query in WALLET_CHECKS if await tx.all(Difference, query, {"limit": 9})}
            assert found == broken, statement
            await tx.execute(b"rollback")
            await tx.execute(b"begin")
