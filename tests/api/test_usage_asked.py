"""What may be asked about usage, events and postings: the ends of time, unknown names, empty values, CSV."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from faults.calls import accept, get, prepare
from tollkeeper.analytics.windows import MOST_WINDOWS, Source, Window, cut, pieces
from tollkeeper.clock import Interval, end_of_hour
from tollkeeper.db import Tx

pytestmark = pytest.mark.anyio

CATALOG = """\
currency = "USD"
[meters.call]
unit = "call"
dimensions = ["job"]
[prices.call]
model = "unit"
amount = "0.25"
[meters.people]
unit = "person"
dimensions = ["job"]
aggregation = "unique_count"
unique_by = "member"
"""
KEPT = """\
currency = "USD"
[meters.page]
unit = "page"
dimensions = ["region"]
"""


def event(id: str, meter: str = "call", **fields: Any) -> dict[str, Any]:
    return {"id": id, "customer": "acme", "meter": meter, "time": "2026-03-01T12:00:00Z"} | fields


def coded(answer: httpx.Response) -> tuple[int, str, str]:
    return answer.status_code, answer.json()["code"], answer.json()["field"]


BEYOND = [
    ({"from": "0001-01-01T00:00:00+14:00"}, "from"),
    ({"to": "9999-12-31T23:59:59-14:00", "window": "month"}, "to"),
    ({"window": "day", "from": "9999-12-31T00:00:00Z"}, "from"),
    ({"to": "0001-01-10T00:00:00Z"}, "to"),
    ({"from": "1969-12-31T23:59:59.999999Z"}, "from"),
    ({"from": "2026-01-01T00:00:00Z", "to": "9000-01-01T00:00:00.000001Z"}, "to"),
    ({"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}, "from"),
    ({"from": "2026-01-01T00:00:00Z", "to": "2026-01-01T01:00:00+01:00"}, "from"),
]


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Auckland", "America/New_York"])
async def test_ranges_lie_between_1970_and_9000(admin: httpx.AsyncClient, zone: str) -> None:
    await prepare(admin, CATALOG, "acme", timezone=zone)
    await accept(admin, event("1", quantity="1", time="1970-01-01T00:00:00Z"))
    for path in ("/v1/usage", "/v1/events"):
        for params, field in BEYOND:
            answer = await admin.get(path, params={"customer": "acme"} | params)
            assert coded(answer) == (422, "invalid_range", field), (path, params)
    whole = {"from_": "1970-01-01T00:00:00Z", "to": "9000-01-01T00:00:00Z"}
    usage = await get(admin, "/v1/usage", customer="acme", **whole)
    assert [row["events"] for row in usage["rows"]] == [1]
    assert [one["id"] for one in (await get(admin, "/v1/events", customer="acme", **whole))["data"]] == ["1"]
    early = await get(admin, "/v1/usage", customer="acme", to="1970-01-10T00:00:00Z")
    assert (early["start"], len(early["rows"])) == ("1970-01-01T00:00:00Z", 1)
    for window in ("hour", "day", "month"):
        for start, end in (("1970-01-01", "1970-01-03"), ("8999-12-30", "9000-01-01")):
            span = {"from_": f"{start}T00:00:00Z", "to": f"{end}T00:00:00Z"}
            await get(admin, "/v1/usage", customer="acme", window=window, **span)


async def test_answers_tell_the_range_in_utc(admin: httpx.AsyncClient) -> None:
    await prepare(admin, CATALOG, "acme")
    span = {"from_": "2026-03-01T00:00:00+05:30", "to": "2026-03-02T00:00:00-08:00"}
    answer = await get(admin, "/v1/usage", customer="acme", **span)
    assert (answer["start"], answer["end"]) == ("2026-02-28T18:30:00Z", "2026-03-02T08:00:00Z")


async def test_csv_has_json_and_not_pythons_own_words(admin: httpx.AsyncClient) -> None:
    await prepare(admin, CATALOG, "acme")
    dimensions = {"job": 'it\'s "ö", \\n=1+1'}
    await accept(admin, event("1", quantity="1", dimensions=dimensions), event("2", quantity="1"))
    answer = await admin.get("/v1/events", params={"customer": "acme"}, headers={"Accept": "text/csv"})
    second, first = csv.DictReader(io.StringIO(answer.text))
    assert (json.loads(first["dimensions"]), json.loads(second["dimensions"])) == (dimensions, {})
    assert "ö" in first["dimensions"]
    assert first["estimated"] == "false"


@pytest.mark.parametrize(
    ("params", "status", "code", "field"),
    [
        ({"meter": "nope"}, 404, "unknown_meter", "meter"),
        ({"filter": "town:x"}, 422, "unknown_dimension", "filter"),
        ({"meter": "page", "filter": "job:x"}, 422, "unknown_dimension", "filter"),
        ({"filter": "job"}, 422, "invalid_filter", "filter"),
    ],
)
async def test_events_and_usage_refuse_the_same(
    admin: httpx.AsyncClient, params: dict[str, str], status: int, code: str, field: str
) -> None:
    await prepare(admin, CATALOG + KEPT.partition("\n")[2], "acme")
    await accept(admin, event("1", quantity="1", dimensions={"job": "x"}))
    for path in ("/v1/usage", "/v1/events"):
        answer = await admin.get(path, params={"customer": "acme"} | params)
        assert coded(answer) == (status, code, field), path


async def test_events_of_what_the_catalog_has_no_longer_stay_listed(
    admin: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await prepare(admin, CATALOG, "acme", "bolt")
    await accept(admin, event("1", quantity="1", dimensions={"job": "x"}, member="ann"), event("2", quantity="1"))

    async def no_meters(_: Tx) -> set[str]:
        return set()

    # A meter with usage can't be taken out any more; a batch that was under way may have come in between.
    monkeypatch.setattr("tollkeeper.api.routes.catalog.used_meters", no_meters)
    await prepare(admin, KEPT)

    async def ids(**params: Any) -> list[str]:
        return [one["id"] for one in (await get(admin, "/v1/events", customer="acme", **params))["data"]]

    assert await ids(meter="call") == ["2", "1"]
    assert await ids(meter="call", filter="job:x") == await ids(filter="job:x") == ["1"]
    assert await ids(filter="job:y") == await ids(meter="page") == []
    for params, code in (({"meter": "people"}, "unknown_meter"), ({"filter": "town:x"}, "unknown_dimension")):
        answer = await admin.get("/v1/events", params={"customer": "acme"} | params)
        assert answer.json()["code"] == code


async def test_events_can_be_filtered_by_member_like_usage(admin: httpx.AsyncClient) -> None:
    await prepare(admin, CATALOG, "acme")
    await accept(admin, *(event(key, quantity="1", member=key) for key in ("ann", "bob")))

    async def ids(**params: Any) -> list[str]:
        return [one["id"] for one in (await get(admin, "/v1/events", customer="acme", **params))["data"]]

    assert await ids(filter="member:ann") == await ids(filter="member:ann", member="ann") == ["ann"]
    assert await ids(filter="member:ann", member="bob") == []


async def test_an_unknown_kind_of_posting_is_refused(admin: httpx.AsyncClient) -> None:
    await prepare(admin, CATALOG, "acme")
    await accept(admin, event("1", quantity="1"))
    answer = await admin.get("/v1/customers/acme/ledger", params={"kind": "bogus"})
    assert coded(answer) == (422, "invalid_request", "kind")
    assert len((await get(admin, "/v1/customers/acme/ledger", kind="usage"))["data"]) == 1


async def test_an_empty_value_is_not_an_absent_one(admin: httpx.AsyncClient) -> None:
    await prepare(admin, CATALOG, "acme")
    empty = {"dimensions": {"job": ""}}
    await accept(
        admin,
        event("1", quantity="1"),
        event("2", quantity="2", **empty),
        event("3", quantity="4", **empty),
        event("4", "people", member="ann"),
        event("5", "people", member="bob", **empty),
        event("6", "people", member="cid", **empty),
    )
    # A ragged range reads the events, a whole one the days; the third, both.
    for start, end in (("12:00:00", "12:00:01"), ("00:00:00", "23:59:59.999999"), ("11:30:00", "23:00:00")):
        span = {"from_": f"2026-03-01T{start}Z", "to": f"2026-03-01T{end}Z"}
        rows = (await get(admin, "/v1/usage", customer="acme", group_by="job", **span))["rows"]
        assert [(row["meter"], row["group"]["job"], row["events"], row["quantity"]) for row in rows] == [
            ("call", None, 1, "1"),
            ("call", "", 2, "6"),
            ("people", None, 1, "1"),
            ("people", "", 2, "2"),
        ]


async def test_one_answer_has_at_most_2000_windows(admin: httpx.AsyncClient) -> None:
    await prepare(admin, CATALOG, "acme")
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for hours, status in ((2_000, 200), (2_001, 422)):
        params = {"from": start.isoformat(), "to": (start + timedelta(hours=hours)).isoformat(), "window": "hour"}
        answer = await admin.get("/v1/usage", params={"customer": "acme", "timezone": "Asia/Kathmandu"} | params)
        # In Kathmandu the range begins and ends within an hour, so it touches one more.
        assert answer.status_code == (422 if hours == MOST_WINDOWS else status)
        answer = await admin.get("/v1/usage", params={"customer": "acme"} | params)
        assert answer.status_code == status
    assert answer.json()["code"] == "too_many_windows"


@pytest.mark.parametrize(
    "name",
    ["UTC", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu", "Europe/Berlin", "Pacific/Apia", "Asia/Gaza"],
)
async def test_hours_are_the_clocks(name: str) -> None:
    """Around each change of the offset, also those at a minute past midnight, by half an hour, or by a day."""
    zone = ZoneInfo(name)
    for year in (2006, 2010, 2011, 2026):
        at = datetime(year, 1, 1, tzinfo=UTC)
        while at.year == year:
            after = at + timedelta(days=73)
            expected = []
            begin = at
            while begin < after:
                expected.append(Interval(begin, min(end_of_hour(begin, zone), after)))
                begin = expected[-1].end
            assert cut(Window.HOUR, at, after, zone) == expected
            covered = pieces(expected, zone)
            assert (covered[0].start, covered[-1].end) == (at, after)
            assert all(one.end == two.start for one, two in pairwise(covered))
            assert {piece.source for piece in covered[1:-1]} <= {Source.HOURS}
            at = after


def test_a_day_that_a_zone_has_skipped_is_no_window() -> None:
    start, end = datetime(2011, 12, 29, 10, tzinfo=UTC), datetime(2011, 12, 31, 10, tzinfo=UTC)
    found = cut(Window.DAY, start, end, ZoneInfo("Pacific/Apia"))
    midnight = datetime(2011, 12, 30, 10, tzinfo=UTC)
    assert found == [Interval(start, midnight), Interval(midnight, end)]
