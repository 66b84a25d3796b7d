"""What nobody does on purpose: everything twice, too late, in the wrong order, or with impossible numbers."""

from __future__ import annotations

from decimal import Decimal

import pytest
from tests.database.gating import (
    CREDITS,
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    START,
    Clock,
    D,
    account,
    assert_idle,
    assert_sound,
    change,
    give,
    hold,
    ingest,
    one,
    open_books,
    put_catalog,
    put_customer,
    refused,
    release,
    rows,
    settle,
    state_of,
    sweep_all,
    used,
    wallet,
)

from tollkeeper.books import Books
from tollkeeper.db import Database
from tollkeeper.errors import Conflict, InvalidInput, NotFound, TollError
from tollkeeper.gate import Verb
from tollkeeper.wallets import NewGrant

pytestmark = pytest.mark.anyio

CATALOG = (
    CREDITS
    + """
[meters.page]
unit = "page"
decimals = 2
dimensions = ["job"]
[prices.page]
model = "unit"
amount = "0.5"
[meters.free]
unit = "thing"
[meters.model]
unit = "call"
[prices.model]
model = "cost_plus"
margin_percent = "50"
"""
)


async def counts(books: Books) -> list[dict[str, object]]:
    """How many rows each table has, and what wallets and grants say: a retry changes nothing of it."""
    tables = ("events", "postings", "burns", "wallet_entries", "holds", "grants", "outbox", "usage_days")
    found = await rows(books, " union all ".join(f"select '{t}' as t, count(*)::text as n from {t}" for t in tables))
    found += await rows(books, "select unit, balance, held, owed, owed_held from wallets order by unit")
    found += await rows(books, "select grant_id, remaining, spent, voided, expired from grants order by grant_id")
    return found + await rows(books, "select hold_id, state, charged, events, ended_at from holds order by hold_id")


async def test_two_settles(database: Database) -> None:
    """The same again is a duplicate; another one is recorded besides, and told of."""
    books = await open_books(database, CATALOG)
    await give(books, "10")
    await hold(books, "h", "page", quantity="4")
    first = await settle(books, "h", quantity="3")
    before = await counts(books)
    again = await settle(books, "h", quantity="3")
    assert [result.status for result in again.results] == ["duplicate"]
    assert (again.hold.state, again.hold.charged, again.notice) == ("settled", first.hold.charged, None)
    assert await counts(books) == before
    differs = await settle(books, "h", quantity="2")
    assert [result.status for result in differs.results] == ["conflict"]
    assert await wallet(books) == (D("8.5"), 0)
    other = await settle(books, "h", {"id": "more", "meter": "page", "quantity": D(1)})
    assert other.notice is not None
    assert (other.notice.code, other.hold.charged) == ("hold_settled", D("1.5"))
    assert await wallet(books) == (8, 0)
    await assert_idle(books)


async def test_settled_by_several_events_of_several_meters(database: Database) -> None:
    books = await open_books(database, CATALOG)
    await give(books, "10")
    await give(books, "1", "credit")
    await hold(books, "h", "page", quantity="4")
    settled = await settle(
        books, "h", {"id": "a", "meter": "page", "quantity": D(1)}, {"id": "b", "meter": "page", "quantity": D(5)},
        {"id": "c", "meter": "interview"},
    )  # fmt: skip
    assert (settled.hold.charged, settled.hold.events) == (3, ["a", "b", "c"])
    assert (await wallet(books), await wallet(books, "credit")) == ((7, 0), (0, 0))
    await assert_idle(books)


async def test_settled_after_it_expired(database: Database) -> None:
    """Nothing is lost; nothing is reserved any more either. Unnoticed, it's still in time."""
    with Clock() as clock:
        books = await open_books(database, CATALOG)
        await give(books, "1")
        await hold(books, "late", "page", quantity="2", expires_in=60)
        clock.go(2 * MINUTE)
        assert await sweep_all(books, clock.at) == 1
        assert await sweep_all(books, clock.at) == 0
        await hold(books, "other", "page", quantity="2", expires_in=60)
        settled = await settle(books, "late")
        assert settled.notice is not None
        assert (settled.notice.code, settled.hold.state, settled.hold.charged) == ("hold_expired", "expired", None)
        assert (await account(books), await wallet(books)) == (1, (1, 1))
        clock.go(2 * MINUTE)
        unnoticed = await settle(books, "other")
        assert (unnoticed.hold.state, unnoticed.notice) == ("settled", None)
        assert await wallet(books) == (0, 0)
        await assert_idle(books)


