"""What can't be accepted: each gets its code and field, waits in quarantine, and takes no neighbour with it."""

from __future__ import annotations

import ast
import json
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

import tollkeeper
from faults.arithmetic import CATALOG
from faults.bad_items import BODIES, CASES, EXTRA, JSON, NDJSON, STORED, Case, call, event
from tollkeeper import clock

pytestmark = pytest.mark.anyio

SOURCES = Path(tollkeeper.__file__).parent


@pytest.fixture
async def client(admin: httpx.AsyncClient) -> httpx.AsyncClient:
    assert (await admin.put("/v1/catalog", json={"source": CATALOG + EXTRA})).is_success
    assert (await admin.put("/v1/customers/acme", json={})).is_success
    assert (await admin.put("/v1/customers/gone", json={"archived": True})).is_success
    answer = await admin.post("/v1/events", json=STORED)
    assert answer.json()["accepted"] == len(STORED), answer.text
    return admin


class Neighbours:
    """Good events around a bad one; how many there have been."""

    def __init__(self) -> None:
        self.count = 0

    def around(self, text: bytes, joint: bytes) -> bytes:
        self.count += 2
        before, after = (json.dumps(event(id=f"good {self.count - i}")).encode() for i in (1, 0))
        return joint.join([before, text, after])


async def faults_of(client: httpx.AsyncClient, one: Case, neighbours: Neighbours) -> list[str]:
    """What is wrong with the answers about one case: alone, in an array, in NDJSON."""
    wrong: list[str] = []
    refused = 409 if one.code == "event_conflict" else 422
    whole = one.text.lstrip()[:1] != b"{"  # alone it's no event, but an unreadable body or an array

    def hold(what: str, found: object, expected: object) -> None:
        if found != expected:
            wrong.append(f"{one.name}: {what} is {str(found)[:300]}, not {expected}")

    async def send(body: bytes, headers: dict[str, str], expected: int) -> dict[str, Any]:
        answer = await client.post("/v1/events", content=body, headers=headers)
        hold("the status", answer.status_code, expected)
        hold("the type", answer.headers["content-type"], f"application/{'' if expected == 207 else 'problem+'}json")
        return answer.json()

    if not whole:
        alone = await send(one.text, JSON, refused)
        hold("the code", (alone["code"], alone.get("field")), (one.code, one.field))
        hold("the result", alone["results"][0]["error"]["code"], one.code)
    if one.splits:
        found = await send(b"[" + neighbours.around(one.text, b",") + b"]", JSON, 207)
        hold("in an array", _summary(found), ("accepted", one.code, one.field, "accepted"))
    else:
        found = await send(b"[" + neighbours.around(one.text, b",") + b"]", JSON, 400)
        neighbours.count -= 2
        hold("the array's code", found["code"], one.code)
    found = await send(neighbours.around(one.text, b"\n"), NDJSON, 207)
    hold("in NDJSON", _summary(found), ("accepted", one.code, one.field, "accepted"))
    if not wrong:
        held = (await client.get(f"/v1/quarantine/{found['results'][1]['quarantine_id']}")).json()
        hold("in quarantine", (held["code"], held["field"], held["status"]), (one.code, one.field, "open"))
        hold("the attempts", held["attempts"], 1 + (not whole) + one.splits)
        if one.name.isascii() and not one.code.startswith(("invalid_utf8", "invalid_json")):
            hold("the item", _decimals(held["item"]), _decimals(one.text.decode()))
    return wrong


def _summary(found: dict[str, Any]) -> tuple[Any, ...]:
    if "results" not in found:
        return (found["code"],)
    before, bad, after = found["results"]
    return before["status"], bad["error"]["code"], bad["error"].get("field"), after["status"]


def _decimals(text: str) -> Any:
    return _normal(json.loads(text, parse_int=str, parse_float=str))


def _normal(value: Any) -> Any:
    """The same for 1, "1" and 1e0, which are one quantity, and for a field that is null or left out."""
    match value:
        case dict():
            return {name: _normal(each) for name, each in value.items() if each is not None}
        case list():
            return [_normal(each) for each in value]
        case str():
            with suppress(InvalidOperation):
                return str(Decimal(value))
    return value


async def test_each_bad_item_is_told_kept_and_alone(client: httpx.AsyncClient) -> None:
    wrong: list[str] = []
    neighbours = Neighbours()
    for one in CASES:
        wrong += await faults_of(client, one, neighbours)
    assert not wrong, "\n".join(wrong)
    total = (await client.get("/v1/usage", params={"customer": "acme", "meter": "plain"})).json()["rows"]
    assert [row["events"] for row in total] == [neighbours.count + 2]
    page = (await client.get("/v1/quarantine", params={"limit": 1000})).json()
    assert len(page["data"]) == len({one.text for one in CASES})


