"""What the tests of suggestions share: a catalog, calls with their usage, and asking for what would have cost less."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal
from typing import Any

from tests.database.costing import reported, used_json
from tests.database.gating import D, utc

from tollkeeper.books import Books
from tollkeeper.clock import Interval
from tollkeeper.customers import agreement_of, customer_id_of, get_customer
from tollkeeper.gate import stand
from tollkeeper.suggestions import Case, Kind, Suggestion, suggest

FROM, TO = utc("2026-10-01 00:00"), utc("2026-10-31 00:00")
MILLION = D(1_000_000)

CATALOG = """
currency = "USD"
[meters.answer]
unit = "answer"
[prices.answer]
model = "cost_plus"
margin_percent = "25"
fallback = "0.50"
[meters.flat]
unit = "answer"
[prices.flat]
model = "unit"
amount = "1"
"""


def chat(
    id: str, read: int = 0, written: int = 0, *, cached: int = 0, model: str = "gpt-4o", **more: Any
) -> dict[str, Any]:
    """A call with OpenAI's usage: `read` tokens of the prompt, `cached` of them from the cache, and `written` ones."""
    usage = {
        "prompt_tokens": read,
        "completion_tokens": written,
        "prompt_tokens_details": {"cached_tokens": cached},
    }
    return {"provider": "openai", "model": model, "usage": usage, "response_id": id} | more


def claude(
    id: str, read: int = 0, written: int = 0, *, cached: int = 0, put: int = 0, model: str = "claude-sonnet-4-5"
) -> dict[str, Any]:
    """A call with Anthropic's usage, whose cache stands beside the input; what is `put` there is paid for."""
    usage = {
        "input_tokens": read,
        "output_tokens": written,
        "cache_read_input_tokens": cached,
        "cache_creation_input_tokens": put,
    }
    return {"provider": "anthropic", "model": model, "usage": usage, "response_id": id}


async def use(books: Books, *calls: dict[str, Any], meter: str = "answer", day: int = 10, **more: Any) -> None:
    """An event for each call, on a day of October."""
    events = [
        used_json(f"e:{call['response_id']}", meter, call, time=f"2026-10-{day:02}T12:00:00Z", **more) for call in calls
    ]
    assert {result.status for result in await reported(books, *events)} == {"accepted"}


async def suggested(
    books: Books,
    *kinds: Kind,
    customer: str = "acme",
    span: tuple[datetime, datetime] = (FROM, TO),
) -> list[Suggestion]:
    """What is suggested of these kinds, all of them by default."""
    asked: Collection[Kind] = kinds or tuple(Kind)
    await books.refresh(customer)
    async with books.database.transaction(customer_id_of(customer), snapshot=True) as tx:
        found = await get_customer(tx, customer)
        agreement = await agreement_of(tx, found.customer_id)
        standing = stand(await books.catalog(tx), found, agreement, span[1])
        case = Case(standing, agreement, Interval(*span), books.desk.pricing.book)
        return await suggest(tx, case, asked)


def savings(found: Suggestion) -> dict[str, Decimal]:
    """By whom saves."""
    return {saving.whom.value: saving.amount for saving in found.savings}


def figures(found: Suggestion, name: str) -> list[dict[str, str]]:
    """The figures of the steps of that name."""
    return [dict(step.figures) for step in found.steps if step.name == name]


def worth(lines: list[dict[str, str]]) -> Decimal:
    """What lines come to, reckoned anew from their own figures."""
    return sum((D(one["quantity"]) * D(one["amount"]) / D(one["per"]) * D(one.get("rate", "1")) for one in lines), D(0))
