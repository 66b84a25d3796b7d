"""The ledger as its customer reads it: what came in, what was charged and what paid for it, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from tollkeeper.db import Queries, Tx, array, text_array, word_array
from tollkeeper.ledger import CUSTOMER_KINDS, Account, Entry, Kind, list_postings
from tollkeeper.money import ZERO

_queries = Queries(__package__ or "")

_TEXTS = {
    Kind.USAGE: "Usage",
    Kind.USAGE_CREDIT: "Usage credited",
    Kind.GRANT_PAID: "Prepaid value bought",
    Kind.GRANT_GIVEN: "Prepaid value granted",
    Kind.GRANT_SPENT: "Paid from prepaid value",
    Kind.GRANT_RETURNED: "Returned to prepaid value",
    Kind.GRANT_EXPIRED: "Prepaid value expired",
    Kind.GRANT_VOIDED: "Prepaid value taken back",
    Kind.GRANT_REFUNDED: "Prepaid value refunded",
}


@dataclass(frozen=True, slots=True)
class StatementLine:
    """A posting, from the customer's side."""

    entry: Entry
    text: str
    wallet: Decimal
    """What it did to the prepaid value in the wallet."""
    owed: Decimal
    """What it did to what the customer owes."""
    reference: str | None
    """Of a grant the operator's reference; of a single event's usage the event's id."""

    @property
    def amount(self) -> Decimal:
        """What it did to the customer: more than 0 for what came in, less for what was charged, or paid."""
        return self.wallet or self.owed.copy_negate()


@dataclass(frozen=True, slots=True)
class _Reference:
    number: int
    reference: str


async def statement(
    tx: Tx, customer_id: UUID, *, before: tuple[UUID, int] | None, kind: Kind | None, limit: int
) -> list[StatementLine]:
    """A page of what concerns the customer in its ledger, newest first, going on before (transaction, line) `before`.

    What AI providers take isn't in it: a `kind` about that gives no lines.
    """
    kinds = CUSTOMER_KINDS if kind is None else CUSTOMER_KINDS & {kind}
    found = await list_postings(tx, customer_id, before=before, kinds=kinds, limit=limit)
    references = await _references(tx, customer_id, found)
    return [_line(entry, references.get(number)) for number, entry in enumerate(found, 1)]


async def _references(tx: Tx, customer_id: UUID, entries: Sequence[Entry]) -> dict[int, str]:
    """What each entry is about, by its number, where it's about one thing."""
    if not entries:
        return {}
    rows = await tx.all(
        _Reference,
        _queries.references,
        {
            "customer_id": customer_id,
            "kind": word_array([entry.kind for entry in entries]),
            "transaction_id": array([entry.transaction_id for entry in entries]),
            "unit": text_array([entry.unit for entry in entries]),
            "booked_at": [entry.booked_at for entry in entries],
            "at": [entry.service_from if entry.events == 1 else None for entry in entries],
        },
    )
    return {row.number: row.reference for row in rows}


def _line(entry: Entry, reference: str | None) -> StatementLine:
    text = _TEXTS[Kind(entry.kind)]
    if entry.events:
        text += f", {entry.events:,} event{'' if entry.events == 1 else 's'}"
    return StatementLine(
        entry=entry,
        text=text,
        # A wallet is what the operator owes: a credit raises it, as a debit raises what the customer owes.
        wallet=_moved(entry, raised_by=entry.credit, lowered_by=entry.debit, account=Account.WALLET),
        owed=_moved(entry, raised_by=entry.debit, lowered_by=entry.credit, account=Account.RECEIVABLE),
        reference=reference,
    )


def _moved(entry: Entry, *, raised_by: str, lowered_by: str, account: Account) -> Decimal:
    if raised_by == account:
        return entry.amount
    return entry.amount.copy_negate() if lowered_by == account else ZERO