async def test_bodies_that_cannot_be_told_apart(client: httpx.AsyncClient) -> None:
    for body, headers, status, code in BODIES:
        answer = await client.post("/v1/events", content=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (status, code), (body[:40], answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
    assert (await client.get("/v1/quarantine")).json()["data"] == []


async def test_a_body_without_announced_length_is_limited_too(client: httpx.AsyncClient) -> None:
    async def endless() -> Any:
        for _ in range(1000):
            yield b" " * 1000

    answer = await client.post("/v1/events", content=endless(), headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


async def test_a_time_may_lie_five_minutes_ahead(client: httpx.AsyncClient) -> None:
    for id, seconds, status in (("just", 290, 200), ("beyond", 310, 422)):
        time = clock.in_utc(clock.now() + timedelta(seconds=seconds))
        assert (await client.post("/v1/events", json=event(id=id, time=time))).status_code == status


async def test_the_same_key_twice_in_an_object_counts_as_its_last(client: httpx.AsyncClient) -> None:
    body = b'{"id": "a", "customer": "acme", "meter": "plain", "quantity": "1", "quantity": "5", "id": "twice"}'
    assert (await client.post("/v1/events", content=body, headers=JSON)).status_code == 200
    assert (await client.get("/v1/events/twice", params={"customer": "acme"})).json()["quantity"] == "5"


ODD_BUT_GOOD = [
    {"id": "nested", "metadata": {"a": json.loads("[" * 200 + "]" * 200)}},
    {"id": "big", "metadata": {"a": 2**64, "b": 10**40, "c": -(10**30), "d": 1e300, "e": 1e23, "f": 5e-324}},
    {"id": "zeros", "quantity": "1." + "0" * 60},
    {"id": "nothing", "quantity": "0e15"},
    {"id": "minus nothing", "quantity": "-0"},
    {"id": "scaled", "quantity": "25e-1"},
    {"id": "exponent", "quantity": 1e2},
    {"id": "a/b%2F?#\\\"'\n\t{},NULL", "member": 'x",\\"{}', "dimensions": {"job": '\\",{}', "region": ""}},
    {"id": "NULL", "member": "null", "metadata": {"\\u0000": "\\\\u0000"}},
    {"id": "amount", "meter": "taken", "amount": "0e15"},
    {"id": "amount 2", "meter": "taken", "amount": "1." + "0" * 60},
    {"id": "cost 2", "meter": "costly", "calls": [call(cost="0e15"), call(cost="2.50"), call(cost=2.50)]},
    {"id": "ééé" * 66, "member": "\U0001f600" * 100},
    {"id": "soon", "time": (clock.now() + timedelta(minutes=4)).isoformat()},
    {"id": "1970", "time": "1970-01-01T00:00:00Z"},
    {"id": "offset", "time": "2026-03-01T12:00:00.123456+05:45"},
]


async def test_odd_but_good_events_are_stored_shown_and_repeatable(client: httpx.AsyncClient) -> None:
    wrong: list[str] = []
    for fields in ODD_BUT_GOOD:
        one = event() | fields
        body = json.dumps([one])
        for status in ("accepted", "duplicate"):
            answer = await client.post("/v1/events", content=body, headers=JSON)
            found = answer.json().get("results", [{}])[0]
            if (answer.status_code, found.get("status")) != (200, status):
                wrong.append(f"{one['id'][:20]}: {answer.status_code} {found or answer.text}, not {status}")
    listed = await client.get("/v1/events", params={"customer": "acme", "limit": 1000})
    assert listed.status_code == 200, listed.text
    assert not wrong, "\n".join(wrong)
    shown = {one["id"]: one for one in listed.json()["data"]}
    assert shown["scaled"]["quantity"] == "2.5"
    assert shown["nothing"]["quantity"] == "0"
    assert shown["minus nothing"]["quantity"] == "0"
    assert shown["zeros"]["quantity"] == "1"
    assert shown["exponent"]["quantity"] == "100"
    assert shown["offset"]["time"] == "2026-03-01T06:15:00.123456Z"
    assert shown["big"]["metadata"]["b"] == 10**40
    nasty = ODD_BUT_GOOD[7]
    assert {name: shown[nasty["id"]][name] for name in nasty} == nasty
    for one_id in shown:
        one = await client.get(f"/v1/events/{quote(one_id, safe='')}", params={"customer": "acme"})
        assert one.json() == shown[one_id], one_id


def codes_in(file: Path) -> set[str]:
    """The codes that a source file can answer with: what it gives to a reason or an error as the first argument."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in {
            "Reason", "MalformedBody", "BodyTooLarge", "InvalidInput", "Conflict", "NotFound",
        }:  # fmt: skip
            match node.args[0]:
                case ast.Constant(value=str(code)):
                    found.add(code)
                case ast.JoinedStr(values=parts):  # f"invalid_{field}", in the check of numbers
                    for field in ("quantity", "amount", "cost"):
                        found.add("".join(p.value if isinstance(p, ast.Constant) else field for p in parts))
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "_BY_FIELD":
            found |= {
                part.value for part in ast.walk(node.value) if isinstance(part, ast.Constant) and "_" in str(part.value)
            }
    return found


def test_every_code_in_the_source_is_exercised() -> None:
    names = ("events/read.py", "events/check.py", "gate/place.py", "gate/correct.py", "gate/record.py")
    files = [SOURCES / name for name in names]
    known = set().union(*map(codes_in, files))
    assert len(known) > 50
    exercised = {one.code for one in CASES} | {code for *_, code in BODIES}
    assert known - exercised == set()
    page = (Path(__file__).parents[2] / "docs/reference/events.md").read_text()
    assert {code for code in known if f"`{code}`" not in page} == set()
