"""The ledger as its customer reads it, in words: what came in, what usage took of it, and what is owed.

Lines add up: all amounts of a unit sum to the prepaid value that is left, less what is owed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from tollkeeper.db import Queries, Tx, array, text_array, word_array
from tollkeeper.ledger import CUSTOMER_KINDS, Kind
from tollkeeper.money import subtract

_queries = Queries(__package__ or "")

_TEXTS = {
    Kind.USAGE: "Usage",
    Kind.USAGE_CREDIT: "Usage credited",
    Kind.GRANT_PAID: "Prepaid value bought",
    Kind.GRANT_GIVEN: "Prepaid value granted",
    Kind.GRANT_SPENT: "Usage",
    Kind.GRANT_RETURNED: "Usage credited",
    Kind.GRANT_EXPIRED: "Prepaid value expired",
    Kind.GRANT_VOIDED: "Prepaid value taken back",
    Kind.GRANT_REFUNDED: "Prepaid value refunded",
}


_NOTES = {
    Kind.GRANT_SPENT: "paid from prepaid value",
    Kind.GRANT_RETURNED: "returned to prepaid value",
}
_NOTES_OF_RESTS = {
    Kind.USAGE: "the rest, owed",
    Kind.USAGE_CREDIT: "the rest, off what is owed",
}


@dataclass(frozen=True, slots=True)
class _Row:
    """A posting, from the customer's side."""

    transaction_id: UUID
    line: int
    kind: str
    unit: str
    wallet: Decimal
    owed: Decimal
    booked_at: datetime
    service_from: datetime
    service_to: datetime
    events: int
    charged_events: int
    """Of a payment, how many events were charged with what it pays for."""
    is_rest: bool
    """Whether the wallet has paid, or got back, another part of it in the same transaction."""


@dataclass(frozen=True, slots=True)
class StatementLine:
    """What changed for the customer."""

    transaction_id: UUID
    line: int
    kind: str
    text: str
    unit: str
    wallet: Decimal
    """What it did to the prepaid value in the wallet."""
    owed: Decimal
    """What it did to what the customer owes."""
    booked_at: datetime
    service_from: datetime
    service_to: datetime
    events: int
    reference: str | None
    """Of a grant the operator's reference; of a single event's usage the event's id."""

    @property
    def amount(self) -> Decimal:
        """What it did to the customer: more than 0 for what came in or was given back, less for what was taken."""
        return subtract(self.wallet, self.owed)


@dataclass(frozen=True, slots=True)
class _Reference:
    number: int
    reference: str


async def statement(
    tx: Tx, customer_id: UUID, *, before: tuple[UUID, int] | None, kind: Kind | None, limit: int
) -> list[StatementLine]:
    """A page of what concerns the customer in its ledger, newest first, going on before (transaction, line) `before`.

    Usage that prepaid value has paid is one line, what stayed owed of it another. What AI providers take isn't in it: a
    `kind` about that gives no lines.
    """
    kinds = CUSTOMER_KINDS if kind is None else CUSTOMER_KINDS & {kind}
    params = {
        "customer_id": customer_id,
        "before_transaction": before[0] if before else None,
        "before_line": before[1] if before else None,
        "kinds": sorted(kinds),
        "limit": limit,
    }
    found = await tx.all(_Row, _queries.statement, params)
    references = await _references(tx, customer_id, found)
    return [_line(row, references.get(number)) for number, row in enumerate(found, 1)]


async def _references(tx: Tx, customer_id: UUID, rows: Sequence[_Row]) -> dict[int, str]:
    """What each line is about, by its number, where it's about one thing."""
    if not rows:
        return {}
    found = await tx.all(
        _Reference,
        _queries.references,
        {
            "customer_id": customer_id,
            "kind": word_array([row.kind for row in rows]),
            "transaction_id": array([row.transaction_id for row in rows]),
            "unit": text_array([row.unit for row in rows]),
            "booked_at": [row.booked_at for row in rows],
            "at": [row.service_from if row.charged_events == 1 else None for row in rows],
        },
    )
    return {one.number: one.reference for one in found}


def _line(row: _Row, reference: str | None) -> StatementLine:
    kind = Kind(row.kind)
    text = _TEXTS[kind]
    if row.events:
        text += f", {row.events:,} event{'' if row.events == 1 else 's'}"
    note = _NOTES_OF_RESTS.get(kind) if row.is_rest else _NOTES.get(kind)
    return StatementLine(
        transaction_id=row.transaction_id,
        line=row.line,
        kind=row.kind,
        text=f"{text} · {note}" if note else text,
        unit=row.unit,
        wallet=row.wallet,
        owed=row.owed,
        booked_at=row.booked_at,
        service_from=row.service_from,
        service_to=row.service_to,
        events=row.events,
        reference=reference,
    )
