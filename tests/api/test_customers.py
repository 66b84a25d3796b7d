"""Customers and members over HTTP."""

from __future__ import annotations

from urllib.parse import quote

import httpx
import pytest

pytestmark = pytest.mark.anyio


async def test_a_customer_is_created_changed_and_found(admin: httpx.AsyncClient) -> None:
    first = await admin.put("/v1/customers/acme", json={"name": "Acme", "currency": "EUR", "timezone": "Europe/Berlin"})
    assert first.status_code == 201
    again = await admin.put("/v1/customers/acme", json={"metadata": {"plan": "gold"}})
    assert again.status_code == 200
    shown = (await admin.get("/v1/customers/acme")).json()
    assert shown == again.json()
    assert shown | {"name": "Acme", "currency": "EUR", "metadata": {"plan": "gold"}} == shown
    assert shown["created_at"].endswith("Z")
    assert "customer_id" not in shown


async def test_repeating_a_put_changes_nothing(admin: httpx.AsyncClient) -> None:
    body = {"name": "Acme", "metadata": {"a": [1, {"b": None}]}}
    first = await admin.put("/v1/customers/acme", json=body)
    second = await admin.put("/v1/customers/acme", json=body)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()


async def test_an_empty_body_creates_a_customer_with_the_catalogs_currency(admin: httpx.AsyncClient) -> None:
    made = await admin.put("/v1/customers/acme", json={})
    assert made.status_code == 201
    assert made.json() | {"name": "acme", "currency": "USD", "timezone": "UTC", "archived_at": None} == made.json()


@pytest.mark.parametrize(
    "key", ["a/b", "a//b", "100%", "%2F", "..", "members", "ä ö", "a?b#c", "a+b", "日本", "{x}", "a%00b"]
)
async def test_any_key_works_percent_encoded(admin: httpx.AsyncClient, key: str) -> None:
    path = f"/v1/customers/{quote(key, safe='').replace('.', '%2E')}"
    made = await admin.put(path, json={"name": "x"})
    assert made.status_code == 201, made.text
    assert made.json()["key"] == key
    assert (await admin.get(path)).json()["key"] == key
    member = await admin.put(f"{path}/members/{quote(key, safe='').replace('.', '%2E')}", json={})
    assert member.json()["key"] == key
    assert [m["key"] for m in (await admin.get(f"{path}/members")).json()["data"]] == [key]


async def test_lists_page_and_search(admin: httpx.AsyncClient) -> None:
    for i in range(7):
        await admin.put(f"/v1/customers/c{i}", json={"name": f"Customer {'even' if i % 2 == 0 else 'odd'} {i}"})
    first = (await admin.get("/v1/customers", params={"limit": 3})).json()
    rest = (await admin.get("/v1/customers", params={"limit": 4, "cursor": first["next_cursor"]})).json()
    assert [c["key"] for c in first["data"] + rest["data"]] == [f"c{i}" for i in range(7)]
    assert rest["next_cursor"] is None
    found = (await admin.get("/v1/customers", params={"search": "EVEN"})).json()
    assert [c["key"] for c in found["data"]] == ["c0", "c2", "c4", "c6"]


async def test_archived_customers_can_be_listed_apart(admin: httpx.AsyncClient) -> None:
    await admin.put("/v1/customers/old", json={"archived": True})
    await admin.put("/v1/customers/new", json={})
    listed = {
        flag: (await admin.get("/v1/customers", params={"archived": flag})).json()["data"] for flag in ("true", "false")
    }
    assert {flag: [c["key"] for c in found] for flag, found in listed.items()} == {"true": ["old"], "false": ["new"]}


async def test_members_belong_to_their_customer(admin: httpx.AsyncClient) -> None:
    await admin.put("/v1/customers/a", json={})
    await admin.put("/v1/customers/b", json={})
    assert (await admin.put("/v1/customers/a/members/ann", json={"name": "Ann"})).status_code == 201
    assert (await admin.put("/v1/customers/a/members/ann", json={"name": "Anna"})).status_code == 200
    assert (await admin.get("/v1/customers/a/members/ann")).json()["name"] == "Anna"
    missing = await admin.get("/v1/customers/b/members/ann")
    assert (missing.status_code, missing.json()["code"]) == (404, "unknown_member")
    nobody = await admin.put("/v1/customers/c/members/ann", json={})
    assert (nobody.status_code, nobody.json()["code"]) == (404, "unknown_customer")


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"currency": "DOLLARS"}, "unknown_currency", "currency"),
        ({"timezone": "Mars/Olympus"}, "unknown_timezone", "timezone"),
        ({"name": ""}, "invalid_name", "name"),
        ({"name": "x" * 501}, "name_too_long", "name"),
        ({"metadata": {"x": "y" * 20_000}}, "metadata_too_large", "metadata"),
        ({"metadata": []}, "invalid_request", "metadata"),
        ({"nmae": "typo"}, "invalid_request", "nmae"),
        ({"archived": 1}, "invalid_request", "archived"),
    ],
)
async def test_bad_values_are_told_with_their_field(
    admin: httpx.AsyncClient, body: dict[str, object], code: str, field: str
) -> None:
    answer = await admin.put("/v1/customers/acme", json=body)
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (422, code, field)
    assert (await admin.get("/v1/customers/acme")).status_code == 404
