"""The sums of the console's figures, which a migration makes of figures that are there already."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import psycopg
from tests.database.dump_schema import empty_database

from tollkeeper.db import migrate

BEFORE = 20
"""The last migration without sums."""

FIGURES = """
    insert into customers (customer_id, key, name, currency, timezone, metadata, created_at, updated_at)
    select md5(key)::uuid, key, key, currency, 'UTC', '{}', now(), now()
    from (values ('a', 'USD'), ('b', 'USD'), ('c', 'EUR')) made (key, currency);
    insert into customer_figures (customer_id, key, month, day, events, day_events, charge, day_charge, other_charges,
                                  cost, day_cost, margin, day_margin, unpriced, charged_earlier, owed)
    select customer_id, key, '2026-03-01', '2026-03-15', 3, 1, 7, 2, '{"credit": "4", "KWD": "0.5"}', 5, 1,
           case currency when 'USD' then 2 else '-Infinity'::numeric end,
           case currency when 'USD' then 1 else '-Infinity'::numeric end, 1, 0, 7
    from customers;
"""


def test_sums_are_there_before_the_next_round(server_url: str) -> None:
    with empty_database(server_url) as url:
        migrate(url, upto=BEFORE)
        with psycopg.connect(url) as owner:
            owner.execute(FIGURES)
        migrate(url)
        with psycopg.connect(url) as owner:
            found: list[tuple[Any, ...]] = owner.execute(
                "select unit, customers, events, charge, day_charge, cost, margin, unpriced from figure_sums order by 1"
            ).fetchall()
    assert found == [
        ("EUR", 1, 3, 7, 2, 5, 0, 1),
        ("KWD", 0, 0, Decimal("1.5"), 0, 0, 0, 0),
        ("USD", 2, 6, 14, 4, 10, 4, 2),
        ("credit", 0, 0, 12, 0, 0, 0, 0),
    ]
