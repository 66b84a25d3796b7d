"""plan and apply: what begins when, what is refused, and that nothing changes the past."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import pytest

from tollkeeper.catalog import (
    Applied,
    Catalog,
    Change,
    ChangeKind,
    Proposal,
    apply,
    history,
    load,
    price_by_id,
    propose,
    show,
)
from tollkeeper.clock import BEGINNING
from tollkeeper.db import Database, Tx
from tollkeeper.errors import CatalogInvalid, NotFound
from tollkeeper.rating import MODELS

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)
METERS = 'currency = "USD"\n[units.credit]\n[meters.cv]\nunit = "CV"\n[meters.tok]\nunit = "token"\n'


def price(amount: str, more: str = "", scope: str = "prices.cv") -> str:
    return f'[[{scope}]]\nmodel = "unit"\namount = "{amount}"\n{more}\n'


def since(amount: str, start: datetime, scope: str = "prices.cv") -> str:
    return price(amount, f"from = {start.isoformat()}", scope)


def acme(amount: str, more: str = "") -> str:
    return price(amount, more, "customers.acme.prices.cv")


class Books:
    """A database, with the catalog's verbs each in a transaction of its own."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.used: set[str] = set()

    async def used_meters(self, tx: Tx) -> Collection[str]:
        return self.used

    async def apply(self, text: str, now: datetime | None = NOW, meters: str = METERS) -> Applied:
        async with self.database.transaction() as tx:
            return await apply(
                tx, meters + text, file="c.toml", models=MODELS, used_meters=self.used_meters, now=now, by="ops"
            )

    async def plan(self, text: str, now: datetime | None = NOW, meters: str = METERS) -> Proposal:
        async with self.database.transaction() as tx:
            return await propose(tx, meters + text, file="c.toml", models=MODELS, used_meters=self.used_meters, now=now)

    async def refused(self, text: str, now: datetime = NOW, meters: str = METERS) -> list[tuple[int, str, str]]:
        with pytest.raises(CatalogInvalid) as caught:
            await self.apply(text, now, meters)
        found = caught.value.extra["problems"]
        assert all(problem["file"] == "c.toml" for problem in found)
        return [(problem["line"], problem["key"], problem["message"]) for problem in found]

    async def interrupted(self, text: str) -> None:
        async with self.database.transaction() as tx:
            await apply(tx, METERS + text, models=MODELS, used_meters=self.used_meters, by="ops")
            raise RuntimeError("interrupted")

    async def catalog(self) -> Catalog:
        async with self.database.transaction() as tx:
            return await load(tx, MODELS)

    async def amount(self, at: datetime, customer: str = "other", meter: str = "cv") -> str | None:
        found = (await self.catalog()).price_for(meter, customer, at)
        return found.terms.as_table()["amount"] if found else None

    async def amounts(self, *instants: datetime, customer: str = "other") -> list[str | None]:
        return [await self.amount(at, customer) for at in instants]


@pytest.fixture
def books(database: Database) -> Books:
    return Books(database)


def texts(found: Proposal) -> list[str]:
    return [change.text for change in found.changes]


async def test_the_first_price_holds_for_all_time(books: Books) -> None:
    applied = await books.apply(price("0.50"))
    assert applied.version == 1
    assert [(change.kind, change.subject, change.text) for change in applied.proposal.changes] == [
        (ChangeKind.ADD, "currency", "currency: USD"),
        (ChangeKind.ADD, "unit credit", "unit credit: Credit, 0 decimals"),
        (ChangeKind.ADD, "meter cv", "meter cv: Cv, sum of CV"),
        (ChangeKind.ADD, "meter tok", "meter tok: Tok, sum of token"),
        (ChangeKind.ADD, "price cv", "cv: 0.50 USD per CV"),
    ]
    assert applied.proposal.warnings == ("tok has no price: its usage is recorded, and stays unpriced.",)
    assert await books.amounts(BEGINNING, NOW, DECEMBER) == ["0.5"] * 3
    assert await books.amount(NOW, meter="tok") is None


