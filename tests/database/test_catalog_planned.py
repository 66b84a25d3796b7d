"""Plans and limits through propose and apply: prices of plans over versions, the difference in words, what stays."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from tests.database.test_catalog_apply import DECEMBER, METERS, NOW, Books, price, since, texts

from tollkeeper.catalog import Applied, ChangeKind, Limit, apply, as_document, price_by_id
from tollkeeper.clock import BEGINNING
from tollkeeper.customers import CustomerChanges, assign_plan, upsert_customer, used_plans
from tollkeeper.db import Database, Tx
from tollkeeper.rating import MODELS

pytestmark = pytest.mark.anyio

TOK = price("1", scope="prices.tok")
GENERAL = price("0.50") + TOK
LATER = NOW + timedelta(hours=1)
BASIC = "plans.basic.prices.cv"
LIMIT = '[limits.daily]\nmeter = "cv"\nper = "day"\ncap = 5\n'
GRANT = '[plans.basic.grants.monthly]\nunit = "credit"\namount = 5\nevery = "month"\n'


class Planned(Books):
    """Books whose customers are on the plans `on`."""

    on: Collection[str] = ()

    async def used_plans(self, tx: Tx, *, now: datetime) -> Collection[str]:
        return self.on

    async def apply(self, text: str, now: datetime | None = NOW, meters: str = METERS) -> Applied:
        async with self.database.transaction() as tx:
            return await apply(
                tx,
                meters + text,
                file="c.toml",
                models=MODELS,
                used_meters=self.used_meters,
                used_plans=self.used_plans,
                now=now,
                by="ops",
            )

    async def charged(
        self, *instants: datetime, plan: str | None = "basic", customer: str = "other"
    ) -> list[str | None]:
        catalog = await self.catalog()
        found = [catalog.price_for("cv", customer, at, plan) for at in instants]
        return [one.terms.as_table()["amount"] if one else None for one in found]

    async def changed(self, before: str, after: str) -> list[tuple[ChangeKind, str]]:
        """What one catalog after the other changes; `before` stays, and the same again changes nothing."""
        await self.apply(before)
        found = [(change.kind, change.text) for change in (await self.apply(after)).proposal.changes]
        assert (await self.apply(after)).proposal.empty
        assert all(change["text"] for change in [one.as_dict() for one in (await self.plan(before)).changes])
        return found


@pytest.fixture
def books(database: Database) -> Planned:
    return Planned(database)


async def test_a_plans_price_stands_before_everyones_and_behind_a_customers_own(books: Planned) -> None:
    own = price("0.20", scope="customers.acme.prices.cv")
    await books.apply(GENERAL + price("0.40", scope=BASIC) + own)
    assert await books.charged(BEGINNING, NOW) == ["0.4", "0.4"]
    assert await books.charged(NOW, plan=None) == ["0.5"]
    assert await books.charged(NOW, plan="gone") == ["0.5"]
    assert await books.charged(NOW, customer="acme") == ["0.2"]
    assert await books.charged(NOW, customer="acme", plan=None) == ["0.2"]
    catalog = await books.catalog()
    assert catalog.prices.keys() == {("cv", None), ("cv", "acme"), ("tok", None)}
    assert catalog.plan_prices.keys() == {("cv", "basic")}
    found = [catalog.price_for("cv", "x", NOW, plan) for plan in (None, "basic")]
    assert [(one.plan, one.customer) for one in found if one] == [(None, None), ("basic", None)]
    assert len({one.price_id for one in found if one}) == 2


async def test_a_plan_may_price_what_nobody_else_has(books: Planned) -> None:
    await books.apply(TOK + since("0.40", DECEMBER, BASIC))
    assert await books.charged(NOW, DECEMBER) == [None, "0.4"]
    assert await books.charged(DECEMBER, plan=None) == [None]


async def test_prices_of_a_plan_have_a_history_of_their_own(books: Planned) -> None:
    await books.apply(GENERAL + price("0.40", scope=BASIC))
    first = (await books.catalog()).price_for("cv", "other", NOW, "basic")
    changed = await books.apply(GENERAL + price("0.30", scope=BASIC), LATER)
    assert texts(changed.proposal) == ["cv in plan basic: 0.40 USD per CV → 0.30 USD per CV from now on"]
    assert changed.proposal.changes[0].subject == "price cv in plan basic"
    # Everyone's price changes, and the plan's doesn't.
    await books.apply(TOK + price("0.60") + price("0.30", scope=BASIC), LATER + timedelta(hours=1))
    assert await books.charged(NOW, LATER, DECEMBER) == ["0.4", "0.3", "0.3"]
    assert await books.charged(NOW, DECEMBER, plan=None) == ["0.5", "0.6"]
    scheduled = TOK + price("0.60") + price("0.30", scope=BASIC) + since("0.35", DECEMBER, BASIC)
    planned = await books.apply(scheduled, LATER + timedelta(hours=2))
    assert texts(planned.proposal) == ["cv in plan basic: 0.30 USD per CV → 0.35 USD per CV from 2026-12-01 00:00 UTC"]
    gone = await books.apply(TOK + price("0.60") + "[plans.basic]\n", LATER + timedelta(hours=3))
    assert texts(gone.proposal) == [
        "cv in plan basic: 0.30 USD per CV → the price for everyone from now on",
        "cv in plan basic: 0.35 USD per CV from 2026-12-01 00:00 UTC is withdrawn before it begins",
    ]
    assert await books.charged(NOW, LATER, LATER + timedelta(hours=3), DECEMBER) == ["0.4", "0.3", "0.6", "0.6"]
    assert (await books.catalog()).version == 5
    async with books.database.transaction() as tx:
        assert first is not None
        assert await price_by_id(tx, first.price_id, MODELS) == first


async def test_the_past_of_a_plans_price_is_not_touched(books: Planned) -> None:
    past = NOW - timedelta(days=10)
    await books.apply(GENERAL + since("0.40", past, BASIC))
    ((_, key, message),) = await books.refused(GENERAL + since("0.30", past, BASIC))
    assert key == f"{BASIC}[0].from"
    assert "history does not change" in message


async def test_a_scheduled_price_keeps_its_id_beside_everyones_with_the_same_terms(books: Planned) -> None:
    both = GENERAL + since("0.60", DECEMBER) + price("0.50", scope=BASIC) + since("0.60", DECEMBER, BASIC)
    await books.apply(both)
    before = await books.catalog()
    await books.apply(GENERAL + price("0.50", scope=BASIC))
    assert await books.charged(DECEMBER) == await books.charged(DECEMBER, plan=None) == ["0.5"]
    await books.apply(both)
    after = await books.catalog()
    for plan in (None, "basic"):
        assert after.price_for("cv", "x", DECEMBER, plan) == before.price_for("cv", "x", DECEMBER, plan)


async def test_a_plan_that_customers_are_on_stays(books: Planned) -> None:
    plans = '[plans.basic]\n[plans.pro]\nname = "Pro"\n'
    await books.apply(GENERAL + plans)
    books.on = {"basic", "never declared"}
    ((line, key, message),) = await books.refused(GENERAL + "[plans.pro]\n")
    # Where the plans stand: what isn't in the file has no line of its own.
    assert (line, key) == ((METERS + GENERAL).count("\n") + 1, "plans.basic")
    assert "Customers are on `basic`, now or from a date to come" in message
    removed = await books.apply(GENERAL + "[plans.basic]\nname = 'Start'\n")
    assert [(change.kind, change.text) for change in removed.proposal.changes] == [
        (ChangeKind.CHANGE, "plan basic: name Basic → Start"),
        (ChangeKind.REMOVE, "plan pro: removed"),
    ]
    books.on = ()
    assert (await books.apply(GENERAL)).version == 3


async def test_customers_tell_which_plans_they_are_on(books: Planned, monkeypatch: pytest.MonkeyPatch) -> None:
    async def unused(tx: Tx, customer_id: UUID) -> bool:
        return False

    async def put(plan: str | None, since: datetime) -> None:
        async with books.database.transaction() as tx:
            changes = CustomerChanges()
            customer, _ = await upsert_customer(tx, "acme", changes, default_currency="USD", in_use=unused)
            await assign_plan(tx, customer, plan, since, now=NOW, by="ops", in_use=unused)

    monkeypatch.setattr(books, "used_plans", used_plans)
    await books.apply(GENERAL + "[plans.a]\n[plans.b]\n")
    await put("a", NOW)
    await put("b", DECEMBER)
    assert [key for _, key, _ in await books.refused(GENERAL)] == ["plans.a", "plans.b"]
    assert [key for _, key, _ in await books.refused(GENERAL, DECEMBER)] == ["plans.b"]
    await put(None, LATER)
    assert (await books.apply(GENERAL, LATER)).version == 2


async def test_a_plan_and_all_that_it_has_goes_at_once(books: Planned) -> None:
    own = GRANT + price("0.40", scope=BASIC) + "[plans.basic.funding]\nlow_balance = 3\n"
    await books.apply(GENERAL + own + LIMIT.replace("limits", "plans.basic.limits"))
    assert texts((await books.apply(GENERAL, LATER)).proposal) == [
        "plan basic: removed",
        "cv in plan basic: 0.40 USD per CV → the price for everyone from now on",
    ]


async def test_a_credit_that_plans_grant_stays(books: Planned) -> None:
    await books.apply(GENERAL + GRANT)
    precise = METERS.replace("[units.credit]", "[units.credit]\ndecimals = 2")
    gone = METERS.replace("[units.credit]\n", "")
    for meters, line, key in [(precise, 3, "units.credit.decimals"), (gone, 1, "units.credit")]:
        ((found_line, found_key, message),) = await books.refused(GENERAL + "[plans.basic]\n", meters=meters)
        assert (found_line, found_key) == (line, key)
        assert "Plans grant `credit`, so wallets may hold it" in message
    assert "plans.basic.grants.monthly.unit" in [key for _, key, _ in await books.refused(GENERAL + GRANT, meters=gone)]


@pytest.mark.parametrize(
    ("before", "after", "kind", "text"),
    [
        ("", '[groups.g]\nmeters = ["tok", "cv"]', "add", "group g: G, of cv, tok"),
        (
            '[groups.g]\nmeters = ["cv"]',
            '[groups.g]\nname = "H"\nmeters = ["tok"]',
            "change",
            "group g: name G → H, meters cv → tok",
        ),
        ('[groups.g]\nmeters = ["cv"]', "", "remove", "group g: removed"),
        ("", LIMIT, "add", "limit daily: 5 of cv per day, hard"),
        (
            LIMIT,
            LIMIT + 'mode = "soft"\nenabled = false\nby = "member"\nwarn_at = []\nmember_caps = { ann = 9 }',
            "change",
            "limit daily: mode hard → soft, by customer → member, warn_at 80, 100 → none, enabled true → false, "
            "member_caps none → ann 9",
        ),
        (LIMIT, LIMIT.replace("= 5", "= 6"), "change", "limit daily: cap 5 → 6"),
        (
            LIMIT,
            LIMIT.replace("meter", "spend").replace('"cv"', '"USD"').replace("day", "rolling_hour"),
            "change",
            "limit daily: meter cv → none, per day → rolling_hour, spend none → USD",
        ),
        (LIMIT, "", "remove", "limit daily: removed"),
        ("", "[plans.basic]", "add", "plan basic: Basic"),
        (
            "[plans.basic]",
            '[plans.basic]\ndescription = "Small"',
            "change",
            "plan basic: description none → Small",
        ),
        (
            "[plans.basic]",
            "[plans.basic]\n" + LIMIT.replace("limits", "plans.basic.limits"),
            "add",
            "limit daily in plan basic: 5 of cv per day, hard",
        ),
        (
            "[plans.basic]",
            "[plans.basic]\n" + GRANT,
            "add",
            "grant monthly in plan basic: 5 credit every month, promotional; what is left lapses",
        ),
        (
            GRANT,
            GRANT + 'rollover = "all"\npriority = 3\nkind = "paid"',
            "change",
            "grant monthly in plan basic: rollover none → all, kind promotional → paid, priority 50 → 3",
        ),
        (GRANT, "[plans.basic]", "remove", "grant monthly in plan basic: removed"),
        ("", "[funding]\nlow_balance = 5", "add", "funding: low_balance 5"),
        (
            "[funding]\nlow_balance = 5",
            '[funding]\nlow_balance = 6\nwhen_exhausted = "refuse"',
            "change",
            "funding: low_balance 5 → 6, when_exhausted none → refuse",
        ),
        (
            "",
            '[funding.units.credit]\nsettle_overage = "wallet"',
            "add",
            "funding of credit: settle_overage wallet",
        ),
        ("[funding]\nlow_balance = 5", "[funding]", "remove", "funding: removed"),
        (
            "[plans.basic]",
            "[plans.basic.funding.units.credit]\nlow_balance = 5",
            "add",
            "funding of credit in plan basic: low_balance 5",
        ),
        (
            "[customers.acme.funding]\ncredit_ceiling = 5",
            "[customers.acme.funding]\ncredit_ceiling = 7",
            "change",
            "funding for acme: credit_ceiling 5 → 7",
        ),
        ("[customers.acme.funding]\ncredit_ceiling = 5", "", "remove", "funding for acme: removed"),
    ],
)
async def test_the_difference_in_words(books: Planned, before: str, after: str, kind: str, text: str) -> None:
    assert await books.changed(GENERAL + before, GENERAL + after) == [(ChangeKind(kind), text)]


async def test_a_meters_word_on_holds_may_change_although_it_is_used(books: Planned) -> None:
    await books.apply(GENERAL)
    books.used = {"cv"}
    charged = METERS.replace('unit = "CV"', 'unit = "CV"\non_expiry = "charge_estimate"')
    applied = await books.apply(GENERAL, meters=charged)
    assert texts(applied.proposal) == ["meter cv: on_expiry release → charge_estimate"]


async def test_another_default_plan_is_warned_of_once_there_is_usage(books: Planned) -> None:
    def text(default: str) -> str:
        return f'default_plan = "{default}"\n{METERS}{GENERAL}[plans.a]\n[plans.b]\n'

    first = await books.apply(text("a"), meters="")
    assert "default plan: none → a" in texts(first.proposal)
    assert first.proposal.changes[-3].kind is ChangeKind.ADD
    assert first.proposal.warnings == ()
    books.used = {"cv"}
    second = await books.apply(text("b"), meters="")
    assert [(change.kind, change.text) for change in second.proposal.changes] == [
        (ChangeKind.CHANGE, "default plan: a → b")
    ]
    assert [warning[:86] for warning in second.proposal.warnings] == [
        "Customers that were never put on a plan are on the plan `b` from now on, and usage of "
    ]
    third = await books.apply(GENERAL + "[plans.a]\n[plans.b]\n")
    assert [(change.kind, change.text) for change in third.proposal.changes] == [
        (ChangeKind.REMOVE, "default plan: b → none")
    ]
    assert "are on no plan from now on" in third.proposal.warnings[0]


async def test_running_totals_of_plans_are_warned_of_where_customers_may_have_some(books: Planned) -> None:
    included = price("0.40", "included = 100", BASIC)
    books.used = {"cv"}
    await books.apply(GENERAL)
    # Nobody is on a plan that is new, and nobody on one that may be removed.
    assert (await books.apply(GENERAL + included)).proposal.warnings == ()
    assert (await books.apply(GENERAL)).proposal.warnings == ()
    assert (await books.apply(GENERAL + included)).proposal.warnings == ()
    (anew,) = (await books.apply(GENERAL + price("0.30", "included = 100", BASIC))).proposal.warnings
    assert anew.startswith("The included quantity of cv in plan basic counts anew from now on, within a month")
    capped = TOK + price("0.50", "maximum = 9")
    await books.apply(capped + included, LATER)
    ends, back = (await books.apply(capped + "[plans.basic]\n", LATER + timedelta(hours=1))).proposal.warnings[::-1]
    assert ends.startswith("The included quantity of cv in plan basic ends with the price until then")
    assert back == (
        "The maximum of cv counts for customers on plan basic, from now on, only what the price for everyone has "
        "charged: what the plan's own price has charged in the month doesn't count; up to its maximum can be charged, "
        "besides what was charged before."
    )


async def test_a_plans_first_price_holds_for_the_past_of_its_customers(books: Planned) -> None:
    await books.apply(GENERAL + "[plans.basic]\n")
    (warning,) = (await books.apply(GENERAL + price("0.40", scope=BASIC))).proposal.warnings
    assert warning.startswith("The price cv in plan basic holds for all time")


async def test_a_catalog_with_plans_is_loaded_and_shown_as_it_was_applied(books: Planned) -> None:
    limits = LIMIT + LIMIT.replace("limits", "plans.basic.limits").replace("= 5", "= 50")
    funding = '[funding]\nwhen_exhausted = "refuse"\n[customers.acme.funding.units.credit]\nlow_balance = 1\n'
    group = '[groups.g]\nmeters = ["cv", "tok"]\n'
    own = price("0.40", scope=BASIC) + since("0.30", DECEMBER, BASIC) + GRANT
    await books.apply(f'default_plan = "basic"\n{METERS}{GENERAL}{limits}{funding}{group}{own}', meters="")
    catalog = await books.catalog()
    assert (catalog.default_plan, [*catalog.plans], [*catalog.groups]) == ("basic", ["basic"], ["g"])
    assert [catalog.limits["daily"].cap, catalog.plans["basic"].limits["daily"].cap] == [5, 50]
    assert isinstance(catalog.limits["daily"], Limit)
    assert catalog.customer_funding["acme"].units["credit"].low_balance == 1
    shown = as_document(catalog, NOW)
    assert json.loads(json.dumps(shown)) == shown
    limit = {"per": "day", "mode": "hard", "by": "customer", "warn_at": ["80", "100"], "enabled": True, "meter": "cv"}
    assert shown["limits"] == [{"key": "daily", "name": "Daily", "words": "5 of cv per day, hard", "cap": "5", **limit}]
    assert shown["groups"] == [{"key": "g", "name": "G", "meters": ["cv", "tok"]}]
    assert shown["funding"] == {"when_exhausted": "refuse", "units": {}}
    assert shown["customer_funding"] == {"acme": {"units": {"credit": {"low_balance": "1"}}}}
    assert shown["default_plan"] == "basic"
    assert all(entry["plan"] is None for entry in shown["prices"])
    (plan,) = shown["plans"]
    prices = [(one["plan"], one["customer"], one["scheduled"], one["words"]) for one in plan.pop("prices")]
    assert prices == [("basic", None, False, "0.40 USD per CV"), ("basic", None, True, "0.30 USD per CV")]
    assert plan == {
        "key": "basic",
        "name": "Basic",
        "description": None,
        "limits": [{"key": "daily", "name": "Daily", "words": "50 of cv per day, hard", "cap": "50", **limit}],
        "grants": [
            {
                "name": "monthly",
                "words": "5 credit every month, promotional; what is left lapses",
                "unit": "credit",
                "amount": "5",
                "every": "month",
                "rollover": "none",
                "kind": "promotional",
                "priority": 50,
            }
        ],
        "funding": {"units": {}},
        "listed": True,
    }
