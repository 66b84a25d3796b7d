"""Reading recurring grants: prepaid value that customers on a plan get again and again."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from tollkeeper.catalog.known import Known, read_unit, refuse_finer
from tollkeeper.catalog.plans import RecurringGrant
from tollkeeper.catalog.table import Table, number_fault
from tollkeeper.clock import Period
from tollkeeper.money import ZERO

_PRIORITY, _LAST_PRIORITY = 50, 100


class _Kind(StrEnum):
    """The kinds of grants; what each means is `wallets.GrantKind`, further down the stream."""

    PAID = "paid"
    PROMOTIONAL = "promotional"
    COMPENSATION = "compensation"


def read_grants(holder: Table, known: Known) -> dict[str, RecurringGrant]:
    """The recurring grants in the table `grants` of `holder`; what can't be used is noted."""
    return {name: read_grant(name, table, known) for name, table in holder.keyed("grants")}


def read_grant(name: str, table: Table, known: Known) -> RecurringGrant:
    """One recurring grant; what can't be used is noted, and something stands in for it."""
    unit = read_unit(table, "unit", known)
    amount = table.number("amount", required=True, positive=True)
    refuse_finer(table, "amount", amount, unit, known)
    most_rolled = _most_rolled(table)
    refuse_finer(table, "rollover", most_rolled, unit, known)
    grant = RecurringGrant(
        name=name,
        unit=unit,
        amount=amount or ZERO,
        every=table.choice("every", Period, required=True) or Period.MONTH,
        kind=(table.choice("kind", _Kind) or _Kind.PROMOTIONAL).value,
        priority=table.whole("priority", _PRIORITY, most=_LAST_PRIORITY),
        most_rolled=most_rolled,
    )
    table.finish()
    return grant


def _most_rolled(table: Table) -> Decimal | None:
    """How much goes over into the next period at most; None: everything."""
    value = table.take("rollover")
    if value is None or value == "none":
        return ZERO
    if value == "all":
        return None
    if number_fault(value) is None:
        return Decimal(str(value))
    table.refuse("rollover", '`rollover` must be "none", "all", or a number: the most that goes over.')
    return ZERO