async def test_the_same_catalog_again_changes_nothing(books: Books) -> None:
    text = price("0.50") + since("0.60", DECEMBER) + acme("0.40")
    await books.apply(text)
    before = await books.catalog()
    again = await books.apply(text, NOW + timedelta(days=1))
    assert (again.version, again.proposal.empty, again.proposal.rows) == (1, True, ())
    other_words = "# the same\n" + METERS.replace('"CV"', "'CV'  # a comment") + text.replace('"0.50"', '"00.5"')
    assert (await books.apply(other_words, NOW + timedelta(days=30), meters="")).version == 1
    assert await books.catalog() == before


async def test_a_changed_price_holds_from_now(books: Books) -> None:
    await books.apply(price("0.50"))
    applied = await books.apply(price("0.60"), NOW + timedelta(hours=1))
    assert applied.version == 2
    assert applied.proposal.changes == (
        Change(
            ChangeKind.CHANGE, "price cv", "cv: 0.50 USD per CV → 0.60 USD per CV from now on", NOW + timedelta(hours=1)
        ),
    )
    assert await books.amounts(NOW, NOW + timedelta(minutes=59), NOW + timedelta(hours=1)) == ["0.5", "0.5", "0.6"]


async def test_a_price_with_a_date_holds_from_then(books: Books) -> None:
    await books.apply(price("0.50"))
    later = since("0.60", DECEMBER)
    found = await books.plan(later)
    assert texts(found) == ["cv: 0.50 USD per CV → 0.60 USD per CV from 2026-12-01 00:00 UTC"]
    assert (await books.apply(later)).version == 2
    assert await books.amounts(NOW, DECEMBER - timedelta(microseconds=1), DECEMBER) == ["0.5", "0.5", "0.6"]
    # With and without the price of today, before and after the date: all the same catalog.
    for text in (price("0.50") + later, later):
        assert (await books.plan(text)).empty
        assert (await books.plan(text, DECEMBER + timedelta(days=1))).empty
    assert (await books.plan(price("0.60"), DECEMBER)).empty


async def test_plan_changes_nothing(books: Books) -> None:
    first = await books.plan(price("0.50"))
    assert (first.version, first.empty) == (0, False)
    assert await books.catalog() == Catalog(version=0, currency="USD")


async def test_a_scheduled_price_can_be_changed_until_it_begins(books: Books) -> None:
    await books.apply(price("0.50") + since("0.60", DECEMBER))
    changed = await books.apply(price("0.50") + since("0.70", DECEMBER))
    assert texts(changed.proposal) == ["cv: 0.60 USD per CV → 0.70 USD per CV from 2026-12-01 00:00 UTC"]
    assert await books.amounts(NOW, DECEMBER) == ["0.5", "0.7"]
    withdrawn = await books.apply(price("0.50"))
    assert texts(withdrawn.proposal) == ["cv: 0.70 USD per CV from 2026-12-01 00:00 UTC is withdrawn before it begins"]
    assert withdrawn.proposal.changes[0].kind is ChangeKind.REMOVE
    assert await books.amounts(NOW, DECEMBER) == ["0.5", "0.5"]
    again = await books.apply(price("0.50") + since("0.70", DECEMBER))
    assert again.version == 4
    assert await books.amounts(NOW, DECEMBER) == ["0.5", "0.7"]


async def test_a_price_put_back_as_it_was_keeps_its_identity(books: Books) -> None:
    async def scheduled_id() -> Any:
        found = (await books.catalog()).price_for("cv", "other", DECEMBER)
        return found and found.price_id

    await books.apply(price("0.50") + since("0.60", DECEMBER))
    first = await scheduled_id()
    await books.apply(price("0.50"))
    assert await scheduled_id() != first
    await books.apply(price("0.50") + since("0.60", DECEMBER))
    assert await scheduled_id() == first


