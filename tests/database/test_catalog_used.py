"""What a catalog can't change any more once there is usage: the meaning of meters, and the currency of costs."""

from __future__ import annotations

import pytest
from tests.database.test_catalog_apply import METERS, Books, price, texts

from tollkeeper.catalog import propose
from tollkeeper.db import Database
from tollkeeper.errors import CatalogInvalid
from tollkeeper.rating import MODELS

pytestmark = pytest.mark.anyio

RULED = METERS.replace('unit = "CV"', 'unit = "CV"\nminimum = 1\nround = "up"\nstep = "0.5"')


@pytest.fixture
def books(database: Database) -> Books:
    return Books(database)


async def test_a_used_meter_keeps_its_meaning(books: Books) -> None:
    await books.apply(price("0.50"))
    changed = METERS.replace('unit = "CV"', 'unit = "CV"\naggregation = "unique_count"\nunique_by = "job"')
    removed = METERS.replace('[meters.cv]\nunit = "CV"\n', "")
    renamed = METERS.replace('unit = "CV"', 'unit = "resume"\nname = "Resumes"\ndimensions = ["job"]')
    books.used = {"cv"}
    problems = await books.refused(price("0.50"), meters=changed)
    assert [(line, key) for line, key, _ in problems] == [
        (5, "meters.cv.aggregation"),
        (6, "meters.cv.unique_by"),
    ]
    assert "its `aggregation` stays `sum`: history does not change" in problems[0][2]
    ((line, key, message),) = await books.refused("", meters=removed)
    assert (line, key) == (3, "meters.cv")
    assert "Keep the meter, and take out its price instead" in message
    assert texts((await books.apply(price("0.50"), meters=renamed)).proposal) == [
        "meter cv: name Cv → Resumes, unit CV → resume, dimensions none → job"
    ]


@pytest.mark.parametrize(
    ("before", "after", "line", "key", "says"),
    [
        (RULED, RULED.replace("minimum = 1", "minimum = 2"), 5, "minimum", "its `minimum` stays `1`"),
        (RULED, RULED.replace('"up"', '"nearest"'), 6, "round", "its `round` stays `up`"),
        (RULED, RULED.replace('"0.5"', '"0.25"'), 7, "step", "its `step` stays `0.5`"),
        (RULED, RULED.replace("minimum = 1\n", ""), 3, "minimum", "its `minimum` stays `1`"),
        (RULED, METERS, 3, "round", "its `round` stays `up`"),
        (METERS, METERS.replace('"CV"', '"CV"\nminimum = 1'), 5, "minimum", "its `minimum` stays away"),
        (METERS, METERS.replace('"CV"', '"CV"\nround = "up"'), 5, "round", "its `round` stays away"),
    ],
)
async def test_a_used_meter_keeps_its_quantity_rules(
    books: Books, before: str, after: str, line: int, key: str, says: str
) -> None:
    await books.apply(price("0.50"), meters=before)
    books.used = {"cv"}
    found = {at: (number, message) for number, at, message in await books.refused(price("0.50"), meters=after)}
    number, message = found[f"meters.cv.{key}"]
    assert number == line
    assert says in message
    assert "history does not change. Declare another meter instead." in message
    assert (await books.apply(price("0.50"), meters=before)).version == 1
    books.used = {"tok"}
    assert (await books.apply(price("0.50"), meters=after)).version == 2


async def test_quantity_rules_that_are_written_otherwise_are_the_same(books: Books) -> None:
    await books.apply(price("0.50"), meters=RULED)
    books.used = {"cv"}
    other = RULED.replace("minimum = 1", 'minimum = "1.0"').replace('"0.5"', '"0.50"')
    assert (await books.apply(price("0.50"), meters=other)).version == 1


async def test_a_used_meter_may_get_other_decimals_and_dimensions(books: Books) -> None:
    await books.apply(price("0.50"))
    books.used = {"cv", "tok"}
    free = METERS.replace('unit = "CV"', 'unit = "CV"\ndecimals = 2\ndimensions = ["job"]')
    assert (await books.apply(price("0.50"), meters=free)).version == 2


async def test_the_currency_stays_once_anything_was_used(books: Books) -> None:
    await books.apply(price("0.50"))
    books.used = {"tok"}
    euros = METERS.replace("USD", "EUR")
    ((line, key, message),) = await books.refused(price("0.50"), meters=euros)
    assert (line, key) == (1, "currency")
    assert "costs are in `USD`" in message
    assert "history does not change" in message
    assert "`unit` of its own" in message
    with pytest.raises(CatalogInvalid, match="costs are in `USD`"):
        await books.plan(price("0.50"), meters=euros)
    # The prices of a customer, or of everyone, may still be in another currency.
    assert (await books.apply(price("0.50", 'unit = "EUR"'))).version == 2


async def test_nothing_keeps_the_first_catalog(books: Books) -> None:
    books.used = {"cv"}
    async with books.database.transaction() as tx:
        found = await propose(tx, 'currency = "EUR"\n', models=MODELS, used_meters=books.used_meters)
    assert [change.text for change in found.changes] == ["currency: EUR"]
