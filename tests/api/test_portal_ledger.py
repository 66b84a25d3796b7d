"""The customer's ledger adds up: what's shown sums to the prepaid value that is left, less what is owed."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from tollkeeper.api.openapi import Tollkeeper

from .portal import get, page_of, post
from .prepaid import Clock, begin, grant, hold, settle

pytestmark = pytest.mark.anyio


@pytest.fixture
async def page(app: Tollkeeper, admin: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    await begin(admin)
    async with page_of(app, admin, expires_in=86_400) as client:
        yield client


async def use(admin: httpx.AsyncClient, *events: dict[str, Any]) -> None:
    await post(admin, "/v1/events", [{"customer": "acme", "meter": "interview"} | event for event in events])


def summed(lines: Iterable[Mapping[str, Any]], figure: str = "amount") -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for line in lines:
        found[line["unit"]] = found.get(line["unit"], Decimal()) + Decimal(line[figure])
    return {unit: amount for unit, amount in found.items() if amount}


async def added_up(page: httpx.AsyncClient) -> list[tuple[str, str, str | None]]:
    """The ledger's lines, newest first, when they and the file of them sum to what the overview says."""
    overview = await get(page, "/overview")
    wallets = {one["unit"]: Decimal(one["balance"]) for one in overview["wallets"]}
    owed = {one["unit"]: Decimal(one["amount"]) for one in overview["owed"]}
    left = {unit: wallets.get(unit, Decimal()) - owed.get(unit, Decimal()) for unit in {*wallets, *owed}}
    lines: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while cursor or not lines:  # pages of two, so that transactions are cut
        found = await get(page, "/ledger", limit=2, **cursor)
        lines += found["data"]
        if not found["next_cursor"]:
            break
        cursor = {"cursor": found["next_cursor"]}
    assert lines == (await get(page, "/ledger"))["data"]
    table = list(csv.DictReader(io.StringIO((await page.get("/ledger", headers={"Accept": "text/csv"})).text)))
    for shown in (lines, table):
        assert summed(shown) == {unit: amount for unit, amount in left.items() if amount}
        assert summed(shown, "wallet") == {unit: amount for unit, amount in wallets.items() if amount}
        assert summed(shown, "owed") == {unit: amount for unit, amount in owed.items() if amount}
    return [(line["text"], line["amount"], line["reference"]) for line in lines]


async def test_prepaid_usage_is_one_line(page: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    await grant(admin, amount="5", kind="paid", reference="order-1")
    await use(admin, {"id": "one"})
    assert await added_up(page) == [
        ("Usage, 1 event · paid from prepaid value", "-1", "one"),
        ("Prepaid value bought", "5", "order-1"),
    ]
    (line,) = (await get(page, "/ledger", kind="grant_spent"))["data"]
    (event,) = (await get(page, "/events"))["data"]
    assert (line["wallet"], line["owed"], line["events"]) == ("-1", "0", 1)
    assert (line["service_from"], line["service_to"]) == (event["time"], event["time"])
    assert (await get(page, "/ledger", kind="usage"))["data"] == []


async def test_what_stays_owed_is_a_line_of_its_own(page: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    await grant(admin, amount="2", kind="promotional", reference="gift")
    await use(admin, {"id": "a"}, {"id": "b"}, {"id": "c"}, {"id": "t", "meter": "tokens", "quantity": "500"})
    assert await added_up(page) == [
        ("Usage, 2 events · paid from prepaid value", "-2", None),
        ("Usage, 3 events · the rest, owed", "-1", None),
        ("Usage, 1 event", "-1", "t"),
        ("Prepaid value granted", "2", "gift"),
    ]


async def test_what_is_given_back_is_told_likewise(page: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    await grant(admin, amount="2")
    await use(admin, {"id": "m", "meter": "minutes", "quantity": "6"})
    await use(admin, {"id": "less", "meter": "minutes", "quantity": "-4", "corrects": "m"})
    back, rest, *_ = await added_up(page)
    assert back == ("Usage credited, 1 event · returned to prepaid value", "1", "less")
    assert rest == ("Usage credited, 1 event · the rest, off what is owed", "1", "less")
    await use(admin, {"id": "none", "meter": "minutes", "quantity": "-2", "corrects": "m"})
    assert (await added_up(page))[0] == ("Usage credited, 1 event · returned to prepaid value", "1", "none")
    # Used and taken back at once: both are told.
    twice = {"meter": "minutes", "quantity": "2"}
    await use(admin, {"id": "n"} | twice, {"id": "back", "meter": "minutes", "quantity": "-2", "corrects": "n"})
    assert {amount for _, amount, _ in (await added_up(page))[:2]} == {"1", "-1"}


async def test_it_adds_up_through_everything(page: httpx.AsyncClient, admin: httpx.AsyncClient, later: Clock) -> None:
    """Bought, given, held, settled for more, corrected, expired, refunded, and used with nothing left."""
    soon = datetime.now(UTC) + timedelta(hours=2)
    await grant(admin, amount="3", kind="promotional", expires_at=soon.isoformat())
    bought = await grant(admin, amount="4", kind="paid")
    await grant(admin, amount="1", unit="USD")
    await use(admin, {"id": "i1"}, {"id": "t1", "meter": "tokens", "quantity": "2500"})
    await added_up(page)
    assert (await hold(admin, "h", "minutes", quantity="2")).is_success
    assert (await settle(admin, "h", quantity="3")).is_success
    await added_up(page)
    await use(admin, {"id": "t2", "meter": "tokens", "quantity": "-1000", "corrects": "t1"})
    await added_up(page)
    later.ahead = timedelta(hours=3)
    assert ("Prepaid value expired", "-0.5", None) in await added_up(page)
    await use(admin, {"id": "m1", "meter": "minutes", "quantity": "20"})
    await added_up(page)
    await use(admin, {"id": "m2", "meter": "minutes", "quantity": "-19", "corrects": "m1"})
    await added_up(page)
    await post(admin, f"/v1/grants/{bought['id']}/refund", {"customer": "acme"})
    assert (await added_up(page))[0][0] == "Prepaid value refunded"
    await use(admin, {"id": "i2"})
    assert (await added_up(page))[0] == ("Usage, 1 event", "-1", "i2")