@pytest.mark.parametrize("named", [True, False], ids=["with the hold", "without it"])
async def test_settled_with_an_event_that_is_recorded_already(database: Database, named: bool) -> None:
    """It's charged once, and the hold ends: nothing stays reserved for it. Fails where a duplicate settles nothing."""
    books = await open_books(database, CATALOG)
    await give(books, "10")
    await hold(books, "other", "page", quantity="2")
    await hold(books, "h", "page", quantity="2")
    await ingest(books, used("e", "page", quantity="2", hold="other" if named else None))
    settled = await settle(books, "h", {"id": "e", "meter": "page", "quantity": D(2)})
    assert [result.status for result in settled.results] == ["duplicate"]
    assert (settled.hold.state, settled.hold.charged) == ("settled", 0)
    assert await state_of(books, "other") == ("settled" if named else "open")
    await release(books, "other") if not named else None
    assert await wallet(books) == (9, 0)
    await assert_idle(books)


async def test_events_that_name_a_hold_there_is_not(database: Database) -> None:
    books = await open_books(database, CATALOG)
    await give(books, "10")
    [result] = await ingest(books, used("e", "page", quantity="1", hold="nope"))
    assert result.error is not None
    assert result.error.code == "unknown_hold"
    for attempt in (settle(books, "nope"), release(books, "nope"), change(books, Verb.EXTEND, "nope", 5)):
        with pytest.raises(NotFound) as caught:
            await attempt
        assert caught.value.code == "unknown_hold"
    assert await one(books, "select count(*) from events") == 0


async def test_what_has_ended_stays_ended(database: Database) -> None:
    with Clock() as clock:
        books = await open_books(database, CATALOG)
        await give(books, "10")
        for id in ("settled", "released", "expired"):
            await hold(books, id, "page", quantity="1", expires_in=60)
        await settle(books, "settled")
        await release(books, "released")
        clock.go(HOUR)
        await sweep_all(books, clock.at)
        before = await counts(books)
        for id in ("settled", "released", "expired"):
            for verb in (Verb.EXTEND, Verb.DOUBT, Verb.RELEASE):
                if verb is Verb.RELEASE and id != "settled":
                    assert (await change(books, verb, id)).hold.state == id
                    continue
                with pytest.raises(Conflict) as caught:
                    await change(books, verb, id, 60)
                assert (caught.value.code, caught.value.extra["state"]) == ("hold_ended", id)
            again = await hold(books, id, "page", quantity="1", expires_in=60)
            assert (again.new, again.hold.state) == (False, id)
        assert await counts(books) == before
        await assert_idle(books)


async def test_released_again_and_extended(database: Database) -> None:
    with Clock() as clock:
        books = await open_books(database, CATALOG)
        await give(books, "1")
        await hold(books, "h", "page", quantity="1", expires_in=60)
        clock.go(59 * SECOND)
        assert (await change(books, Verb.EXTEND, "h", 60)).hold.expires_at == clock.at + MINUTE
        clock.go(59 * SECOND)
        assert await sweep_all(books, clock.at) == 0
        for seconds in (0, -1, 86_401):
            with pytest.raises(InvalidInput) as caught:
                await change(books, Verb.EXTEND, "h", seconds)
            assert caught.value.code == "invalid_expiry"
            assert (await refused(books, "new", "page", quantity="1", expires_in=seconds)).code == "invalid_expiry"
        assert await sweep_all(books, clock.go(SECOND)) == 1
        await assert_idle(books)


async def test_settled_with_nothing_but_bad_events(database: Database) -> None:
    """The hold stays open; what was sent is in quarantine. Fails where a settlement ends the hold whatever it has."""
    books = await open_books(database, CATALOG)
    await give(books, "10")
    await hold(books, "h", "page", quantity="4")
    settled = await settle(books, "h", quantity="-1")
    assert [result.error and result.error.code for result in settled.results] == ["negative_quantity"]
    settled = await settle(
        books, "h", {"id": "a", "meter": "nope", "quantity": D(1)}, {"id": "b", "meter": "page", "quantity": D("NaN")}
    )
    assert [r.error and r.error.code for r in settled.results] == ["unknown_meter", "invalid_quantity"]
    assert (settled.hold.state, await wallet(books)) == ("open", (10, 2))
    assert await one(books, "select count(*) from quarantine") == 3
    some = await settle(
        books, "h", {"id": "a", "meter": "nope", "quantity": D(1)}, {"id": "c", "meter": "page", "quantity": D(1)}
    )
    assert (some.hold.state, some.hold.charged, some.hold.events) == ("settled", D("0.5"), ["c"])
    await assert_idle(books)