async def test_a_from_in_the_past_is_allowed_only_where_there_was_no_price(books: Books) -> None:
    past = NOW - timedelta(days=10)
    await books.apply(since("0.50", past))
    assert await books.amounts(past - timedelta(seconds=1), past) == [None, "0.5"]
    assert (await books.plan(since("0.50", past))).empty
    start = METERS.count("\n") + 1
    for text, line, key in [
        (since("0.60", past), start + 3, "prices.cv[0].from"),
        (since("0.50", past - timedelta(days=1)), start + 3, "prices.cv[0].from"),
        (since("0.50", past) + since("0.60", past + timedelta(days=1)), start + 7, "prices.cv[1].from"),
        (price("0.40") + since("0.50", past), start, "prices.cv[0]"),
    ]:
        ((found_line, found_key, message),) = await books.refused(text)
        assert (found_line, found_key) == (line, key)
        assert "history does not change" in message
    assert (await books.catalog()).version == 1


async def test_a_price_that_was_replaced_does_not_come_back_by_its_old_date(books: Books) -> None:
    past = NOW - timedelta(days=10)
    await books.apply(since("0.50", past))
    await books.apply(price("0.60"))
    ((_, key, message),) = await books.refused(since("0.50", past), NOW + timedelta(hours=1))
    assert key == "prices.cv[0].from"
    assert "another price has replaced this one since: history does not change" in message
    assert (await books.apply(price("0.50"), NOW + timedelta(hours=1))).version == 3


async def test_a_price_taken_out_holds_no_more(books: Books) -> None:
    await books.apply(price("0.50") + since("0.60", DECEMBER))
    applied = await books.apply("", NOW + timedelta(hours=1))
    assert texts(applied.proposal) == [
        "cv: 0.50 USD per CV → no price; its usage is recorded as unpriced from now on",
        "cv: 0.60 USD per CV from 2026-12-01 00:00 UTC is withdrawn before it begins",
    ]
    assert await books.amounts(NOW, NOW + timedelta(hours=1), DECEMBER) == ["0.5", None, None]
    back = await books.apply(price("0.50"), NOW + timedelta(hours=2))
    assert texts(back.proposal) == ["cv: 0.50 USD per CV from now on"]
    assert await books.amounts(NOW + timedelta(hours=1), NOW + timedelta(hours=2)) == [None, "0.5"]


async def test_an_override_is_for_one_customer_until_it_is_taken_out(books: Books) -> None:
    await books.apply(price("0.50"))
    added = await books.apply(price("0.50") + acme("0.40", f"from = {NOW.isoformat()}"))
    assert texts(added.proposal) == ["cv for acme: 0.40 USD per CV from 2026-11-20 12:00 UTC"]
    assert await books.amounts(NOW - timedelta(seconds=1), NOW, customer="acme") == ["0.5", "0.4"]
    assert await books.amount(NOW) == "0.5"
    later = NOW + timedelta(hours=1)
    removed = await books.apply(price("0.50"), later)
    assert texts(removed.proposal) == ["cv for acme: 0.40 USD per CV → the price for everyone from now on"]
    assert removed.proposal.changes[0].subject == "price cv for acme"
    assert await books.amounts(NOW, later, customer="acme") == ["0.4", "0.5"]


async def test_an_override_without_a_date_warns_that_it_holds_for_the_past(books: Books) -> None:
    await books.apply(price("0.50"))
    found = await books.plan(price("0.50") + acme("0.40"))
    assert any(text.startswith("The price cv for acme holds for all time") for text in found.warnings)


async def test_an_unused_meter_may_change_and_go(books: Books) -> None:
    await books.apply(price("0.50"))
    counted = METERS.replace('unit = "CV"', 'unit = "CV"\naggregation = "count"')
    assert texts((await books.apply(price("0.50"), meters=counted)).proposal) == ["meter cv: aggregation sum → count"]
    removed = await books.apply("", meters=METERS.replace('[meters.cv]\nunit = "CV"\n', ""))
    assert [(change.kind, change.subject) for change in removed.proposal.changes] == [
        (ChangeKind.REMOVE, "meter cv"),
        (ChangeKind.REMOVE, "price cv"),
    ]


