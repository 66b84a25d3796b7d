"""What SQL reads in the schema `reports` is what the API answers; and who reads there can do nothing else."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row
from tests.database.costing import call, up

from tollkeeper.api.openapi import Tollkeeper
from tollkeeper.db import APP_ROLE, READER_ROLE

pytestmark = pytest.mark.anyio

HOSTILE = "x'); drop table events; --\u202e<script>"
CATALOG = """\
currency = "USD"
default_plan = "free"
[units.credit]
name = "Credit"
[meters.cv_parse]
name = "CV parsing"
unit = "CV"
aggregation = "count"
dimensions = ["job", "candidate"]
[meters.tokens_in]
unit = "token"
[meters.tokens_out]
unit = "token"
[meters.answer]
unit = "answer"
[meters.kept]
unit = "answer"
[meters.interview]
unit = "interview"
[groups.tokens]
meters = ["tokens_in", "tokens_out"]
[prices.cv_parse]
model = "unit"
amount = "0.50"
[prices.tokens_in]
model = "unit"
amount = "0.002"
per = 1000
[prices.answer]
model = "cost_plus"
margin_percent = 25
[prices.kept]
model = "cost_plus"
margin_percent = 25
fallback = "0.5"
true_up = "cost_only"
[prices.interview]
model = "unit"
unit = "credit"
amount = 1
[funding.units.credit]
when_exhausted = "receivable"
[top_ups.credit]
price = "1.00"
amounts = [5]
[limits.daily_tokens]
group = "tokens"
per = "day"
cap = 100000
[limits.rolling]
meter = "cv_parse"
per = "rolling_hour"
cap = 60
[plans.free]
name = "Free"
[plans.free.limits.parsing]
meter = "cv_parse"
per = "month"
cap = 10
[plans.premium]
name = "Premium"
description = "For teams."
listed = false
[plans.premium.prices.cv_parse]
model = "graduated"
tiers = [{ up_to = 10, amount = "0.40" }, { amount = "0.30" }]
[plans.premium.limits.parsing]
meter = "cv_parse"
per = "week"
cap = 400
[plans.premium.limits.spending]
spend = "USD"
per = "month"
cap = "12.5"
mode = "soft"
[customers.globex.prices.cv_parse]
model = "unit"
amount = "0.45"
"""

Row = dict[str, Any]


class Reports:
    """Reads as tollkeeper_reader."""

    def __init__(self, connection: psycopg.Connection[Row]) -> None:
        self.connection = connection

    def __call__(self, query: str, *params: Any) -> list[Row]:
        return self.connection.execute(query.encode(), params or None).fetchall()


@pytest.fixture
def reports(database_url: str) -> Iterator[Reports]:
    options = make_conninfo(database_url, options=f"-c role={READER_ROLE} -c timezone=UTC")
    with psycopg.connect(options, autocommit=True, row_factory=dict_row) as connection:
        yield Reports(connection)


async def get(admin: httpx.AsyncClient, path: str, **params: Any) -> Any:
    answer = await admin.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def use(admin: httpx.AsyncClient, *events: Row) -> None:
    answer = await admin.post("/v1/events", json=list(events))
    assert answer.status_code == 200, answer.text


async def furnish(app: Tollkeeper, admin: httpx.AsyncClient) -> None:
    """Two customers with corrections, duplicates, true-ups, credits, plans, and hostile names."""
    applied = await admin.put("/v1/catalog", json={"source": CATALOG})
    assert applied.is_success, applied.text
    acme = {"name": HOSTILE, "timezone": "Asia/Tokyo", "metadata": {"crm": 7}}
    for key, body in {"acme": acme, "globex": {}}.items():
        assert (await admin.put(f"/v1/customers/{key}", json=body)).is_success
    assert (await admin.put("/v1/customers/acme/plan", json={"plan": "premium"})).is_success
    own = {"cap": "7.25", "mode": "hard"}
    assert (await admin.put("/v1/customers/acme/limits/spending", json=own)).is_success
    whole = {"meter": "cv_parse", "per": "day", "cap": "5", "by": "member", "member_caps": {"ann": "9"}}
    assert (await admin.put("/v1/customers/acme/limits/each", json=whole)).is_success
    assert (await admin.put("/v1/customers/globex/limits/parsing", json={"enabled": False})).is_success
    for customer in ("acme", "globex"):
        cv = {"customer": customer, "meter": "cv_parse", "dimensions": {"job": HOSTILE, "candidate": "c1"}}
        more = {"member": "ann", "metadata": {"file_size_kb": 12.5, "success": True}}
        await use(admin, *({**cv, "id": f"cv{i}"} | (more if i % 2 else {}) for i in range(12)))
        fix = {"id": "fix", "customer": customer, "meter": "cv_parse", "corrects": "cv3", "quantity": "-1"}
        await use(admin, {**cv, "id": "cv0"}, fix)
        tokens = {"customer": customer, "quantity": "1500.5"}
        await use(admin, {**tokens, "id": "in", "meter": "tokens_in"}, {**tokens, "id": "out", "meter": "tokens_out"})
        unknown = {"calls": [call("r1", model="gpt-99")], "quantity": "1"}
        await use(admin, {"id": "kept", "customer": customer, "meter": "kept"} | unknown)
        known = {"calls": [call("r2")], "quantity": "1"}
        await use(admin, {"id": "answer", "customer": customer, "meter": "answer"} | known)
    await up(app.state.books, "kept", ("r1", "0.02"))
    given = {"id": "g", "unit": "credit", "amount": "3", "kind": "paid", "reference": "INV-7"}
    assert (await admin.post("/v1/customers/acme/grants", json=given)).is_success
    await use(admin, {"id": "i", "customer": "acme", "meter": "interview", "quantity": "2"})


def exact(rows: list[Row], *names: str) -> list[tuple[Any, ...]]:
    """Rows of the API or of SQL in one form: numbers as decimals, in the order of the columns."""
    return [tuple(_exact(row[name]) for name in names) for row in rows]


def _exact(value: Any) -> Any:
    try:
        return Decimal(value) if isinstance(value, str | int) and not isinstance(value, bool) else value
    except ArithmeticError:
        return value


@pytest.mark.parametrize("customer", ["acme", "globex"])
async def test_the_figures_are_the_apis(
    app: Tollkeeper, admin: httpx.AsyncClient, reports: Reports, customer: str
) -> None:
    await furnish(app, admin)
    names = ("id", "meter", "member", "quantity", "billed", "charge", "unit", "cost", "cost_source", "estimated")
    more = ("corrects", "dimensions", "metadata", "amount")
    events = (await get(admin, "/v1/events", customer=customer, limit=1000))["data"]
    found = reports("select *, event as id from reports.usage_events where customer = %s", customer)
    assert len(events) >= 17
    by_id = {"key": lambda row: row[0]}
    assert sorted(exact(found, *names, *more), **by_id) == sorted(exact(events, *names, *more), **by_id)

    usage = (await get(admin, "/v1/usage", customer=customer))["rows"]
    sums = ("meter", "unit", "events", "quantity", "charge", "cost", "unpriced", "uncosted", "estimated")
    days = reports(
        """select meter, unit, sum(events) as events, sum(quantity) as quantity, sum(charge) as charge,
                  sum(cost) as cost, sum(unpriced) as unpriced, sum(uncosted) as uncosted, sum(estimated) as estimated
           from reports.usage_days where customer = %s group by meter, unit order by meter""",
        customer,
    )
    assert exact(days, *sums) == exact(sorted(usage, key=lambda row: row["meter"]), *sums)
    summed = reports(
        """select meter, sum(billed) as quantity, coalesce(sum(charge), 0) as charge, coalesce(sum(cost), 0) as cost
           from reports.usage_events where customer = %s group by meter order by meter""",
        customer,
    )
    net = ("meter", "quantity", "charge", "cost")
    assert exact(summed, *net) == exact(days, *net)

    balance = await get(admin, f"/v1/customers/{customer}/balance")
    accounts = reports("select * from reports.balances where customer = %s order by account, unit", customer)
    assert exact(accounts, "account", "unit", "balance") == exact(balance["accounts"], "account", "unit", "balance")
    wallets = reports("select * from reports.wallets where customer = %s order by unit", customer)
    left = ("unit", "balance", "held", "available")
    assert exact(wallets, *left) == exact(balance["wallets"], *left)

    ledger = (await get(admin, f"/v1/customers/{customer}/ledger", limit=1000))["data"]
    lines = ("line", "kind", "debit", "credit", "unit", "amount", "events")
    posted = reports(
        "select * from reports.ledger where customer = %s order by transaction_id desc, line desc", customer
    )
    assert exact(posted, *lines) == exact(ledger, *lines)

    calls = reports("select sum(cost) as cost from reports.provider_calls where customer = %s", customer)
    assert calls[0]["cost"] == sum(Decimal(row["cost"]) for row in usage)


@pytest.mark.parametrize("customer", ["acme", "globex"])
async def test_limits_are_those_in_force_with_what_is_used(
    app: Tollkeeper, admin: httpx.AsyncClient, reports: Reports, customer: str
) -> None:
    await furnish(app, admin)
    limits = (await get(admin, f"/v1/customers/{customer}/limits"))["data"]
    found = reports("select * from reports.limits where customer = %s order by name", customer)
    names = ("name", "meter", "group", "spend", "per", "by", "mode", "enabled", "cap", "own")
    assert exact(found, *names) == exact([row | {"name": row["limit"]} for row in limits], *names)
    used = {row["name"]: row["used"] for row in found}
    for row in limits:
        if row["per"] != "rolling_hour" and row["by"] == "customer":
            assert used[row["limit"]] == Decimal(row["used"]), row["limit"]
        else:
            assert used[row["limit"]] is None
    assert used["daily_tokens"] == 3001
    offered = reports('select plan, name, coalesce(meter, "group", spend), per, cap, mode from reports.plan_limits')
    assert sorted((tuple(row.values()) for row in offered), key=str) == [
        ("free", "parsing", "cv_parse", "month", 10, "hard"),
        ("premium", "parsing", "cv_parse", "week", 400, "hard"),
        ("premium", "spending", "USD", "month", Decimal("12.5"), "soft"),
        (None, "daily_tokens", "tokens", "day", 100_000, "hard"),
        (None, "rolling", "cv_parse", "rolling_hour", 60, "hard"),
    ]


async def test_what_is_sold_and_to_whom(app: Tollkeeper, admin: httpx.AsyncClient, reports: Reports) -> None:
    await furnish(app, admin)
    customers = reports("select customer, name, plan, timezone, metadata from reports.customers order by customer")
    assert [tuple(row.values()) for row in customers] == [
        ("acme", HOSTILE, "premium", "Asia/Tokyo", {"crm": 7}),
        ("globex", "globex", "free", "UTC", {}),
    ]
    plans = reports("select plan, name, description, listed, is_default from reports.plans order by plan")
    assert [tuple(row.values()) for row in plans] == [
        ("free", "Free", None, True, True),
        ("premium", "Premium", "For teams.", False, False),
    ]
    (meter,) = reports("select * from reports.meters where meter = 'cv_parse'")
    assert (meter["name"], meter["unit"], meter["dimensions"]) == ("CV parsing", "CV", ["job", "candidate"])
    prices = reports(
        """select plan, customer, unit, model, amount, per from reports.prices where meter in ('cv_parse', 'tokens_in')
           order by meter, plan nulls first, customer nulls first"""
    )
    assert [tuple(row.values()) for row in prices] == [
        (None, None, "USD", "unit", Decimal("0.50"), 1),
        (None, "globex", "USD", "unit", Decimal("0.45"), 1),
        ("premium", None, "USD", "graduated", None, 1),
        (None, None, "USD", "unit", Decimal("0.002"), 1000),
    ]
    entries = reports("select kind, amount, balance, reference from reports.wallet_entries order by time, booked_at")
    assert [tuple(row.values()) for row in entries] == [("granted", 3, 3, "INV-7"), ("spent", -2, 1, "INV-7")]
    (grant,) = reports("select kind, amount, spent, remaining, reference from reports.grants where customer = 'acme'")
    assert tuple(grant.values()) == ("paid", 3, 2, 1, "INV-7")


async def test_a_price_that_changes_holds_from_then_on(admin: httpx.AsyncClient, reports: Reports) -> None:
    later = CATALOG + '[[prices.tokens_out]]\nmodel = "unit"\namount = "1"\n[[prices.tokens_out]]\n'
    later += 'model = "unit"\namount = "2"\nfrom = 2100-01-01T00:00:00Z\n'
    for source in (later, later.replace('amount = "1"\n[[', 'amount = "3"\n[[')):
        assert (await admin.put("/v1/catalog", json={"source": source})).is_success
    query = "select amount, effective_from is not null as begun from reports.prices where meter = 'tokens_out'"
    assert reports(query) == [{"amount": 3, "begun": True}]
    assert (await admin.put("/v1/catalog", json={"source": CATALOG})).is_success
    assert reports(query) == []


async def test_a_reader_reads_the_reports_and_nothing_else(
    app: Tollkeeper, admin: httpx.AsyncClient, reports: Reports, database_url: str
) -> None:
    await furnish(app, admin)
    with psycopg.connect(database_url, autocommit=True) as owner:
        relations = owner.execute(
            """select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
               where n.nspname in ('public', 'reports') and c.relkind in ('r', 'p', 'v', 'm') order by 1, 2"""
        ).fetchall()
    assert len(relations) > 40
    for schema, name in relations:
        relation = sql.Identifier(schema, name)
        if schema == "reports":
            reports.connection.execute(sql.SQL("select * from {} limit 1").format(relation))
        else:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reports.connection.execute(sql.SQL("select from {}").format(relation))
        writing = "insert, update, delete, truncate, references, trigger"
        (may,) = reports("select has_table_privilege(%s, %s) as write", relation.as_string(), writing)
        assert not may["write"], (schema, name)
    for statement in ("create table reports.mine ()", "create table mine ()", "set role tollkeeper_app"):
        if statement.startswith("set") and reports("select session_user = 'tollkeeper' as own")[0]["own"]:
            continue  # the session's own user is the owner here; a person's isn't
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reports.connection.execute(statement.encode())


async def test_the_application_has_no_use_for_them(app: Tollkeeper, database_url: str) -> None:
    as_application = make_conninfo(database_url, options=f"-c role={APP_ROLE}")
    with psycopg.connect(as_application) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("select * from reports.customers")


def test_before_any_catalog_there_is_nothing(reports: Reports) -> None:
    for name in ("meters", "plans", "customers", "prices", "limits", "usage_events", "usage_days", "balances"):
        assert reports(f"select * from reports.{name}") == []


def test_every_column_is_documented(reports: Reports) -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "reports.md").read_text(encoding="utf-8")
    documented = {
        (view, column)
        for view, section in re.findall(r"^### `reports\.(\w+)`\n(.*?)(?=^### |\Z)", page, re.MULTILINE | re.DOTALL)
        for cell in re.findall(r"^\| (`.+?) \| ", section, re.MULTILINE)
        for column in re.findall(r"`(\w+)`", cell)
    }
    columns = reports(
        """select c.relname, a.attname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
           where c.relnamespace = 'reports'::regnamespace and c.relkind = 'v'"""
    )
    assert documented == {(row["relname"], row["attname"]) for row in columns}


async def test_a_catalog_that_an_older_version_applied_is_told_once_the_server_runs(
    app: Tollkeeper, admin: httpx.AsyncClient, reports: Reports, database_url: str
) -> None:
    views = ("meters", "plans", "plan_limits", "limits", "customers")
    await furnish(app, admin)
    told = [reports(f"select * from reports.{view}") for view in views]
    with psycopg.connect(database_url) as owner:
        owner.execute("update catalog_versions set declared = null")
    assert reports("select * from reports.meters") == []
    async with app.router.lifespan_context(app):
        for _ in range(200):
            if reports("select * from reports.meters"):
                break
            await asyncio.sleep(0.05)
    assert [reports(f"select * from reports.{view}") for view in views] == told
