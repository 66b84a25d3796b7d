"""SQL stands in `queries.sql`, each table is written by the stage that owns it, and no query is dead or missing."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

import pytest
from tests.architecture.sources import (
    Module,
    Query,
    called,
    customer_tables,
    docstrings,
    expect_none,
    functions,
    mentioned,
    module_from,
    modules,
    offences,
    owners,
    queries,
    queries_in,
    stages,
    tables,
    written,
)

_STATEMENT = re.compile(
    r"\s*(select\s.+\sfrom\s|insert\s+into\s|update\s+\w+\s+set\s|delete\s+from\s|merge\s+into\s|with\s+\w+\s+as\s+(materialized\s*)?\("
    r"|truncate\s|copy\s+\w+\s*[(\s]|(create|alter|drop)\s+(table|index|view|role|user|database|schema|function|type)\s"
    r"|grant\s+\S+\s+(on|to)\s|begin(;|\s+isolation)|set\s+local\s|lock\s+table\s|select\s+\w+\s*\(|listen\s|notify\s)",
    re.IGNORECASE | re.DOTALL,
)

OPERATOR_WIDE = {
    "calls.verify_calls": "Verify.",
    "calls.verify_costs": "Verify.",
    "calls.verify_rollups": "Verify.",
    "console.count_customers": "The operator's sums over all customers.",
    "console.count_open": "The operator's sums over all customers.",
    "console.rank_by_balance": "The operator's list of all customers.",
    "console.rank_by_balance_backwards": "The operator's list of all customers.",
    "console.rank_by_key": "The operator's list of all customers.",
    "console.rank_by_key_backwards": "The operator's list of all customers.",
    "console.rank_by_margin": "The operator's list of all customers.",
    "console.rank_by_margin_backwards": "The operator's list of all customers.",
    "console.rank_by_name": "The operator's list of all customers.",
    "console.rank_by_name_backwards": "The operator's list of all customers.",
    "console.rank_by_owed": "The operator's list of all customers.",
    "console.rank_by_owed_backwards": "The operator's list of all customers.",
    "console.rank_by_spent": "The operator's list of all customers.",
    "console.rank_by_spent_backwards": "The operator's list of all customers.",
    "console.rank_found": "The operator's list of all customers.",
    "console.refresh_figures": "Rounds over all customers, in the background.",
    "console.store_sums": "Rounds over all customers, in the background.",
    "console.unpriced_calls": "The operator's sums over all customers.",
    "console.unpriced_usage": "The operator's sums over all customers.",
    "console.zones_in_use": "Rounds over all customers, in the background.",
    "customers.list_customers": "The operator's list of all customers.",
    "customers.used_plans": "Asked when a catalog is applied: whether any customer is on a plan.",
    "events.announce_digests": "Rounds over all customers, in the background.",
    "events.due_digests": "Rounds over all customers, in the background.",
    "events.skip_digests": "Rounds over all customers, in the background.",
    "events.used_meters": "Asked when a catalog is applied: whether any customer uses a meter.",
    "events.verify_digests": "Verify.",
    "gate.count_books": "Verify compares the whole books.",
    "gate.list_open_holds": "The operator's list of what is open.",
    "gate.used_zones": "Verify.",
    "gate.verify_days": "Verify.",
    "gate.verify_figures": "Verify.",
    "gate.verify_holds": "Verify.",
    "gate.verify_hours": "Verify.",
    "gate.verify_orphans": "Verify.",
    "gate.verify_postings": "Verify.",
    "gate.verify_totals": "Verify.",
    "gate.verify_variance": "Verify.",
    "ledger.unbalanced_units": "Verify.",
    "limits.forget_old": "The sweep, over all customers.",
    "payments.verify_top_ups": "Verify.",
    "reconciliation.calls_in": "A provider's bill is for all customers.",
    "reconciliation.known_minutes": "A provider's bill is for all customers.",
    "reconciliation.our_usage": "A provider's bill is for all customers.",
    "reconciliation.outdate_days": "A provider's bill is for all customers.",
    "reconciliation.shares_of": "A provider's bill is for all customers.",
    "reconciliation.silent_events": "A provider's bill is for all customers.",
    "wallets.due_wallets": "The sweep, over all customers.",
    "wallets.expiring": "The sweep, over all customers.",
    "wallets.verify_balances": "Verify.",
    "wallets.verify_burns": "Verify.",
    "wallets.verify_history": "Verify.",
    "wallets.verify_ledger": "Verify.",
    "wallets.verify_spent": "Verify.",
}
"""Queries on customer tables that mean all customers, and why."""


NOT_SHOWN = {
    *("digests", "digest_spans", "digest_rows", "late_days"),  # They say again what usage_days says.
    # Written beside a customer's events, wallets or holds, in the same transaction.
    "burns",
    "call_days",
    "call_hours",
    "limit_counters",
    "postings",
    "provider_calls",
    "running_totals",
    "series",
    "tills",
    "unique_values",
    "usage_days",
    "usage_hours",
    "wallet_entries",
    # The operator's.
    "cost_shares",
    "customer_figures",
    "portal_sessions",
}
"""Customer tables whose writers needn't say whose rows they change (`Tx.touches`)."""


