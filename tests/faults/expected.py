"""What the books must say about given usage, by independent arithmetic, and whether they do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from faults.arithmetic import DOCUMENT, F, Table, billed, event_price, period_price, sum_of
from tollkeeper.analytics import UsageQuery, Window, usage
from tollkeeper.books import Books
from tollkeeper.customers import customer_id_of, get_customer
from tollkeeper.db import Database, Tx
from tollkeeper.events import EventFilter, StoredEvent, list_events
from tollkeeper.gate import verify
from tollkeeper.ledger import balances, list_postings

PER_EVENT = {"taken", "costly", "plain"}
"""The meters of the catalog whose every event has a charge of its own, whatever else was used."""

_SINCE, _UNTIL = datetime(2026, 1, 1, tzinfo=UTC), datetime(2126, 1, 1, tzinfo=UTC)
_PATTERNS = {Window.HOUR: "%F %H %z", Window.DAY: "%F", Window.MONTH: "%Y-%m", Window.TOTAL: ""}


async def compare(books: Books, events: Sequence[dict[str, Any]], zones: Mapping[str, str]) -> None:
    """The books against the input: events, usage by hour, day and month, charges, postings, balances, verify.

    `events` are those that must have been accepted, each with a time or what it corrects; one may say under `price`
    what it must have been charged by.
    """
    await assert_verified(books)
    effects = _effects(events)
    for key, zone in zones.items():
        stored = await all_events(books.database, key)
        mine = [one for one in effects if one["customer"] == key]
        assert sorted(one.event_id for one in stored) == sorted(one["id"] for one in events if one["customer"] == key)
        by_id = {one.event_id: one for one in stored}
        for one in mine:
            if one["charge"] is not None:
                assert F(by_id[one["id"]].charge or 0) == one["charge"], (one, by_id[one["id"]])
        charges = _charges(mine, ZoneInfo(zone))
        for meter, total in charges.items():
            assert sum_of(one.charge for one in stored if one.meter == meter) == total, (key, meter)
        await _compare_usage(books, key, mine, charges, ZoneInfo(zone))
        await _compare_ledger(books.database, key, charges, mine)


async def assert_verified(books: Books) -> None:
    """`verify` finds no difference."""
    catalog = await books.catalog()
    async with books.database.transaction(snapshot=True) as tx:
        verdict = await verify(tx, catalog)
    assert verdict.passed, verdict.checks


async def all_events(database: Database, key: str) -> list[StoredEvent]:
    """All events of a customer."""
    wanted = EventFilter(start=_SINCE, end=_UNTIL)
    identity = customer_id_of(key)
    return await database.run(lambda tx: list_events(tx, identity, wanted, before=None, limit=100_000), identity)


def _effects(events: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What each event comes to; a correction has its original's time and price."""
    by_id = {(one["customer"], one["id"]): one for one in events}
    found = []
    for one in events:
        original = by_id.get((one["customer"], one.get("corrects", "")), one)
        price: Table | None = original.get("price", DOCUMENT["prices"].get(one["meter"]))
        sign = -1 if "corrects" in one else 1
        quantity = F(sign if one.get("quantity") is None else one["quantity"])
        cost = sum_of(call["cost"] for call in one["calls"]) if "calls" in one else None
        charge = None
        if price is not None and one["meter"] in ("taken", "costly"):
            charge = event_price(price, quantity, F(one["amount"]) if "amount" in one else None, cost)
        elif price is not None and one["meter"] == "plain":
            charge = quantity * F(price["amount"])
        found.append(
            {
                "id": one["id"],
                "customer": one["customer"],
                "meter": one["meter"],
                "member": original.get("member"),
                "time": datetime.fromisoformat(original["time"]),
                "quantity": billed(DOCUMENT["meters"][one["meter"]], quantity),
                "price": price,
                "charge": charge,
                "cost": cost or F(0),
            }
        )
    return found


