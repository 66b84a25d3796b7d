"""Refusals: why an operation may not begin, in a form that a product can act on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from tollkeeper.clock import in_utc
from tollkeeper.customers import Customer
from tollkeeper.errors import Forbidden, InsufficientCredits, InvalidInput, LimitExceeded, TollError
from tollkeeper.events import Reason
from tollkeeper.gate.standing import Source
from tollkeeper.limits import Exceeded
from tollkeeper.money import amount_in_words, grouped, plain


def closed(customer: Customer) -> Forbidden | None:
    """Why the customer may use nothing at all now."""
    if customer.archived_at is not None:
        return Forbidden("customer_archived", f"Customer {customer.key!r} is archived.", field="customer")
    if customer.suspended_at is not None:
        return Forbidden("customer_suspended", f"Customer {customer.key!r} is suspended.", field="customer")
    return None


def insufficient(unit: str, needed: Decimal, available: Decimal, source: Source) -> InsufficientCredits:
    """The wallet, and what may be owed, don't cover the operation."""
    told = f"The operation needs {amount_in_words(needed, unit)}, and {amount_in_words(available, unit)} are available."
    return InsufficientCredits(
        "insufficient_credits",
        told,
        unit=unit,
        needed=plain(needed),
        available=plain(available),
        top_up_url=source.top_up_url,
    )


def exceeded(found: Exceeded, now: datetime) -> LimitExceeded:
    """The operation doesn't fit under a limit."""
    of = f" of member {found.member!r}" if found.member else ""
    held = f" and {_amount(found.held, found.unit)} held" if found.held else ""
    told = (
        f"The limit {found.name!r}{of} allows {_amount(found.cap, found.unit)} per {found.per.replace('_', ' ')}: "
        f"{_amount(found.used, found.unit)} used{held}, {_amount(found.needed, found.unit)} more needed."
    )
    if found.resets_at is None:
        told += " That is more than the whole limit, so it never fits."
    wait = None if found.resets_at is None else max(1, -int((now - found.resets_at).total_seconds() // 1))
    waiting: dict[str, Any] = {} if wait is None else {"retry_after": wait}
    return LimitExceeded(
        "limit_exceeded",
        told,
        limit=found.limit,
        name=found.name,
        member=found.member or None,
        unit=found.unit,
        per=found.per,
        window={"start": in_utc(found.window.start), "end": in_utc(found.window.end)},
        used=plain(found.used),
        held=plain(found.held),
        cap=plain(found.cap),
        needed=plain(found.needed),
        resets_at=None if found.resets_at is None else in_utc(found.resets_at),
        **waiting,
    )


def _amount(number: Decimal, unit: str | None) -> str:
    return grouped(number) if unit is None else amount_in_words(number, unit)


def invalid(reason: Reason) -> TollError:
    """The operation can't be understood, for the same reason as an event like it couldn't."""
    return InvalidInput(reason.code, reason.detail, field=reason.field)


_ORDER = (Forbidden, InsufficientCredits, LimitExceeded)


def refusal(reasons: Sequence[TollError]) -> TollError:
    """All reasons in one: the first by rank, with the others beside it. A limit that never fits can't be waited for."""
    ranked = sorted(reasons, key=lambda reason: next(i for i, kind in enumerate(_ORDER) if isinstance(reason, kind)))
    first = ranked[0]
    extra = dict(first.extra)
    if isinstance(first, LimitExceeded):
        waits = [reason.extra.get("retry_after") for reason in ranked]
        extra.pop("retry_after", None)
        if None not in waits:
            extra["retry_after"] = max(wait for wait in waits if wait is not None)
    listed = [reason.as_dict() for reason in ranked]
    return type(first)(first.code, first.detail, field=first.field, **extra, reasons=listed)
