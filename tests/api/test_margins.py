"""Calls, costs in explanations, and margins over HTTP."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import httpx
import pytest
from tests.api.conftest import calling, secret_of
from tests.database.costing import CATALOG, call

from tollkeeper.app import create_app
from tollkeeper.customers import Scope
from tollkeeper.db import Database
from tollkeeper.settings import Settings

pytestmark = pytest.mark.anyio

D = Decimal
MODELS = ["gpt-4o", "gpt-4o-mini", "gpt-99", "gpt-4.1"]


async def begin(client: httpx.AsyncClient, *customers: str, catalog: str = CATALOG) -> None:
    answer = await client.put("/v1/catalog", json={"source": catalog})
    assert answer.is_success, answer.text
    for key in customers or ("acme",):
        assert (await client.put(f"/v1/customers/{key}", json={})).status_code == 201


def event(
    id: str, meter: str = "answer", *calls: dict[str, Any], customer: str = "acme", **more: Any
) -> dict[str, Any]:
    own = {"id": id, "customer": customer, "meter": meter, "time": "2026-10-10T12:00:00Z"}
    quantity = {} if meter in ("cv", "people") else {"quantity": "1"}
    return own | quantity | ({"calls": [*calls]} if calls else {}) | more


async def send(client: httpx.AsyncClient, *events: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await client.post("/v1/events", json=[*events])
    assert answer.status_code == 200, answer.text
    return answer.json()["results"]


async def get(client: httpx.AsyncClient, path: str, **params: Any) -> Any:
    answer = await client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


WHOLE = {"from": "2026-10-01T00:00:00Z", "to": "2026-10-30T00:00:00Z"}


async def test_the_explanation_shows_the_arithmetic_of_each_call(admin: httpx.AsyncClient) -> None:
    await begin(admin)
    await send(admin, event("e", "answer", call("r1"), {"provider": "own", "model": "m", "cost": "0.01"}))
    found = await get(admin, "/v1/events/e/explanation", customer="acme")
    assert [step["text"] for step in found["steps"]] == [
        "gpt-4o of openai: 1,500 input tokens × 2.50 USD per 1,000,000 = 0.00375 USD",
        "gpt-4o of openai: 500 output tokens × 10.00 USD per 1,000,000 = 0.005 USD",
        "m of own: 0.01 USD, as it was told",
        "Cost: 0.01875 USD",
        "The provider's cost 0.01875 USD + 25 % margin = 0.0234375 USD",
        "Charge of this event: 0.0234375 USD",
    ]
    assert found["event"]["cost"] == "0.01875"
    assert found["event"]["cost_source"] == "response"
    await send(admin, event("f", "answer", call("r1"), call("r2", model="gpt-99")))
    found = await get(admin, "/v1/events/f/explanation", customer="acme")
    assert [step["text"] for step in found["steps"]][:3] == [
        "The call r1 costs nothing here: it's counted where it was first recorded",
        "gpt-99 of openai is unpriced: the price book doesn't know its model",
        "The event's cost isn't known while one of its calls is unpriced",
    ]


async def test_calls_are_listed_in_pages(reader: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    await begin(admin, "acme", "other")
    events = [event(f"e{i}", "answer", call(f"r{i}", model=MODELS[i % 3])) for i in range(6)]
    await send(admin, *events, event("e0", "answer", call("r0"), customer="other"))
    page = await get(reader, "/v1/calls", limit=4)
    rest = await get(reader, "/v1/calls", limit=4, cursor=page["next_cursor"])
    assert (len(page["data"]), len(rest["data"]), rest["next_cursor"]) == (4, 3, None)
    assert len({(one["customer"], one["id"]) for one in page["data"] + rest["data"]}) == 7
    [found] = (await get(reader, "/v1/calls", customer="acme", event="e0"))["data"]
    assert found["quantities"] == {"input_tokens": "1500", "output_tokens": "500"}
    assert found["lines"][0] | {"price_id": ""} == {
        "unit": "input_tokens", "quantity": "1500", "amount": "2.5", "per": "1000000", "price_id": "",
    }  # fmt: skip
    assert (found["cost"], found["cost_source"], found["open"], found["missing"]) == ("0.00875", "response", False, [])
    unpriced = (await get(reader, "/v1/calls", unpriced=True))["data"]
    assert {one["id"] for one in unpriced} == {"r2", "r5"}
    assert all(one["open"] and one["cost"] is None and one["missing"] == ["model"] for one in unpriced)
    assert len((await get(reader, "/v1/calls", model="gpt-4o-mini", provider="openai"))["data"]) == 2
    assert (await reader.get("/v1/calls", params={"event": "e0"})).json()["code"] == "missing_field"
    table = await reader.get("/v1/calls", params={"customer": "acme"}, headers={"Accept": "text/csv"})
    assert len(table.text.splitlines()) == 7


async def test_alerts_tell_of_unpriced_calls(admin: httpx.AsyncClient) -> None:
    await begin(admin)
    await send(admin, event("e", "answer", call("r1", model="gpt-99"), call("r2", model="gpt-99")))
    [alert] = (await get(admin, "/v1/alerts", customer="acme"))["data"]
    assert (alert["topic"], alert["provider"], alert["model"], alert["event"]) == (
        "call_unpriced", "openai", "gpt-99", "e",
    )  # fmt: skip
    assert (await get(admin, "/v1/customers/acme/overview"))["alerts"] == [alert]


async def test_margins_by_meter_show_what_is_unknown_apart(reader: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    await begin(admin)
    await send(
        admin,
        event("a", "answer", call("r1")),
        event("b", "answer", call("r2", model="gpt-99")),
        event("c", "answer", call("r3", estimated=True)),
        event("d", "answer"),
        event("e", "bare", call("r4", model="gpt-99")),
        event("f", "cv", call("r5")),
    )
    found = await get(reader, "/v1/margins", group_by="meter", **WHOLE)
    rows = {row["group"]["meter"]: row for row in found["data"]}
    assert rows["answer"] | {"start": "", "end": ""} == {
        "start": "", "end": "", "group": {"meter": "answer"}, "unit": "USD", "events": 4, "calls": 0,
        "charge": "1.021875", "cost": "0.0175", "margin": "1.004375", "margin_percent": "5739.29",
        "unpriced": 0, "uncosted": 1, "uncosted_charge": "0.5",
        "estimated": 3, "estimated_charge": "1.0109375", "estimated_cost": "0.00875",
        "without_calls": 1, "without_calls_charge": "0.5",
    }  # fmt: skip
    assert (rows["bare"]["unpriced"], rows["bare"]["uncosted"], rows["bare"]["charge"]) == (1, 1, "0")
    assert (rows["cv"]["margin"], rows["cv"]["margin_percent"]) == ("0.49125", "5614.29")
    assert found["totals"] == [
        {
            "unit": "USD",
            "charge": "1.521875",
            "cost": "0.02625",
            "margin": "1.495625",
            "margin_percent": "5697.62",
            "without_calls_charge": "0.5",
        }
    ]
    assert found["currency"] == "USD"


async def test_by_model_the_charge_is_shared_by_cost(admin: httpx.AsyncClient) -> None:
    await begin(admin)
    # 0.00875, and 0.000525 for gpt-4o-mini.
    await send(admin, event("a", "cv", call("r1"), call("r2", model="gpt-4o-mini"), call("r3")), event("b", "cv"))
    found = await get(admin, "/v1/margins", group_by="provider,model", **WHOLE)
    rows = {row["group"]["model"]: row for row in found["data"]}
    assert {model: (row["events"], row["calls"], row["cost"]) for model, row in rows.items()} == {
        None: (1, 0, "0"), "gpt-4o": (1, 2, "0.0175"), "gpt-4o-mini": (1, 1, "0.000525"),
    }  # fmt: skip
    assert rows["gpt-4o"]["charge"] == "0.485436893204"
    assert sum(D(row["charge"]) for row in rows.values()) == 1
    one = await get(admin, "/v1/margins", group_by="provider", **WHOLE)
    assert [(row["group"]["provider"], row["events"]) for row in one["data"]] == [(None, 1), ("openai", 1)]


ZONES = {"acme": "UTC", "other": "Asia/Kathmandu", "third": "Australia/Lord_Howe"}


async def book_much(client: httpx.AsyncClient) -> None:
    """Usage of customers in zones whose hours begin at different minutes, with and without calls, some taken back."""
    rng = random.Random(7)
    await begin(client, *ZONES)
    for key, zone in ZONES.items():
        assert (await client.put(f"/v1/customers/{key}", json={"timezone": zone})).is_success
    events = []
    for i in range(120):
        calls = [call(f"r{i}-{n}", model=rng.choice(MODELS), tokens=(rng.randint(1, 999), 7)) for n in range(i % 4)]
        one = event(f"e{i}", rng.choice(["answer", "cv", "kept", "bare"]), *calls, customer=rng.choice([*ZONES]))
        minute = rng.choice([0, 15, 29, 30, 45, 59])
        events.append(one | {"time": f"2026-10-{rng.randint(1, 6):02}T{rng.randint(0, 23):02}:{minute:02}:00Z"})
    await send(client, *events)
    back = [one for i, one in enumerate(events) if one["meter"] == "cv" and i % 5 == 0]
    await send(client, *({"id": f"{one['id']} back", "corrects": one["id"]} | _names(one) for one in back))


def _names(one: dict[str, Any]) -> dict[str, Any]:
    return {"customer": one["customer"], "meter": one["meter"]}


async def all_rows(client: httpx.AsyncClient, **params: Any) -> list[dict[str, Any]]:
    """The rows of all pages."""
    rows: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = await get(client, "/v1/margins", limit=7, **params, **cursor)
        rows += page["data"]
        if page["next_cursor"] is None:
            return rows
        cursor = {"cursor": page["next_cursor"]}


async def test_margins_add_up_to_the_ledger_however_they_are_grouped(admin: httpx.AsyncClient) -> None:
    await book_much(admin)
    charge = cost = D(0)
    for key in ZONES:
        for account in (await get(admin, f"/v1/customers/{key}/balance"))["accounts"]:
            charge -= D(account["balance"]) if account["account"] == "revenue" else 0
            cost += D(account["balance"]) if account["account"] == "provider_cost" else 0
    counted = silent = None
    for group_by in ("", "customer", "meter", "day", "model", "customer,provider,day", "job", "hour,member,model"):
        rows = await all_rows(admin, group_by=group_by, sort="margin", **WHOLE)
        assert [sum(D(row[name]) for row in rows) for name in ("charge", "cost")] == [charge, cost], group_by
        assert len({(row["start"], str(row["group"]), row["unit"]) for row in rows}) == len(rows)
        bare = [(row["without_calls"], row["without_calls_charge"]) for row in rows]
        if group_by == "job":
            assert {*bare} == {(None, None)}
        else:
            assert sum(count for count, _ in bare) == 30, group_by
            silent = silent or sum(D(charge) for _, charge in bare)
            assert 0 < sum(D(charge) for _, charge in bare) == silent < charge, group_by
        if "model" not in group_by and "provider" not in group_by:
            names = ("events", "unpriced", "uncosted", "estimated", "uncosted_charge", "estimated_charge")
            sums = [sum(D(row[name]) for row in rows) for name in names]
            assert sums == (counted or sums), group_by
            counted = sums
            assert sums[0] == 120


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-10-02T00:00:00Z", "2026-10-05T00:00:00Z"),
        ("2026-10-02T06:29:30Z", "2026-10-04T21:46:00Z"),
        ("2026-10-03T10:10:00Z", "2026-10-03T10:50:00Z"),
    ],
)
async def test_any_range_is_exact(admin: httpx.AsyncClient, start: str, end: str) -> None:
    await book_much(admin)
    expected: dict[tuple[str, str], list[Decimal]] = {}
    for key in ZONES:
        for one in (await get(admin, "/v1/events", customer=key, limit=1000, **{"from": start, "to": end}))["data"]:
            sums = expected.setdefault((key, one["time"][:10]), [D(0), D(0), D(0)])
            sums[0] += D(one["charge"] or 0)
            sums[1] += D(one["cost"] or 0)
            sums[2] += one["corrects"] is None
    rows = await all_rows(admin, group_by="customer,day", **{"from": start, "to": end})
    found = {
        (row["group"]["customer"], max(row["start"], start)[:10]): [D(row["charge"]), D(row["cost"]), D(row["events"])]
        for row in rows if row["unit"]
    }  # fmt: skip
    assert found == expected


async def test_margins_can_be_had_of_one_customer_and_as_a_table(admin: httpx.AsyncClient) -> None:
    await begin(admin, "acme", "other")
    await send(admin, event("a", "cv", call("r1")), event("b", "cv", customer="other"))
    [row] = (await get(admin, "/v1/margins", customer="acme", **WHOLE))["data"]
    assert (row["events"], row["charge"], row["cost"]) == (1, "0.5", "0.00875")
    table = await admin.get("/v1/margins", params=WHOLE | {"group_by": "customer"}, headers={"Accept": "text/csv"})
    assert table.text.splitlines()[0].startswith("start,end,group.customer,unit,events")
    assert len(table.text.splitlines()) == 3
    for params, code in (
        ({"group_by": "colour"}, "unknown_dimension"),
        ({"group_by": "day,month"}, "invalid_group_by"),
        ({"from": "2026-10-02T00:00:00Z", "to": "2026-10-01T00:00:00Z"}, "invalid_range"),
    ):
        answer = await admin.get("/v1/margins", params=params)
        assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_a_charge_in_credits_has_no_margin_in_money(admin: httpx.AsyncClient) -> None:
    catalog = CATALOG.replace('model = "unit"\namount = "0.50"', 'model = "unit"\nunit = "credit"\namount = "2"')
    await begin(admin, catalog=catalog + "[units.credit]\ndecimals = 0\n")
    await send(admin, event("a", "cv", call("r1")), event("b", "answer", call("r2")))
    rows = {row["unit"]: row for row in (await get(admin, "/v1/margins", **WHOLE))["data"]}
    assert (rows["credit"]["charge"], rows["credit"]["cost"], rows["credit"]["margin"]) == ("2", "0.00875", None)
    assert rows["USD"]["margin"] == "0.0021875"
    assert rows["USD"]["margin_percent"] == "25"


async def test_the_margin_that_is_set_goes_into_prices_that_say_none(settings: Settings, database: Database) -> None:
    app = create_app(settings.model_copy(update={"margin_percent": D("40")}), database)
    async with calling(app, await secret_of(database, Scope.ADMIN)) as client:
        await begin(client)
        [first, second] = await send(client, event("a", "answer", call("r1")), event("b", "bare", call("r2")))
        assert (first["charge"], second["charge"]) == ("0.01225", "0.0175")
        # Another setting changes nothing before the catalog is applied again.
        plan = (await client.post("/v1/catalog/plan", json={"source": CATALOG})).json()
        assert plan["changes"] == []
    app = create_app(settings, database)
    async with calling(app, await secret_of(database, Scope.ADMIN)) as client:
        [third] = await send(client, event("c", "answer", call("r3")))
        assert third["charge"] == "0.01225"
        plan = (await client.post("/v1/catalog/plan", json={"source": CATALOG})).json()
        assert {change["subject"] for change in plan["changes"]} == {"price answer", "price kept", "price capped"}