async def test_a_unit_that_was_charged_keeps_its_decimals(books: Books) -> None:
    named = METERS.replace("[units.credit]", '[units.credit]\nname = "Point"')
    precise = METERS.replace("[units.credit]", "[units.credit]\ndecimals = 2")
    gone = METERS.replace("[units.credit]\n", "")
    assert (await books.apply(price("0.50"), meters=METERS)).version == 1
    assert (await books.apply(price("0.50"), meters=precise)).version == 2
    assert (await books.apply(price("0.50"), meters=METERS)).version == 3
    assert (await books.apply(price("2", 'unit = "credit"'), meters=named)).version == 4
    assert (await books.apply(price("0.50"), NOW + timedelta(days=1), meters=named)).version == 5
    for meters, line, key in [(precise, 3, "units.credit.decimals"), (gone, 1, "units.credit")]:
        ((found_line, found_key, message),) = await books.refused(price("0.50"), meters=meters)
        assert (found_line, found_key) == (line, key)
        assert "now or in the past" in message


async def test_another_currency_is_another_price(books: Books) -> None:
    await books.apply(price("0.50"))
    euros = await books.apply(price("0.50"), meters=METERS.replace("USD", "EUR"))
    assert texts(euros.proposal) == ["currency: USD → EUR", "cv: 0.50 USD per CV → 0.50 EUR per CV from now on"]


async def test_history_and_show(books: Books) -> None:
    async with books.database.transaction() as tx:
        assert await history(tx) == []
        with pytest.raises(NotFound, match="No catalog was applied yet"):
            await show(tx)
    await books.apply(price("0.50"))
    await books.apply(price("0.60"), NOW + timedelta(hours=1))
    async with books.database.transaction() as tx:
        newest, oldest = await history(tx)
        assert (newest.version, newest.applied_by, newest.applied_at) == (2, "ops", NOW + timedelta(hours=1))
        assert newest.summary == [
            {
                "kind": "change",
                "subject": "price cv",
                "text": "cv: 0.50 USD per CV → 0.60 USD per CV from now on",
                "effective_from": "2026-11-20T13:00:00+00:00",
            }
        ]
        assert [change["effective_from"] for change in oldest.summary] == [None] * 5
        assert (await show(tx)).source == METERS + price("0.60")
        assert (await show(tx, 1)).source == METERS + price("0.50")
        with pytest.raises(NotFound, match="no version 3"):
            await show(tx, 3)


async def test_a_price_is_found_by_its_id_for_ever(books: Books) -> None:
    await books.apply(price("0.50", "maximum = 9\nincluded = 3"))
    old = (await books.catalog()).price_for("cv", "other", NOW)
    assert old is not None
    await books.apply("", NOW + timedelta(hours=1))
    async with books.database.transaction() as tx:
        assert await price_by_id(tx, old.price_id, MODELS) == old
        assert await price_by_id(tx, type(old.price_id)(int=1), MODELS) is None


async def test_a_refused_catalog_leaves_nothing_behind(books: Books) -> None:
    await books.refused(price("-1"))
    with pytest.raises(RuntimeError, match="interrupted"):
        await books.interrupted(price("0.50"))
    assert await books.catalog() == Catalog(version=0, currency="USD")
    assert (await books.apply(price("0.50"))).version == 1


async def test_two_who_apply_at_once_come_one_after_the_other(books: Books) -> None:
    versions: list[int] = []
    instants: list[datetime] = []

    async def apply_one(amount: str) -> None:
        applied = await books.apply(price(amount), None)
        versions.append(applied.version)
        instants.append(applied.proposal.now)

    await books.apply(price("1"), None)
    async with anyio.create_task_group() as group:
        for i in range(2, 8):
            group.start_soon(apply_one, f"{i}")
    assert versions == [2, 3, 4, 5, 6, 7]
    assert instants == sorted(set(instants))
    held = (await books.catalog()).prices[("cv", None)]
    assert len(held.prices) == 7


async def test_a_clock_that_is_behind_does_not_touch_what_was_applied(books: Books) -> None:
    await books.apply(price("1"), NOW)
    await books.apply(price("2"), NOW + timedelta(seconds=5))
    applied = await books.apply(price("3"), NOW + timedelta(seconds=3))
    assert applied.proposal.now == NOW + timedelta(seconds=5, microseconds=1)
    assert await books.amounts(NOW + timedelta(seconds=4), NOW + timedelta(seconds=5), DECEMBER) == ["1", "2", "3"]
