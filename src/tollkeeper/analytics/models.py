"""What was used of each AI model: calls, tokens, and a share of what the events that made them are charged and cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from tollkeeper.analytics.cover import Cover, cover
from tollkeeper.analytics.ranges import check_range
from tollkeeper.analytics.windows import Source
from tollkeeper.clock import Interval
from tollkeeper.customers import Customer
from tollkeeper.db import Asked, Queries, Tx
from tollkeeper.money import add

_queries = Queries(__package__ or "", "costs.queries.sql")

_OF_PROVIDER, _OF_MODEL = 1, 2
"""In the rollups' `repeats`: an event that's counted under another model of the provider, or provider of the model."""


@dataclass(slots=True)
class CallSum:
    """What events with calls come to in a window, unit and group. `firsts` counts each event once over all groups."""

    slot: int
    unit: str | None
    labels: list[str | None]
    events: int
    firsts: int
    calls: int
    input_tokens: Decimal
    cached_tokens: Decimal
    output_tokens: Decimal
    tokens: Decimal
    charge: Decimal
    cost: Decimal
    unpriced: int
    first_unpriced: int
    uncosted: int
    uncosted_charge: Decimal
    estimated: int
    estimated_charge: Decimal
    estimated_cost: Decimal


@dataclass(frozen=True, slots=True)
class ModelUse:
    """What one customer used of a model. Events without calls aren't in it."""

    provider: str
    model: str
    calls: int
    tokens: Tokens
    charge: Decimal
    """What the events that called it are charged; where they called others too, its share, by what the calls cost."""
    unit: str | None
    """The unit of value of `charge`; None where no price was in force."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens of whatever kind, and the calls that took them."""

    calls: int
    input: Decimal
    """What models have read, also from their providers' caches, and what was written to those."""
    cached: Decimal
    """What of the input came from a cache."""
    output: Decimal
    """What models have written, and thought in."""
    total: Decimal
    """All; also those of another model that a call used inside, which are neither input nor output."""


async def models(tx: Tx, customer: Customer, span: Interval) -> list[ModelUse]:
    """What the customer used of each model by usage whose `time` lies in [start, end), by provider, model and unit.

    Whole days and hours of the customer are read from the rollups, and what is left at the edges from the events, so
    any range is exact. Raises InvalidInput `invalid_range`.
    """
    span = check_range(span.start, span.end)
    found: dict[tuple[Any, ...], ModelUse] = {}
    by = ["provider", "model"]
    for one in await call_sums(tx, cover([span], [customer.timezone]), by, customer_id=customer.customer_id):
        key = *one.labels, one.unit or ""
        found[key] = _together(found[key], one) if key in found else _use(one)
    return [found[key] for key in sorted(found)]


async def events_with_calls(tx: Tx, customer: Customer, span: Interval) -> dict[str, int]:
    """By meter: how many events whose `time` lies in [start, end) have calls, and so may know their cost."""
    span = check_range(span.start, span.end)
    found: dict[str, int] = {}
    for one in await call_sums(tx, cover([span], [customer.timezone]), ["meter"], customer_id=customer.customer_id):
        [meter] = one.labels
        found[meter or ""] = found.get(meter or "", 0) + one.firsts
    return found


async def ask_tokens(tx: Tx, customer_id: UUID, first: date, after: date) -> Asked[Tokens]:
    """What all models have taken in the customer's own days [first, after), such as a calendar month: one row."""
    params = {"customer_id": customer_id, "first": first, "after": after}
    return await tx.ask(Tokens, _queries.tokens_between, params)


async def call_sums(
    tx: Tx, parts: Cover, group_by: Sequence[str], *, customer_id: UUID | None = None, meter: str | None = None
) -> list[CallSum]:
    """Sums of what the cover says: of one group there may be two, from the rollups and from events.

    By `customer`, `meter`, `provider` and `model`; by members and dimensions too, where all is read from events.
    """
    named = {"provider", "model"} & {*group_by}
    counted_once = {"provider": _OF_PROVIDER, "model": _OF_MODEL}[named.pop()] if len(named) == 1 else 0
    params: Mapping[str, Any] = parts.params() | {
        "group_by": [*group_by],
        "customer_id": customer_id,
        "meter": meter,
        "counted_once": counted_once,
    }
    found: list[CallSum] = []
    if parts.has(Source.DAYS) or parts.has(Source.HOURS):
        found += await tx.all(CallSum, _queries.calls_from_rollups, params)
    if parts.has(Source.EVENTS):
        found += await tx.all(CallSum, _queries.calls_from_events, params)
    return found


def _use(one: CallSum) -> ModelUse:
    provider, model = one.labels
    tokens = Tokens(one.calls, one.input_tokens, one.cached_tokens, one.output_tokens, one.tokens)
    return ModelUse(provider or "", model or "", one.calls, tokens, one.charge, one.unit)


def _together(use: ModelUse, one: CallSum) -> ModelUse:
    tokens = Tokens(
        use.calls + one.calls,
        add(use.tokens.input, one.input_tokens),
        add(use.tokens.cached, one.cached_tokens),
        add(use.tokens.output, one.output_tokens),
        add(use.tokens.total, one.tokens),
    )
    return ModelUse(use.provider, use.model, tokens.calls, tokens, add(use.charge, one.charge), use.unit)
