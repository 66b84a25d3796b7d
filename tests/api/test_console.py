"""The console's routes: the list of customers page by page, the summary, what is unpriced, and health."""

from __future__ import annotations

import httpx
import pytest
from tests.database.listing import CATALOG

from tollkeeper import __version__, clock
from tollkeeper.console import refresh_figures
from tollkeeper.db import Database, migrations

pytestmark = pytest.mark.anyio

PLANS = '[plans.pro]\nname = "Pro"\n'
LIST = "/v1/console/customers"


async def furnish(admin: httpx.AsyncClient, database: Database) -> None:
    """Five customers: each has used more than the one before; the last one pays in euro."""
    await admin.put("/v1/catalog", json={"source": CATALOG + PLANS})
    for n in range(5):
        body = {"name": f"Firm {5 - n}", "currency": "EUR" if n == 4 else "USD"}
        assert (await admin.put(f"/v1/customers/c{n}", json=body)).status_code == 201
    cost = [{"provider": "openai", "model": "gpt-4o", "response_id": "r1", "cost": "0.4"}]
    events = [{"id": f"e{n}", "customer": f"c{n}", "meter": "minute", "quantity": str(n)} for n in range(1, 4)]
    events[0] |= {"calls": cost}  # type: ignore[dict-item]
    events += [
        {"id": "i1", "customer": "c1", "meter": "interview"},
        {"id": "q1", "customer": "c2", "meter": "question"},
    ]
    events[-1] |= {"quantity": "2"}
    events += [{"id": "bad", "customer": "nobody", "meter": "minute", "quantity": "1"}]
    answer = (await admin.post("/v1/events", json=events)).json()
    assert (answer["accepted"], answer["rejected"]) == (5, 1), answer
    await admin.post("/v1/customers/c1/grants", json={"id": "g", "unit": "credit", "amount": "7"})
    await admin.put("/v1/customers/c1/plan", json={"plan": "pro"})
    while not await database.run(lambda tx: refresh_figures(tx, "USD", now=clock.now())):
        pass  # the server's own round is under way


async def test_a_new_customer_is_listed_at_once(admin: httpx.AsyncClient) -> None:
    """Not only when a round has added up its figures."""
    await admin.put("/v1/customers/fresh", json={})
    await admin.put("/v1/customers/foreign", json={"currency": "EUR"})
    for query in ("", "&search=f", "&archived=false"):
        for sort in ("key", "name", "spent", "-spent", "margin", "-margin", "owed", "balance", "-balance"):
            found = (await admin.get(f"{LIST}?sort={sort}{query}")).json()["data"]
            told = {one["key"]: (one["spent"], one["margin"]) for one in found}
            assert told == {"fresh": ("0", "0"), "foreign": ("0", None)}, (sort, query)


async def test_the_list_pages_in_the_order_that_is_asked_for(admin: httpx.AsyncClient, database: Database) -> None:
    await furnish(admin, database)
    for sort, wanted in (
        ("key", "c0 c1 c2 c3 c4"),
        ("-key", "c4 c3 c2 c1 c0"),
        ("name", "c4 c3 c2 c1 c0"),
        ("-spent", "c3 c2 c1 c4 c0"),
        ("-margin", "c3 c2 c1 c0 c4"),
        ("-balance&unit=credit", "c1 c4 c3 c2 c0"),
    ):
        seen, cursor = [], None
        while True:
            path = f"{LIST}?sort={sort}&limit=2" + (f"&cursor={cursor}" if cursor else "")
            page = (await admin.get(path)).json()
            seen += [one["key"] for one in page["data"]]
            if (cursor := page["next_cursor"]) is None:
                break
        assert seen == wanted.split(), sort


