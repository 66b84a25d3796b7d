"""Once: a repeated event is a duplicate with its first answer; the same id with other content is a conflict."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import httpx
import pytest

from faults.arithmetic import CATALOG, F
from faults.calls import accept, all_events, assert_sound, books_of, get, prepare, send, statuses
from tollkeeper import clock

pytestmark = pytest.mark.anyio


@pytest.fixture
async def client(admin: httpx.AsyncClient) -> httpx.AsyncClient:
    await prepare(admin, CATALOG, "acme", "bolt")
    return admin


def event(id: str = "1", **fields: Any) -> dict[str, Any]:
    return {"id": id, "customer": "acme", "meter": "plain", "quantity": "2"} | fields


FULL = event(
    "full",
    quantity="2.50",
    time="2026-11-01T12:00:00+02:00",
    member="ann",
    dimensions={"job": "7", "region": "eu"},
    metadata={"a": [1, 0.1, 1e300, None, {"b": "ü"}], "big": 2**70},
    calls=[{"provider": "p", "model": "m", "cost": "0.10", "usage": {"in": 7}, "at": "2026-11-01T10:00:00Z"}],
)
SAME = [
    FULL,
    FULL | {"quantity": 2.5},
    FULL | {"quantity": "25e-1"},
    FULL | {"time": "2026-11-01T10:00:00Z"},
    FULL | {"dimensions": {"region": "eu", "job": "7"}},
    FULL | {"corrects": None, "amount": None, "hold": None},
]
OTHER = [
    {"quantity": "2.501"},
    {"time": "2026-11-01T12:00:00.000001+02:00"},
    {"time": "2026-11-01T12:00:00+01:00"},
    {"member": "bob"},
    {"member": None},
    {"dimensions": {"job": "7"}},
    {"dimensions": None},
    {"metadata": FULL["metadata"] | {"big": 2**70 + 1}},
    {"metadata": FULL["metadata"] | {"more": 1}},
    {"metadata": None},
    {"calls": [FULL["calls"][0] | {"cost": "0.11"}]},
    {"calls": None},
    {"meter": "thirds", "dimensions": None},
    {"amount": "1"},
]


async def test_the_same_again_is_a_duplicate_however_it_is_written(client: httpx.AsyncClient) -> None:
    [first] = await accept(client, FULL)
    assert F(first["charge"]) == F("0.625")
    for same in SAME:
        answer = await client.post("/v1/events", json=same)
        assert answer.status_code == 200, answer.text
        assert answer.json()["results"] == [first | {"status": "duplicate"}]
    assert len(await all_events(client, "acme")) == 1
    await assert_sound(client, books_of(client))


@pytest.mark.parametrize("together", [False, True])
async def test_other_content_under_an_id_is_a_conflict(client: httpx.AsyncClient, together: bool) -> None:
    for i, change in enumerate(OTHER):
        first, second = FULL | {"id": f"e{i}"}, FULL | {"id": f"e{i}"} | change
        if together:
            found = await send(client, first, second)
            assert [one["status"] for one in found] == ["accepted", "conflict"], change
        else:
            await accept(client, first)
            answer = await client.post("/v1/events", json=second)
            assert (answer.status_code, answer.json()["code"]) == (409, "event_conflict"), change
            found = answer.json()["results"]
        held = await get(client, f"/v1/quarantine/{found[-1]['quarantine_id']}")
        assert (held["code"], held["event_id"], held["customer_key"]) == ("event_conflict", f"e{i}", "acme")
        shown = await get(client, f"/v1/events/e{i}", customer="acme")
        assert (shown["quantity"], shown["member"], shown["charge"]) == ("2.5", "ann", "0.625")
    await assert_sound(client, books_of(client))


async def test_a_time_left_out_is_no_difference(client: httpx.AsyncClient) -> None:
    before = clock.now()
    [first] = await accept(client, event())
    assert await send(client, event()) == [first | {"status": "duplicate"}]
    shown = await get(client, "/v1/events/1", customer="acme")
    assert clock.in_utc(before) <= shown["time"] == shown["recorded_at"] <= clock.in_utc(clock.now())
    assert await statuses(client, event(time=shown["time"])) == ["duplicate"]
    other = clock.in_utc(before - timedelta(seconds=1))
    assert await statuses(client, event(time=other)) == ["event_conflict"]


async def test_what_is_left_out_and_what_it_stands_for_are_the_same(client: httpx.AsyncClient) -> None:
    bare = {"id": "c", "customer": "acme", "meter": "calls"}
    spelled = bare | {"quantity": 1, "dimensions": {}, "member": None}
    assert await statuses(client, bare) == ["accepted"]
    assert await statuses(client, spelled) == ["duplicate"]
    assert await statuses(client, bare | {"id": "d"}, spelled | {"id": "d"}) == ["accepted", "duplicate"]


async def test_the_same_id_of_two_customers_is_two_events(client: httpx.AsyncClient) -> None:
    assert await statuses(client, event(), event(customer="bolt", quantity="3")) == ["accepted", "accepted"]
    assert (await get(client, "/v1/events/1", customer="bolt"))["charge"] == "0.75"


async def test_twins_in_one_request(client: httpx.AsyncClient) -> None:
    found = await send(client, event(), event(), event("2"), event())
    assert [one["status"] for one in found] == ["accepted", "duplicate", "accepted", "duplicate"]
    assert {one["charge"] for one in found} == {"0.5"}


async def test_the_twin_of_a_refused_event_is_refused_too(client: httpx.AsyncClient) -> None:
    """It isn't stored, so "duplicate" would be a lie that loses usage."""
    await accept(client, event())
    conflicting = event(quantity="9")
    correction = event("3", quantity="-1", corrects="nothing")
    found = await send(client, conflicting, correction, conflicting, correction)
    assert [one["status"] for one in found] == ["conflict", "rejected"] * 2
    assert [one["error"]["code"] for one in found] == ["event_conflict", "unknown_event"] * 2
    assert all(one["quarantine_id"] for one in found)


