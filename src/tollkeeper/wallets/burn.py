"""Burning: what a wallet pays of charges comes out of its grants, in burn order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from tollkeeper.money import ZERO, add, subtract, sum_of
from tollkeeper.wallets.changes import Changes
from tollkeeper.wallets.model import Cover, EntryKind
from tollkeeper.wallets.purse import Purse


def payable(purse: Purse, since: datetime) -> Decimal:
    """How much the grants that are here can pay of an operation that began at `since`; holds are not looked at."""
    return sum_of(grant.remaining for grant in purse.spendable() if grant.pays(since))


def burn(purse: Purse, covers: Sequence[Cover], changes: Changes) -> None:
    """Take what the wallet pays, cover by cover: priority, earliest expiry (never last), earliest created, id.

    The gate has seen that it's `payable`; otherwise ValueError, and what was taken by then must not be written.
    """
    for cover in covers:
        rest = cover.amount
        for grant in purse.spendable():
            if not rest:
                break
            if not grant.pays(cover.since):
                continue
            part = min(rest, grant.remaining)
            rest = subtract(rest, part)
            grant.remaining, grant.spent = subtract(grant.remaining, part), add(grant.spent, part)
            changes.change(grant)
            changes.take(cover.event_id, cover.corrects or cover.event_id, grant, part)
            changes.enter(purse.wallet, EntryKind.SPENT, grant, subtract(ZERO, part), changes.now)
        if rest:
            raise ValueError(f"the wallet can't pay {rest} of event {cover.event_id!r}: ask what is payable first")
