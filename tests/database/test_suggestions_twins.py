"""What another plan is said to charge is what it does charge: two customers do the same on two plans, day by day, and
what they owe in the end differs by just what is suggested. Grants come and lapse meanwhile, by week and by month."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from tests.database.gating import DAY, Clock, ingest, one, open_books, used
from tests.database.suggesting import savings, suggested

from tollkeeper.books import Books
from tollkeeper.clock import zone
from tollkeeper.db import Database
from tollkeeper.suggestions import Kind

pytestmark = pytest.mark.anyio

CATALOG = """
currency = "USD"
[units.credit]
decimals = 4
[meters.thing]
unit = "thing"
[meters.page]
unit = "page"
aggregation = "count"
[meters.minute]
unit = "minute"
[prices.minute]
model = "unit"
amount = "0.03"
unit = "{unit}"
[plans.x]
name = "X"
[plans.x.prices.thing]
model = "unit"
amount = "{thing}"
included = 9
discount_percent = "12.5"
unit = "{unit}"
[plans.x.prices.page]
model = "graduated"
tiers = [{{ up_to = 30, amount = "0.9" }}, {{ amount = "0.31" }}]
unit = "{unit}"
[plans.x.grants.monthly]
unit = "{unit}"
amount = "5"
every = "month"
rollover = {rollover}
[plans.y]
name = "Y"
[plans.y.prices.thing]
model = "package"
amount = "0.9"
size = 7
unit = "{unit}"
[plans.y.prices.page]
model = "unit"
amount = "0.5"
maximum = "{maximum}"
period = "{period}"
unit = "{unit}"
[plans.y.grants.weekly]
unit = "{unit}"
amount = "1"
every = "week"
rollover = {rollover}
"""
OWED = """select coalesce(sum(case 'receivable' when debit then amount when credit then -amount end), 0)
          from postings join customers using (customer_id) where key = %s and unit = %s"""


@pytest.mark.parametrize("seed", range(3))
async def test_what_is_suggested_is_what_two_customers_owe(database: Database, seed: int) -> None:
    rng = random.Random(seed)
    terms = {
        "unit": ("USD", "credit", "credit")[seed],
        "thing": rng.choice(["0.2", "0.7"]),
        "maximum": rng.choice(["3", "40"]),
        "period": ("month", "week", "day")[seed],
        "rollover": ('"none"', "3", '"all"')[seed],
    }
    timezone = ("UTC", "America/New_York", "Asia/Kathmandu")[seed]
    days = ((7, 20), (8, 25), (9, 28))
    begun, start, end = (datetime(2026, *day, tzinfo=zone(timezone)).astimezone(UTC) for day in days)
    with Clock(begun) as clock:
        books = await open_books(database, CATALOG.format(**terms), "acme", "other", timezone=timezone)
        for key, plan in (("acme", "x"), ("other", "y")):
            await books.assign_plan(key, plan, at=None, by="test")
        before = await live(books, rng, clock, start, terms["unit"])
        after = await live(books, rng, clock, end, terms["unit"])
        found = await suggested(books, Kind.CHEAPER_PLAN, span=(start, end))
    saved = (after["acme"] - before["acme"]) - (after["other"] - before["other"])
    assert [savings(one) for one in found] == [{"customer": saved}]
    assert "This isn't what was charged" not in (found[0].caution or "")


async def live(books: Books, rng: random.Random, clock: Clock, until: datetime, unit: str) -> dict[str, Decimal]:
    """Use the same on both plans until then; what each owes then."""
    while clock.at < until:
        day = clock.at
        clock.go(timedelta(hours=9))
        happened = [at_random(rng) for _ in range(rng.choice([0, 1, 3]))]
        for key in ("acme", "other"):
            at = {"customer": key, "time": clock.at}
            await ingest(books, *(used(f"{day:%m%d}:{n}", **event, **at) for n, event in enumerate(happened)))
        clock.at = day + DAY
    for key in ("acme", "other"):
        await books.refresh(key)
    return {key: await one(books, OWED, key, unit) for key in ("acme", "other")}


def at_random(rng: random.Random) -> dict[str, Any]:
    """Something used."""
    meter = rng.choice(["thing", "page", "minute"])
    return {"meter": meter} | ({} if meter == "page" else {"quantity": rng.choice(["1", "2.5", "6"])})
