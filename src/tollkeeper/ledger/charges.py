"""From the events of one batch to its postings: a few for each customer, with the events as the sub-ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from tollkeeper.ledger.model import Account, Kind, Posting
from tollkeeper.money import ZERO

_SIDES = {
    Kind.USAGE: (Account.RECEIVABLE, Account.REVENUE),
    Kind.USAGE_CREDIT: (Account.REVENUE, Account.RECEIVABLE),
    Kind.PROVIDER_COST: (Account.PROVIDER_COST, Account.PROVIDER_PAYABLE),
    Kind.PROVIDER_COST_CREDIT: (Account.PROVIDER_PAYABLE, Account.PROVIDER_COST),
}


@dataclass(slots=True)
class _Sum:
    amount: Decimal
    service_from: datetime
    service_to: datetime
    events: int


class Batch:
    """Gathers the charges and costs of one batch, and turns them into postings."""

    def __init__(self) -> None:
        self._sums: dict[tuple[str, Kind, str], _Sum] = {}

    def charge(self, customer_id: str, unit: str, amount: Decimal, time: datetime) -> None:
        """Add an event's charge; a negative one is a credit, kept apart from what is charged."""
        if amount > 0:
            self._add((customer_id, Kind.USAGE, unit), amount, time)
        elif amount < 0:
            self._add((customer_id, Kind.USAGE_CREDIT, unit), -amount, time)

    def cost(self, customer_id: str, unit: str, amount: Decimal, time: datetime) -> None:
        """Add what providers take for an event; negative in a correction."""
        if amount > 0:
            self._add((customer_id, Kind.PROVIDER_COST, unit), amount, time)
        elif amount < 0:
            self._add((customer_id, Kind.PROVIDER_COST_CREDIT, unit), -amount, time)

    def _add(self, key: tuple[str, Kind, str], amount: Decimal, time: datetime) -> None:
        found = self._sums.get(key)
        if found is None:
            self._sums[key] = _Sum(ZERO + amount, time, time, 1)
            return
        found.amount += amount
        found.events += 1
        if time < found.service_from:
            found.service_from = time
        elif time > found.service_to:
            found.service_to = time

    def postings(self, transaction_id: UUID, booked_at: datetime) -> list[Posting]:
        """The postings, numbered from 0 for each customer."""
        lines: dict[str, int] = {}
        result: list[Posting] = []
        for (customer_id, kind, unit), total in sorted(self._sums.items()):
            line = lines.get(customer_id, 0)
            lines[customer_id] = line + 1
            debit, credit = _SIDES[kind]
            result.append(
                Posting(
                    customer_id=customer_id,
                    transaction_id=transaction_id,
                    line=line,
                    kind=kind,
                    debit=debit,
                    credit=credit,
                    unit=unit,
                    amount=total.amount,
                    booked_at=booked_at,
                    service_from=total.service_from,
                    service_to=total.service_to,
                    events=total.events,
                )
            )
        return result
