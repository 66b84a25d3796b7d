"""From a call's usage to what its price depends on, in one step."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tollkeeper.providers.extraction import extract
from tollkeeper.providers.model import CallFacts
from tollkeeper.providers.observation import told_by


def facts_of(
    provider: str,
    model: str,
    usage: Mapping[str, Any],
    at: datetime,
    *,
    service_tier: str | None = None,
    batch: bool = False,
    region: str | None = None,
) -> CallFacts:
    """The facts of a call, with what its usage object itself says of tier, batch and region where the caller says
    nothing: Anthropic tells its fast mode, its batches and `inference_geo` there, and they have prices of their own.

    Raises UsageNotUnderstood.
    """
    quantities = extract(provider, usage, model=model)
    told = told_by(usage)
    return CallFacts(
        provider=provider,
        model=model,
        quantities=quantities,
        at=at,
        service_tier=service_tier or told.service_tier or None,
        batch=batch or told.batch,
        region=region or told.region,
    )
