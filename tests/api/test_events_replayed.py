"""Quarantine: what was refused comes in after its cause is mended, once, at the time when it first arrived."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from faults.arithmetic import CATALOG
from faults.calls import accept, assert_sound, books_of, get, prepare, send, statuses

pytestmark = pytest.mark.anyio


@pytest.fixture
async def client(admin: httpx.AsyncClient) -> httpx.AsyncClient:
    await prepare(admin, CATALOG, "acme")
    return admin


def event(id: str = "1", **fields: Any) -> dict[str, Any]:
    return {"id": id, "customer": "acme", "meter": "plain", "quantity": "2"} | fields


async def replay(client: httpx.AsyncClient, *ids: str) -> list[dict[str, Any]]:
    answer = await client.post("/v1/quarantine/replay", json={"ids": list(ids)})
    assert answer.status_code == 200, answer.text
    return answer.json()["results"]


async def waiting(client: httpx.AsyncClient, **params: Any) -> list[dict[str, Any]]:
    return (await get(client, "/v1/quarantine", limit=1000, **params))["data"]


async def test_an_event_of_an_unknown_customer_comes_in_once_there_is_one(client: httpx.AsyncClient) -> None:
    refused = await send(client, event(customer="later"), event("2", customer="later", time="2026-11-01T00:00:00Z"))
    ids = [one["quarantine_id"] for one in refused]
    held = await waiting(client)
    assert [(one["code"], one["attempts"], one["status"]) for one in held] == [("unknown_customer", 1, "open")] * 2

    still = await replay(client, *ids)
    assert [(one["status"], one["code"]) for one in still] == [("rejected", "unknown_customer")] * 2
    assert sorted(one["quarantine_id"] for one in still) == sorted(ids)
    assert [(one["quarantine_id"], one["attempts"]) for one in await waiting(client)] == [(id, 2) for id in sorted(ids)]

    await client.put("/v1/customers/later", json={})
    taken = await replay(client, *ids)
    assert [(one["status"], one["charge"], one["unit"]) for one in taken] == [("accepted", "0.5", "USD")] * 2
    first, second = [await get(client, f"/v1/events/{id}", customer="later") for id in ("1", "2")]
    assert first["time"] == held[0]["first_seen_at"] == held[1]["first_seen_at"] < first["recorded_at"]
    assert second["time"] == "2026-11-01T00:00:00Z"
    assert await waiting(client) == []
    assert await waiting(client, status="replayed", customer="acme") == []
    done = await get(client, f"/v1/quarantine/{ids[0]}")
    assert (done["status"], done["resolved_by"]) == ("replayed", "test")
    assert await replay(client, *ids) == []
    await assert_sound(client, books_of(client))


async def test_an_event_of_an_unknown_meter_comes_in_once_there_is_one(client: httpx.AsyncClient) -> None:
    [refused] = await send(client, event(meter="later"))
    await prepare(client, CATALOG + '[meters.later]\nunit = "x"\n[prices.later]\nmodel = "unit"\namount = "3"\n')
    [taken] = await replay(client, refused["quarantine_id"])
    assert (taken["id"], taken["status"], taken["charge"]) == ("1", "accepted", "6")


async def test_sent_again_and_then_replayed_it_is_a_duplicate(client: httpx.AsyncClient) -> None:
    """The event without a time got one when it was accepted; that it waited before makes no other event of it."""
    [refused] = await send(client, event(customer="later"))
    await client.put("/v1/customers/later", json={})
    [first] = await accept(client, event(customer="later"))
    [again] = await replay(client, refused["quarantine_id"])
    assert (again["status"], again["charge"]) == ("duplicate", first["charge"])
    assert await waiting(client) == []
    assert await statuses(client, event(customer="later")) == ["duplicate"]


async def test_replayed_and_then_sent_again_it_is_a_duplicate(client: httpx.AsyncClient) -> None:
    [refused] = await send(client, event(customer="later"))
    await client.put("/v1/customers/later", json={})
    await replay(client, refused["quarantine_id"])
    assert await statuses(client, event(customer="later")) == ["duplicate"]


async def test_each_refusal_counts_an_attempt(client: httpx.AsyncClient) -> None:
    for _ in range(3):
        [refused] = await send(client, event(meter="later"))
    await client.post("/v1/events", content=b'{"id": "x"}')
    await client.post("/v1/events", content=b'{"id": "x"}')
    first, second = await waiting(client)
    assert (first["quarantine_id"], first["attempts"], first["event_id"]) == (refused["quarantine_id"], 3, "1")
    assert (second["attempts"], second["item"], second["event_id"]) == (2, '{"id": "x"}', "x")
    assert first["first_seen_at"] < first["last_seen_at"]
    [same] = await replay(client, second["quarantine_id"])
    assert (same["status"], same["code"]) == ("rejected", "missing_field")
    assert (await get(client, f"/v1/quarantine/{second['quarantine_id']}"))["attempts"] == 3


async def test_a_conflict_stays_until_it_is_discarded(client: httpx.AsyncClient) -> None:
    await accept(client, event())
    [refused] = await send(client, event(quantity="3"))
    id = refused["quarantine_id"]
    [still] = await replay(client, id)
    assert (still["status"], still["code"]) == ("conflict", "event_conflict")
    answer = await client.post("/v1/quarantine/discard", json={"ids": [id], "note": "a slip"})
    assert answer.json() == {"discarded": 1}
    held = await get(client, f"/v1/quarantine/{id}")
    assert (held["status"], held["note"], held["resolved_by"]) == ("discarded", "a slip", "test")
    assert await replay(client, id) == []
    assert (await client.post("/v1/quarantine/discard", json={"ids": [id], "note": "x"})).json() == {"discarded": 0}
    assert [one["quarantine_id"] for one in await waiting(client, status="discarded")] == [id]
    assert await waiting(client) == []
    # Sent once more, it waits again: nothing vanishes.
    await send(client, event(quantity="3"))
    assert [(one["quarantine_id"], one["attempts"]) for one in await waiting(client)] == [(id, 3)]


async def test_a_correction_that_came_before_its_event_is_replayed(client: httpx.AsyncClient) -> None:
    [early] = await send(client, event("c", quantity="-0.5", corrects="1"))
    assert early["error"]["code"] == "unknown_event"
    await accept(client, event(time="2026-11-01T00:00:00Z"))
    [taken] = await replay(client, early["quarantine_id"])
    assert (taken["status"], taken["charge"]) == ("accepted", "-0.125")
    assert (await get(client, "/v1/events/c", customer="acme"))["time"] == "2026-11-01T00:00:00Z"
    await assert_sound(client, books_of(client))


async def test_many_are_replayed_at_once_good_and_bad(client: httpx.AsyncClient) -> None:
    found = await send(client, *[event(str(i), customer="later" if i % 3 else "never") for i in range(30)])
    await client.put("/v1/customers/later", json={})
    ids = [one["quarantine_id"] for one in found]
    taken = {one["id"]: one["status"] for one in await replay(client, *ids)}
    assert taken == {str(i): "accepted" if i % 3 else "rejected" for i in range(30)}
    assert {one["event_id"] for one in await waiting(client)} == {str(i) for i in range(0, 30, 3)}
    assert await waiting(client, customer="later") == []
    assert len(await waiting(client, code="unknown_customer")) == 10


async def test_the_quarantine_pages(client: httpx.AsyncClient) -> None:
    await send(client, *[event(str(i), meter="later") for i in range(7)])
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = await get(client, "/v1/quarantine", limit=3, **cursor)
        seen += [one["event_id"] for one in page["data"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert sorted(seen) == [str(i) for i in range(7)]


async def test_nothing_there(client: httpx.AsyncClient) -> None:
    nobody = "01a1f9d4-1e45-7055-9bb9-4d38f8d013f0"
    assert await replay(client, nobody) == []
    answer = await client.get(f"/v1/quarantine/{nobody}")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_quarantine_item")
    assert (await client.post("/v1/quarantine/replay", json={"ids": []})).status_code == 422