def _charges(effects: Sequence[dict[str, Any]], zone: ZoneInfo) -> dict[str, F]:
    """The charge of each meter: event by event, or the price of each period's quantity."""
    found: dict[str, F] = defaultdict(F)
    periods: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    for one in effects:
        if one["price"] is None:
            continue
        if one["meter"] in PER_EVENT:
            found[one["meter"]] += one["charge"]
        else:
            local = one["time"].astimezone(zone)
            periods[one["meter"], id(one["price"]), *_period(one["price"], local)].append(one)
    for (meter, *_), used in periods.items():
        found[meter] += period_price(used[0]["price"], _quantity(meter, used))
    return dict(found)


def _period(price: Table, local: datetime) -> tuple[int, ...]:
    match price.get("period", "month"):
        case "day":
            return local.year, local.month, local.day
        case "week":
            return local.isocalendar()[:2]
    return local.year, local.month


def _quantity(meter: str, used: Sequence[dict[str, Any]]) -> F:
    match DOCUMENT["meters"][meter].get("aggregation"):
        case "max":
            return max(one["quantity"] for one in used)
        case "latest":
            return max(used, key=lambda one: (one["time"], one["quantity"]))["quantity"]
        case "unique_count":
            return F(len({one["member"] for one in used}))
    return sum_of(one["quantity"] for one in used)


async def _compare_usage(
    books: Books, key: str, effects: Sequence[dict[str, Any]], charges: Mapping[str, F], zone: ZoneInfo
) -> None:
    catalog = await books.catalog()
    for window, pattern in _PATTERNS.items():
        rows: list[Any] = []
        for start, end in _ranges([one["time"] for one in effects], window, zone):

            async def read(tx: Tx, window: Window = window, start: datetime = start, end: datetime = end) -> list[Any]:
                return await usage(tx, await get_customer(tx, key), catalog, UsageQuery(start, end, window))

            rows += await books.database.run(read, customer_id_of(key))
        groups: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
        for one in effects:
            groups[one["meter"], one["time"].astimezone(zone).strftime(pattern)].append(one)
        shown = {(row.meter, row.start.astimezone(zone).strftime(pattern)): row for row in rows}
        assert len(shown) == len(rows)
        assert shown.keys() == groups.keys()
        for place, used in groups.items():
            row = shown[place]
            assert (row.events, F(row.quantity)) == (len(used), _quantity(place[0], used)), (key, window, place)
            assert F(row.cost) == sum_of(one["cost"] for one in used)
            if window is Window.TOTAL:
                assert F(row.charge) == charges.get(place[0], 0)
            elif place[0] in PER_EVENT:
                assert F(row.charge) == sum_of(one["charge"] for one in used), (key, window, place)


def _ranges(times: Sequence[datetime], window: Window, zone: ZoneInfo) -> list[tuple[datetime, datetime]]:
    """What to ask for: everything at once, but hours for sixty local days at a time, lest there be too many."""
    if window is not Window.HOUR:
        return [(min(times) - timedelta(days=31), max(times) + timedelta(days=31))] if times else []
    found: list[tuple[datetime, datetime]] = []
    for time in sorted(times):
        if not found or time >= found[-1][1]:
            day = time.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
            found.append((day.astimezone(UTC), (day + timedelta(days=60)).astimezone(UTC)))
    return found


async def _compare_ledger(
    database: Database, key: str, charges: Mapping[str, F], effects: Sequence[dict[str, Any]]
) -> None:
    identity = customer_id_of(key)
    accounts: dict[str, F] = defaultdict(F)
    for one in await database.run(lambda tx: balances(tx, identity), identity):
        accounts[one.account] += F(one.balance)
    assert sum(accounts.values()) == 0
    assert accounts["receivable"] == sum_of(charges.values()) == -accounts["revenue"]
    assert accounts["provider_cost"] == sum_of(one["cost"] for one in effects) == -accounts["provider_payable"]
    postings = await database.run(
        lambda tx: list_postings(tx, identity, before=None, kinds=None, limit=100_000), identity
    )
    signs = {"usage": 1, "usage_credit": -1, "provider_cost": 0, "provider_cost_credit": 0}
    assert sum_of(signs[one.kind] * F(one.amount) for one in postings) == sum_of(charges.values())
    assert len({(one.transaction_id, one.line) for one in postings}) == len(postings)