def sql_in_python(module: Module) -> list[str]:
    """Statements in string constants; a heuristic: what a text begins with."""
    if module.stage == "db":
        return []  # Roles and transactions: names and a scope that no parameter can stand for.
    documentation = docstrings(module.tree)
    return [
        f"{module.at(node)} {str(node.value)[:60]!r}"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Constant) and id(node) not in documentation and _STATEMENT.match(_text(node.value))
    ]


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else value if isinstance(value, str) else ""


def foreign_writes(found: Iterable[Query], owner: dict[str, str]) -> list[str]:
    return [
        f"{query.stage}.{query.name} writes {table}, which is {owner.get(table, 'nobody')}'s"
        for query in found
        for table in sorted(written(query.sql))
        if owner.get(table) != query.stage
    ]


def without_customer(found: Iterable[Query], customers: Iterable[str]) -> list[str]:
    """Queries of customer tables that take no customer."""
    return [
        f"{query.stage}.{query.name}"
        for query in found
        if mentioned(query.sql) & set(customers) and not re.search(r"%\(customer_ids?\)s", query.sql)
    ]


def used_queries(among: Iterable[Module]) -> Iterator[tuple[str, str, str]]:
    """Where a named query is used: (place, stage, name). Loaders are followed through imports."""
    everything = list(among)
    loaders = {(module.name, name): stage for module in everything for name, stage in _loaders(module)}
    for module in everything:
        known = {name: stage for (owner, name), stage in loaders.items() if owner == module.name}
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    if (stage := loaders.get((node.module or "", alias.name))) is not None:
                        known[alias.asname or alias.name] = stage
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in known:
                yield module.at(node), known[node.value.id], node.attr


def _loaders(module: Module) -> Iterator[tuple[str, str]]:
    """Assignments such as `_queries = Queries(__package__ or "")`, with the stage that they load."""
    for node in module.tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and called(node.value) == "Queries":
            argument = node.value.args[0]
            package = argument.value if isinstance(argument, ast.Constant) else module.package
            yield ast.unparse(node.targets[0]), str(package).rpartition(".")[2]


def test_sql_stands_in_files() -> None:
    expect_none(offences(sql_in_python))


def test_stages_write_their_own_tables_only() -> None:
    assert set(owners()) >= set(tables())
    assert set(owners().values()) <= stages()
    assert sum(len(written(query.sql)) for query in queries()) >= 15
    expect_none(foreign_writes(queries(), owners()))


def test_every_query_is_used_and_every_used_query_exists() -> None:
    defined = {(query.stage, query.name) for query in queries()}
    used = list(used_queries(modules()))
    assert len(used) > 50
    expect_none(f"{place}: {stage} has no query {name}" for place, stage, name in used if (stage, name) not in defined)
    unused = defined - {(stage, name) for _, stage, name in used}
    expect_none(f"{stage}/queries.sql: {name} is used nowhere" for stage, name in sorted(unused))


def silent_writes(among: Iterable[Module], found: Iterable[Query], customers: Iterable[str]) -> list[str]:
    """Functions that write rows which a customer's page shows, and don't say whose: open pages wouldn't learn of it."""
    shown = {(query.stage, query.name) for query in found if (written(query.sql) & set(customers)) - NOT_SHOWN}
    everything = list(among)
    places = {place for place, stage, name in used_queries(everything) if (stage, name) in shown}
    return [
        f"{module.name}.{function.name}"
        for module in everything
        for function in functions(module.tree)
        if {module.at(node) for node in ast.walk(function)} & places
        and not any(isinstance(node, ast.Attribute) and node.attr == "touches" for node in ast.walk(function))
    ]


