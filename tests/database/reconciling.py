"""What the tests of reconciliation share: reports as readers give them, calls as they are stored, short verbs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
from tests.database.gating import ingest, used

from tollkeeper.books import Books
from tollkeeper.customers import customer_id_of
from tollkeeper.events import CallIn
from tollkeeper.ids import new_id
from tollkeeper.reconciliation import (
    DayCompared,
    Rates,
    Read,
    Reconciliation,
    ReportKind,
    Rules,
    Stretch,
    keep,
    reconcile_day,
)
from tollkeeper.reconciliation.readers.model import CostRow, Report, UsageRow

D = Decimal
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
MODEL = "gpt-4o-2024-08-06"
UNITS = ("input_tokens", "output_tokens", "cached_input_tokens")
RULES = Rules(Rates("USD"))


def usage(start: datetime, requests: int = 1, *, width: timedelta = DAY, **fields: Any) -> UsageRow:
    """A row as OpenAI's completions report has it; quantities by keyword."""
    quantities = {name: D(fields.pop(name)) for name in list(fields) if name in UNITS}
    about = {"endpoint": "completions", "project": "p1", "api_key": "k1", "model": MODEL, "batch": False}
    about |= {"service_tier": "default"} | fields
    return UsageRow("openai", start, start + width, requests=requests, quantities=quantities, **about)


def cost(start: datetime, amount: str, *, unit: str | None = None, **fields: Any) -> CostRow:
    """A row as OpenAI's costs have it."""
    about = {"project": "p1", "api_key": "k1", "model": MODEL, "quantity": None, "currency": "USD"} | fields
    line = f"{about['model']}, {unit}" if unit else str(about["model"])
    return CostRow("openai", start, start + DAY, line_item=line, unit=unit, amount=D(amount), **about)


def reads(start: datetime, usage_rows: Sequence[UsageRow], costs: Sequence[CostRow], days: int = 1) -> list[Read]:
    """Usage and costs of some days."""
    end = start + days * DAY
    return [
        Read(Stretch(ReportKind.USAGE, start, end, DAY), Report(tuple(usage_rows), ())),
        Read(Stretch(ReportKind.COST, start, end, DAY), Report((), tuple(costs))),
    ]


async def run(books: Books, found: Sequence[Read], now: datetime, rules: Rules = RULES) -> list[DayCompared]:
    """A run of its own transactions: keep what was read, then reconcile each day."""
    days = await books.database.run(lambda tx: keep(tx, "openai", found, rules, now=now))
    return [
        await books.database.run(
            lambda tx, day=day: reconcile_day(tx, books.desk, "openai", day, rules, now=now, by="test")
        )
        for day in days
    ]


async def written(books: Books, found: Sequence[Read], now: datetime, rules: Rules = RULES) -> list[Reconciliation]:
    """What a run has recorded."""
    return [row for day in await run(books, found, now, rules) for row in day.written]


async def put_call(books: Books, at: datetime, customer: str = "acme", **fields: Any) -> None:
    """An event with one call, which the price book prices; its quantities by keyword."""
    told = {"prompt_tokens": fields.pop("input_tokens", 0), "completion_tokens": fields.pop("output_tokens", 0)}
    about = {"provider": "openai", "model": MODEL, "project": "p1", "api_key": "k1", "at": at, "usage": told} | fields
    call = CallIn(response_id=str(new_id()), **about)
    [result] = await ingest(books, used(str(new_id()), "interview", customer=customer, time=at, calls=[call]))
    assert result.status == "accepted", result


async def store_call(books: Books, at: datetime, customer: str = "acme", **fields: Any) -> None:
    """A call as the stage `calls` stores it, without an event: for what no product can tell."""
    row = {
        "customer_id": customer_id_of(customer),
        "provider": "openai",
        "call_id": str(new_id()),
        "event_id": "e",
        "transaction_id": new_id(),
        "model": MODEL,
        "at": at,
        "recorded_at": at,
        "project": "p1",
        "api_key": "k1",
        "batch": False,
        "cost_source": "response",
        "missing": [],
    } | fields
    names, slots = ", ".join(row), ", ".join(f"%({name})s" for name in row)
    async with await psycopg.AsyncConnection.connect(books.database.url, autocommit=True) as connection:
        await connection.execute(f"insert into provider_calls ({names}) values ({slots})".encode(), row)
