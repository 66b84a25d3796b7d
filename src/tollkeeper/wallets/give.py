"""Giving: a new grant, checked, once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from tollkeeper.catalog import Catalog
from tollkeeper.clock import EPOCH
from tollkeeper.customers.model import check_key, check_text
from tollkeeper.errors import InvalidInput
from tollkeeper.ids import content_id, new_id
from tollkeeper.ledger import Account, Kind
from tollkeeper.money import CHARGE_DECIMALS, QUANTITY_LIMIT, ZERO, decimals_of, is_currency
from tollkeeper.wallets.changes import Changes, source_of
from tollkeeper.wallets.lapse import begin, lapse
from tollkeeper.wallets.model import Grant, GrantKind
from tollkeeper.wallets.purse import Purse

REFERENCE_LENGTH = 200
NOTE_LENGTH = 500
LAST_PRIORITY = 100

_LATEST_YEAR = 9000
_MOST_EXPONENT = 15
_MOST_WRITTEN = 60


@dataclass(frozen=True, slots=True)
class NewGrant:
    """A grant as it's asked for."""

    unit: str
    amount: Decimal
    kind: str = GrantKind.PAID
    priority: int = 50
    effective_at: datetime | None = None
    """None: now."""
    expires_at: datetime | None = None
    reference: str | None = None
    note: str | None = None
    key: str | None = None
    """The caller's id: the same one again is the same grant."""
    grant_id: UUID | None = None
    """The grant's own id, from a stage that has decided on it. None: it follows from the key, or is a new one."""


def grant_id_of(customer_id: str, key: str) -> UUID:
    """The id of the grant that the caller knows by `key`. It follows from it, so a repeat finds its grant."""
    return content_id("grant", customer_id, key)


def check_grant(new: NewGrant, catalog: Catalog, now: datetime) -> None:
    """Raises InvalidInput: `unknown_unit`, `invalid_amount`, `amount_out_of_range`, `amount_too_precise`,
    `invalid_kind`, `invalid_priority`, `invalid_effective_at`, `invalid_expires_at`, `expiry_in_past`, and those of
    the texts: `invalid_id`, `id_too_long`, `invalid_reference`, `reference_too_long`, `invalid_note`, `note_too_long`.
    """
    if new.unit not in catalog.units and not is_currency(new.unit):
        raise InvalidInput("unknown_unit", f"{new.unit!r} is neither a currency nor a declared unit.", field="unit")
    _check_amount(new, catalog)
    if new.kind not in list(GrantKind):
        raise InvalidInput("invalid_kind", f"The kind must be one of {', '.join(GrantKind)}.", field="kind")
    if not 0 <= new.priority <= LAST_PRIORITY:
        raise InvalidInput(
            "invalid_priority", f"The priority must lie between 0 and {LAST_PRIORITY}.", field="priority"
        )
    _check_times(new, now)
    if new.key is not None:
        check_key(new.key, "id")
    if new.reference is not None:
        check_text(new.reference, "reference", REFERENCE_LENGTH)
    if new.note is not None:
        check_text(new.note, "note", NOTE_LENGTH)


def _check_amount(new: NewGrant, catalog: Catalog) -> None:
    amount = new.amount
    if not amount.is_finite() or amount <= 0:
        raise InvalidInput("invalid_amount", "The amount must be a number above 0.", field="amount")
    exponent = int(amount.as_tuple().exponent)
    if amount >= QUANTITY_LIMIT or exponent > _MOST_EXPONENT:
        raise InvalidInput("amount_out_of_range", "The amount must be smaller than 10^15.", field="amount")
    decimals = catalog.units[new.unit].decimals if new.unit in catalog.units else CHARGE_DECIMALS
    if decimals_of(amount) > decimals or exponent < -_MOST_WRITTEN:
        raise InvalidInput(
            "amount_too_precise", f"An amount of {new.unit} can't have more than {decimals} decimals.", field="amount"
        )


def _check_times(new: NewGrant, now: datetime) -> None:
    for field, at in (("effective_at", new.effective_at), ("expires_at", new.expires_at)):
        if at is not None and (at.tzinfo is None or at < EPOCH or at.year >= _LATEST_YEAR):
            raise InvalidInput(
                f"invalid_{field}", f"{field} must be a time with an offset, from 1970 to {_LATEST_YEAR}.", field=field
            )
    if new.expires_at is not None and new.expires_at <= max(now, new.effective_at or now):
        raise InvalidInput(
            "expiry_in_past", "The grant would expire before it begins, or already has.", field="expires_at"
        )


def same_grant(stored: Grant, new: NewGrant) -> bool:
    """Whether `new` asks for the grant that is stored under its id: a repeat, or another one, which is a conflict.

    A note is for people and may have grown by that of a void, so it doesn't count.
    """
    effective_at = stored.created_at if new.effective_at is None else new.effective_at
    return (
        stored.recurring is None
        and (stored.unit, stored.amount, stored.kind, stored.priority) == (new.unit, new.amount, new.kind, new.priority)
        and (stored.effective_at, stored.expires_at, stored.reference) == (effective_at, new.expires_at, new.reference)
    )


def give(purse: Purse, new: NewGrant, changes: Changes) -> Grant:
    """Add a checked grant, and book it. It counts in the balance now, or once `advance` comes to its `effective_at`.

    The caller has looked whether there's one of this id (`find_grant`).
    """
    customer_id = purse.wallet.customer_id
    grant = Grant(
        customer_id=customer_id,
        grant_id=new.grant_id or (new_id() if new.key is None else grant_id_of(customer_id, new.key)),
        unit=new.unit,
        kind=str(new.kind),
        priority=new.priority,
        amount=new.amount,
        rolled_in=ZERO,
        remaining=new.amount,
        spent=ZERO,
        expired=ZERO,
        voided=ZERO,
        rolled_out=ZERO,
        effective_at=new.effective_at or changes.now,
        expires_at=new.expires_at,
        begun=False,
        recurring=None,
        period_start=None,
        reference=new.reference,
        note=new.note,
        created_at=changes.now,
        created_by=changes.by,
        voided_at=None,
        voided_by=None,
        refunded=False,
    )
    changes.create(grant)
    changes.touch(purse.wallet)
    kind = Kind.GRANT_PAID if grant.kind == GrantKind.PAID else Kind.GRANT_GIVEN
    changes.post(kind, source_of(grant), Account.WALLET, grant, grant.amount, changes.now)
    purse.put(grant)
    if grant.effective_at <= changes.now:
        begin(purse, grant, changes.now, changes)
        lapse(purse, changes)
    else:
        purse.remind(grant.effective_at)
    return grant
