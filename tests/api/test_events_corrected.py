"""Corrections: what was reported wrongly is taken back, wholly or in part, at the price it was charged."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from faults.arithmetic import CATALOG, DOCUMENT, F, billed, event_price, period_price, sum_of
from faults.calls import accept, all_events, assert_sound, books_of, get, prepare, send, statuses

pytestmark = pytest.mark.anyio

NOON = "2026-11-01T12:00:00Z"


@pytest.fixture
async def client(admin: httpx.AsyncClient) -> httpx.AsyncClient:
    await prepare(admin, CATALOG, "acme")
    return admin


def event(id: str = "1", meter: str = "plain", **fields: Any) -> dict[str, Any]:
    return {"id": id, "customer": "acme", "meter": meter, "quantity": "4", "time": NOON} | fields


def correction(of: str, quantity: Any = "-4", id: str = "c", meter: str = "plain", **fields: Any) -> dict[str, Any]:
    return {"id": id, "customer": "acme", "meter": meter, "quantity": quantity, "corrects": of} | fields


async def total(client: httpx.AsyncClient, meter: str) -> tuple[Any, ...]:
    """What the meter came to in all time, however the time is cut."""
    found = []
    for window in ("total", "month", "day", "hour"):
        params = {"meter": meter, "from_": "2026-10-20T00:00:00Z", "to": "2026-11-10T00:00:00Z", "window": window}
        [row] = (await get(client, "/v1/usage", customer="acme", **params))["rows"]
        found.append((row["events"], F(row["quantity"]), F(row["charge"]), F(row["cost"])))
    assert len(set(found)) == 1, found
    return found[0]


async def test_a_correction_inherits_and_is_linked_both_ways(client: httpx.AsyncClient) -> None:
    await accept(client, event(member="ann", dimensions={"job": "7"}))
    [answer] = await accept(client, correction("1", "-1.5"))
    assert answer["charge"] == "-0.375"
    original, mended = [await get(client, f"/v1/events/{id}", customer="acme") for id in ("1", "c")]
    assert (original["corrected_by"], original["corrects"]) == (["c"], None)
    assert (mended["corrected_by"], mended["corrects"]) == ([], "1")
    for name in ("time", "member", "dimensions", "price_id", "meter", "unit"):
        assert original[name] == mended[name], name
    assert (original["quantity"], original["charge"]) == ("4", "1")
    assert await total(client, "plain") == (2, F("2.5"), F("0.625"), 0)
    kinds = (await get(client, "/v1/customers/acme/ledger"))["data"]
    assert [(one["kind"], one["amount"]) for one in kinds] == [("usage_credit", "0.375"), ("usage", "1")]
    await assert_sound(client, books_of(client))


FULL: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("plain", {"quantity": "0.123"}, {"quantity": "-0.123"}),
    ("thirds", {"quantity": "7"}, {"quantity": "-7"}),
    ("tiered", {"quantity": "33.33"}, {"quantity": "-33.33"}),
    ("volume", {"quantity": "21"}, {"quantity": "-21"}),
    ("packs", {"quantity": "0.1"}, {"quantity": "-0.1"}),
    ("taken", {"quantity": "1", "amount": "99.99"}, {"quantity": "-1", "amount": "-99.99"}),
    ("calls", {"quantity": None}, {"quantity": None}),
    ("calls", {"quantity": "1"}, {"quantity": "-1"}),
    ("unpriced", {"quantity": "3"}, {"quantity": "-3"}),
    (
        "costly",
        {"quantity": "2", "calls": [{"provider": "p", "model": "m", "cost": "0.4"}]},
        {"quantity": "-2", "calls": [{"provider": "p", "model": "m", "cost": "-0.4"}]},
    ),
    ("costly", {"quantity": "2"}, {"quantity": "-2"}),
]


@pytest.mark.parametrize("together", [True, False])
async def test_taken_back_wholly_nothing_is_left(client: httpx.AsyncClient, together: bool) -> None:
    """Before it and after it there is other usage, so that tiers and packages are somewhere in the middle."""
    for i, (meter, fields, back) in enumerate(FULL):
        extra = {name: fields[name] for name in fields if name != "quantity"}
        others = [
            event(f"{i} {when}", meter) | {"quantity": None if meter == "calls" else "5"} | extra for when in "ab"
        ]
        await accept(client, others[0])
        wrong, mended = event(f"{i}", meter, **fields), correction(f"{i}", id=f"{i} c", meter=meter, **back)
        if together:
            await accept(client, mended, wrong)
        else:
            await accept(client, wrong)
            await accept(client, others[1])
            await accept(client, mended)
    await assert_sound(client, books_of(client))
    for meter in {meter for meter, *_ in FULL}:
        mine = [one for one in await all_events(client, "acme", meter=meter) if one["id"].split()[-1] in "ab"]
        events, quantity, charge, cost = await total(client, meter)
        times = [name for name, *_ in FULL].count(meter)
        assert events == times * 2 + len(mine)
        assert quantity == sum_of(one["billed"] for one in mine), meter
        price = DOCUMENT["prices"].get(meter)
        if price is None:
            assert charge == 0
        elif price["model"] in ("percentage", "cost_plus"):
            assert charge == sum_of(one["charge"] for one in mine), meter
            assert cost == sum_of(one["cost"] for one in mine), meter
        else:
            assert charge == period_price(price, quantity), meter


async def test_parts_follow_one_another_until_nothing_is_left(client: httpx.AsyncClient) -> None:
    """With a minimum and rounding up, each part is the difference of two billed quantities."""
    meter, price = DOCUMENT["meters"]["packs"], DOCUMENT["prices"]["packs"]
    await accept(client, event(meter="packs", quantity="3.1"))
    left = F("3.1")
    for i, part in enumerate(("0.05", "0.1", "1.9", "0.9", "0.1")):
        [answer] = await accept(client, correction("1", f"-{part}", f"c{i}", "packs"))
        before, left = left, left - F(part)
        assert F(answer["charge"]) == period_price(price, billed(meter, left)) - period_price(
            price, billed(meter, before)
        )
        assert (await total(client, "packs"))[1] == billed(meter, left)
    assert await statuses(client, correction("1", "-0.1", "c9", "packs")) == ["correction_exceeds_original"]
    assert (await get(client, "/v1/events/1", customer="acme"))["corrected_by"] == ["c0", "c1", "c2", "c3", "c4"]
    assert await accept(client, correction("1", "-0.05", "c5", "packs"))
    assert (await total(client, "packs"))[1:] == (0, 0, 0)
    await assert_sound(client, books_of(client))


async def test_several_in_one_request_share_what_is_left(client: httpx.AsyncClient) -> None:
    batch = [event(), *[correction("1", "-1.5", f"c{i}") for i in range(3)]]
    assert await statuses(client, *batch) == ["accepted", "accepted", "accepted", "correction_exceeds_original"]
    assert await total(client, "plain") == (3, F(1), F("0.25"), 0)


async def test_a_correction_may_add(client: httpx.AsyncClient) -> None:
    await accept(client, event(meter="tiered"), correction("1", "8.5", meter="tiered"))
    assert (await total(client, "tiered"))[2] == period_price(DOCUMENT["prices"]["tiered"], F("12.5"))


async def test_what_cannot_be_corrected(client: httpx.AsyncClient) -> None:
    await accept(client, event(), correction("1", "-1"))
    await accept(client, event("g", "gauge"), event("p", "people", quantity=None, member="a"))
    found = await statuses(
        client,
        correction("c", "-1", "c2"),
        correction("nothing", "-1", "c3"),
        correction("1", "-3.5", "c4"),
        correction("1", "-1", "c5", "thirds"),
        correction("g", "-1", "c6", "gauge"),
        correction("p", None, "c7", "people"),
        correction("c9", "-1", "c9"),
        correction("1", "-1", "c10", time=NOON),
    )
    assert found == [
        "invalid_correction", "unknown_event", "correction_exceeds_original", "invalid_correction",
        "correction_not_supported", "correction_not_supported", "invalid_correction", "invalid_correction",
    ]  # fmt: skip
    assert len((await get(client, "/v1/quarantine"))["data"]) == 8
    assert await total(client, "plain") == (2, F(3), F("0.75"), 0)


async def test_another_customers_event_is_unknown(client: httpx.AsyncClient) -> None:
    await prepare(client, CATALOG, "bolt")
    await accept(client, event())
    assert await statuses(client, correction("1") | {"customer": "bolt"}) == ["unknown_event"]


async def test_the_price_stays_the_originals(client: httpx.AsyncClient) -> None:
    """Also where the new price goes by something that the correction doesn't bring."""
    await accept(client, event(), event("2", "taken", amount="50"))
    await accept(client, event("3", "tiered"), event("4", "taken", amount="1"))
    changed = CATALOG.replace('model = "unit"\namount = "0.25"', 'model = "percentage"\npercent = "50"')
    changed = changed.replace('percent = "2.9"', 'percent = "90"').replace('amount = "0.70"', 'amount = "70"')
    await prepare(client, changed)
    shown = await accept(
        client,
        correction("1", "-2"),
        correction("2", "-4", "d", "taken", amount="-50"),
        correction("3", "-2", "e", "tiered"),
    )
    tiered = DOCUMENT["prices"]["tiered"]
    assert [F(one["charge"]) for one in shown] == [
        F("-0.5"),
        -(event_price(DOCUMENT["prices"]["taken"], F(4), F(50), None) or 0),
        period_price(tiered, F(2)) - period_price(tiered, F(4)),
    ]
    assert await statuses(client, correction("4", "-1", "f", "taken")) == ["missing_field"]
    await assert_sound(client, books_of(client))


