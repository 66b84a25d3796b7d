"""What several answers of the billing page are made of."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import ConfigDict

from tollkeeper.api.bodies import Amount, Answer
from tollkeeper.api.routes.limits import LimitAnswer, WindowAnswer
from tollkeeper.catalog import Catalog, LimitBy, LimitMode, LimitPeriod
from tollkeeper.db import PublishedFact
from tollkeeper.gate import alert_in_words

TAG = "portal"
PREFIX = "/v1/portal"


class PortalLimitAnswer(Answer):
    """A limit, and what is used of it: null where it's each member's own, and no member was asked for."""

    limit: str
    name: str
    meter: str | None
    group: str | None
    spend: str | None
    per: LimitPeriod
    by: LimitBy
    mode: LimitMode
    enabled: bool
    warn_at: list[Amount]
    member: str | None
    cap: Amount
    used: Amount | None
    held: Amount | None
    remaining: Amount | None
    percent: Amount | None
    window: WindowAnswer
    meter_unit: str | None


def portal_limit(found: LimitAnswer, catalog: Catalog) -> PortalLimitAnswer:
    """The limit as its customer sees it."""
    names = PortalLimitAnswer.model_fields.keys() & LimitAnswer.model_fields.keys()
    return PortalLimitAnswer(**{name: getattr(found, name) for name in names}, meter_unit=_meter_unit(found, catalog))


def _meter_unit(found: LimitAnswer, catalog: Catalog) -> str | None:
    """What the limit counts; None where that's value, or of several kinds."""
    if found.spend is not None:
        return None
    group = catalog.groups.get(found.group or "")
    meters = group.meters if group else (found.meter or "",)
    units = {catalog.meters[meter].unit for meter in meters if meter in catalog.meters}
    return units.pop() if len(units) == 1 else None


class PortalAlertAnswer(Answer):
    """An alert; each topic adds fields of its own."""

    model_config = ConfigDict(extra="allow")

    id: UUID
    topic: str
    created_at: datetime
    detail: str


def portal_alert(fact: PublishedFact) -> PortalAlertAnswer:
    """The alert as its customer sees it."""
    detail = alert_in_words(fact.topic, fact.body) or fact.topic.replace("_", " ").capitalize()
    own = {"id": fact.fact_id, "topic": fact.topic, "created_at": fact.created_at, "detail": detail}
    return PortalAlertAnswer(**fact.body | own)
