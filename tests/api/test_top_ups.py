"""Top-ups over HTTP: the customer buys on its page, the operator's backend tells that the money came."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tollkeeper.api.openapi import Tollkeeper
from tollkeeper.app import create_app
from tollkeeper.customers import Scope
from tollkeeper.db import Database
from tollkeeper.errors import InvalidInput
from tollkeeper.settings import Settings

from .conftest import calling, secret_of
from .prepaid import Clock
from .shop import buy, furnish, page_of

pytestmark = pytest.mark.anyio


@pytest.fixture
def settings(database_url: str) -> Settings:
    checkout = "https://app.example/pay?top_up={id}&customer={customer}"
    return Settings(database_url=database_url, payments="link", checkout_url=checkout)


async def tell(admin: httpx.AsyncClient, id: str, what: str, customer: str = "acme", **more: Any) -> httpx.Response:
    return await admin.post(f"/v1/top-ups/{id}/{what}", json={"customer": customer} | more)


async def credits(admin: httpx.AsyncClient, customer: str = "acme") -> str:
    wallets = (await admin.get(f"/v1/customers/{customer}/balance")).json()["wallets"]
    return next((one["balance"] for one in wallets if one["unit"] == "credit"), "0")


def code_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_who_never_had_credits_has_none_of_those_for_sale(admin: httpx.AsyncClient) -> None:
    """Fails where a page shows money to a new customer who pays with credits."""
    await furnish(admin)
    async with page_of(admin) as page:
        empty = {"unit": "credit", "balance": "0", "held": "0", "available": "0", "expiring": [], "low": True}
        overview = (await page.get("/v1/portal/overview")).json()
        assert overview["wallets"] == [empty]
        assert overview["warnings"] == []
        await tell(admin, (await buy(page))["id"], "paid", reference="p1")
        wallets = (await page.get("/v1/portal/overview")).json()["wallets"]
        assert [(each["unit"], each["available"]) for each in wallets] == [("credit", "55")]


async def test_what_is_for_sale(admin: httpx.AsyncClient) -> None:
    await furnish(admin)
    async with page_of(admin) as page:
        answer = await page.get("/v1/portal/offers")
    assert answer.status_code == 200
    credit = {
        "unit": "credit",
        "name": "Interview credit",
        "expires_after": "12 months",
        "amounts": [
            {"amount": "5", "price": "5", "currency": "USD"},
            {"amount": "10", "price": "10", "currency": "USD"},
        ],
        "packs": [
            {
                "key": "team",
                "name": "Team",
                "amount": "50",
                "price": "45",
                "currency": "USD",
                "bonus": "5",
                "expires_after": None,
            }
        ],
    }
    money = {
        "unit": "USD",
        "name": "USD",
        "expires_after": None,
        "amounts": [{"amount": "20", "price": "20", "currency": "USD"}],
        "packs": [],
    }
    assert answer.json() == {"allowed": True, "test": False, "data": [credit, money]}


async def test_a_backend_begins_for_its_customer(app: Tollkeeper, admin: httpx.AsyncClient) -> None:
    await furnish(admin)
    asked = {"customer": "acme", "pack": "team"}
    begun = await admin.post("/v1/top-ups", json=asked, headers={"Idempotency-Key": "order-1"})
    assert begun.status_code == 201
    id = begun.json()["id"]
    assert (begun.json()["state"], begun.json()["price"], begun.json()["bonus"]) == ("pending", "45", "5")
    assert begun.json()["checkout_url"] == f"https://app.example/pay?top_up={id}&customer=acme"
    assert begun.json()["created_by"].startswith("test (key toll_")
    again = await admin.post("/v1/top-ups", json=asked | {"id": "order-1"})
    assert (again.status_code, again.json()) == (200, begun.json())
    other = await admin.post("/v1/top-ups", json=asked | {"id": "order-1", "pack": None, "unit": "credit", "amount": 5})
    assert code_of(other) == (409, "top_up_conflict")
    assert await credits(admin) == "0"
    assert (await tell(admin, id, "paid")).status_code == 200
    assert await credits(admin) == "55"
    async with page_of(admin) as page:
        assert [one["id"] for one in (await page.get("/v1/portal/top-ups")).json()["data"]] == [id]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"pack": "team"}, (422, "missing_field")),
        ({"customer": "nobody", "pack": "team"}, (404, "unknown_customer")),
        ({"customer": "acme", "pack": "huge"}, (404, "unknown_pack")),
        ({"customer": "acme", "unit": "credit", "amount": "7"}, (422, "amount_not_offered")),
        ({"customer": "acme", "price": "0"}, (422, "unknown_field")),
    ],
)
async def test_a_backend_is_told_what_is_wrong(
    admin: httpx.AsyncClient, asked: dict[str, Any], found: tuple[int, str]
) -> None:
    await furnish(admin)
    assert code_of(await admin.post("/v1/top-ups", json=asked)) == found


async def test_who_may_only_read_begins_nothing(app: Tollkeeper, database: Database, admin: httpx.AsyncClient) -> None:
    await furnish(admin)
    async with calling(app, await secret_of(database, Scope.READ)) as reader:
        assert (await reader.post("/v1/top-ups", json={"customer": "acme", "pack": "team"})).status_code == 403


async def test_a_customer_buys_and_pays(admin: httpx.AsyncClient) -> None:
    await furnish(admin)
    async with page_of(admin) as page:
        begun = await buy(page, unit="credit", amount="10")
        id = begun["id"]
        assert begun["checkout_url"] == f"https://app.example/pay?top_up={id}&customer=acme"
        assert {name: begun[name] for name in ("state", "unit", "amount", "bonus", "price", "currency", "pack")} == {
            "state": "pending",
            "unit": "credit",
            "amount": "10",
            "bonus": "0",
            "price": "10",
            "currency": "USD",
            "pack": None,
        }
        assert (begun["test"], begun["ended_at"], begun["grant_id"]) == (False, None, None)

        checked = (await admin.get(f"/v1/top-ups/{id}", params={"customer": "acme"})).json()
        assert {**checked, **begun} == checked
        assert (checked["customer"], checked["processor"]) == ("acme", "link")
        assert checked["created_by"].startswith("the customer (portal session ")
        assert await credits(admin) == "0"

        for _ in range(2):
            paid = await tell(admin, id, "paid", reference="ch_1")
            assert paid.status_code == 200
            assert (paid.json()["state"], paid.json()["reference"], paid.json()["late"]) == ("paid", "ch_1", None)
            assert await credits(admin) == "10"
        shown = (await page.get(f"/v1/portal/top-ups/{id}")).json()
        assert (shown["state"], shown["checkout_url"], shown["grant_id"]) == ("paid", None, paid.json()["grant_id"])
        assert not {"processor", "reference", "created_by"} & shown.keys()
    (grant,) = (await admin.get("/v1/customers/acme/grants")).json()["data"]
    assert (grant["id"], grant["kind"], grant["reference"]) == (shown["grant_id"], "paid", f"top-up {id}")
    assert grant["expires_at"] is not None
    assert code_of(await tell(admin, id, "paid", reference="ch_2")) == (409, "paid_otherwise")
    for what in ("failed", "cancel"):
        assert code_of(await tell(admin, id, what)) == (409, "top_up_ended")


async def test_ends_without_money(admin: httpx.AsyncClient, later: Clock) -> None:
    await furnish(admin)
    async with page_of(admin) as page:
        for what, state in (("failed", "failed"), ("cancel", "cancelled")):
            id = (await buy(page))["id"]
            for _ in range(2):
                answer = await tell(admin, id, what, reference="declined")
                assert (answer.json()["state"], answer.json()["reference"]) == (state, "declined")
        given_up = (await buy(page))["id"]
        for _ in range(2):
            assert (await page.post(f"/v1/portal/top-ups/{given_up}/cancel")).json()["state"] == "cancelled"
        waits = (await buy(page))["id"]
    assert await credits(admin) == "0"
    later.ahead = timedelta(hours=24, minutes=1)
    expired = (await admin.get(f"/v1/top-ups/{waits}", params={"customer": "acme"})).json()
    assert (expired["state"], expired["ended_at"]) == ("expired", expired["expires_at"])
    late = (await tell(admin, waits, "paid")).json()
    assert (late["state"], late["late"]) == ("paid", "expired")
    assert await credits(admin) == "55"
    (alert,) = (await admin.get("/v1/alerts")).json()["data"]
    assert (alert["topic"], alert["top_up"], alert["ended"]) == ("top_up_late", waits, "expired")


async def test_lists_go_page_by_page(admin: httpx.AsyncClient) -> None:
    await furnish(admin, "acme", "globex")
    async with page_of(admin) as acme, page_of(admin, "globex") as globex:
        bought = [(await buy(acme))["id"] for _ in range(3)]
        other = (await buy(globex))["id"]
        await tell(admin, bought[1], "paid")

        async def listed(client: httpx.AsyncClient, url: str, **query: Any) -> list[str]:
            found: list[str] = []
            while True:
                answer = (await client.get(url, params=query | {"limit": 2})).json()
                found += [one["id"] for one in answer["data"]]
                if answer["next_cursor"] is None:
                    return found
                query["cursor"] = answer["next_cursor"]

        assert await listed(admin, "/v1/top-ups") == [other, *reversed(bought)]
        assert await listed(admin, "/v1/top-ups", customer="acme") == [*reversed(bought)]
        assert await listed(admin, "/v1/top-ups", state="paid") == [bought[1]]
        assert await listed(admin, "/v1/top-ups", state="pending", customer="globex") == [other]
        assert await listed(acme, "/v1/portal/top-ups") == [*reversed(bought)]
        assert await listed(globex, "/v1/portal/top-ups") == [other]
    assert code_of(await admin.get("/v1/top-ups", params={"cursor": "x"})) == (422, "invalid_cursor")
    assert code_of(await admin.get("/v1/top-ups", params={"customer": "nobody"})) == (404, "unknown_customer")


async def test_one_customers_top_up_is_none_of_anothers(admin: httpx.AsyncClient) -> None:
    await furnish(admin, "acme", "globex")
    async with page_of(admin) as acme, page_of(admin, "globex") as globex:
        id = (await buy(acme))["id"]
        unknown = (404, "unknown_top_up")
        assert code_of(await globex.get(f"/v1/portal/top-ups/{id}")) == unknown
        assert code_of(await globex.post(f"/v1/portal/top-ups/{id}/cancel")) == unknown
        pretended = await globex.post(f"/v1/portal/top-ups/{id}/test-payment", json={"outcome": "paid"})
        assert code_of(pretended) == unknown
        for what in ("paid", "failed", "cancel"):
            assert code_of(await tell(admin, id, what, customer="globex")) == unknown
        assert code_of(await admin.get(f"/v1/top-ups/{id}", params={"customer": "globex"})) == unknown
        assert code_of(await admin.get(f"/v1/top-ups/{uuid4()}", params={"customer": "acme"})) == unknown


async def test_who_may_only_look_buys_nothing(admin: httpx.AsyncClient) -> None:
    await furnish(admin)
    async with page_of(admin) as page, page_of(admin, permissions=["read", "change_plan"]) as looker:
        id = (await buy(page))["id"]
        refused = (403, "portal_permission_missing")
        assert code_of(await looker.post("/v1/portal/top-ups", json={"pack": "team"})) == refused
        assert code_of(await looker.post(f"/v1/portal/top-ups/{id}/cancel")) == refused
        pretended = await looker.post(f"/v1/portal/top-ups/{id}/test-payment", json={"outcome": "paid"})
        assert code_of(pretended) == refused
        assert (await looker.get("/v1/portal/offers")).json()["allowed"] is False
        assert (await looker.get(f"/v1/portal/top-ups/{id}")).json()["state"] == "pending"
        # A portal token tells nobody that the money came, and an API key isn't a page.
        assert (await page.post(f"/v1/top-ups/{id}/paid", json={"customer": "acme"})).status_code == 401
        assert (await admin.get("/v1/portal/offers")).status_code == 401
        assert (await admin.post("/v1/portal/top-ups", json={"pack": "team"})).status_code == 401


@pytest.mark.parametrize(
    ("scope", "method", "path", "status"),
    [
        (Scope.READ, "POST", "paid", 403),
        (Scope.READ, "POST", "failed", 403),
        (Scope.READ, "POST", "cancel", 403),
        (Scope.WRITE, "GET", "", 403),
        (None, "POST", "paid", 401),
    ],
)
async def test_scopes(
    app: Tollkeeper, database: Database, scope: Scope | None, method: str, path: str, status: int
) -> None:
    secret = None if scope is None else await secret_of(database, scope)
    async with calling(app, secret) as client:
        url = f"/v1/top-ups/{uuid4()}{path and '/'}{path}"
        body = {"customer": "acme"} if method == "POST" else None
        assert (await client.request(method, url, json=body, params={"customer": "acme"})).status_code == status


async def test_repeating_is_safe(admin: httpx.AsyncClient) -> None:
    await furnish(admin)
    async with page_of(admin) as page:
        first = await buy(page, id="click-1", unit="credit", amount="5")
        again = await page.post("/v1/portal/top-ups", json={"id": "click-1", "unit": "credit", "amount": 5})
        assert (again.status_code, again.json()) == (200, first)
        header = await page.post(
            "/v1/portal/top-ups", json={"unit": "credit", "amount": "5.0"}, headers={"Idempotency-Key": "click-1"}
        )
        assert (header.status_code, header.json()) == (200, first)
        other = await page.post("/v1/portal/top-ups", json={"id": "click-1", "pack": "team"})
        assert code_of(other) == (409, "top_up_conflict")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"unit": "credit", "amount": "7"}, 422, "amount_not_offered"),
        ({"unit": "EUR", "amount": "5"}, 422, "unit_not_offered"),
        ({"pack": "gone"}, 404, "unknown_pack"),
        ({}, 422, "invalid_top_up"),
        ({"pack": "team", "amount": "5"}, 422, "invalid_top_up"),
        ({"pack": "team", "price": "1"}, 422, "unknown_field"),
        ({"unit": "credit", "amount": "five"}, 422, "invalid_amount"),
        ({"pack": "team", "id": ""}, 422, "invalid_id"),
        ([], 422, "invalid_request"),
    ],
)
async def test_what_isnt_sold_is_refused(admin: httpx.AsyncClient, body: Any, status: int, code: str) -> None:
    await furnish(admin)
    async with page_of(admin) as page:
        assert code_of(await page.post("/v1/portal/top-ups", json=body)) == (status, code)
        assert (await page.get("/v1/portal/top-ups")).json()["data"] == []


async def test_real_payments_cant_be_pretended(admin: httpx.AsyncClient) -> None:
    await furnish(admin)
    async with page_of(admin) as page:
        id = (await buy(page))["id"]
        answer = await page.post(f"/v1/portal/top-ups/{id}/test-payment", json={"outcome": "paid"})
        assert code_of(answer) == (409, "no_test_payment")


@pytest.mark.parametrize("outcome", ["paid", "failed"])
async def test_payments_can_be_pretended_where_that_is_switched_on(
    database: Database, database_url: str, outcome: str
) -> None:
    app = create_app(Settings(database_url=database_url, payments="test"), database)
    async with calling(app, await secret_of(database, Scope.ADMIN)) as admin:
        await furnish(admin)
        async with page_of(admin) as page:
            offers = (await page.get("/v1/portal/offers")).json()
            assert (offers["allowed"], offers["test"]) == (True, True)
            begun = await buy(page)
            assert (begun["test"], begun["checkout_url"]) == (True, None)
            url = f"/v1/portal/top-ups/{begun['id']}/test-payment"
            for _ in range(2):
                assert (await page.post(url, json={"outcome": outcome})).json()["state"] == outcome
            assert code_of(await page.post(url, json={"outcome": "maybe"})) == (422, "invalid_request")
        assert await credits(admin) == ("55" if outcome == "paid" else "0")


async def test_without_a_way_to_pay_nothing_is_sold(database: Database, database_url: str) -> None:
    app = create_app(Settings(database_url=database_url), database)
    async with calling(app, await secret_of(database, Scope.ADMIN)) as admin:
        await furnish(admin)
        async with page_of(admin) as page:
            offers = (await page.get("/v1/portal/offers")).json()
            assert (offers["allowed"], offers["test"]) == (False, False)
            answer = await page.post("/v1/portal/top-ups", json={"pack": "team"})
            assert code_of(answer) == (409, "payments_off")


def test_a_server_that_nobody_could_pay_doesnt_start(database_url: str) -> None:
    with pytest.raises(InvalidInput, match="TOLLKEEPER_CHECKOUT_URL"):
        create_app(Settings(database_url=database_url, payments="link"))
