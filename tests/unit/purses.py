"""Wallets in memory, for the tests of what is done with them; and what must hold of them always."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from tollkeeper.catalog import RecurringGrant
from tollkeeper.clock import Period, zone
from tollkeeper.ids import content_id, new_id
from tollkeeper.money import ZERO, add, sum_of
from tollkeeper.wallets import (
    Changes,
    Cover,
    Grant,
    NewGrant,
    Purse,
    Recurrence,
    advance,
    burn,
    give,
    open_purse,
)

CUSTOMER = "00000000-0000-0000-0000-000000000001"
START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def day(number: float) -> datetime:
    """An instant, counted in days from the start."""
    return START + timedelta(days=number)


def changes_at(now: datetime) -> Changes:
    return Changes(new_id(), now, "test")


def new_purse(unit: str = "USD") -> Purse:
    purse = open_purse(CUSTOMER, unit)
    purse.made = {}
    return purse


def given(purse: Purse, amount: str, changes: Changes, **fields: Any) -> Grant:
    return give(purse, NewGrant(purse.wallet.unit, Decimal(amount), **fields), changes)


def spend(purse: Purse, amount: str, changes: Changes, event: str = "e", since: datetime | None = None) -> None:
    burn(purse, [Cover(purse.wallet, event, Decimal(amount), since or changes.now)], changes)


def hold(purse: Purse, amount: str) -> None:
    """Reserve value, as the gate does; negative: a hold ends."""
    purse.wallet.held = add(purse.wallet.held, Decimal(amount))


def recurring(
    amount: str = "10",
    every: Period = Period.MONTH,
    rolled: str | None = "0",
    anchor: datetime = START,
    until: datetime | None = None,
    tz: str = "UTC",
    name: str = "monthly",
    **more: Any,
) -> Recurrence:
    most = None if rolled is None else Decimal(rolled)
    return Recurrence(
        RecurringGrant(name, "USD", Decimal(amount), every, most_rolled=most),
        anchor,
        zone(tz),
        until,
        "plan pro",
        **more,
    )


def advanced(purse: Purse, to: datetime, *recurring: Recurrence) -> Changes:
    changes = changes_at(to)
    advance(purse, recurring, changes)
    return changes


def history(*changes: Changes) -> list[tuple[str, str, str, datetime]]:
    """Kind, amount, balance and instant of each entry."""
    return [(str(e.kind), str(e.amount), str(e.balance), e.at) for each in changes for e in each.entries]


def kinds(*changes: Changes) -> list[tuple[str, str]]:
    return [(kind, amount) for kind, amount, _, _ in history(*changes)]


def check(purse: Purse, grants: Sequence[Grant]) -> None:
    """What holds of a wallet and all the grants that it ever had, whatever happens."""
    for grant in grants:
        parts = (grant.remaining, grant.spent, grant.expired, grant.voided, grant.rolled_out)
        assert all(part >= 0 for part in parts)
        assert grant.amount == sum_of(parts)
    assert purse.wallet.balance == sum_of(grant.remaining for grant in grants if grant.begun)
    assert purse.wallet.balance >= purse.wallet.held >= 0


def check_changes(purse: Purse, grants: Sequence[Grant], made: Sequence[Changes]) -> None:
    """What was noted in all transactions adds up to what the wallet and its grants have become."""
    entries = [entry for changes in made for entry in changes.entries]
    running = ZERO
    for entry in entries:
        running = add(running, entry.amount)
        assert entry.balance == running
    assert running == purse.wallet.balance
    assert [(e.at, e.entry_id) for e in entries] == sorted((e.at, e.entry_id) for e in entries)
    spent: dict[UUID, Decimal] = {}
    account = ZERO
    for changes in made:
        for posting in [*changes.postings, *changes._usage_postings(list(changes.burns.values()))]:
            account = add(account, posting.amount if posting.debit == "wallet" else -posting.amount)
            assert "wallet" in (posting.debit, posting.credit)
            assert posting.amount > 0
        for taken in changes.burns.values():
            spent[taken.grant_id] = add(spent.get(taken.grant_id, ZERO), taken.amount)
    assert account == -sum_of(grant.remaining for grant in grants)
    assert all(grant.spent == spent.get(grant.grant_id, ZERO) for grant in grants)


def plain_grant(number: int, **fields: Any) -> Grant:
    """A grant in force, with what matters set."""
    defaults: dict[str, Any] = {
        "customer_id": CUSTOMER,
        "grant_id": content_id("test", str(number)),
        "unit": "USD",
        "kind": "paid",
        "priority": 50,
        "amount": Decimal(1),
        "rolled_in": ZERO,
        "spent": ZERO,
        "expired": ZERO,
        "voided": ZERO,
        "rolled_out": ZERO,
        "effective_at": START,
        "expires_at": None,
        "begun": True,
        "recurring": None,
        "period_start": None,
        "reference": None,
        "note": None,
        "created_at": START,
        "created_by": "test",
        "voided_at": None,
        "voided_by": None,
        "refunded": False,
    }
    values = defaults | fields
    return Grant(**({"remaining": values["amount"]} | values))
