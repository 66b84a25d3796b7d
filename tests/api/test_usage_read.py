"""Reading usage: exact for any range, window and time zone, in JSON and CSV, against fractions over the raw events."""

from __future__ import annotations

import csv
import io
import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from faults.arithmetic import CATALOG, DOCUMENT, F, sum_of
from faults.calls import accept, all_events, assert_sound, books_of, get, prepare

pytestmark = pytest.mark.anyio

CHANGES = {
    "Asia/Kolkata": ["2026-04-30T18:30:00"],
    "Asia/Kathmandu": ["2026-04-30T18:15:00"],
    "America/St_Johns": ["2026-03-08T05:30:00", "2026-11-01T04:30:00"],
    "Europe/Berlin": ["2026-03-29T01:00:00", "2026-10-25T01:00:00"],
    "America/New_York": ["2026-03-08T07:00:00", "2026-11-01T06:00:00"],
    "Australia/Lord_Howe": ["2026-04-04T15:00:00", "2026-10-03T15:30:00"],
}
"""Customers by their time zone, and when it changes its offset (or else a month begins), in UTC."""

METERS = ["plain", "plain", "tiered", "peak", "gauge", "people", "calls", "unpriced", "costly"]
INSTANT = timedelta(microseconds=1)


def moments(name: str, rng: random.Random) -> datetime:
    """A moment near a change: often right at a boundary of an hour, a half or a quarter."""
    change = datetime.fromisoformat(rng.choice(CHANGES[name])).replace(tzinfo=UTC)
    near = change + timedelta(minutes=15 * rng.randint(-200, 200))
    return near + rng.choice([timedelta(0), -INSTANT, timedelta(seconds=rng.random() * 900)])


def mixed_events(customer: str, zone: str, rng: random.Random, count: int) -> list[dict[str, Any]]:
    found = []
    for i in range(count):
        meter = rng.choice(METERS)
        one: dict[str, Any] = {
            "id": f"e{i}",
            "customer": customer,
            "meter": meter,
            "time": moments(zone, rng).isoformat(),
        }
        if meter not in ("calls", "people"):
            one["quantity"] = f"{rng.randint(0, 99)}" + (f".{rng.randint(0, 999):03}" if meter == "plain" else "")
        if rng.random() < 0.7 or meter == "people":
            one["member"] = rng.choice(["ann", "bob", "cid"])
        if meter == "plain":
            one["dimensions"] = {name: rng.choice("xyz") for name in ("job", "region") if rng.random() < 0.8}
        if meter == "costly":
            one["calls"] = [{"provider": "p", "model": "m"} | ({"cost": f"0.{rng.randint(1, 99):02}"} if i % 2 else {})]
        found.append(one)
    return found


def label(window: str, instant: datetime, zone: ZoneInfo) -> Any:
    """What all instants of a window have in common, and none outside."""
    local = instant.astimezone(zone)
    match window:
        case "hour":
            return local.date(), local.hour, local.utcoffset()
        case "day":
            return local.date()
        case "month":
            return local.year, local.month
    return None


def quantity(meter: str, used: list[dict[str, Any]]) -> F:
    match DOCUMENT["meters"][meter].get("aggregation"):
        case "max":
            return max(F(one["billed"]) for one in used)
        case "latest":
            return F(max(used, key=lambda one: (one["at"], F(one["billed"])))["billed"])
        case "unique_count":
            return F(len({one["member"] for one in used}))
    return sum_of(one["billed"] for one in used)


def figures(meter: str, used: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "events": len(used),
        "quantity": quantity(meter, used),
        "charge": sum_of(one["charge"] for one in used),
        "cost": sum_of(one["cost"] for one in used),
        "unpriced": sum(one["charge"] is None for one in used),
        "uncosted": sum(one["cost_source"] == "none" for one in used),
        "estimated": sum(one["estimated"] for one in used),
    }


def shown_figures(row: dict[str, Any]) -> dict[str, Any]:
    exact = {name: F(row[name]) for name in ("quantity", "charge", "cost")}
    return {name: exact.get(name, row[name]) for name in figures("plain", [])}


async def raw_events(client: httpx.AsyncClient, customer: str) -> list[dict[str, Any]]:
    found = await all_events(client, customer, limit=1000)
    return [one | {"at": datetime.fromisoformat(one["time"])} for one in found]