async def test_a_row_says_what_there_is_to_say(admin: httpx.AsyncClient, database: Database) -> None:
    await furnish(admin, database)
    answer = (await admin.get(LIST, params={"search": "C1"})).json()
    (row,) = answer["data"]
    assert answer["as_of"].endswith("Z")
    assert answer["currency"] == "USD"
    assert row.pop("last_event_at").endswith("Z")
    assert row == {
        "key": "c1",
        "name": "Firm 4",
        "currency": "USD",
        "timezone": "UTC",
        "plan": "pro",
        "spent": "0.5",
        "also_spent": [{"unit": "credit", "amount": "1"}],
        "cost": "0.4",
        "margin": "0.1",
        "margin_percent": "25",
        "balance": [{"unit": "credit", "available": "7"}],
        "owed": "0.5",
        "unpriced": 0,
        "archived_at": None,
        "suspended_at": None,
    }
    (euro,) = (await admin.get(LIST, params={"search": "c4"})).json()["data"]
    assert (euro["margin"], euro["margin_percent"], euro["spent"]) == (None, None, "0")
    await admin.put("/v1/customers/c0", json={"archived": True})
    gone = (await admin.get(LIST, params={"archived": True, "sort": "-spent"})).json()["data"]
    assert [one["key"] for one in gone] == ["c0"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("sort=price", "invalid_request"),
        ("sort=--key", "invalid_request"),
        ("cursor=x", "invalid_cursor"),
        ("cursor=WyJrZXkiXQ", "invalid_cursor"),
        ("sort=-key&cursor=WyJrZXkiLCJhIiwiIiwiIl0", "invalid_cursor"),  # another order's
        ("cursor=WyJrZXkiLCJhIiwibmFuIiwiIl0", "invalid_cursor"),
        ("cursor=WyJrZXkiLCJhIiwieCIsIiJd", "invalid_cursor"),
        ("limit=0", "invalid_request"),
    ],
)
async def test_what_makes_no_sense_is_refused(admin: httpx.AsyncClient, query: str, code: str) -> None:
    answer = await admin.get(f"{LIST}?{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_the_summary_and_what_is_unpriced(admin: httpx.AsyncClient, database: Database) -> None:
    await furnish(admin, database)
    told = (await admin.get("/v1/console/summary")).json()
    assert told["as_of"].endswith("Z")
    assert (told["customers"], told["unpriced"], told["quarantine"], told["holds"]) == (5, 1, 1, 0)
    credits, euros, dollars = ({"unit": unit, "amount": amount} for unit, amount in (
        ("credit", "1"), ("EUR", "0"), ("USD", "3")))  # fmt: skip
    assert told["month"] == {
        "events": 5,
        "spent": [euros, dollars, credits],
        "cost": "0.4",
        "margin": "2.6",
    }
    unpriced = (await admin.get("/v1/console/unpriced")).json()
    (meter,) = unpriced["meters"]
    assert (meter["meter"], meter["name"], meter["events"], unpriced["models"]) == ("question", "Question", 1, [])


async def test_open_holds_of_all_customers_are_listed(admin: httpx.AsyncClient, database: Database) -> None:
    await furnish(admin, database)
    for n in range(3):
        body = {"id": f"h{n}", "customer": f"c{n}", "meter": "minute", "quantity": "1"}
        assert (await admin.post("/v1/holds", json=body)).status_code == 201
    await admin.post("/v1/holds/h1/in-doubt", json={"customer": "c1"})
    await admin.post("/v1/holds/h2/release", json={"customer": "c2"})
    for states, wanted in ((["open"], ["h0"]), (["in_doubt"], ["h1"]), (["open", "in_doubt"], ["h1", "h0"])):
        found = (await admin.get("/v1/holds", params={"state": states})).json()["data"]
        assert [one["id"] for one in found] == wanted
    told = (await admin.get("/v1/console/summary")).json()
    assert (told["holds"], told["holds_in_doubt"]) == (2, 1)


async def test_health_is_told(admin: httpx.AsyncClient) -> None:
    await admin.put("/v1/catalog", json={"source": CATALOG + PLANS})
    told = (await admin.get("/v1/console/health")).json()
    newest = migrations()[-1].version
    assert (told["version"], told["catalog_version"], told["newest_migration"]) == (__version__, 1, newest)
    assert told["database"]["migration"] == newest
    assert told["database"]["bytes"] > 0
    assert told["price_book"]
    assert told["pool"]["open"] >= told["pool"]["idle"]