async def test_a_duplicate_tells_the_first_charge_also_after_a_price_change(client: httpx.AsyncClient) -> None:
    tiers = [event(str(i), meter="tiered", quantity="8", time=f"2026-11-01T12:00:0{i}Z") for i in range(4)]
    first = await accept(client, *tiers)
    assert len({one["charge"] for one in first}) > 2
    await prepare(client, CATALOG.replace("0.70", "7.00").replace('amount = "0.25"', 'amount = "9"'))
    again = await send(client, *reversed(tiers))
    assert again == [one | {"status": "duplicate"} for one in reversed(first)]


async def test_a_large_request_is_repeated_with_new_events_in_it(client: httpx.AsyncClient) -> None:
    first = [event(str(i), meter="volume", quantity=str(i % 7), time="2026-11-01T00:00:00Z") for i in range(300)]
    assert set(await statuses(client, *first)) == {"accepted"}
    mixed = first[100:] + [event(f"new {i}", quantity="1") for i in range(50)]
    assert await statuses(client, *mixed) == ["duplicate"] * 200 + ["accepted"] * 50
    await assert_sound(client, books_of(client))


async def test_a_correction_is_repeated_safely(client: httpx.AsyncClient) -> None:
    """Also one that has taken everything back: the event has nothing left that the repetition could take."""
    requests = [
        [event()],
        [event("c1", quantity="-1.5", corrects="1")],
        [event("c2", quantity="-0.5", corrects="1")],
        [event("2"), event("2c", quantity="-2", corrects="2")],
    ]
    answers = [await accept(client, *request) for request in requests]
    for request, answer in zip(requests, answers, strict=True):
        assert await send(client, *request) == [one | {"status": "duplicate"} for one in answer]
    assert await statuses(client, event("c2", quantity="-0.4", corrects="1")) == ["event_conflict"]
    assert await statuses(client, event("c2", quantity="-0.5", corrects="2")) == ["event_conflict"]
    assert (await get(client, "/v1/quarantine"))["data"][0]["code"] == "event_conflict"
    await assert_sound(client, books_of(client))


async def test_a_repetition_is_a_duplicate_whatever_has_changed_since(client: httpx.AsyncClient) -> None:
    one = event(dimensions={"job": "7"}, quantity="0.125")
    two = event("2", meter="calls", quantity=None)
    first = await accept(client, one, two)
    changed = CATALOG.replace('dimensions = ["job", "region"]', 'dimensions = ["region"]')
    changed = changed.replace("decimals = 3", "decimals = 2").replace('amount = "0.25"', 'unit = "EUR"\namount = "1"')
    await prepare(client, changed, "acme", archived=True)
    again = await send(client, one, two)
    assert again == [each | {"status": "duplicate"} for each in first]
    assert (await get(client, "/v1/quarantine"))["data"] == []


async def test_only_what_failed_can_be_asked_for(client: httpx.AsyncClient) -> None:
    await accept(client, event())
    body = [event(), event("2"), event("3", meter="nothing"), event("1", quantity="7")]
    answer = (await client.post("/v1/events", params={"results": "errors"}, json=body)).json()
    assert [answer[name] for name in ("accepted", "duplicates", "conflicts", "rejected")] == [1, 1, 1, 1]
    assert [one["id"] for one in answer["results"]] == ["3", "1"]
    lines = "\n".join(json.dumps(one) for one in body[:2])
    headers = {"Content-Type": "application/x-ndjson"}
    answer = await client.post("/v1/events", params={"results": "errors"}, content=lines, headers=headers)
    assert answer.json() == {"accepted": 0, "duplicates": 2, "conflicts": 0, "rejected": 0, "results": []}
