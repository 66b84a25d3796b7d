"""Booking: what a provider bills beyond our costs goes to the account `variance`, of the house, once for each revision.

Only the change since a grain's last revision is posted, so what stands in the account is the difference as it was last
compared; and `provider_payable`, over all customers and the house, is what the provider bills.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from tollkeeper.db import Tx
from tollkeeper.ids import new_id
from tollkeeper.ledger import HOUSE, Account, Kind, Posting, post
from tollkeeper.money import ZERO, plain, subtract
from tollkeeper.reconciliation.compare import compare
from tollkeeper.reconciliation.model import (
    Bucket,
    Comparison,
    Finding,
    Grain,
    Origin,
    Ours,
    Reconciliation,
    Theirs,
    as_units,
)
from tollkeeper.reconciliation.store import insert_reconciliations, latest_reconciliations

_LINE = 0


async def book_comparisons(
    tx: Tx, bucket: Bucket, comparisons: Mapping[Grain, Comparison], *, currency: str, now: datetime, by: str
) -> list[Reconciliation]:
    """Record and book what is new in these comparisons, which are all of the bucket's; those that were written.

    A grain that is no more, because both sides tell more exactly now, or less, is booked back. Under the provider's
    lock.
    """
    known = {row.grain_id: row for row in await latest_reconciliations(tx, bucket)}
    present = {
        grain.grain_id: _record(grain, comparison, currency, now, by) for grain, comparison in comparisons.items()
    }
    for grain_id, row in known.items():
        if grain_id not in present and (row.booked or row.our_requests or row.their_requests or row.our_cost):
            present[grain_id] = _gone(row, now, by)
    written = [
        _revised(row, known.get(grain_id))
        for grain_id, row in present.items()
        if grain_id not in known or _differs(row, known[grain_id])
    ]
    await insert_reconciliations(tx, written)
    async with tx.together():
        for row in written:
            if row.change:
                await _post(tx, row)
    return written


def _record(grain: Grain, comparison: Comparison, currency: str, now: datetime, by: str) -> Reconciliation:
    ours, theirs = comparison.ours, comparison.theirs
    return Reconciliation(
        reconciliation_id=new_id(),
        grain_id=grain.grain_id,
        revision=1,
        provider=grain.bucket.provider,
        start=grain.bucket.start,
        end=grain.bucket.end,
        model=grain.origin.model,
        project=grain.origin.project,
        api_key=grain.origin.api_key,
        our_requests=ours.requests,
        vague_requests=ours.vague_requests,
        their_requests=theirs.requests,
        units=_units(ours, theirs),
        our_cost=ours.whole_cost,
        their_money=theirs.money,
        unit=currency,
        finding=comparison.finding.value,
        difference=comparison.difference,
        parts=_parts(comparison),
        booked=comparison.difference or ZERO,
        change=comparison.difference or ZERO,
        compared_at=now,
        compared_by=by,
    )


def _units(ours: Ours, theirs: Theirs) -> list[dict[str, Any]]:
    told = theirs.quantities is not None
    return [
        {"unit": unit, "ours": plain(mine), "theirs": plain(other) if told else None}
        for unit, mine, other in as_units(ours.quantities, theirs.quantities)
    ]


def _parts(comparison: Comparison) -> list[dict[str, Any]]:
    return [
        {
            "finding": part.finding.value,
            "unit": part.unit,
            "ours": _text(part.ours),
            "theirs": _text(part.theirs),
            "amount": plain(part.amount),
            "because": part.because,
        }
        for part in comparison.parts
    ]


def _text(number: Decimal | None) -> str | None:
    return None if number is None else plain(number)


def _gone(row: Reconciliation, now: datetime, by: str) -> Reconciliation:
    """A grain of which neither side tells anything any more."""
    grain = Grain(Bucket(row.provider, row.start, row.end), Origin(row.model, row.project, row.api_key))
    nothing = compare(Ours(), Theirs(quantities={}, money=ZERO), currency=row.unit)
    return _record(grain, nothing, row.unit, now, by)


_FIGURES = (
    *("our_requests", "vague_requests", "their_requests", "units", "our_cost", "their_money", "finding", "booked"),
    "unit",
)


def _differs(row: Reconciliation, known: Reconciliation) -> bool:
    return any(getattr(row, name) != getattr(known, name) for name in _FIGURES)


def _revised(row: Reconciliation, known: Reconciliation | None) -> Reconciliation:
    """The row as the next revision of its grain, which posts only what has changed."""
    if known is None:
        return row
    # What they told once and don't tell now stays booked until they tell again.
    booked = known.booked if row.their_money is None else row.booked
    return replace(row, revision=known.revision + 1, booked=booked, change=subtract(booked, known.booked))


async def _post(tx: Tx, row: Reconciliation) -> None:
    more = row.change > 0
    posting = Posting(
        customer_id=str(HOUSE),
        line=_LINE,
        kind=Kind.PROVIDER_VARIANCE if more else Kind.PROVIDER_VARIANCE_CREDIT,
        debit=Account.VARIANCE if more else Account.PROVIDER_PAYABLE,
        credit=Account.PROVIDER_PAYABLE if more else Account.VARIANCE,
        unit=row.unit,
        amount=row.change.copy_abs(),
        service_from=row.start,
        service_to=row.end,
    )
    await post(
        tx, [posting], transaction_id=row.reconciliation_id, booked_at=row.compared_at, booked_by=row.compared_by
    )


def findings_of(rows: Sequence[Reconciliation]) -> dict[str, int]:
    """How many of these have each finding."""
    return {one.value: count for one in Finding if (count := sum(row.finding == one for row in rows))}