@pytest.mark.parametrize("zone", CHANGES)
async def test_any_range_window_and_zone_is_exact(admin: httpx.AsyncClient, zone: str) -> None:
    rng = random.Random(zone)
    await prepare(admin, CATALOG, "acme", timezone=zone)
    await accept(admin, *mixed_events("acme", zone, rng, 400))
    raw = await raw_events(admin, "acme")
    for _ in range(24):
        start, end = sorted([moments(zone, rng), moments(zone, rng) + INSTANT])
        window = rng.choice(["hour", "day", "month", "total"])
        if window == "hour" and end - start > timedelta(days=80):
            window = "day"
        if window == "hour":  # an answer has at most 2,000 windows
            end = min(end, start + timedelta(days=80))
        where: dict[str, Any] = {"window": window, "from_": start.isoformat(), "to": end.isoformat()}
        if start >= end:
            continue
        shown_in = rng.choice([zone, rng.choice([*CHANGES]), "UTC"])
        if shown_in != zone:
            where["timezone"] = shown_in
        by = rng.choice([[], [], ["member"], ["job"], ["region", "member"]])
        where |= {"group_by": ",".join(by)} if by else {}
        only = rng.choice([{}, {}, {"member": "ann"}, {"job": "x"}, {"job": "y", "region": "z"}])
        where |= {"filter": [f"{name}:{value}" for name, value in only.items()]} if only else {}
        if rng.random() < 0.3 and not by and not only:
            where["meter"] = rng.choice(METERS)
        answer = await get(admin, "/v1/usage", customer="acme", **where)
        assert answer["timezone"] == shown_in
        used = [one for one in raw if start <= one["at"] < end and _fits(one, only, where.get("meter"))]
        _compare(answer["rows"], used, (start, end), window, ZoneInfo(shown_in), by)
        sums: dict[Any, F] = defaultdict(F)
        for row in answer["rows"]:
            if row["unit"]:
                sums[row["start"], row["end"], row["unit"]] += F(row["charge"])
        assert {(one["start"], one["end"], one["unit"]): F(one["charge"]) for one in answer["totals"]} == sums


def _mark(one: dict[str, Any], name: str) -> str | None:
    return one["member"] if name == "member" else one["dimensions"].get(name)


def _fits(one: dict[str, Any], only: dict[str, str], meter: str | None) -> bool:
    return (meter or one["meter"]) == one["meter"] and all(_mark(one, name) == value for name, value in only.items())


def _compare(
    rows: list[dict[str, Any]],
    used: list[dict[str, Any]],
    bounds: tuple[datetime, datetime],
    window: str,
    zone: ZoneInfo,
    by: list[str],
) -> None:
    groups: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for one in used:
        groups[label(window, one["at"], zone), one["meter"], tuple(_mark(one, name) for name in by)].append(one)
    seen = set()
    for row in rows:
        start, end = datetime.fromisoformat(row["start"]), datetime.fromisoformat(row["end"])
        here = label(window, start, zone)
        assert here == label(window, end - INSTANT, zone)
        assert start == bounds[0] or label(window, start - INSTANT, zone) != here
        assert end == bounds[1] or label(window, end, zone) != here
        place = here, row["meter"], tuple(row["group"][name] for name in by)
        assert place not in seen
        seen.add(place)
        assert shown_figures(row) == figures(row["meter"], groups[place]), (row, place)
        assert row["unit"] == (None if row["meter"] == "unpriced" else "USD")
    assert seen == groups.keys()


async def test_csv_says_the_same_as_json(admin: httpx.AsyncClient) -> None:
    await prepare(admin, CATALOG, "acme", timezone="Asia/Kathmandu")
    await accept(admin, *mixed_events("acme", "Asia/Kathmandu", random.Random(1), 120))
    where = {"customer": "acme", "from": "2026-04-01T00:00:00Z", "to": "2026-06-01T00:00:00Z"}
    where |= {"window": "day", "group_by": "job,member"}
    rows = (await get(admin, "/v1/usage", **where))["rows"]
    answer = await admin.get("/v1/usage", params=where, headers={"Accept": "text/csv"})
    assert answer.headers["content-type"].startswith("text/csv")
    table = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(table) == len(rows) > 50
    for line, row in zip(table, rows, strict=True):
        flat = {f"group.{name}": value for name, value in row.pop("group").items()} | row
        assert line == {name: "" if value is None else str(value) for name, value in flat.items()}

    page = await get(admin, "/v1/events", customer="acme", limit=50)
    answer = await admin.get("/v1/events", params={"customer": "acme", "limit": 50}, headers={"Accept": "text/csv"})
    table = list(csv.DictReader(io.StringIO(answer.text)))
    assert answer.headers["x-next-cursor"] == page["next_cursor"]
    for line, event in zip(table, page["data"], strict=True):
        for name in ("id", "meter", "quantity", "billed", "charge", "time", "member", "transaction_id"):
            assert line[name] == (event[name] or ""), name


