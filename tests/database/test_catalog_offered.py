"""What customers may buy, through propose and apply: the difference in words, what stays, and the document."""

from __future__ import annotations

import pytest
from tests.database.test_catalog_planned import GENERAL, Planned

from tollkeeper.catalog import ChangeKind, as_document
from tollkeeper.db import Database
from tollkeeper.errors import CatalogInvalid

pytestmark = pytest.mark.anyio

OFFERS = '[top_ups.credit]\namounts = [5, 10]\nprice = "1.00"\n'
PACK = '[packs.team]\nunit = "credit"\namount = 50\nprice = "45.00"\nbonus = 5\nexpires_after = "12 months"\n'


@pytest.fixture
def books(database: Database) -> Planned:
    return Planned(database)


@pytest.mark.parametrize(
    ("before", "after", "kind", "text"),
    [
        ("", OFFERS, ChangeKind.ADD, "top-ups of credit: 5 or 10 at 1.00 USD each"),
        ("", PACK, ChangeKind.ADD, "pack team: Team, 50 credit + 5 for 45.00 USD; expires after 12 months"),
        (
            OFFERS,
            OFFERS.replace("10]", '20]\nexpires_after = "1 year"'),
            ChangeKind.CHANGE,
            "top-ups of credit: amounts 5, 10 → 5, 20, expires_after none → 1 year",
        ),
        (PACK, PACK.replace("45.00", "40"), ChangeKind.CHANGE, "pack team: price 45 → 40"),
        (OFFERS, "", ChangeKind.REMOVE, "top-ups of credit: removed"),
        (PACK, "", ChangeKind.REMOVE, "pack team: removed"),
        ("", "[plans.basic]\nlisted = false\n", ChangeKind.ADD, "plan basic: Basic, not offered to customers"),
        ("[plans.basic]\n", "[plans.basic]\nlisted = false\n", ChangeKind.CHANGE, "plan basic: listed true → false"),
    ],
)
async def test_differences_have_words(books: Planned, before: str, after: str, kind: ChangeKind, text: str) -> None:
    assert await books.changed(GENERAL + before, GENERAL + after) == [(kind, text)]


async def test_what_says_the_same_changes_nothing(books: Planned) -> None:
    await books.apply(GENERAL + OFFERS + PACK)
    same = '[top_ups.credit]\nprice = 1\namounts = ["10.0", "5"]\n' + PACK.replace("45.00", "45") + "name = 'Team'\n"
    assert (await books.apply(GENERAL + same)).proposal.empty


@pytest.mark.parametrize("offer", [OFFERS, PACK])
async def test_a_unit_that_was_sold_stays(books: Planned, offer: str) -> None:
    await books.apply(GENERAL + offer, meters="currency = 'USD'\n[units.credit]\n" + METERS_ALONE)
    with pytest.raises(CatalogInvalid, match="Customers can buy `credit`, so wallets may hold it"):
        await books.apply(GENERAL, meters="currency = 'USD'\n" + METERS_ALONE)
    with pytest.raises(CatalogInvalid, match="its decimals stay 0"):
        await books.apply(GENERAL, meters="currency = 'USD'\n[units.credit]\ndecimals = 1\n" + METERS_ALONE)


async def test_the_document_has_what_can_be_bought(books: Planned) -> None:
    await books.apply(GENERAL + OFFERS + PACK + "[plans.basic]\nlisted = false\n")
    document = as_document(await books.catalog())
    words = "5 or 10 at 1.00 USD each"
    offer = {"unit": "credit", "words": words, "currency": "USD", "amounts": ["5", "10"], "price": "1"}
    assert document["top_ups"] == [offer]
    (pack,) = document["packs"]
    assert (pack["key"], pack["amount"], pack["bonus"], pack["price"], pack["currency"]) == (
        "team",
        "50",
        "5",
        "45",
        "USD",
    )
    assert [plan["listed"] for plan in document["plans"]] == [False]


METERS_ALONE = '[meters.cv]\nunit = "CV"\n[meters.tok]\nunit = "token"\n'
