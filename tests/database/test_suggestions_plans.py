"""Suggestions about plans: what went unused, and what another plan would have charged; each figure reckoned by hand."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import pytest
from tests.database.costing import reported, used_json
from tests.database.gating import Clock, D, ingest, one, open_books, used, utc
from tests.database.suggesting import chat, figures, savings, suggested, use

from tollkeeper.books import Books
from tollkeeper.db import Database
from tollkeeper.suggestions import Kind, Worth

pytestmark = pytest.mark.anyio

PLANS = """
currency = "USD"
default_plan = "pro"
[units.credit]
decimals = 0
[meters.cv]
name = "CV parsing"
aggregation = "count"
unit = "CV"
[meters.minute]
name = "Interviews"
unit = "minute"
[meters.answer]
unit = "answer"
[prices.minute]
model = "unit"
amount = "0.10"
[prices.answer]
model = "cost_plus"
margin_percent = "25"
[plans.pro]
name = "Pro"
[plans.pro.prices.cv]
model = "unit"
amount = "0.50"
[plans.basic]
name = "Basic"
[plans.basic.prices.cv]
model = "unit"
amount = "0.60"
included = 20
"""


async def cvs(books: Books, n: int, day: str, name: str = "a") -> None:
    events = [used(f"{name}:{day}:{i}", "cv", time=utc(f"{day} 12:00")) for i in range(n)]
    assert {result.status for result in await ingest(books, *events)} == {"accepted"}


async def begun(database: Database, catalog: str = PLANS) -> Books:
    """Books whose customer is on its plan since August."""
    with Clock(utc("2026-08-01 12:00")):
        return await open_books(database, catalog)


async def test_a_plan_that_would_have_been_cheaper(database: Database) -> None:
    books = await begun(database)
    # Before the span, in the same month: they use up 15 of Basic's 20.
    await cvs(books, 15, "2026-10-02")
    await cvs(books, 10, "2026-10-20")
    await cvs(books, 30, "2026-11-05")
    await ingest(books, used("m", "minute", quantity="7", time=utc("2026-11-05 12:00")))
    [found] = await suggested(books, Kind.CHEAPER_PLAN, span=(utc("2026-10-15 00:00"), utc("2026-11-14 00:00")))
    # Pro: 40 × 0.50 = 20. Basic: 5 of October's 10 at 0.60, 10 of November's 30: 3 + 6 = 9.
    assert savings(found) == {"customer": D(11)}
    assert found.text == "Basic instead of Pro: the same usage would have been charged 11.00 USD less."
    assert [step.text for step in found.steps] == [
        "CV parsing on Pro: 0.50 USD per CV",
        "Month from 2026-10-01: 10 CVs, after 15 CVs before: 5.00 USD",
        "Month from 2026-11-01: 30 CVs: 15.00 USD",
        "40 CVs: 20.00 USD",
        "CV parsing on Basic: 20 CVs per month included, then 0.60 USD per CV",
        "Month from 2026-10-01: 10 CVs, after 15 CVs before: 3.00 USD",
        "Month from 2026-11-01: 30 CVs: 6.00 USD",
        "40 CVs: 9.00 USD",
        "Charged alike on both: 0.70 USD",
        "20.70 USD − 9.70 USD = 11.00 USD less",
    ]


async def test_a_plan_that_was_changed_amid_the_time_is_told(database: Database) -> None:
    with Clock(utc("2026-08-01 12:00")) as clock:
        books = await open_books(database, PLANS.replace('default_plan = "pro"', 'default_plan = "basic"'))
        clock.at = utc("2026-10-15 00:00")
        await cvs(books, 30, "2026-10-10")
        await books.assign_plan("acme", "pro", at=None, by="test")
    await cvs(books, 10, "2026-10-20")
    # In fact 10 × 0.60 by Basic and then 10 × 0.50 by Pro were charged.
    assert await charge(books, "acme", (utc("2026-10-01 00:00"), utc("2026-10-31 00:00"))) == D(11)
    [found] = await suggested(books, Kind.CHEAPER_PLAN)
    # Pro for all of it: 40 × 0.50 = 20. Basic: 20 × 0.60 = 12.
    assert savings(found) == {"customer": D(8)}
    said = (
        "Basic instead of Pro, had each been in force throughout: the same usage would have been charged 8.00 USD less."
    )
    assert found.text == said
    assert "This isn't what was charged. Pro began on 2026-10-15." in (found.caution or "")
    # For the time since then Basic's 20 were used up already: 10 × 0.60 instead of 10 × 0.50.
    assert await suggested(books, Kind.CHEAPER_PLAN, span=(utc("2026-10-15 00:00"), utc("2026-10-31 00:00"))) == []


async def test_prices_that_were_changed_amid_the_time_are_told(database: Database) -> None:
    later = (
        '[[plans.pro.prices.cv]]\nmodel = "unit"\namount = "0.40"\n[[plans.pro.prices.cv]]\nfrom = 2026-10-15T00:00:00Z'
    )
    books = await begun(database, PLANS.replace("[plans.pro.prices.cv]", later))
    await cvs(books, 10, "2026-10-10")
    await cvs(books, 10, "2026-10-20")
    [found] = await suggested(books, Kind.CHEAPER_PLAN)
    # 20 × 0.50 = 10, though 4 + 5 were charged; on Basic all 20 are included.
    assert savings(found) == {"customer": D(10)}
    assert "had each been in force throughout" in found.text
    assert "This isn't what was charged. " in (found.caution or "")
    assert "Pro began" not in (found.caution or "")


async def test_a_dearer_plan_is_no_suggestion(database: Database) -> None:
    books = await begun(database)
    await cvs(books, 200, "2026-10-20")
    assert await suggested(books, Kind.CHEAPER_PLAN) == []


async def test_a_plan_whose_limit_would_have_refused_is_none(database: Database) -> None:
    limited = PLANS + '\n[plans.basic.limits.cvs]\nmeter = "cv"\nper = "day"\ncap = {}\n'
    books = await begun(database, limited.format(30))
    await cvs(books, 30, "2026-10-20")
    assert len(await suggested(books, Kind.CHEAPER_PLAN)) == 1
    await cvs(books, 1, "2026-10-20", "b")
    assert await suggested(books, Kind.CHEAPER_PLAN) == []


async def test_limits_by_spend_and_by_member_count_too(database: Database) -> None:
    spend = PLANS + '\n[plans.basic.limits.spent]\nspend = "USD"\nper = "month"\ncap = "5.99"\n'
    books = await begun(database, spend)
    await cvs(books, 30, "2026-10-20")
    assert await suggested(books, Kind.CHEAPER_PLAN) == []
    assert len(await suggested(books, Kind.CHEAPER_PLAN, span=(utc("2026-10-20 00:00"), utc("2026-10-21 00:00")))) == 0


async def test_each_member_s_limit(database: Database) -> None:
    own = PLANS + '\n[plans.basic.limits.each]\nmeter = "cv"\nper = "day"\ncap = 5\nby = "member"\n'
    books = await begun(database, own)
    time = utc("2026-10-20 12:00")
    await ingest(books, *(used(f"a{n}", "cv", member=f"m{n % 2}", time=time) for n in range(10)))
    assert len(await suggested(books, Kind.CHEAPER_PLAN)) == 1
    await ingest(books, used("b", "cv", member="m0", time=time))
    assert await suggested(books, Kind.CHEAPER_PLAN) == []


async def test_what_a_limit_in_an_hour_would_have_said_is_not_claimed(database: Database) -> None:
    hour = PLANS + '\n[plans.basic.limits.burst]\nmeter = "cv"\nper = "rolling_hour"\ncap = 5\n'
    books = await begun(database, hour)
    await cvs(books, 3, "2026-10-20")
    [found] = await suggested(books, Kind.CHEAPER_PLAN)
    assert "under its limit 'Burst' isn't known" in (found.caution or "")


async def test_what_the_plans_give_is_taken_off(database: Database) -> None:
    given = PLANS + '\n[plans.basic.grants.start]\nunit = "USD"\namount = "2.00"\nevery = "month"\n'
    books = await begun(database, given.replace("included = 20", ""))
    await cvs(books, 10, "2026-10-20")
    # Basic: 10 × 0.60 = 6.00, less the 2.00 of 1 October: 4.00 instead of 5.00.
    [found] = await suggested(books, Kind.CHEAPER_PLAN)
    assert savings(found) == {"customer": D(1)}
    assert figures(found, "grants") == [
        {"plan": "basic", "from": "2026-10-01", "given": "2", "charge": "6", "due": "4"}
    ]


def giving(plan: str, terms: str = "") -> str:
    """The plans without anything included, of which one gives 10.00 USD a month."""
    grant = f'\n[plans.{plan}.grants.monthly]\nunit = "USD"\namount = "10.00"\nevery = "month"\n{terms}\n'
    return PLANS.replace("included = 20", "") + grant


async def test_a_grant_pays_for_its_own_period_alone(database: Database) -> None:
    books = await begun(database, giving("basic"))
    await cvs(books, 50, "2026-10-20")
    [found] = await suggested(books, Kind.CHEAPER_PLAN, span=(utc("2026-08-15 00:00"), utc("2026-11-14 00:00")))
    # Pro: 50 × 0.50 = 25. Basic: 50 × 0.60 − October's 10 = 20. What lapsed in August, September and November is gone.
    assert savings(found) == {"customer": D(5)}
    assert [step.text for step in found.steps][-2:] == [
        "Of its own Basic has 10.00 USD from 2026-10-01 on: 30.00 USD of charges leave 20.00 USD",
        "25.00 USD − 20.00 USD = 5.00 USD less",
    ]


async def test_a_grant_that_began_before_the_span_pays_too(database: Database) -> None:
    books = await begun(database, giving("pro").replace('"0.60"', '"0.40"'))
    await cvs(books, 20, "2026-10-20")
    span = utc("2026-10-14 00:00"), utc("2026-10-21 00:00")
    # Pro's grant pays all of 20 × 0.50; Basic would have charged 20 × 0.40.
    assert await suggested(books, Kind.CHEAPER_PLAN, span=span) == []


async def test_what_was_used_before_the_span_uses_its_grant_up_first(database: Database) -> None:
    books = await begun(database, giving("pro").replace('"0.60"', '"0.40"'))
    await cvs(books, 12, "2026-10-05")
    await cvs(books, 60, "2026-10-20")
    [found] = await suggested(books, Kind.CHEAPER_PLAN, span=(utc("2026-10-14 00:00"), utc("2026-10-21 00:00")))
    # 6 of Pro's 10 went for the 12 before: 30 − 4 = 26 on Pro, 60 × 0.40 = 24 on Basic.
    assert savings(found) == {"customer": D(2)}
    assert figures(found, "grants") == [
        {"plan": "pro", "from": "2026-10-01", "given": "4", "charge": "30", "due": "26"}
    ]


@pytest.mark.parametrize(("rollover", "saved"), [('"none"', 2), ('"all"', 12), ("4", 6)])
async def test_what_a_grant_rolls_over_pays_in_the_next_period(database: Database, rollover: str, saved: int) -> None:
    books = await begun(database, giving("basic", f"rollover = {rollover}"))
    await cvs(books, 50, "2026-08-20")
    await cvs(books, 80, "2026-10-20")
    [found] = await suggested(books, Kind.CHEAPER_PLAN, span=(utc("2026-10-01 00:00"), utc("2026-11-14 00:00")))
    # Pro: 40. Basic: 48, less October's 10 and what is left of September's; August's went for August's usage.
    assert savings(found) == {"customer": D(saved)}


async def test_each_stretch_of_grants_by_week_and_month(database: Database) -> None:
    weekly = '\n[plans.basic.grants.weekly]\nunit = "USD"\namount = "3.00"\nevery = "week"\n'
    books = await begun(database, giving("basic") + weekly)
    for day in ("2026-10-05", "2026-10-12", "2026-10-28"):
        await cvs(books, 20, day)
    span = utc("2026-10-01 00:00"), utc("2026-10-31 00:00")
    [found] = await suggested(books, Kind.CHEAPER_PLAN, span=span)
    # Weeks begin on Saturdays, as 1 August was. 12 each: 3 of the week and 9 of the month; 3 and the month's last; 3.
    assert [one["due"] for one in figures(found, "grants")] == ["0", "8", "9"]
    assert savings(found) == {"customer": D(13)}


async def test_what_a_fee_pays_for_is_not_taken_off(database: Database) -> None:
    given = PLANS + '\n[plans.basic.grants.start]\nunit = "USD"\namount = "9.00"\nevery = "month"\nkind = "paid"\n'
    books = await begun(database, given.replace("included = 20", ""))
    await cvs(books, 10, "2026-10-20")
    assert await suggested(books, Kind.CHEAPER_PLAN) == []


async def test_that_usage_must_be_bought_ahead_is_said(database: Database) -> None:
    ahead = PLANS + '\n[plans.basic.funding]\nwhen_exhausted = "refuse"\n'
    books = await begun(database, ahead)
    await cvs(books, 30, "2026-10-20")
    [found] = await suggested(books, Kind.CHEAPER_PLAN)
    assert "what its own grants don't pay must be bought ahead" in (found.caution or "")


async def test_a_price_by_cost_is_compared_where_every_cost_is_known(database: Database) -> None:
    fixed = PLANS + '\n[plans.basic.prices.answer]\nmodel = "unit"\namount = "0.001"\n'
    by_cost = fixed + '\n[plans.none]\nname = "None"\n[plans.none.prices.cv]\nmodel = "unit"\namount = "0.50"\n'
    books = await begun(database, by_cost)
    await use(books, chat("a", 1_000_000), day=3)
    found = await suggested(books, Kind.CHEAPER_PLAN)
    assert [(one.subject["instead"], savings(one)) for one in found] == [("basic", {"customer": D("3.124")})]
    await use(books, chat("b", 1_000_000, model="gpt-99"), day=3)
    assert await suggested(books, Kind.CHEAPER_PLAN) == []


async def test_costs_that_nobody_is_charged_are_not_compared(database: Database) -> None:
    fixed = PLANS + '\n[plans.basic.prices.answer]\nmodel = "unit"\namount = "0.001"\n'
    books = await begun(database, fixed)
    await use(books, chat("a", 1_000_000), chat("b", 1_000_000), day=3)
    [found] = await suggested(books, Kind.CHEAPER_PLAN)
    assert savings(found) == {"customer": D("6.248")}
    # What is taken back costs the operator still, and its charge is gone: sums of days don't tell them apart.
    await reported(books, used_json("back", "answer", quantity="-1", corrects="e:a"))
    assert await suggested(books, Kind.CHEAPER_PLAN) == []


async def test_usage_without_calls_is_not_taken_for_free(database: Database) -> None:
    cheap = PLANS + '\n[plans.basic.prices.minute]\nmodel = "cost_plus"\nmargin_percent = "25"\n'
    books = await begun(database, cheap.replace("included = 20", ""))
    await ingest(books, used("m", "minute", quantity="100", time=utc("2026-10-20 12:00")))
    assert await suggested(books, Kind.CHEAPER_PLAN) == []


async def test_a_plan_that_can_t_be_chosen_is_none(database: Database) -> None:
    books = await begun(database, PLANS.replace('name = "Basic"', 'name = "Basic"\nlisted = false'))
    await cvs(books, 10, "2026-10-20")
    assert await suggested(books, Kind.CHEAPER_PLAN) == []


async def charge(books: Books, customer: str, span: tuple[datetime, datetime]) -> Decimal:
    query = """select coalesce(sum(charge), 0) from events join customers using (customer_id)
               where key = %s and time >= %s and time < %s"""
    return await one(books, query, customer, *span)


async def test_what_a_plan_includes_and_nobody_used(database: Database) -> None:
    books = await begun(database, PLANS.replace('default_plan = "pro"', 'default_plan = "basic"'))
    await cvs(books, 4, "2026-10-20")
    [found] = await suggested(books, Kind.UNUSED_PLAN, span=(utc("2026-10-10 00:00"), utc("2026-11-09 00:00")))
    assert found.subject == {"plan": "basic", "meter": "cv"}
    # 16 of the 20 at 0.60. Without them nothing would have been charged less: that's no saving.
    assert (found.savings, found.unused) == ((), Worth(D("9.6"), "USD"))
    assert found.steps[0].figures == {"included": "20", "used": "4", "unused": "16"}
    assert "20 % was used from 2026-10-01 to 2026-10-31" in found.text
    await cvs(books, 1, "2026-10-20", "b")
    assert await suggested(books, Kind.UNUSED_PLAN, span=(utc("2026-10-10 00:00"), utc("2026-11-09 00:00"))) == []


async def test_what_has_been_included_since_then_is_not_judged(database: Database) -> None:
    more = (
        '[[plans.basic.prices.cv]]\nmodel = "unit"\namount = "0.60"\nincluded = 2\n[[plans.basic.prices.cv]]\nfrom = {}'
    )
    catalog = PLANS.replace('default_plan = "pro"', 'default_plan = "basic"')
    catalog = catalog.replace("[plans.basic.prices.cv]", more.format("2026-10-15T00:00:00Z"))
    books = await begun(database, catalog)
    await cvs(books, 1, "2026-10-20")
    span = utc("2026-10-10 00:00"), utc("2026-11-09 00:00")
    assert await suggested(books, Kind.UNUSED_PLAN, span=span) == []
    later = utc("2026-11-10 00:00"), utc("2026-12-09 00:00")
    [found] = await suggested(books, Kind.UNUSED_PLAN, span=later)
    assert found.steps[0].figures == {"included": "20", "used": "0", "unused": "20"}


async def test_a_plan_that_began_within_the_period_is_not_judged(database: Database) -> None:
    with Clock(utc("2026-10-05 12:00")):
        books = await open_books(database, PLANS.replace('default_plan = "pro"', 'default_plan = "basic"'))
    assert await suggested(books, Kind.UNUSED_PLAN, span=(utc("2026-10-10 00:00"), utc("2026-11-09 00:00"))) == []


async def test_what_saves_comes_before_what_went_unused(database: Database) -> None:
    cheap = PLANS.replace('default_plan = "pro"', 'default_plan = "basic"').replace("included = 20", "included = 400")
    books = await begun(database, cheap + '[plans.basic.prices.minute]\nmodel = "unit"\namount = "0.20"\n')
    await ingest(books, used("m", "minute", quantity="7", time=utc("2026-10-20 12:00")))
    found = await suggested(books, span=(utc("2026-10-10 00:00"), utc("2026-11-09 00:00")))
    assert [(one.kind, one.figure.amount) for one in found] == [
        (Kind.CHEAPER_PLAN, D("0.7")), (Kind.UNUSED_PLAN, D(240)),
    ]  # fmt: skip


async def test_grants_that_expired_unused(database: Database) -> None:
    catalog = PLANS + '\n[plans.pro.grants.monthly]\nunit = "USD"\namount = "10.00"\nevery = "month"\n'
    limit = '\n[plans.pro.limits.cvs]\nmeter = "cv"\nper = "month"\ncap = 1000\n'
    with Clock(utc("2026-09-01 00:00")) as clock:
        books = await open_books(database, catalog + limit)
        await books.refresh("acme")
        clock.at = utc("2026-09-20 12:00")
        await cvs(books, 4, "2026-09-20")
        clock.at = utc("2026-10-10 00:00")
        span = utc("2026-09-10 00:00"), utc("2026-10-10 00:00")
        [found] = await suggested(books, Kind.UNUSED_PLAN, span=span)
    # 4 × 0.50 of 10.00 was spent.
    assert found.subject == {"plan": "pro", "grant": "monthly"}
    assert (found.savings, found.unused) == ((), Worth(D(8), "USD"))
    assert found.steps[0].figures == {"grants": "1", "amount": "10", "spent": "2", "expired": "8"}
    assert figures(found, "limit") == [{"limit": "cvs", "cap": "1000", "used": "4"}]


async def test_what_rolled_over_is_judged_once(database: Database) -> None:
    catalog = (
        PLANS
        + """
[plans.pro.grants.monthly]
unit = "USD"
amount = "10.00"
every = "month"
rollover = 4
"""
    )
    with Clock(utc("2026-08-01 00:00")) as clock:
        books = await open_books(database, catalog)
        for month in (8, 9, 10):
            clock.at = utc(f"2026-{month:02}-02 00:00")
            await books.refresh("acme")
        clock.at = utc("2026-10-10 00:00")
        [found] = await suggested(books, Kind.UNUSED_PLAN, span=(utc("2026-08-10 00:00"), utc("2026-10-10 00:00")))
    # August's: 6 lapsed, 4 went over. September's 14: 10 lapsed, 4 went over. 16 were there to be spent by then.
    assert found.steps[0].figures == {"grants": "2", "amount": "16", "spent": "0", "expired": "16"}
