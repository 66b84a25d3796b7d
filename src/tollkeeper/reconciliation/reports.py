"""Rows of reports as they are kept, and the stretches of time that are read. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from tollkeeper.ids import content_id
from tollkeeper.money import ZERO, add
from tollkeeper.reconciliation.readers.model import CostRow, UsageRow

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


class ReportKind(StrEnum):
    """What a row of a report tells."""

    USAGE = "usage"
    COST = "cost"


@dataclass(frozen=True, slots=True)
class Stretch:
    """What was asked for: a stretch of time, whole buckets of one width, of one kind."""

    kind: ReportKind
    start: datetime
    end: datetime
    width: timedelta


@dataclass(frozen=True, slots=True)
class ReportRow:
    """A row of a report, whichever kind: what it is about, and how much."""

    kind: str
    provider: str
    bucket_start: datetime
    bucket_end: datetime
    project: str | None
    api_key: str | None
    model: str | None
    endpoint: str | None = None
    batch: bool | None = None
    service_tier: str | None = None
    line_item: str | None = None
    unit: str | None = None
    currency: str | None = None
    requests: int | None = None
    quantities: dict[str, Decimal] | None = None
    quantity: Decimal | None = None
    amount: Decimal | None = None

    @property
    def report_id(self) -> UUID:
        """Follows from what the row is about, not from how much it tells."""
        about = (
            *(self.kind, self.provider, self.bucket_start.isoformat(), self.bucket_end.isoformat()),
            *(self.project, self.api_key, self.model, self.endpoint, self.service_tier, self.line_item),
            *(None if self.batch is None else str(self.batch), self.unit, self.currency),
        )
        return content_id("report", *(part for one in about for part in (("-", "") if one is None else ("+", one))))

    @property
    def empty(self) -> bool:
        """Whether it tells of nothing."""
        return not (self.requests or self.quantities or self.quantity or self.amount)

    def emptied(self) -> ReportRow:
        """The same row, telling of nothing."""
        amount = None if self.amount is None else ZERO
        return replace(self, requests=0, quantities=None, quantity=None, amount=amount)

    def plus(self, other: ReportRow) -> ReportRow:
        """Two rows about the same, as one."""
        quantities = dict(self.quantities or {})
        for unit, quantity in (other.quantities or {}).items():
            quantities[unit] = add(quantities.get(unit, ZERO), quantity)
        return replace(
            self,
            requests=_sum(self.requests, other.requests),
            quantities=quantities or None,
            quantity=_total(self.quantity, other.quantity),
            amount=_total(self.amount, other.amount),
        )


def rows_of(read: Iterable[UsageRow] | Iterable[CostRow], stretch: Stretch) -> dict[UUID, ReportRow]:
    """The rows of a report that lie within the stretch, by id.

    Providers cut the last bucket to the time that has passed; here it has its whole width, so that it stays the same
    bucket while it grows.
    """
    found: dict[UUID, ReportRow] = {}
    for each in read:
        if not stretch.start <= each.start < stretch.end:
            continue
        row = _row(each, each.start + stretch.width)
        known = found.get(row.report_id)
        found[row.report_id] = row if known is None else known.plus(row)
    # A cost of exactly 0 tells what the day costs.
    return {key: row for key, row in found.items() if row.kind == ReportKind.COST or not row.empty}


def _row(each: UsageRow | CostRow, end: datetime) -> ReportRow:
    if isinstance(each, UsageRow):
        return ReportRow(
            ReportKind.USAGE,
            each.provider,
            each.start,
            end,
            each.project,
            each.api_key,
            each.model,
            endpoint=each.endpoint,
            batch=each.batch,
            service_tier=each.service_tier,
            requests=each.requests,
            quantities={unit: quantity for unit, quantity in sorted(each.quantities.items()) if quantity} or None,
        )
    return ReportRow(
        ReportKind.COST,
        each.provider,
        each.start,
        end,
        each.project,
        each.api_key,
        each.model,
        line_item=each.line_item,
        unit=each.unit,
        currency=each.currency,
        quantity=each.quantity,
        amount=each.amount,
    )


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None and other is None else (one or 0) + (other or 0)


def _total(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    return None if one is None and other is None else add(one or ZERO, other or ZERO)
