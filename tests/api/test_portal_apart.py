"""A page shows one customer, and nothing that only the operator should know."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
import structlog
from tests.database.costing import up

from tollkeeper.api import logs
from tollkeeper.api.openapi import Tollkeeper
from tollkeeper.app import create_app
from tollkeeper.customers import Scope
from tollkeeper.db import Database
from tollkeeper.settings import Settings

from .conftest import calling, secret_of
from .portal import FIRST_NAMES, furnish, get, opened, page_of, post, put

pytestmark = pytest.mark.anyio

TELLING = re.compile(
    r"cost|margin|uncosted|provider_payable|variance|created_by|booked_by|price_id|fallback|metadata|note\b|api_key"
)
"""Names of fields, and words, that no answer of a page has."""
TOLD_OF = re.compile(r"provider|_hash")
PROVIDER_IS_SHOWN = "/v1/portal/models"
"""Where the customer sees whose models were called, by name."""

COST = re.compile(r"(?<!\d)0\.00875(?!\d)")
"""As an amount. The seconds of a time may end so too, and have a digit before."""


@pytest.fixture
async def pages(app: Tollkeeper, admin: httpx.AsyncClient) -> AsyncIterator[dict[str, httpx.AsyncClient]]:
    """The pages of two customers, each with everything."""
    await furnish(admin)
    async with page_of(app, admin, "acme") as acme, page_of(app, admin, "globex") as globex:
        yield {"acme": acme, "globex": globex}


def portal_reads(app: Tollkeeper) -> Iterator[str]:
    """The paths of the page's GET routes, as a client with its base URL asks for them."""
    for path, methods in app.openapi()["paths"].items():
        if path.startswith("/v1/portal/") and "get" in methods and not path.endswith("/live"):
            yield path.removeprefix("/v1/portal")


def names_in(value: Any) -> Iterator[str]:
    match value:
        case dict():
            for name, inner in value.items():
                yield str(name)
                yield from names_in(inner)
        case list():
            for inner in value:
                yield from names_in(inner)
        case str():
            yield value


async def read_all(app: Tollkeeper, page: httpx.AsyncClient, customer: str) -> dict[str, str]:
    """Every answer of a page, as JSON and as CSV, with each of the customer's own ids where a path has one."""
    ids = {"{id}": [one["id"] for one in (await get(page, "/events", limit=1000))["data"]]}
    found: dict[str, str] = {}
    for path in portal_reads(app):
        filled = [path.replace("{id}", id) for id in ids["{id}"]] if "{id}" in path and "events" in path else [path]
        for each in filled:
            for accept in ("application/json", "text/csv"):
                answer = await page.get(each, headers={"Accept": accept}, params={"limit": 1000})
                if "{id}" not in each:
                    assert answer.status_code == 200, (each, answer.text)
                found[f"{each} {accept}"] = answer.text
    assert len(found) > 20, found.keys()
    assert any(customer in text for text in found.values())
    return found


async def test_no_answer_tells_what_the_operator_pays(app: Tollkeeper, pages: dict[str, httpx.AsyncClient]) -> None:
    for asked, text in (await read_all(app, pages["acme"], "acme")).items():
        assert not TELLING.search(text), (asked, TELLING.findall(text), text)
        assert not COST.search(text), (asked, text)
        if not asked.startswith("/models"):
            assert not TOLD_OF.search(text), (asked, text)


def test_no_answer_has_a_field_for_it(app: Tollkeeper) -> None:
    document = app.openapi()
    seen: set[str] = set()

    def fields(schema: Any) -> Iterator[str]:
        """The fields of a schema and of all that it refers to."""
        if isinstance(schema, list):
            for one in schema:
                yield from fields(one)
        if not isinstance(schema, dict):
            return
        if (reference := schema.get("$ref")) is not None:
            name = reference.rpartition("/")[2]
            if name not in seen:
                seen.add(name)
                yield from fields(document["components"]["schemas"][name])
        yield from schema.get("properties", {})
        for inner in schema.values():
            yield from fields(inner)

    for path, methods in document["paths"].items():
        if not path.startswith("/v1/portal/"):
            continue
        for method in methods.values():
            seen.clear()
            answers = [answer for status, answer in method["responses"].items() if status.startswith("2")]
            for name in fields(answers):
                assert not TELLING.search(name), (path, name)
                assert path == PROVIDER_IS_SHOWN or not TOLD_OF.search(name), (path, name)


async def test_a_charge_by_cost_is_explained_without_the_cost(pages: dict[str, httpx.AsyncClient]) -> None:
    found = await get(pages["acme"], "/events/acme-call/explanation")
    assert [step["text"] for step in found["steps"]] == [
        "Charged by its AI usage: 0.0109375 USD",
        "Charge of this event: 0.0109375 USD",
    ]
    found = await get(pages["acme"], "/events/acme-unknown/explanation")
    assert [step["text"] for step in found["steps"]] == [
        "What its AI usage comes to isn't known yet",
        "This event has no price yet: its usage is kept, and nothing is charged so far",
    ]


async def test_true_ups_are_explained_without_the_cost(
    app: Tollkeeper, admin: httpx.AsyncClient, pages: dict[str, httpx.AsyncClient]
) -> None:
    for name in ("unknown", "kept"):
        known = {"provider": "openai", "model": "gpt-99", "response_id": f"acme-{name}-2", "cost": "0.4"}
        up = {
            "id": f"acme-{name}-up",
            "customer": "acme",
            "corrects": f"acme-{name}",
            "calls": [known],
            "quantity": "0",
        }
        await post(admin, "/v1/events", up | {"meter": "kept" if name == "kept" else "answer"})
    for asked, text in (await read_all(app, pages["acme"], "acme")).items():
        assert not TELLING.search(text), (asked, text)
        assert '"0.4"' not in text, (asked, text)