async def test_a_percentage_is_computed_anew(client: httpx.AsyncClient) -> None:
    price = DOCUMENT["prices"]["taken"]
    await accept(client, event(meter="taken", quantity="1", amount="800"))
    [answer] = await accept(client, correction("1", "0", meter="taken", amount="-795"))
    assert F(answer["charge"]) == F("0.50") - F("20.00")
    [answer] = await accept(client, correction("1", "-1", "d", "taken", amount="-5"))
    assert F(answer["charge"]) == -F("0.50")
    assert event_price(price, F(1), F(5), None) == F("0.50")
    assert (await total(client, "taken"))[1:] == (0, 0, 0)


async def test_the_true_cost_replaces_the_estimate(client: httpx.AsyncClient) -> None:
    """A call whose cost isn't known is estimated; corrections bring the cost, in parts."""
    unknown = [{"provider": "p", "model": "m"}]
    [first] = await accept(client, event(meter="costly", quantity="2", calls=unknown))
    assert F(first["charge"]) == F("1.01")
    assert (await get(client, "/v1/customers/acme/overview"))["estimated"] == 1
    calls = [{"provider": "p", "model": "m", "cost": "0.8"}]
    [second] = await accept(client, correction("1", "0", "c1", "costly", calls=calls))
    assert F(second["charge"]) == F("1.01") - F("1.01")
    [third] = await accept(client, correction("1", "0", "c2", "costly", calls=calls))
    assert F(third["charge"]) == 1
    assert await total(client, "costly") == (3, F(2), F("2.01"), F("1.6"))
    for id in ("1", "c1", "c2"):
        shown = await get(client, f"/v1/events/{id}/explanation", customer="acme")
        assert "price" in shown["steps"][-1]["figures"] or shown["steps"], id
    steps = (await get(client, "/v1/events/1/explanation", customer="acme"))["steps"]
    assert [step["name"] for step in steps[-4:]] == ["charge", "corrected_by", "corrected_by", "in_all"]
    assert F(steps[-1]["figures"]["charge"]) == F("2.01")
    await assert_sound(client, books_of(client))


async def test_a_corrections_postings_are_of_its_own_time(client: httpx.AsyncClient) -> None:
    """The period's total moves where the event was, and history isn't edited: the ledger gets new entries."""
    await accept(client, event("old", "volume", quantity="20", time="2026-10-31T23:59:59Z"), event("new", "volume"))
    before = (await get(client, "/v1/customers/acme/ledger"))["data"]
    [answer] = await accept(client, correction("old", "-1", meter="volume"))
    assert F(answer["charge"]) == F("-0.11")
    after = (await get(client, "/v1/customers/acme/ledger"))["data"]
    assert after[1:] == before
    assert after[0]["service_from"] == after[0]["service_to"] == "2026-10-31T23:59:59Z"
    listed = await send(client, event("old", "volume", quantity="20", time="2026-10-31T23:59:59Z"))
    assert (listed[0]["status"], F(listed[0]["charge"])) == ("duplicate", F("2.2"))
