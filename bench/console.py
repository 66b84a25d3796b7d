"""The console's list of customers: 100,000 of them, with a month of usage, found, sorted and paged over HTTP.

They are written straight into the tables, as `tollkeeper_app` would find them; a round then adds up their figures.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import psycopg

from bench import client, server
from tollkeeper import clock
from tollkeeper.console import refresh_figures

Row = tuple[str, str, str]

CUSTOMERS = 100_000
_TIMES = 60
_FILL = (
    """insert into customers
       select md5('c' || i)::uuid, 'customer-' || lpad(i::text, 6, '0'),
              'Customer ' || lpad(((i * 7919::bigint) % %(n)s)::text, 6, '0') || ' Ltd', 'USD',
              case when i % 3 = 0 then 'Europe/Berlin' else 'UTC' end, '{}', now(), now(), null, null
       from generate_series(0, %(n)s - 1) i""",
    """insert into series
       select md5('c' || i)::uuid, md5('s' || j)::uuid, 'input_tokens', null, '{}', 'USD'
       from generate_series(0, %(n)s - 1) i, generate_series(1, 2) j""",
    """insert into usage_days
       select md5('c' || i)::uuid, day::date, md5('s' || j)::uuid, 3, 3, null, null, null,
              abs(hashint4(i * 31 + j) % 1000)::numeric / 100, abs(hashint4(i + j) % 100)::numeric / 100, 0, 0, 0
       from generate_series(0, %(n)s - 1) i, generate_series(1, 2) j,
            generate_series(now() - interval '30 days', now(), '1 day') day""",
    """insert into events (customer_id, event_id, series_id, time, recorded_at, transaction_id, quantity, billed,
                           charge, estimated)
       select md5('c' || i %% %(n)s)::uuid, 'e' || i, md5('s1')::uuid, now() - i * interval '1 second',
              now() - i * interval '1 second', gen_random_uuid(), 1, 1, 1, false
       from generate_series(0, %(n)s * 5) i""",
    """insert into wallets
       select md5('c' || i)::uuid, 'USD', (i * 37) % 1000, 0, 0, 0, now() from generate_series(0, %(n)s - 1) i""",
    "analyze",
)
_LISTS = (
    ("by key", "sort=key"),
    ("by name, the last first", "sort=-name"),
    ("by what they have spent, most first", "sort=-spent"),
    ("by margin, least first", "sort=margin"),
    ("by what they owe, those that aren't archived", "sort=-owed&archived=false"),
    ("by balance, most first", "sort=-balance"),
    ("by balance, least first", "sort=balance"),
    ("by balance, those that aren't archived", "sort=-balance&archived=false"),
    ("with a text that few have", "search=omer%20099"),
    ("with a text that none has", "search=nobody"),
    ("with a text that none has, by name", "search=nobody&sort=name"),
    ("with a text that few have, by what they have spent", "search=omer%20099&sort=-spent"),
    ("with a text that few have, by balance", "search=omer%20099&sort=-balance"),
)


async def furnish(url: str) -> None:
    """Customers with their usage, in an empty database."""
    await server.furnish(url)
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in _FILL:
            connection.execute(statement.replace("%(n)s", str(CUSTOMERS)).replace("%%", "%").encode())


def all_of_it(url: str) -> Iterator[Row]:
    """A round over all of them, one over those that were active, and the lists."""
    for what in ("a round that adds up all customers", "a round when few were active"):
        began = time.perf_counter()
        server.run(url, lambda tx: refresh_figures(tx, "USD", now=clock.now()))
        yield f"{what}, of {CUSTOMERS:,}", f"{time.perf_counter() - began:.2f} s", "in the background"
    with psycopg.connect(url, autocommit=True) as connection:
        # What autovacuum does in time: visible pages, statistics.
        connection.execute(b"vacuum analyze")
    with server.serving(url, 1) as (port, secret):
        for what, query in _LISTS:
            path = f"/v1/console/customers?limit=50&{query}"
            yield _row(f"customers {what}", client.ask(port, secret, [path] * _TIMES))
        yield _row("the summary", client.ask(port, secret, ["/v1/console/summary"] * _TIMES))


def _row(what: str, found: list[float]) -> Row:
    found = sorted(found[5:])
    return what, f"p95 {found[int(len(found) * 0.95)]:.1f} ms", f"p50 {found[len(found) // 2]:.1f} ms; target 50 ms"