async def test_what_changes_the_cost_alone_is_the_operators(
    app: Tollkeeper, pages: dict[str, httpx.AsyncClient]
) -> None:
    await up(app.state.books, "acme-unknown", ("acme-r2", "0.4"), id="charged")
    await up(app.state.books, "acme-kept", ("acme-r3", "0.4"), id="kept")
    events = {one["id"]: one for one in (await get(pages["acme"], "/events"))["data"]}
    assert events["acme-unknown"]["corrected_by"] == ["charged"]
    assert events["acme-kept"]["corrected_by"] == []
    assert "charged" in events
    assert "kept" not in events
    explained = await get(pages["acme"], "/events/acme-kept/explanation")
    assert explained["event"]["corrected_by"] == []


async def test_the_cost_is_shown_where_the_operator_says_so(settings: Settings, database: Database) -> None:
    open_book = create_app(settings.model_copy(update={"portal_shows_cost": True}), database)
    async with calling(open_book, await secret_of(database, Scope.ADMIN)) as admin:
        await furnish(admin)
        async with page_of(open_book, admin) as page:
            found = await get(page, "/events/acme-call/explanation")
    assert "The provider's cost 0.00875 USD + 25 % margin = 0.0109375 USD" in [one["text"] for one in found["steps"]]


async def test_no_answer_is_of_another_customer(app: Tollkeeper, pages: dict[str, httpx.AsyncClient]) -> None:
    for key, other in (("acme", "globex"), ("globex", "acme")):
        for asked, text in (await read_all(app, pages[key], key)).items():
            assert other not in text.lower(), (asked, text)
            assert FIRST_NAMES[other] not in re.findall(r"\w+", text), (asked, text)


async def test_ids_of_another_customer_give_nothing(
    app: Tollkeeper, admin: httpx.AsyncClient, pages: dict[str, httpx.AsyncClient]
) -> None:
    theirs = {
        "event": [one["id"] for one in (await get(pages["globex"], "/events"))["data"]],
        "transaction": [one["transaction_id"] for one in (await get(pages["globex"], "/ledger"))["data"]],
    }
    acme = pages["acme"]
    for id in theirs["event"]:
        answer = await acme.get(f"/events/{id}/explanation")
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_event")
    for id in theirs["transaction"]:
        assert (await get(acme, "/events", transaction=id))["data"] == []
    assert (await get(acme, "/events", member="gus"))["data"] == []
    assert (await get(acme, "/usage", filter="job:globex-job"))["rows"] == []
    limits = (await get(acme, "/limits", member="gus"))["data"]
    assert all(one["member"] is None for one in limits)
    # Where a list goes on is no way out either.
    for path in ("/events", "/ledger", "/grants", "/alerts"):
        cursor = (await get(pages["globex"], path, limit=1))["next_cursor"]
        if cursor is not None:
            assert "globex" not in (await acme.get(path, params={"cursor": cursor})).text
    # Nor is naming a customer: a page has one.
    named = await acme.get("/usage", params={"customer": "globex"})
    assert "globex" not in named.text
    for path in (path for path in portal_reads(app) if "{id}" in path):
        answer = await acme.get(path.replace("{id}", theirs["transaction"][0]))
        assert answer.status_code == 404, path


async def test_nothing_of_a_session_is_logged(
    app: Tollkeeper, settings: Settings, database: Database, capfd: pytest.CaptureFixture[str]
) -> None:
    logging.getLogger("httpx").setLevel(logging.ERROR)  # the test's own client logs what it asks for
    logs.configure(settings.model_copy(update={"log_level": "debug", "log_format": "json"}))
    async with calling(app, await secret_of(database, Scope.ADMIN)) as admin:
        await put(admin, "/v1/customers/acme", {})
        made = await opened(admin)
        link = made["url"].partition("#link=")[2]
        child = await post(admin, "/v1/portal-sessions/exchange", {"link": link})
        secrets = [made["token"], link, child["token"]]
        for token in (made["token"], child["token"], link, made["token"] + "x"):
            header = {"Authorization": f"Bearer {token}"}
            for path in portal_reads(app):
                await admin.get(f"/v1/portal{path}", headers=header, params={"token": token, "link": link})
            await admin.get(f"/billing/{token}", params={"link": link})
            await admin.get(f"/v1/customers/{token}", headers=header)
        await admin.post("/v1/portal-sessions/exchange", json={"link": link + "x"})
        await admin.post("/v1/portal-sessions/exchange", json={"lnk": link})
        await admin.post(f"/v1/portal-sessions/{made['id']}/revoke", params={"customer": "acme"})
    logged = "".join(capfd.readouterr())
    assert "/v1/portal/overview" in logged
    for secret in secrets:
        assert secret not in logged
        assert secret[-20:] not in logged


@pytest.mark.parametrize("form", ["console", "json"])
def test_no_variables_are_logged_with_a_traceback(
    settings: Settings, form: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    logs.configure(settings.model_copy(update={"log_format": form}))
    token = "tollp_" + "x" * 86
    try:
        int(token[:6])
    except ValueError:
        structlog.get_logger().exception("failed")
    logged = capfd.readouterr().err
    assert "ValueError" in logged
    assert token[6:26] not in logged