def test_what_a_page_shows_is_not_changed_silently() -> None:
    expect_none(silent_writes(modules(), queries(), customer_tables()))


def test_queries_of_customer_tables_name_the_customer() -> None:
    expect_none(name for name in without_customer(queries(), customer_tables()) if name not in OPERATOR_WIDE)


def test_no_exception_is_left_over() -> None:
    assert sorted(OPERATOR_WIDE) == sorted(without_customer(queries(), customer_tables()))


def test_time_comes_from_the_program() -> None:
    """The clock is read in one place, so a test may stop it. `applied_at` of a migration isn't the domain's."""
    clocks = re.compile(r"\b(now|clock_timestamp|statement_timestamp|transaction_timestamp)\s*\(|\bcurrent_(time|date)")
    found = [query for query in queries() if query.stage != "db" and clocks.search(query.sql)]
    expect_none(f"{query.stage}.{query.name} reads the clock" for query in found)


@pytest.mark.parametrize(
    "text",
    [
        "x = 'select 1 from customers where 2'",
        "x = b'insert into events values (1)'",
        "x = f'update {y} '\nz = f'UPDATE events SET a = {b}'",
        'x = """\n  delete from t where true"""',
        "def f(tx):\n    tx.execute('with a as (select) select')",
        "tx.execute('create index i on t (a)')",
    ],
)
def test_sql_in_python_is_found(text: str) -> None:
    assert len(sql_in_python(module_from(text))) == 1
    assert sql_in_python(module_from(text, "tollkeeper.db.sample")) == []


def test_sentences_are_no_sql() -> None:
    text = '"""Select one from many."""\nx = "Update the database."\ny = "drop it"\nz = "With prices as they are"\n'
    assert sql_in_python(module_from(text)) == []


def test_foreign_writes_are_found() -> None:
    text = """
-- name: a
-- insert into postings
insert into events as old (x) select 1 on conflict do update set x = 2
-- name: b
with gone as (delete from only customers where x = 'update postings') UPDATE events e set x = 1
-- name: c
select * from customers for no key update
-- name: d
update nothing set x = 1
"""
    own = {"events": "events", "customers": "customers", "postings": "ledger"}
    assert foreign_writes(queries_in("events", text), own) == [
        "events.b writes customers, which is customers's",
        "events.d writes nothing, which is nobody's",
    ]


def test_forgotten_customers_are_found() -> None:
    text = """
-- name: a
select * from events where event_id = %(event_id)s and customer_id is not null
-- name: b
select * from events where customer_id = %(customer_id)s
-- name: c
select 1 from epochs where name = 'from events'
-- name: d
update usage_days set charge = 0
"""
    assert {"events", "entries", "unique_values", "customers"} <= customer_tables()
    assert not {"prices", "quarantine", "api_keys", "epochs"} & customer_tables()
    assert without_customer(queries_in("events", text), customer_tables()) == ["events.a", "events.d"]


def test_silent_writes_are_found() -> None:
    text = "-- name: put\ninsert into holds (customer_id) values (%(customer_id)s)\n-- name: get\nselect 1 from holds"
    code = """
q = Queries("tollkeeper.gate")
async def put(tx): await tx.execute(q.put)
async def told(tx):
    tx.touches([1])
    await tx.execute(q.put)
async def get(tx): await tx.execute(q.get)
"""
    found = silent_writes([module_from(code, "tollkeeper.gate.sample")], queries_in("gate", text), {"holds", "series"})
    assert found == ["tollkeeper.gate.sample.put"]


def test_loaders_are_followed() -> None:
    store = module_from('queries = Queries(__package__ or "")\nqueries.one', "tollkeeper.events.store")
    other = module_from("from tollkeeper.events.store import queries as q\nq.two", "tollkeeper.events.other")
    route = module_from('_q = Queries("tollkeeper.api")\n_q.three\nother.four', "tollkeeper.api.routes.health")
    assert [found[1:] for found in used_queries([store, other, route])] == [
        ("events", "one"),
        ("events", "two"),
        ("api", "three"),
    ]
