"""Warnings of running totals: each price that has some and begins or ends within a period, and what follows from it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from tests.database.test_catalog_apply import DECEMBER, METERS, NOW, Books, acme, price, since

from tollkeeper.db import Database

pytestmark = pytest.mark.anyio

TOK = price("1", scope="prices.tok")
LATER = NOW + timedelta(hours=1)
CAPPED = price("0.50", "maximum = 20")
FREE_AGAIN = "; all of the included quantity is free from then on"
CHARGED_AGAIN = "; up to the whole maximum can be charged from then on, besides what was charged before"
NOT_COUNTED = "within a month: what was used and charged before in the month doesn't count"
ADVICE = ". Give `from` the start of a month to avoid it."


class Warned(Books):
    """Books whose second meter always has a price, so that nothing is warned of but running totals."""

    async def put(self, text: str, now: datetime = NOW, meters: str = METERS) -> tuple[str, ...]:
        return (await self.apply(text + TOK, now, meters)).proposal.warnings


@pytest.fixture
def books(database: Database) -> Warned:
    return Warned(database)


@pytest.mark.parametrize(
    ("terms", "start", "warning"),
    [
        (
            "included = 100",
            "",
            f"The included quantity of cv counts anew from now on, {NOT_COUNTED}{FREE_AGAIN}{ADVICE}",
        ),
        ("maximum = 5", "", f"The maximum of cv counts anew from now on, {NOT_COUNTED}{CHARGED_AGAIN}{ADVICE}"),
        ("included = 100\nmaximum = 5", "", "The included quantity and the maximum of cv count anew from now on"),
        ('included = 100\nperiod = "year"', "from = 2026-12-01T00:00:00Z", "Give `from` the start of a year"),
        ("included = 100", "from = 2026-12-01T00:00:00+01:00", None),
        ("included = 100", "from = 2026-12-01T00:00:01Z", "cv counts anew from 2026-12-01 00:00:01 UTC, within"),
        ('included = 100\nperiod = "week"', "from = 2026-11-30T00:00:00Z", None),
        ("discount_percent = 10", "", None),
    ],
)
async def test_a_changed_price(books: Warned, terms: str, start: str, warning: str | None) -> None:
    assert await books.put(price("0.50")) == ()
    found = await books.put(price("0.50", f"{terms}\n{start}"))
    assert [warning in text for text in found if warning] == ([True] if warning else [])
    assert len(found) == (1 if warning else 0)
    assert await books.put(price("0.50", f"{terms}\n{start}"), LATER) == ()


@pytest.mark.parametrize(
    ("model", "warning"),
    [
        ('model = "graduated"\ntiers = [{ amount = 1 }]', "Tiers of cv count anew"),
        (
            'model = "volume"\ntiers = [{ amount = 1 }]\nincluded = 5',
            "Tiers and the included quantity of cv count anew",
        ),
        ('model = "package"\namount = 1\nsize = 5', "Packages of cv count anew"),
    ],
)
async def test_tiers_and_packages(books: Warned, model: str, warning: str) -> None:
    await books.put(price("0.50"))
    (text,) = await books.put(f"[prices.cv]\n{model}\n")
    assert text.startswith(warning)


@pytest.mark.parametrize(
    ("aggregation", "warning"),
    [
        ("max", "The largest quantity of cv counts anew from now on"),
        ("latest", "The latest quantity of cv counts anew from now on"),
        ('unique_count"\nunique_by = "member', "The number of distinct ones of cv counts anew from now on"),
    ],
)
async def test_a_periods_peak_is_charged_again(books: Warned, aggregation: str, warning: str) -> None:
    meters = METERS.replace('unit = "CV"', f'unit = "CV"\naggregation = "{aggregation}"')
    await books.put(price("2"), meters=meters)
    (text,) = await books.put(price("3"), LATER, meters)
    assert text.startswith(warning)
    assert "is charged in full again" in text


async def test_a_price_that_comes_back_counts_anew(books: Warned) -> None:
    assert await books.put(CAPPED) == ()
    (ended,) = await books.put(price("0.60"))
    assert ended == (
        "The maximum of cv ends with the price until then, within a month: what is used from now on isn't counted with "
        f"what was used before; what is charged from then on comes on top of the maximum{ADVICE}"
    )
    (again,) = await books.put(CAPPED, LATER)
    assert again == f"The maximum of cv counts anew from now on, {NOT_COUNTED}{CHARGED_AGAIN}{ADVICE}"


async def test_one_maximum_after_another_is_one_warning(books: Warned) -> None:
    await books.put(CAPPED)
    (text,) = await books.put(price("0.60", "maximum = 20"))
    assert text.startswith("The maximum of cv counts anew from now on")


async def test_what_only_the_old_price_had_ends(books: Warned) -> None:
    await books.put(price("0.50", "maximum = 20\nincluded = 3"))
    begins, ends = await books.put(CAPPED)
    assert begins.startswith("The maximum of cv counts anew")
    assert ends.startswith("The included quantity of cv ends with the price until then, within a month")
    assert "what is left of the included quantity is lost" in ends


async def test_the_start_of_one_period_may_be_the_middle_of_another(books: Warned) -> None:
    await books.put(price("0.50", 'maximum = 20\nperiod = "week"'))
    (text,) = await books.put(price("0.50", "maximum = 20\nfrom = 2026-12-01T00:00:00Z"))
    assert text.startswith("The maximum of cv ends with the price until then, within a week: what is used from 2026-12")


@pytest.mark.parametrize("start", ["", f"from = {NOW.isoformat()}", "from = 2026-11-10T00:00:00Z"])
async def test_the_first_override_of_a_customer(books: Warned, start: str) -> None:
    await books.put(CAPPED)
    found = [text for text in await books.put(CAPPED + acme("0.40", f"maximum = 20\n{start}")) if "anew" in text]
    assert len(found) == 1
    since = f"{start[7:17]} {start[18:23]} UTC" if start else "now on"
    assert found[0] == (f"The maximum of cv for acme counts anew from {since}, {NOT_COUNTED}{CHARGED_AGAIN}{ADVICE}")


async def test_an_override_from_the_start_of_this_period_does_not_know_what_was_charged_in_it(books: Warned) -> None:
    await books.put(CAPPED)
    (text,) = await books.put(CAPPED + acme("0.40", "maximum = 20\nfrom = 2026-11-01T00:00:00Z"))
    assert text.startswith("The maximum of cv for acme counts anew from now on")


async def test_the_first_override_ends_the_price_for_everyone(books: Warned) -> None:
    await books.put(CAPPED)
    (text, _) = await books.put(CAPPED + acme("0.40"))
    assert text.startswith("The maximum of cv for acme ends with the price until then")
    assert await books.put(CAPPED + acme("0.40") + acme("0.30", "from = 2026-12-15T00:00:00Z"), LATER) == ()


async def test_an_override_that_begins_with_a_period_is_no_reason_to_warn(books: Warned) -> None:
    await books.put(CAPPED)
    assert await books.put(CAPPED + since("0.40", DECEMBER, "customers.acme.prices.cv")) == ()
    assert await books.put(CAPPED + acme("0.40", "maximum = 9\nfrom = 2026-12-01T00:00:00Z")) == ()
    (text,) = await books.put(CAPPED + acme("0.40", "maximum = 9\nfrom = 2026-12-02T00:00:00Z"))
    assert text.startswith("The maximum of cv for acme counts anew from 2026-12-02 00:00 UTC")


async def test_an_override_that_is_taken_out(books: Warned) -> None:
    await books.put(CAPPED)
    await books.put(CAPPED + acme("0.40", "maximum = 5\nincluded = 3"))
    back, ends = await books.put(CAPPED, LATER)
    assert back == (
        "The maximum of cv counts for acme, from now on, only what the price for everyone has charged: what the "
        "customer's own price has charged in the month doesn't count; up to its maximum can be charged, besides what "
        "was charged before."
    )
    assert ends.startswith("The included quantity of cv for acme ends with the price until then")
    assert "`from`" not in ends
    # Put back as it was, it is another price.
    (again,) = await books.put(CAPPED + acme("0.40", "maximum = 5\nincluded = 3"), LATER + timedelta(hours=1))
    assert again.startswith("The included quantity and the maximum of cv for acme count anew from now on")


async def test_a_price_that_is_taken_out_and_put_back(books: Warned) -> None:
    await books.put(CAPPED)
    ends, _ = await books.put("")
    assert ends.startswith("The maximum of cv ends with the price until then, within a month")
    (again,) = await books.put(CAPPED, LATER)
    assert again.startswith("The maximum of cv counts anew from now on")


async def test_a_first_price_counts_from_now_on_where_there_is_usage(books: Warned) -> None:
    await books.put("")
    books.used = {"tok"}
    assert (await books.plan(CAPPED + TOK)).warnings == ()
    books.used = {"cv"}
    (text,) = (await books.plan(CAPPED + TOK)).warnings
    assert text.startswith("The maximum of cv counts anew from now on")


async def test_a_scheduled_price_that_is_taken_out_lets_another_take_over(books: Warned) -> None:
    year = price("0.50", 'maximum = 20\nperiod = "year"')
    december, january = since("0.60", DECEMBER), price("0.70", "from = 2027-01-15T00:00:00Z")
    assert len(await books.put(year + december + january)) == 1
    # Now the maximum of the year ends in the middle of January, and not in December.
    (text,) = await books.put(year + january)
    assert text.startswith("The maximum of cv ends with the price until then, within a year: what is used from 2027-01")
    assert await books.put(year + january, datetime(2027, 2, 1, tzinfo=UTC)) == ()


async def test_several_first_prices(books: Warned) -> None:
    (text,) = await books.put(CAPPED + price("0.60", "maximum = 20\nfrom = 2026-11-10T00:00:00Z"))
    assert text.startswith("The maximum of cv counts anew from 2026-11-10 00:00 UTC")
