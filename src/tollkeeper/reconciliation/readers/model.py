"""What a provider's reports come to, whichever provider it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from pydantic import SecretStr


class Width(StrEnum):
    """How long the buckets of a usage report are; of a cost report they are days."""

    MINUTE = "1m"
    HOUR = "1h"
    DAY = "1d"


@dataclass(frozen=True, slots=True)
class Access:
    """Where a provider's reports are, and the key that opens them."""

    admin_key: SecretStr
    """An organisation's admin key, never one for inference. It shows as asterisks wherever it is printed."""
    url: str
    """Of the API, as the provider's own package takes it as `base_url`."""


@dataclass(frozen=True, slots=True)
class UsageRow:
    """What the provider counted in one bucket of time, of one endpoint, project, key, model, batch and tier."""

    provider: str
    start: datetime
    """Half-open, in UTC. The first and the last bucket are cut to the time that was asked for."""
    end: datetime
    endpoint: str
    """The provider's own name of the report: `completions`, `embeddings`, `messages` …"""
    project: str | None
    """The provider's own id of the project or workspace; None: the default one, or none is told."""
    api_key: str | None
    """The provider's own id of the key, never a secret; None: no key (a playground), or none is told."""
    model: str | None
    batch: bool | None
    """None: the report doesn't tell batches apart."""
    service_tier: str | None
    requests: int | None
    """None: the report doesn't count them (Anthropic's)."""
    quantities: Mapping[str, Decimal]
    """By `providers.Unit`: disjoint, without zeros."""


@dataclass(frozen=True, slots=True)
class CostRow:
    """What the provider asks for one day, project, key and line item."""

    provider: str
    start: datetime
    end: datetime
    project: str | None
    api_key: str | None
    line_item: str | None
    """As the provider words it: "gpt-4o-2024-08-06, input"."""
    model: str | None
    """As the line item tells it, if it does."""
    unit: str | None
    """The `providers.Unit` that the line item prices, if that is clear."""
    quantity: Decimal | None
    """How much of it, in the unit; None where the provider doesn't tell."""
    amount: Decimal
    """In whole units of the currency: dollars, never cents."""
    currency: str
    """ISO 4217, in capitals."""


@dataclass(frozen=True, slots=True)
class Report:
    """All that a provider reports for a range of time. Rows of a short while ago may be missing yet, or still grow."""

    usage: tuple[UsageRow, ...]
    costs: tuple[CostRow, ...]