async def test_the_overview_is_the_months_usage(admin: httpx.AsyncClient) -> None:
    rng = random.Random(2)
    for zone in ("UTC", "Australia/Lord_Howe"):
        customer = zone[:3]
        await prepare(admin, CATALOG, customer, timezone=zone)
        events = mixed_events(customer, "Europe/Berlin", rng, 80)
        now = datetime.now(UTC)
        for one in events[:60]:
            one["time"] = (now - timedelta(hours=rng.random() * 24 * 40)).isoformat()
        await accept(admin, *events)
        shown = await get(admin, f"/v1/customers/{customer}/overview")
        period = {"from_": shown["period"]["start"], "to": shown["period"]["end"]}
        month = datetime.fromisoformat(shown["period"]["start"]).astimezone(ZoneInfo(zone))
        assert (month.day, month.hour, month.minute) == (1, 0, 0)
        rows = {row["meter"]: row for row in (await get(admin, "/v1/usage", customer=customer, **period))["rows"]}
        for meter in shown["meters"]:
            row = rows.pop(meter["meter"], None)
            for name in ("events", "quantity", "charge", "cost"):
                assert F(meter[name]) == F(row[name] if row else 0), (meter, name)
        assert not rows
        raw = await raw_events(admin, customer)
        spent = sum_of(one["charge"] for one in raw)
        assert {one["unit"]: F(one["amount"]) for one in shown["total_spent"]} == {"USD": spent}
        assert shown["owed"] == shown["total_spent"]
        assert {one["unit"]: F(one["amount"]) for one in shown["spent"]} == {
            "USD": sum_of(meter["charge"] for meter in shown["meters"])
        }
        assert shown["unpriced"] == sum(one["charge"] is None for one in raw)
        assert shown["estimated"] == sum(one["estimated"] for one in raw)


async def test_every_explanation_ends_with_the_charge(admin: httpx.AsyncClient) -> None:
    rng = random.Random(3)
    await prepare(admin, CATALOG, "acme", timezone="America/St_Johns")
    events = mixed_events("acme", "America/St_Johns", rng, 120)
    for i, meter in enumerate(["volume", "packs", "thirds", "taken"] * 8):
        one = {"id": f"m{i}", "customer": "acme", "meter": meter, "quantity": str(rng.randint(0, 30))}
        events.append(one | {"time": "2026-11-01T12:00:00Z"} | ({"amount": f"{i * 31}.5"} if meter == "taken" else {}))
    for i in range(0, 120, 40):
        await accept(admin, *events[i : i + 40])
    await accept(admin, *events[120:])
    for one in events[:120:3] + events[120:]:
        if one["meter"] in ("plain", "tiered", "volume", "packs", "thirds", "calls"):
            for part in (F(1, 3), F(1, 2)):
                back = -1 if one["meter"] == "calls" else -int(F(one["quantity"]) * part)
                fields = {"id": f"{one['id']} {part}", "customer": "acme", "meter": one["meter"], "corrects": one["id"]}
                await admin.post("/v1/events", json=fields | {"quantity": str(back)})
    raw = await raw_events(admin, "acme")
    assert len(raw) > 200
    for one in raw:
        shown = await get(admin, _path(one["id"]), customer="acme")
        assert (shown["charge"], shown["unit"], shown["event"]["id"]) == (one["charge"], one["unit"], one["id"])
        if one["charge"] is None:
            assert [step["name"] for step in shown["steps"]] == ["unpriced"]
            continue
        own = [step for step in shown["steps"] if step["name"] not in ("corrected_by", "in_all")]
        assert F(own[-1]["figures"]["charge"]) == F(one["charge"]), shown
    await assert_sound(admin, books_of(admin))


