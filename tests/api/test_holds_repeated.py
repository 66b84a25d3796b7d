"""Repeats and races: a hold is held once, ends once, and nothing that was used is lost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import anyio
import httpx
import pytest

from tollkeeper import clock
from tollkeeper.api.openapi import Tollkeeper
from tollkeeper.gate import sweep

from .prepaid import Clock, begin, hold, receivable, settle, wallet

pytestmark = pytest.mark.anyio


async def test_the_same_hold_again_is_the_same_hold(admin: httpx.AsyncClient) -> None:
    await begin(admin, credits="3")
    first = await hold(admin, "a", expires_in=60)
    again = await hold(admin, "a", expires_in=600)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() | {"limits": first.json()["limits"]} == first.json()
    assert await wallet(admin) == ("3", "1", "2")
    await settle(admin, "a")
    ended = await hold(admin, "a")
    assert (ended.status_code, ended.json()["state"], ended.json()["charged"]) == (200, "settled", "1")


async def test_another_operation_under_the_same_id_is_a_conflict(admin: httpx.AsyncClient) -> None:
    await begin(admin, credits="3")
    await hold(admin, "a", dimensions={"job": "cook"})
    for more in ({}, {"dimensions": {"job": "baker"}}, {"meter": "minutes", "quantity": 1}, {"member": "ann"}):
        answer = await admin.post("/v1/holds", json={"id": "a", "customer": "acme", "meter": "interview"} | more)
        assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (409, "hold_conflict", "id")
    await admin.put("/v1/customers/other", json={})
    answer = await admin.post("/v1/holds", json={"id": "a", "customer": "other", "meter": "pages", "quantity": 1})
    assert answer.status_code == 201  # ids are each customer's own


async def test_the_idempotency_key_serves_as_id(admin: httpx.AsyncClient) -> None:
    await begin(admin, credits="3")
    body = {"customer": "acme", "meter": "interview"}
    first = await admin.post("/v1/holds", json=body, headers={"Idempotency-Key": "try-1"})
    again = await admin.post("/v1/holds", json=body, headers={"Idempotency-Key": "try-1"})
    assert (first.status_code, again.status_code, again.json()["id"]) == (201, 200, "try-1")
    named = await admin.post("/v1/holds", json=body | {"id": "mine"}, headers={"Idempotency-Key": "try-1"})
    assert (named.status_code, named.json()["id"]) == (201, "mine")
    for key, code in (("", "invalid_id"), ("x" * 201, "id_too_long")):
        answer = await admin.post("/v1/holds", json=body, headers={"Idempotency-Key": key})
        assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_many_at_once_get_exactly_what_there_is(admin: httpx.AsyncClient) -> None:
    await begin(admin, credits="7")
    answers: list[int] = []

    async def ask(i: int) -> None:
        answers.append((await hold(admin, f"h{i}")).status_code)

    async with anyio.create_task_group() as group:
        for i in range(40):
            group.start_soon(ask, i)
    assert sorted(answers) == [201] * 7 + [402] * 33
    assert await wallet(admin) == ("7", "7", "0")


async def test_two_settlements_of_one_hold(admin: httpx.AsyncClient) -> None:
    await begin(admin, credits="3")
    await hold(admin, "a")
    first = (await settle(admin, "a")).json()
    again = (await settle(admin, "a")).json()
    assert (again["accepted"], again["duplicates"], again["hold"]) == (0, 1, first["hold"])
    assert "notice" not in again
    assert await wallet(admin) == ("2", "0", "2")

    other = (await settle(admin, "a", events=[{"id": "other", "meter": "interview"}])).json()
    assert (other["accepted"], other["notice"]["code"]) == (1, "hold_settled")
    assert other["hold"] == first["hold"]
    assert await wallet(admin) == ("1", "0", "1")


async def test_settlements_at_once_end_it_once(admin: httpx.AsyncClient) -> None:
    await begin(admin, credits="30")
    for i in range(10):
        await hold(admin, f"h{i}")
    ends: dict[str, list[tuple[str, int]]] = {}

    async def end(i: int, verb: str) -> None:
        answer = await admin.post(f"/v1/holds/h{i}/{verb}", json={"customer": "acme"})
        ends.setdefault(f"h{i}", []).append((verb, answer.status_code))

    async with anyio.create_task_group() as group:
        for i in range(10):
            for verb in ("release", "settle", "release", "settle"):
                group.start_soon(end, i, verb)
    listed = (await admin.get("/v1/holds", params={"customer": "acme"})).json()["data"]
    charged = (await admin.get("/v1/events", params={"customer": "acme"})).json()["data"]
    assert {one["state"] for one in listed} <= {"settled", "released"}
    assert len(charged) == 10  # each was reported, so each is recorded, whatever came first
    assert await wallet(admin) == ("20", "0", "20")
    for one in listed:
        released = {status for verb, status in ends[one["id"]] if verb == "release"}
        assert released == ({200} if one["state"] == "released" else {409})


async def test_an_event_that_is_recorded_already(admin: httpx.AsyncClient) -> None:
    await begin(admin, credits="3")
    event = {"id": "e", "customer": "acme", "meter": "interview"}
    await admin.post("/v1/events", json=event)
    await hold(admin, "a")
    conflict = await settle(admin, "a", events=[{"id": "e", "meter": "minutes", "quantity": 1}])
    told = conflict.json()
    assert (conflict.status_code, told["code"], told["conflicts"]) == (409, "event_conflict", 1)
    assert (told["hold"]["state"], told["results"][0]["status"]) == ("open", "conflict")
    assert conflict.headers["content-type"] == "application/problem+json"
    mixed = await settle(
        admin, "a", events=[{"id": "e", "meter": "minutes", "quantity": 1}, {"id": "f", "meter": "interview"}]
    )
    assert (mixed.status_code, mixed.json()["accepted"], mixed.json()["conflicts"]) == (207, 1, 1)
    assert (mixed.json()["hold"]["state"], mixed.json()["hold"]["charged"]) == ("settled", "1")
    assert await wallet(admin) == ("1", "0", "1")


async def test_the_very_event_recorded_before_its_settlement(admin: httpx.AsyncClient) -> None:
    """It named no hold, so the hold is open still; settling with it ends the hold, and charges nothing more."""
    await begin(admin, credits="3")
    await hold(admin, "a")
    await admin.post("/v1/events", json={"id": "e", "customer": "acme", "meter": "interview"})
    settled = (await settle(admin, "a", events=[{"id": "e", "meter": "interview"}])).json()
    assert (settled["accepted"], settled["duplicates"]) == (0, 1)
    assert settled["hold"] | {"state": "settled", "charged": "0", "events": ["e"]} == settled["hold"]
    assert await wallet(admin) == ("2", "0", "2")


async def test_bad_events_leave_the_hold_open(admin: httpx.AsyncClient) -> None:
    await begin(admin, credits="3")
    await hold(admin, "a", "minutes", quantity=1)
    cases: list[tuple[dict[str, Any], str, str]] = [
        ({"quantity": "-1"}, "negative_quantity", "quantity"),
        ({"quantity": "NaN"}, "invalid_quantity", "quantity"),
        ({"quantity": "1e15"}, "quantity_out_of_range", "quantity"),
        ({"events": [{"id": "e", "meter": "minutes", "quantity": "-1"}]}, "negative_quantity", "quantity"),
        ({"events": [{"id": "e", "meter": "minutes", "quantity": "NaN"}]}, "invalid_quantity", "quantity"),
        ({"events": [{"id": "e", "meter": "nothing"}]}, "unknown_meter", "meter"),
        ({"events": [{"id": "e"}]}, "missing_field", "meter"),
        ({"events": [3]}, "invalid_event", ""),
    ]
    for more, code, field in cases:
        answer = await settle(admin, "a", **more)
        told = answer.json()
        assert (answer.status_code, told["code"], told.get("field") or "") == (422, code, field), (more, answer.text)
        assert told["hold"]["state"] == "open"
        assert [one["status"] for one in told["results"]] == ["rejected"]
        kept = (await admin.get(f"/v1/quarantine/{told['results'][0]['quarantine_id']}")).json()
        assert kept["code"] == code
        if field:
            assert '"hold"' in kept["item"]
    assert await wallet(admin) == ("3", "0.5", "2.5")
    # What was refused can be replayed once its cause is mended, and names its hold.
    assert (await settle(admin, "a", quantity=1)).json()["hold"]["state"] == "settled"


async def test_a_settlement_that_cannot_be_understood(admin: httpx.AsyncClient) -> None:
    await begin(admin, credits="3")
    await admin.put("/v1/customers/other", json={})
    await hold(admin, "a")
    for body in (
        {"events": []},
        {"events": {}},
        {"events": [{"id": "e", "meter": "interview"}], "quantity": 1},
        {"events": [{"id": "e", "meter": "interview", "hold": "b"}]},
        {"events": [{"id": "e", "meter": "interview", "customer": "other"}]},
    ):
        answer = await settle(admin, "a", **body)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_settlement"), (body, answer.text)
        assert answer.json()["field"] == "events"
        assert "results" not in answer.json()
    assert await wallet(admin) == ("3", "1", "2")
    assert (await admin.get("/v1/events", params={"customer": "acme"})).json()["data"] == []


async def test_settled_after_it_expired(admin: httpx.AsyncClient, later: Clock) -> None:
    await begin(admin, credits="3")
    await hold(admin, "a", expires_in=60)
    later.ahead = timedelta(seconds=61)
    assert await wallet(admin) == ("3", "0", "3")
    shown = (await admin.get("/v1/holds/a", params={"customer": "acme"})).json()
    assert (shown["state"], shown["charged"]) == ("expired", None)
    released = await admin.post("/v1/holds/a/release", json={"customer": "acme"})
    assert (released.status_code, released.json()) == (200, shown)
    late = (await settle(admin, "a")).json()
    assert (late["accepted"], late["hold"]["state"], late["notice"]["code"]) == (1, "expired", "hold_expired")
    assert await wallet(admin) == ("2", "0", "2")
    assert await receivable(admin, "credit") == "0"
    assert (await settle(admin, "a")).json()["duplicates"] == 1


async def test_settled_when_its_time_was_over_but_nobody_had_noticed(admin: httpx.AsyncClient, later: Clock) -> None:
    await begin(admin, credits="1")
    await hold(admin, "a", expires_in=60)
    later.ahead = timedelta(seconds=61)
    just = (await settle(admin, "a")).json()
    assert just["hold"]["state"] == "settled"
    assert "notice" not in just


async def test_settled_after_it_was_released(admin: httpx.AsyncClient) -> None:
    await begin(admin, credits="1")
    await hold(admin, "a")
    await admin.post("/v1/holds/a/release", json={"customer": "acme"})
    await hold(admin, "b")
    late = (await settle(admin, "a")).json()
    assert (late["accepted"], late["hold"]["state"], late["notice"]["code"]) == (1, "released", "hold_released")
    # The credit is held for another operation, so this one is owed.
    assert await wallet(admin) == ("1", "1", "0")
    assert await receivable(admin, "credit") == "1"


async def test_in_doubt_until_it_is_known(admin: httpx.AsyncClient, later: Clock) -> None:
    await begin(admin, credits="3")
    for name in ("a", "b", "c"):
        await hold(admin, name, expires_in=60)
        answer = await admin.post(f"/v1/holds/{name}/in-doubt", json={"customer": "acme", "note": "timeout"})
        assert answer.status_code == 200, answer.text
        assert (answer.json()["state"], answer.json()["note"]) == ("in_doubt", "timeout")
    later.ahead = timedelta(hours=1)
    assert await wallet(admin) == ("3", "3", "0")
    assert (await settle(admin, "a")).json()["hold"]["state"] == "settled"
    assert (await admin.post("/v1/holds/b/release", json={"customer": "acme"})).json()["state"] == "released"
    refused = await admin.post("/v1/holds/c/in-doubt", json={"customer": "acme", "expires_in": 86_401})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_expiry")
    assert await wallet(admin) == ("2", "1", "1")


async def test_an_estimate_that_was_charged_gives_way_to_what_happened(
    admin: httpx.AsyncClient, app: Tollkeeper, later: Clock
) -> None:
    await begin(admin, credits="3")
    await hold(admin, "a", "interview")
    await admin.post("/v1/holds/a/in-doubt", json={"customer": "acme", "expires_in": 60})
    later.ahead = timedelta(seconds=61)
    desk = app.state.books.desk
    await app.state.books.database.run(lambda tx: sweep(tx, desk, ["acme"], now=clock.now()), pipelined=True)
    shown = (await admin.get("/v1/holds/a", params={"customer": "acme"})).json()
    assert shown | {"state": "expired", "charged": "1", "events": ["a:estimate"]} == shown
    assert await wallet(admin) == ("2", "0", "2")
    late = (await settle(admin, "a", events=[{"id": "e", "meter": "minutes", "quantity": "0.5"}])).json()
    assert late["notice"]["code"] == "hold_expired"
    assert await wallet(admin) == ("2.75", "0", "2.75")


async def test_a_note_may_be_too_long(admin: httpx.AsyncClient) -> None:
    await begin(admin, credits="3")
    await hold(admin, "a")
    for verb in ("release", "in-doubt"):
        answer = await admin.post(f"/v1/holds/a/{verb}", json={"customer": "acme", "note": "x" * 501})
        assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (422, "note_too_long", "note")
