"""The books as a whole: zones whose rules differ between databases, withdrawn prices, who booked what."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import reset_tzpath

import pytest

from tollkeeper import clock
from tollkeeper.books import Books
from tollkeeper.catalog import apply
from tollkeeper.clock import local_slot, offset_spans
from tollkeeper.customers import CustomerChanges, customer_id_of, upsert_customer
from tollkeeper.db import Database, Tx
from tollkeeper.events import has_usage, list_quarantine, read_json, used_meters
from tollkeeper.gate import Result, explain_event, verify
from tollkeeper.ledger import Account, Entry, Kind, list_postings
from tollkeeper.rating import MODELS
from tollkeeper.settings import Settings

pytestmark = pytest.mark.anyio

CATALOG = """
currency = "USD"
[meters.minute]
unit = "minute"
[prices.minute]
model = "unit"
amount = "0.10"
[meters.answer]
unit = "answer"
[prices.answer]
model = "cost_plus"
margin_percent = "25"
fallback = "0.50"
"""


async def open_books(database: Database, timezone: str = "UTC") -> Books:
    books = Books(Settings(database_url=database.url), database)
    await put_catalog(books, CATALOG)
    changes = CustomerChanges(timezone=timezone)
    await database.run(lambda tx: upsert_customer(tx, "acme", changes, default_currency="USD", in_use=has_usage))
    return books


async def put_catalog(books: Books, source: str) -> None:
    await books.database.run(lambda tx: apply(tx, source, models=MODELS, used_meters=used_meters, by="test"))


async def report(books: Books, by: str = "test", **event: Any) -> Result:
    body = json.dumps({"customer": "acme"} | event).encode()
    [result] = (await books.ingest(read_json(body, max_events=1)[0], by=by)).results
    return result


async def verified(books: Books) -> bool:
    catalog = await books.catalog()
    async with books.database.transaction(snapshot=True) as tx:
        return (await verify(tx, catalog)).passed


@pytest.mark.parametrize("timezone", ["CET", "Africa/Casablanca", "Australia/Lord_Howe", "America/Vancouver"])
async def test_verify_cuts_days_and_hours_as_recording_does(database: Database, timezone: str) -> None:
    books = await open_books(database, timezone)
    start = datetime(2026, 3, 1, tzinfo=UTC)
    # Every five hours for eight months, so that each change of an offset has events on both sides.
    times = [start + timedelta(hours=5 * i) for i in range(1200) if start + timedelta(hours=5 * i) < clock.now()]
    event = {"customer": "acme", "meter": "minute", "quantity": 1}
    events = [event | {"id": f"e{i}", "time": time.isoformat()} for i, time in enumerate(times)]
    recorded = await books.ingest(read_json(json.dumps(events).encode(), max_events=2000)[0])
    assert recorded.refused == []
    assert await verified(books)


@pytest.mark.parametrize("name", ["Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca"])
async def test_spans_have_one_offset_each_and_no_gap(name: str) -> None:
    tz = clock.zone(name)
    start, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
    spans = offset_spans(tz, start, end)
    assert (spans[0].start, spans[-1].end) == (start, end)
    assert all(left.end == right.start and left.offset != right.offset for left, right in pairwise(spans))
    for span in spans:
        for instant in (span.start, span.end - timedelta(minutes=15)):
            assert instant.astimezone(tz).utcoffset() == span.offset
            assert local_slot(instant, tz).day == (instant + span.offset).date()


def test_zones_do_not_come_from_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    clock.zone.cache_clear()
    reset_tzpath(to=["/nowhere"])
    try:
        noon = datetime(2026, 1, 1, 12, tzinfo=UTC).astimezone(clock.zone("Asia/Kathmandu"))
        assert noon.utcoffset() == timedelta(hours=5, minutes=45)
    finally:
        reset_tzpath()


async def test_a_correction_gives_back_what_a_withdrawn_price_took(database: Database) -> None:
    books = await open_books(database)
    begins = clock.now() + timedelta(seconds=60)
    present = '[prices.minute]\nmodel = "unit"\namount = "0.10"\n'
    scheduled = f'[[prices.minute]]\nmodel = "unit"\namount = "7"\nfrom = {begins.isoformat()}\n'
    later = f"[{present.replace(']', ']]', 1)}{scheduled}"
    await put_catalog(books, CATALOG.replace(present, later))
    charged = await report(books, id="e", meter="minute", quantity=1, time=(begins + timedelta(seconds=30)).isoformat())
    assert charged.charge == "7"
    await put_catalog(books, CATALOG)
    returned = await report(books, id="c", meter="minute", quantity=-1, corrects="e")
    assert returned.charge == "-7"
    assert await verified(books)


async def test_taken_back_wholly_it_costs_nothing_though_the_provider_keeps_its_share(
    database: Database,
) -> None:
    books = await open_books(database)
    calls = [{"provider": "openai", "model": "gpt-4o", "cost": "0.00875"}]
    charged = await report(books, id="e", meter="answer", quantity=1, calls=calls)
    returned = await report(books, id="c", meter="answer", quantity=-1, corrects="e")
    assert (charged.charge, returned.charge) == ("0.0109375", "-0.0109375")
    catalog = await books.catalog()

    async def last_step(tx: Tx) -> str:
        customer, _ = await upsert_customer(tx, "acme", CustomerChanges(), default_currency="USD", in_use=has_usage)
        return (await explain_event(tx, catalog, customer, "c")).steps[-1].figures["charge"]

    assert await database.run(last_step) == "-0.0109375"
    assert await verified(books)


async def test_the_ledger_says_who_reported(database: Database) -> None:
    books = await open_books(database)
    await report(books, by="backend (key toll_abc…)", id="e", meter="minute", quantity=1)
    customer_id = customer_id_of("acme")
    [entry] = await database.run(
        lambda tx: list_postings(tx, customer_id, before=None, kinds=None, limit=10), customer_id
    )
    assert entry.booked_by == "backend (key toll_abc…)"


async def test_quarantine_is_for_the_operator_alone(database: Database) -> None:
    books = await open_books(database)
    refused = await report(books, id="e", meter="nope", quantity=1)
    assert refused.error is not None

    async def seen(tx: Tx) -> int:
        return len(await list_quarantine(tx, status=None, code=None, customer=None, after=None, limit=10))

    assert await database.run(seen) == 1
    assert await database.run(seen, customer_id_of("acme")) == 0


async def test_a_cost_without_a_quantity_is_charged_and_can_be_corrected_in_part(database: Database) -> None:
    books = await open_books(database)

    def call(cost: str) -> list[dict[str, str]]:
        return [{"provider": "openai", "model": "gpt-4o", "cost": cost}]

    charged = await report(books, id="e", meter="answer", quantity=0, calls=call("1"))
    returned = await report(books, id="c", meter="answer", quantity=0, corrects="e", calls=call("-0.4"))
    assert (charged.charge, returned.charge) == ("1.25", "-0.5")
    assert await verified(books)


async def test_postings_use_the_chart_of_accounts(database: Database) -> None:
    books = await open_books(database)
    calls = [{"provider": "openai", "model": "gpt-4o", "cost": "1"}]
    await report(books, id="e", meter="answer", quantity=1, calls=calls)
    await report(books, id="c", meter="answer", quantity=-1, corrects="e", calls=[calls[0] | {"cost": "-1"}])
    customer_id = customer_id_of("acme")

    async def work(tx: Tx) -> list[Entry]:
        return await list_postings(tx, customer_id, before=None, kinds=None, limit=10)

    sides = {(entry.kind, entry.debit, entry.credit) for entry in await database.run(work, customer_id)}
    assert sides == {
        (Kind.USAGE, Account.RECEIVABLE, Account.REVENUE),
        (Kind.USAGE_CREDIT, Account.REVENUE, Account.RECEIVABLE),
        (Kind.PROVIDER_COST, Account.PROVIDER_COST, Account.PROVIDER_PAYABLE),
        (Kind.PROVIDER_COST_CREDIT, Account.PROVIDER_PAYABLE, Account.PROVIDER_COST),
    }