@pytest.mark.parametrize(
    ("quantity", "code"),
    [
        ("NaN", "invalid_quantity"),
        ("sNaN", "invalid_quantity"),
        ("Infinity", "invalid_quantity"),
        ("-1", "negative_quantity"),
        ("0.001", "quantity_too_precise"),
        ("1e15", "quantity_out_of_range"),
        ("1e1000000", "quantity_out_of_range"),
    ],
)
async def test_impossible_quantities(database: Database, quantity: str, code: str) -> None:
    books = await open_books(database, CATALOG)
    await give(books, "10")
    assert (await refused(books, "h", "page", quantity=quantity)).code == code
    await hold(books, "ok", "page", quantity="1")
    settled = await settle(books, "ok", quantity=quantity)
    assert [result.error and result.error.code for result in settled.results] == [code]
    await release(books, "ok")
    await assert_idle(books)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"amount": "NaN"}, "invalid_amount"),
        ({"amount": "-1"}, "invalid_amount"),
        ({"amount": "0"}, "invalid_amount"),
        ({"amount": "1e30"}, "amount_out_of_range"),
        ({"amount": "0.5", "unit": "credit"}, "amount_too_precise"),
        ({"unit": "nope"}, "unknown_unit"),
        ({"expires_at": START - SECOND}, "expiry_in_past"),
        ({"expires_at": START}, "expiry_in_past"),
        ({"effective_at": START + DAY, "expires_at": START + DAY}, "expiry_in_past"),
        ({"priority": 101}, "invalid_priority"),
        ({"priority": -1}, "invalid_priority"),
        ({"kind": "stolen"}, "invalid_kind"),
    ],
)
async def test_impossible_grants(database: Database, fields: dict[str, object], code: str) -> None:
    with Clock():
        books = await open_books(database, CATALOG)
        wanted = {"unit": "USD", "amount": "1"} | fields
        wanted["amount"] = Decimal(str(wanted["amount"]))
        with pytest.raises(InvalidInput) as caught:
            await books.give_grant("acme", NewGrant(**wanted))  # type: ignore[arg-type]
        assert caught.value.code == code
        assert await one(books, "select count(*) from grants") == 0


async def test_who_may_not_begin(database: Database) -> None:
    books = await open_books(database, CATALOG)
    await give(books, "5")
    await hold(books, "before", "page", quantity="1")
    await put_customer(database, "acme", suspended=True)
    assert (await refused(books, "h", "page", quantity="1")).code == "customer_suspended"
    assert (await hold(books, "before", "page", quantity="1")).hold.state == "open"
    assert (await settle(books, "before")).hold.state == "settled"
    await ingest(books, used("e", "page", quantity="1"))
    await put_customer(database, "acme", suspended=False)
    await hold(books, "h", "page", quantity="1")
    await put_customer(database, "acme", archived=True)
    assert (await refused(books, "h2", "page", quantity="1")).code == "customer_archived"
    late = await settle(books, "h")
    assert late.results[0].error is not None
    assert late.results[0].error.code == "customer_archived"
    await release(books, "h")
    assert await wallet(books) == (4, 0)
    assert (await refused(books, "h", "page", customer="nobody", quantity="1")).code == "unknown_customer"
    assert (await refused(books, "h3", "nope", quantity="1")).code == "unknown_meter"
    await assert_sound(books)


async def test_what_has_no_price_or_no_estimate(database: Database) -> None:
    books = await open_books(database, CATALOG)
    assert (await refused(books, "h", "free", quantity="1")).code == "unpriced"
    assert (await refused(books, "h", "model", quantity="1")).code == "estimate_needed"
    assert await one(books, "select count(*) from holds") == 0


async def test_a_customer_in_another_currency(database: Database) -> None:
    """It isn't charged in a currency that it doesn't pay in; credits are for everyone."""
    books = await open_books(database, CATALOG, "acme", currency="EUR")
    await give(books, "10", "USD")
    assert (await refused(books, "h", "page", quantity="1")).code == "currency_mismatch"
    await give(books, "1", "credit")
    await hold(books, "i")
    await settle(books, "i")
    await assert_idle(books)


async def test_a_price_in_another_unit_by_the_time_it_is_settled(database: Database) -> None:
    """What was held is freed, and the charge is paid in the new unit."""
    books = await open_books(database, CATALOG)
    await give(books, "3")
    await give(books, "3", "credit")
    await hold(books, "h")
    await put_catalog(database, CATALOG.replace('unit = "credit"\namount = "1"', 'unit = "USD"\namount = "2"'))
    settled = await settle(books, "h")
    assert settled.hold.state == "settled"
    assert (await wallet(books), await wallet(books, "credit")) == ((1, 0), (3, 0))
    await assert_idle(books)


async def test_nothing_else_can_be_in_its_name(database: Database) -> None:
    books = await open_books(database, CATALOG)
    await give(books, "9")
    await hold(books, "h", "page", quantity="1", dimensions={"job": "a"})
    for other in ({"quantity": "2"}, {"dimensions": {"job": "b"}}, {"member": "ann"}, {"metadata": {"x": 1}}):
        error: TollError = await refused(books, "h", "page", **({"quantity": "1", "dimensions": {"job": "a"}} | other))
        assert error.code == "hold_conflict"
    assert (await refused(books, "h")).code == "hold_conflict"
    assert not (await hold(books, "h", "page", quantity="1.0", dimensions={"job": "a"})).new
    assert await wallet(books) == (9, D("0.5"))
