"""Beginning and ending: what a grant adds to the balance, and how what is left of it goes.

What holds have reserved stays: of a grant that has ended only as much goes as is free, the rest as soon as it's free.
"""

from __future__ import annotations

from datetime import datetime

from tollkeeper.ledger import Account, Kind
from tollkeeper.money import ZERO, add, subtract
from tollkeeper.wallets.changes import Changes, source_of
from tollkeeper.wallets.model import EntryKind, Grant
from tollkeeper.wallets.purse import Purse


def begin(purse: Purse, grant: Grant, at: datetime, changes: Changes) -> None:
    """Let the grant count from `at` on."""
    grant.begun = True
    changes.change(grant)
    changes.enter(purse.wallet, EntryKind.GRANTED, grant, grant.remaining, at)
    purse.remind(grant.expires_at)


def lapse(purse: Purse, changes: Changes) -> None:
    """Take what is left of grants that have ended, as far as it's free. For when holds have ended, too."""
    lapse_at(purse, changes.now, changes)


def lapse_at(purse: Purse, at: datetime, changes: Changes) -> None:
    """As `lapse`, at an instant that was passed over. What ended first goes first."""
    over = [grant for grant in purse.grants if grant.begun and grant.remaining and grant.over(at)]
    for grant in sorted(over, key=lambda one: (min(one.expires_at or at, one.voided_at or at), one.place)):
        end(purse, grant, at, changes)


def end(purse: Purse, grant: Grant, at: datetime, changes: Changes) -> None:
    """Take what is free of a grant that has expired or was voided, and book it where it goes."""
    part = min(grant.remaining, purse.wallet.available) if grant.begun else grant.remaining
    if not part:
        return
    grant.remaining = subtract(grant.remaining, part)
    entry, posting, account = _way(grant)
    if entry is EntryKind.EXPIRED:
        grant.expired = add(grant.expired, part)
    else:
        grant.voided = add(grant.voided, part)
    changes.change(grant)
    if grant.begun:
        at = changes.enter(purse.wallet, entry, grant, subtract(ZERO, part), at)
    changes.post(posting, Account.WALLET, account, grant, part, at)


def _way(grant: Grant) -> tuple[EntryKind, Kind, Account]:
    if grant.voided_at is None:
        return EntryKind.EXPIRED, Kind.GRANT_EXPIRED, Account.EXPIRED
    if grant.refunded:
        return EntryKind.REFUNDED, Kind.GRANT_REFUNDED, Account.CASH
    return EntryKind.VOIDED, Kind.GRANT_VOIDED, source_of(grant)
