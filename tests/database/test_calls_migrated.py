"""Calls that came with events before there was a price book are taken over by the migration."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import msgspec
import psycopg
import pytest
from psycopg.rows import dict_row
from tests.database.costing import call
from tests.database.dump_schema import empty_database

from tollkeeper.calls import CALL_CHECKS, CallFilter, list_open_calls
from tollkeeper.db import Database, migrate

pytestmark = pytest.mark.anyio

BEFORE = 7
"""The last migration without provider calls."""

KNOWN = {"provider": "openai", "model": "gpt-4o", "response_id": "r1", "cost": "0.02"}
UNKNOWN = {"provider": "openai", "model": "gpt-99", "response_id": "r2", "usage": call()["usage"]}
EVENTS: list[tuple[str, str | None, str | None, str | None, str | None, bool, list[dict[str, Any]] | None]] = [
    # id, corrects, charge, cost, cost source, estimated, calls
    ("a", None, "1", "0.02", "response", False, [KNOWN]),
    ("b", None, "1", "0.02", "response", False, [KNOWN | {"at": "2026-01-01T00:00:00Z"}]),
    ("c", None, "0.5", None, "none", True, [UNKNOWN]),
    ("d", None, None, None, "none", False, [{"provider": "openai", "model": "gpt-4o"}]),
    ("d back", "d", "0.5", "0.3", "response", False, [{"provider": "openai", "model": "gpt-4o", "cost": "0.3"}]),
    ("e", None, None, None, None, False, None),
    ("f", None, "1", "0.07", "estimate", False, [{"provider": "openai", "model": "gpt-4o", "cost": "0.07"}]),
]


def report(connection: psycopg.Connection[Any]) -> None:
    """Events as they were stored then."""
    customer = uuid4()
    connection.execute(
        "insert into customers (customer_id, key, name, currency, timezone, metadata, created_at, updated_at) "
        "values (%s, 'acme', 'Acme', 'USD', 'UTC', '{}', now(), now())",
        [customer],
    )
    for n, (id, corrects, charge, cost, source, estimated, calls) in enumerate(EVENTS):
        told = None if calls is None else msgspec.json.encode(calls).decode()
        connection.execute(
            "insert into events (customer_id, event_id, series_id, time, recorded_at, transaction_id, quantity, "
            "billed, charge, estimated, cost, cost_source, corrects, calls) "
            "values (%s, %s, %s, '2026-03-01Z', '2026-03-02Z', %s::uuid, 1, 1, %s, %s, %s, %s, %s, %s)",
            [
                customer,
                id,
                customer,
                f"00000000-0000-7000-8000-{n:012}",
                charge,
                estimated,
                cost,
                source,
                corrects,
                told,
            ],
        )


async def test_the_calls_of_earlier_events_are_taken_over(server_url: str) -> None:
    with empty_database(server_url) as url:
        migrate(url, upto=BEFORE)
        with psycopg.connect(url, autocommit=True, row_factory=dict_row) as connection:
            report(connection)
            migrate(url)
            rows = connection.execute("select * from provider_calls order by event_id, call_id").fetchall()
            counts = connection.execute(
                "select event_id, unpriced, uncosted, estimates from events where unpriced is not null or "
                "uncosted is not null or estimates is not null order by event_id"
            ).fetchall()
            differences = [connection.execute(query, {"limit": 9}).fetchall() for _, _, query in CALL_CHECKS]
        async with Database(url, pool_size=1) as database:
            waiting = await database.run(lambda tx: list_open_calls(tx, CallFilter(), after=None, limit=9))
    assert [(row["event_id"], row["call_id"], row["cost_source"], row["missing"], row["adjusts"]) for row in rows] == [
        ("a", "r1", "response", [], None),
        ("b", "b#0", "response", [], None),
        ("c", "r2", "none", ["model"], None),
        ("d", "d#0", "none", ["usage"], None),
        ("d back", "d back#0", "response", [], "d#0"),
        ("f", "f#0", "estimate", [], None),
    ]
    assert rows[1]["at"].isoformat() == "2026-01-01T00:00:00+00:00"
    assert [tuple(row.values()) for row in counts] == [
        ("c", None, 1, 1),
        ("d", 1, 1, None),
        ("e", 1, None, None),
    ]
    assert differences == [[], []]
    assert [(one.call_id, one.original_id) for one in waiting] == [("r2", "c")]
