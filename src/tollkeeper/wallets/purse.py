"""Purses: a wallet as a transaction has it in memory, with as many of its grants as it needs."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from tollkeeper.clock import BEGINNING
from tollkeeper.money import ZERO, sum_of
from tollkeeper.wallets.model import BurnPlace, Grant, Wallet

_TICK = timedelta(microseconds=1)


@dataclass(slots=True)
class Purse:
    """A wallet and its open grants: those of which something remains, begun or not."""

    wallet: Wallet
    grants: list[Grant] = field(default_factory=list)
    """In burn order. Those that become empty in this transaction stay."""
    complete: bool = False
    """Whether all open grants are here; if not, the first ones of the burn order are, up to `horizon`."""
    horizon: BurnPlace | None = None
    made: dict[str, datetime] | None = None
    """The latest period of each recurring grant that the customer ever had; None: not loaded."""
    seen: datetime = BEGINNING
    """Ends of grants up to this instant were dealt with: what is left of those is kept by holds."""
    _known: dict[UUID, Grant] = field(default_factory=dict)
    _placed: set[UUID] = field(default_factory=set)

    def __post_init__(self) -> None:
        if self.wallet.next_change_at is not None:
            self.seen = self.wallet.next_change_at - _TICK

    def due(self, now: datetime) -> bool:
        """Whether `advance` has, or may have, something to do."""
        return self.wallet.next_change_at is not None and self.wallet.next_change_at <= now

    def adopt(self, grant: Grant) -> Grant:
        """The grant as this transaction has it in memory: the same object, however often it is loaded."""
        return self._known.setdefault(grant.grant_id, grant)

    def recall(self, grant_id: UUID) -> Grant | None:
        """The grant, if this transaction has it in memory."""
        return self._known.get(grant_id)

    def put(self, grant: Grant) -> None:
        """Have an open grant stand in the burn order."""
        known = self.adopt(grant)
        if known.remaining and known.grant_id not in self._placed:
            self._placed.add(known.grant_id)
            insort(self.grants, known, key=lambda one: one.place)

    def take_in(self, grants: Iterable[Grant], *, complete: bool) -> None:
        """Take in what was loaded, in burn order; `complete` says that there is no more."""
        for grant in grants:
            self.put(grant)
            self.horizon = grant.place
        self.complete = complete

    def spendable(self) -> Iterator[Grant]:
        """The grants that may be burned, in their order: none that has one before it that isn't loaded."""
        for grant in self.grants:
            if not self.complete and (self.horizon is None or grant.place > self.horizon):
                return
            if grant.remaining:
                yield grant

    def affords(self, need: Decimal) -> bool:
        """Whether the grants that are here can pay `need`, or there are no others.

        Ask after `advance`, if that was due: then all that has ended in an incomplete purse was voided.
        """
        if self.complete:
            return True
        usable = (grant.remaining for grant in self.spendable() if grant.begun and grant.voided_at is None)
        return sum_of(usable) >= need

    def remind(self, at: datetime | None) -> None:
        """Have the wallet come up at `at`, or earlier where it does anyway."""
        if at is not None:
            self.wallet.next_change_at = min(self.wallet.next_change_at or at, at)


def open_purse(customer_id: str, unit: str) -> Purse:
    """The purse of a wallet that doesn't exist yet; it's stored once something changes in it.

    Its first entry may lie before `now`: a recurring grant may have begun long before anyone asked.
    """
    return Purse(Wallet(customer_id, unit, ZERO, ZERO, ZERO, ZERO, BEGINNING, None), complete=True)
