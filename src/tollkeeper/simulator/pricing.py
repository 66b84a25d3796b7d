"""A first, small price table; the price book takes its place."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from tollkeeper.money import price_of, round_charge, sum_of
from tollkeeper.simulator.model import Provider, Reply

_PER = Decimal(1_000_000)
_PRICES = {
    "gpt-4o-mini": ("0.15", "0.075", "0.60"),
    "gpt-4o": ("2.50", "1.25", "10"),
    "gpt-5-mini": ("0.25", "0.025", "2"),
    "gpt-5": ("1.25", "0.125", "10"),
    "text-embedding-3-small": ("0.02", "0.02", "0"),
    "claude-sonnet-4-5": ("3", "0.30", "15"),
    "claude-haiku-4-5": ("1", "0.10", "5"),
}


def priced(
    provider: Provider, reply: Reply, at: datetime
) -> tuple[Mapping[str, Decimal], Decimal | None, Mapping[str, Decimal]]:
    """Quantities and cost of a call, and what the provider takes for each unit."""
    usage = reply.usage
    whole = int(usage.get("prompt_tokens") or usage.get("input_tokens") or 0)
    details = usage.get("prompt_tokens_details") or usage.get("input_tokens_details") or {}
    cached = int(details.get("cached_tokens") or usage.get("cache_read_input_tokens") or 0)
    fresh = whole if provider is Provider.ANTHROPIC else whole - cached
    output = int(usage.get("completion_tokens") or usage.get("output_tokens") or 0)
    quantities = {"input_tokens": fresh, "cached_input_tokens": cached, "output_tokens": output}
    found = {unit: Decimal(count) for unit, count in quantities.items() if count}
    rows = [prices for name, prices in _PRICES.items() if reply.model.startswith(name)]
    if not rows:
        return found, None, {unit: price_of(count, Decimal(2), _PER) for unit, count in found.items()}
    amounts = dict(zip(quantities, map(Decimal, rows[0]), strict=True))
    asks = {unit: price_of(count, amounts[unit], _PER) for unit, count in found.items()}
    return found, round_charge(sum_of(asks.values())), asks