def _path(id: str) -> str:
    return f"/v1/events/{id.replace('/', '%2F').replace(' ', '%20')}/explanation"


@pytest.mark.parametrize("limit", [1, 7, 100])
async def test_pages_are_complete_and_without_repeats(admin: httpx.AsyncClient, limit: int) -> None:
    """Though many events have the same time, and new ones arrive meanwhile."""
    await prepare(admin, CATALOG, "acme", "bolt")
    times = ["2026-11-01T00:00:00Z", "2026-11-01T00:00:00.000001Z", "2026-11-02T00:00:00Z"]
    events = [
        {
            "id": f"e{i}",
            "customer": "acme",
            "meter": "plain",
            "quantity": "1",
            "time": times[i % 3],
            "member": f"m{i % 2}",
        }
        for i in range(40)
    ]
    await accept(admin, *events, *[one | {"customer": "bolt"} for one in events])
    found = []
    cursor: dict[str, str] = {}
    while True:
        page = await get(admin, "/v1/events", customer="acme", limit=limit, **cursor)
        assert len(page["data"]) <= limit
        found += page["data"]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
        newer = {"id": f"new{len(found)}", "customer": "acme", "meter": "plain", "quantity": "1"}
        await accept(admin, newer | {"time": "2026-11-03T00:00:00Z"})
    assert sorted(one["id"] for one in found) == sorted(one["id"] for one in events)
    assert [(one["time"], one["id"]) for one in found] == sorted(
        ((one["time"], one["id"]) for one in found),
        key=lambda pair: (datetime.fromisoformat(pair[0]), pair[1]),
        reverse=True,
    )
    some = await all_events(admin, "acme", limit=limit, member="m1", from_=times[1], to=times[2])
    assert {one["id"] for one in some} == {
        one["id"] for one in events if one["member"] == "m1" and one["time"] == times[1]
    }


async def test_events_are_found_by_what_they_are(admin: httpx.AsyncClient) -> None:
    await prepare(admin, CATALOG, "acme")
    await accept(admin, *mixed_events("acme", "Europe/Berlin", random.Random(4), 100))
    raw = await raw_events(admin, "acme")
    [transaction] = {one["transaction_id"] for one in raw}
    for params, fits in (
        ({"meter": "plain"}, lambda one: one["meter"] == "plain"),
        ({"member": "bob"}, lambda one: one["member"] == "bob"),
        (
            {"filter": ["job:x", "region:y"]},
            lambda one: {"job": "x", "region": "y"}.items() <= one["dimensions"].items(),
        ),
        ({"transaction": transaction}, lambda _: True),
        ({"from_": "2026-10-25T01:00:00Z"}, lambda one: one["time"] >= "2026-10-25T01:00:00"),
    ):
        found = await all_events(admin, "acme", **params)
        assert {one["id"] for one in found} == {one["id"] for one in raw if fits(one)}, params


@pytest.mark.parametrize(
    ("params", "status", "code", "field"),
    [
        ({"customer": "nobody"}, 404, "unknown_customer", "customer"),
        ({"meter": "nothing"}, 404, "unknown_meter", "meter"),
        ({"from": "2026-11-01T00:00:00Z", "to": "2026-11-01T00:00:00Z"}, 422, "invalid_range", "from"),
        ({"from": "2026-11-01T00:00:00"}, 422, "invalid_request", "from"),
        ({"from": "2000-01-01T00:00:00Z", "window": "hour"}, 422, "too_many_windows", "window"),
        ({"window": "week"}, 422, "invalid_request", "window"),
        ({"timezone": "Mars/Olympus"}, 422, "unknown_timezone", "timezone"),
        ({"group_by": "town"}, 422, "unknown_dimension", "group_by"),
        ({"filter": "town:x"}, 422, "unknown_dimension", "filter"),
        ({"filter": "town"}, 422, "invalid_filter", "filter"),
        ({"meter": "thirds", "group_by": "job"}, 422, "unknown_dimension", "group_by"),
    ],
)
async def test_what_cannot_be_asked(
    admin: httpx.AsyncClient, params: dict[str, str], status: int, code: str, field: str
) -> None:
    await prepare(admin, CATALOG, "acme")
    answer = await admin.get("/v1/usage", params={"customer": "acme"} | params)
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (status, code, field)
