"""What a customer has of its own beside the catalog: plans over time, and limits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tollkeeper.customers import (
    NO_AGREEMENT,
    Agreement,
    Customer,
    CustomerChanges,
    Directory,
    agreement_of,
    assign_plan,
    drop_limit,
    list_limits,
    plan_history,
    set_limit,
    upsert_customer,
    used_plans,
)
from tollkeeper.db import Database, Tx, peek_epochs, read_epochs
from tollkeeper.errors import InvalidInput

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAY = timedelta(days=1)


async def never(tx: Tx, customer_id: UUID) -> bool:
    return False


async def always(tx: Tx, customer_id: UUID) -> bool:
    return True


async def put(database: Database, key: str = "acme") -> Customer:
    async with database.transaction() as tx:
        customer, _ = await upsert_customer(tx, key, CustomerChanges(), default_currency="USD", in_use=never)
        return customer


async def assign(
    database: Database,
    customer: Customer,
    plan: str | None,
    at: datetime,
    *,
    now: datetime = NOW,
    in_use: Callable[[Tx, UUID], Awaitable[bool]] = always,
) -> list[tuple[int, str | None]]:
    """The plans that are agreed then, by days from NOW."""
    async with database.transaction() as tx:
        agreed = await assign_plan(tx, customer, plan, at, now=now, by="test", in_use=in_use)
    async with database.transaction() as tx:
        assert await agreement_of(tx, customer.customer_id) == agreed
    return [((change.effective_from - NOW) // DAY, change.plan) for change in agreed.plans]


async def customers_epoch(database: Database) -> int:
    async with database.transaction() as tx:
        return (await peek_epochs(tx))["customers"]


# Plans


async def test_a_plan_holds_from_its_time_on(database: Database) -> None:
    acme = await put(database)
    assert await assign(database, acme, "basic", NOW) == [(0, "basic")]
    assert await assign(database, acme, "pro", NOW + 9 * DAY) == [(0, "basic"), (9, "pro")]
    async with database.transaction() as tx:
        agreed = await agreement_of(tx, acme.customer_id)
    plans = {days: agreed.change_at(NOW + days * DAY) for days in (-1, 0, 8, 9)}
    assert {days: change and change.plan for days, change in plans.items()} == {
        -1: None,
        0: "basic",
        8: "basic",
        9: "pro",
    }
    assert agreed.next_change(NOW) == NOW + 9 * DAY


async def test_a_new_decision_replaces_what_was_planned_and_nothing_that_has_begun(database: Database) -> None:
    acme = await put(database)
    await assign(database, acme, "basic", NOW)
    await assign(database, acme, "pro", NOW + 9 * DAY)
    assert await assign(database, acme, "gold", NOW + 20 * DAY) == [(0, "basic"), (20, "gold")]
    assert await assign(database, acme, "silver", NOW + 5 * DAY) == [(0, "basic"), (5, "silver")]
    later = NOW + 6 * DAY
    assert await assign(database, acme, None, NOW + 7 * DAY, now=later) == [(0, "basic"), (5, "silver"), (7, None)]
    async with database.transaction() as tx:
        history = await plan_history(tx, acme.customer_id)
    told = [((one.effective_from - NOW) // DAY, one.plan, one.withdrawn_at is None) for one in history]
    assert told == [
        (0, "basic", True),
        (5, "silver", True),
        (7, None, True),
        (9, "pro", False),
        (20, "gold", False),
    ]
    assert {one.created_by for one in history} == {"test"}


async def test_going_on_with_the_present_plan_only_takes_back_what_was_planned(database: Database) -> None:
    acme = await put(database)
    await assign(database, acme, "basic", NOW)
    await assign(database, acme, "pro", NOW + 9 * DAY)
    assert await assign(database, acme, "basic", NOW + DAY) == [(0, "basic")]
    # What was withdrawn may be decided anew.
    assert await assign(database, acme, "gold", NOW + 9 * DAY) == [(0, "basic"), (9, "gold")]


async def test_repeating_a_decision_changes_nothing(database: Database) -> None:
    acme = await put(database)
    assert await assign(database, acme, None, NOW) == []
    assert await customers_epoch(database) == 0
    await assign(database, acme, "basic", NOW)
    await assign(database, acme, "pro", NOW + 9 * DAY)
    before = await customers_epoch(database)
    assert before == 2
    assert await assign(database, acme, "pro", NOW + 9 * DAY) == [(0, "basic"), (9, "pro")]
    assert await assign(database, acme, "pro", NOW + 9 * DAY, now=NOW + 10 * DAY) == [(0, "basic"), (9, "pro")]
    assert await customers_epoch(database) == before


async def test_the_past_changes_only_for_customers_without_usage(database: Database) -> None:
    acme = await put(database)
    for at, in_use in ((NOW - timedelta(microseconds=1), always), (NOW - 30 * DAY, always)):
        with pytest.raises(InvalidInput) as caught:
            await assign(database, acme, "basic", at, in_use=in_use)
        assert (caught.value.code, caught.value.field) == ("plan_in_past", "from")
    assert await assign(database, acme, "basic", NOW - 30 * DAY, in_use=never) == [(-30, "basic")]
    for days in (-31, -30):
        with pytest.raises(InvalidInput, match="begun"):
            await assign(database, acme, "pro", NOW + days * DAY, in_use=never)
    assert await assign(database, acme, "pro", NOW - 29 * DAY, in_use=never) == [(-30, "basic"), (-29, "pro")]


async def test_first_usage_in_a_batch_under_way_keeps_its_plan(database: Database) -> None:
    acme = await put(database)
    used = False

    async def in_use(tx: Tx, customer_id: UUID) -> bool:
        return used

    async with database.transaction() as batch:
        await read_epochs(batch)
        change = asyncio.create_task(assign(database, acme, "basic", NOW - DAY, in_use=in_use))
        await asyncio.sleep(0.1)
        used = True
    with pytest.raises(InvalidInput, match="usage"):
        await change


async def test_decisions_at_once_follow_one_another(database: Database) -> None:
    acme = await put(database)
    plans = [f"p{n}" for n in range(6)]
    agreed = await asyncio.gather(*(assign_alone(database, acme, plan, NOW + DAY) for plan in plans))
    assert all(len(found.plans) == 1 for found in agreed)
    async with database.transaction() as tx:
        assert len(await plan_history(tx, acme.customer_id)) == 1


async def assign_alone(database: Database, customer: Customer, plan: str, at: datetime) -> Agreement:
    async with database.transaction() as tx:
        return await assign_plan(tx, customer, plan, at, now=NOW, by="test", in_use=always)


async def test_plans_in_use_are_those_of_now_and_later(database: Database) -> None:
    acme, other = await put(database), await put(database, "other")
    await assign(database, acme, "old", NOW)
    await assign(database, acme, "new", NOW + DAY)
    await assign(database, other, "other", NOW)
    await assign(database, other, "withdrawn", NOW + DAY)
    await assign(database, other, None, NOW + 2 * DAY)

    async def used(days: int) -> set[str]:
        async with database.transaction() as tx:
            return await used_plans(tx, now=NOW + days * DAY)

    assert await used(0) == {"old", "new", "other"}
    assert await used(1) == {"new", "other"}
    assert await used(2) == {"new"}


# Own limits


async def limit(database: Database, customer: Customer, name: str, terms: dict[str, Any]) -> None:
    async with database.transaction() as tx:
        await set_limit(tx, customer, name, terms, now=NOW, by="test")


async def test_own_limits_are_set_changed_and_dropped(database: Database) -> None:
    acme, other = await put(database), await put(database, "other")
    await limit(database, acme, "daily", {"cap": "10", "member_caps": {"ann": "3"}})
    await limit(database, acme, "daily", {"cap": "20"})
    await limit(database, acme, "all", {"enabled": False})
    epoch = await customers_epoch(database)
    assert epoch == 3
    await limit(database, acme, "daily", {"cap": "20"})
    async with database.transaction() as tx:
        found = await list_limits(tx, acme.customer_id)
        assert [(one.name, one.terms, one.updated_by) for one in found] == [
            ("all", {"enabled": False}, "test"),
            ("daily", {"cap": "20"}, "test"),
        ]
        assert (await agreement_of(tx, acme.customer_id)).limits == {"daily": {"cap": "20"}, "all": {"enabled": False}}
        assert await agreement_of(tx, other.customer_id) is NO_AGREEMENT
        assert not await drop_limit(tx, other, "daily")
        assert await customers_epoch(database) == epoch
        assert await drop_limit(tx, acme, "daily")
        assert not await drop_limit(tx, acme, "daily")
    async with database.transaction() as tx:
        assert [one.name for one in await list_limits(tx, acme.customer_id)] == ["all"]


# The directory


async def known(database: Database, directory: Directory, customer: Customer) -> Agreement:
    async with database.transaction() as tx:
        found = await directory.resolve(tx, await read_epochs(tx), [customer.key])
        return found.agreement(customer.customer_id)


async def test_the_directory_knows_agreements_and_sees_changes_at_once(database: Database) -> None:
    acme, other = await put(database), await put(database, "other")
    directory = Directory()
    assert await known(database, directory, acme) is NO_AGREEMENT
    await assign(database, acme, "basic", NOW)
    await limit(database, acme, "daily", {"cap": "10"})
    for _ in range(2):
        agreed = await known(database, directory, acme)
        assert [change.plan for change in agreed.plans] == ["basic"]
        assert agreed.limits == {"daily": {"cap": "10"}}
        assert await known(database, directory, other) is NO_AGREEMENT
        async with database.transaction() as tx:
            found = await directory.resolve(tx, await read_epochs(tx), ["acme", "other"])
            assert found.agreement(str(acme.customer_id)) == agreed


async def test_the_directory_keeps_no_agreement_that_is_rolled_back(database: Database) -> None:
    acme = await put(database)
    directory = Directory()
    with suppress(ZeroDivisionError):
        async with database.transaction() as tx:
            await set_limit(tx, acme, "daily", {"cap": "10"}, now=NOW, by="test")
            found = await directory.resolve(tx, await read_epochs(tx), ["acme"])
            assert found.agreement(acme.customer_id).limits == {"daily": {"cap": "10"}}
            raise ZeroDivisionError
    assert len(directory) == 0
    await limit(database, acme, "daily", {"cap": "20"})  # the same epoch again, with another change behind it
    assert (await known(database, directory, acme)).limits == {"daily": {"cap": "20"}}


async def test_a_full_directory_takes_its_agreements_along(database: Database) -> None:
    made = {key: await put(database, key) for key in "abc"}
    for key, customer in made.items():
        await limit(database, customer, "daily", {"cap": key})
    directory = Directory(most=2)
    async with database.transaction() as tx:
        at = await read_epochs(tx)
        first = await directory.resolve(tx, at, ["a", "b"])
        second = await directory.resolve(tx, at, ["b", "c"])
    for found, keys in ((first, "ab"), (second, "bc")):
        assert [found.agreement(made[key].customer_id).limits["daily"]["cap"] for key in keys] == [*keys]
