"""Voiding: taking back what is neither spent nor held; of a bought grant also as a refund."""

from __future__ import annotations

from tollkeeper.errors import Conflict
from tollkeeper.wallets.changes import Changes
from tollkeeper.wallets.lapse import end
from tollkeeper.wallets.model import Grant, GrantKind
from tollkeeper.wallets.purse import Purse


def void(purse: Purse, grant: Grant, changes: Changes, *, refund: bool = False, note: str | None = None) -> Grant:
    """Take back what is left of the grant; what open holds need of it goes once they don't, as with an expiry.

    A grant that was voided or refunded before stays as it is. Raises Conflict `not_refundable` where a refund is asked
    of a grant that nobody paid for.
    """
    if refund and grant.kind != GrantKind.PAID:
        raise Conflict("not_refundable", f"The grant is {grant.kind}; only a paid one can be refunded.", field="id")
    grant = purse.adopt(grant)
    if grant.voided_at is not None:
        return grant
    grant.voided_at, grant.voided_by, grant.refunded = changes.now, changes.by, refund
    if note is not None:
        grant.note = note if grant.note is None else f"{grant.note}\n{note}"
    purse.put(grant)
    changes.change(grant)
    changes.touch(purse.wallet)
    end(purse, grant, changes.now, changes)
    if grant.remaining:
        purse.remind(changes.now)
    return grant
