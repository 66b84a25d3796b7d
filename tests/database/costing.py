"""What the tests of costs share: a catalog with cost_plus prices, calls as providers' responses give them, true-ups."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec
from tests.database.gating import D, from_json, ingest, rows

from tollkeeper import clock
from tollkeeper.books import Books
from tollkeeper.events import CostSource
from tollkeeper.gate import CallChange, Result, TrueUp, true_up

CATALOG = """
currency = "USD"
[meters.answer]
unit = "answer"
dimensions = ["job"]
[prices.answer]
model = "cost_plus"
fallback = "0.50"
[meters.bare]
unit = "answer"
[prices.bare]
model = "cost_plus"
margin_percent = "100"
[meters.kept]
unit = "answer"
[prices.kept]
model = "cost_plus"
fallback = "0.50"
true_up = "cost_only"
[meters.cv]
unit = "CV"
aggregation = "count"
[prices.cv]
model = "unit"
amount = "0.50"
[meters.peak]
aggregation = "max"
unit = "seat"
[prices.peak]
model = "unit"
amount = "3"
[meters.gauge]
aggregation = "latest"
unit = "GB"
[prices.gauge]
model = "unit"
amount = "2"
[meters.people]
aggregation = "unique_count"
unique_by = "member"
unit = "person"
[prices.people]
model = "unit"
amount = "1"
[meters.capped]
unit = "answer"
[prices.capped]
model = "cost_plus"
fallback = "0.50"
maximum = "1"
[meters.unpriced]
unit = "thing"
"""


def call(
    id: str | None = None, *, tokens: tuple[int, int] = (1500, 500), model: str = "gpt-4o", **more: Any
) -> dict[str, Any]:
    """A call with the usage that OpenAI's chat completions give: 0.00875 USD, unless told otherwise."""
    usage = {"prompt_tokens": tokens[0], "completion_tokens": tokens[1], "total_tokens": sum(tokens)}
    return {"provider": "openai", "model": model, "usage": usage} | ({"response_id": id} if id else {}) | more


def response(id: str, *, model: str = "gpt-4o-2024-08-06", content: str = "a secret") -> dict[str, Any]:
    """OpenAI's answer to a chat completion, as it is."""
    return {
        "id": id,
        "object": "chat.completion",
        "created": 1_767_268_800,
        "model": model,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1500, "completion_tokens": 500, "total_tokens": 2000},
        "service_tier": "default",
    }


async def report(books: Books, id: str, meter: str = "answer", *calls: dict[str, Any], **fields: Any) -> Result:
    """The answer to one event with these calls."""
    [result] = await reported(books, used_json(id, meter, *calls, **fields))
    return result


def used_json(id: str, meter: str, *calls: dict[str, Any], **fields: Any) -> dict[str, Any]:
    quantity = {} if meter in ("cv", "people") else {"quantity": "1"}
    return {
        "id": id,
        "customer": "acme",
        "meter": meter,
        **quantity,
        **({"calls": [*calls]} if calls else {}),
        **fields,
    }


async def reported(books: Books, *events: dict[str, Any]) -> Sequence[Result]:
    return await ingest(books, *from_json(msgspec.json.encode(events).decode()))


async def up(
    books: Books, event: str, *calls: tuple[str | None, str], id: str | None = None, charge: bool = True, **fields: Any
) -> Result:
    """The answer to a true-up of these changes, by call id."""
    changes = [CallChange(call_id, D(change), **fields) for call_id, change in calls]
    item = TrueUp("acme", event, id or f"up:{event}:{calls}", changes, CostSource.PROVIDER_REPORT, charge)

    async def work(tx: Any) -> list[Result]:
        return await true_up(tx, books.desk, [item], now=clock.now(), by="test")

    [result] = await books.database.run(work)
    return result


async def counts(books: Books, meter: str = "answer") -> tuple[int, int, int]:
    """How many events the rollups call unpriced, uncosted and estimated."""
    query = """select coalesce(sum(d.unpriced), 0)::int as unpriced, coalesce(sum(d.uncosted), 0)::int as uncosted,
                      coalesce(sum(d.estimated), 0)::int as estimated
               from usage_days d join series s using (customer_id, series_id) where s.meter = %s"""
    [row] = await rows(books, query, meter)
    return row["unpriced"], row["uncosted"], row["estimated"]


async def totals(books: Books) -> tuple[Decimal, Decimal]:
    """What all events cost, and are charged, by the rollups."""
    query = "select coalesce(sum(cost), 0) as cost, coalesce(sum(charge), 0) as charge from usage_days"
    [row] = await rows(books, query)
    return row["cost"], row["charge"]


async def cost_of(books: Books, event: str) -> tuple[Decimal | None, str | None]:
    [row] = await rows(books, "select cost, cost_source from events where event_id = %s", event)
    return row["cost"], row["cost_source"]
