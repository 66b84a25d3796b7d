"""What a transaction changes in wallets: noted by the verbs of this stage, then written all at once."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from tollkeeper.db import Tx
from tollkeeper.ids import new_id
from tollkeeper.ledger import Account, Kind, Posting, post
from tollkeeper.money import ZERO, add, sum_of
from tollkeeper.wallets import store
from tollkeeper.wallets.model import EntryKind, Grant, GrantKind, Wallet

FIRST_LINE = 100
"""Lines before it are those of the usage postings, which may share the transaction."""

_TICK = timedelta(microseconds=1)
_COUNTER_BITS = 20
_MERGED = frozenset({EntryKind.SPENT, EntryKind.RETURNED})


@dataclass(slots=True)
class NewEntry:
    """A change of a wallet's balance, and the balance after it."""

    wallet: Wallet
    at: datetime
    entry_id: UUID
    kind: EntryKind
    grant_id: UUID
    amount: Decimal
    balance: Decimal


@dataclass(slots=True)
class Burn:
    """What one event took from one grant; negative: gave back."""

    customer_id: str
    event_id: str
    grant_id: UUID
    unit: str
    amount: Decimal


class Changes:
    """The changes that one ledger transaction makes to wallets, made in memory and not yet written."""

    def __init__(self, transaction_id: UUID, now: datetime, by: str) -> None:
        self.transaction_id = transaction_id
        self.now = now
        self.by = by
        self.entries: list[NewEntry] = []
        self.burns: dict[tuple[str, str, UUID], Burn] = {}
        self.postings: list[Posting] = []
        self._wallets: dict[tuple[str, str], Wallet] = {}
        self._new: dict[tuple[str, UUID], Grant] = {}
        self._changed: dict[tuple[str, UUID], Grant] = {}
        self._newest: dict[tuple[str, str], NewEntry] = {}
        # What each event, its corrections included, took from each grant.
        self._nets: defaultdict[tuple[str, str], dict[UUID, Decimal]] = defaultdict(dict)
        # Entries of one instant stand in the order of their ids, so these count up from a random beginning.
        self._first_entry = new_id().int >> _COUNTER_BITS << _COUNTER_BITS

    def __bool__(self) -> bool:
        """Whether there's anything to write."""
        return bool(self._wallets)

    # What the verbs note

    def touch(self, wallet: Wallet) -> None:
        """The wallet was changed, or is new."""
        self._wallets[wallet.key] = wallet

    def create(self, grant: Grant) -> None:
        """The grant is new."""
        self._new[grant.key] = grant

    def change(self, grant: Grant) -> None:
        """The grant was changed, other than in what it was made with."""
        if grant.key not in self._new:
            self._changed[grant.key] = grant

    def enter(self, wallet: Wallet, kind: EntryKind, grant: Grant, amount: Decimal, at: datetime) -> datetime:
        """Change the wallet's balance by `amount`, at `at` or as soon after it as entries stay in order."""
        newest = self._newest.get(wallet.key)
        wallet.balance = add(wallet.balance, amount)
        self.touch(wallet)
        if newest is None and at <= wallet.last_at:
            # Entries of two transactions never share an instant: their ids wouldn't tell which one came first.
            at = wallet.last_at + _TICK
        at = wallet.last_at = max(at, wallet.last_at)
        same = newest is not None and (newest.kind, newest.grant_id, newest.at) == (kind, grant.grant_id, at)
        if newest is not None and same and kind in _MERGED:
            newest.amount, newest.balance = add(newest.amount, amount), wallet.balance
        else:
            entry_id = UUID(int=self._first_entry + len(self.entries))
            entry = NewEntry(wallet, at, entry_id, kind, grant.grant_id, amount, wallet.balance)
            self.entries.append(entry)
            self._newest[wallet.key] = entry
        return at

    def take(self, event_id: str, origin: str, grant: Grant, amount: Decimal) -> None:
        """An event took `amount` from the grant, or gave it back (< 0). `origin`: itself, or the event it corrects."""
        key = grant.customer_id, event_id, grant.grant_id
        burn = self.burns.setdefault(key, Burn(*key, grant.unit, ZERO))
        burn.amount = add(burn.amount, amount)
        nets = self._nets[grant.customer_id, origin]
        nets[grant.grant_id] = add(nets.get(grant.grant_id, ZERO), amount)

    def net(self, customer_id: str, origin: str) -> dict[UUID, Decimal]:
        """What the event and its corrections took from each grant in this transaction."""
        return self._nets.get((customer_id, origin), {})

    def post(self, kind: Kind, debit: Account, credit: Account, grant: Grant, amount: Decimal, at: datetime) -> None:
        """Book a movement of the grant that is no usage's."""
        if amount:
            self.postings.append(Posting(grant.customer_id, 0, kind, debit, credit, grant.unit, amount, at, at))

    # Writing

    async def write(self, tx: Tx) -> None:
        """Put everything down. Nothing is read, so it may be sent together with other writes."""
        await store.write_wallets(tx, [self._wallets[key] for key in sorted(self._wallets)])
        await store.insert_grants(tx, [self._new[key] for key in sorted(self._new)])
        await store.update_grants(tx, [self._changed[key] for key in sorted(self._changed)])
        burns = [self.burns[key] for key in sorted(self.burns) if self.burns[key].amount]
        booked = {"transaction_id": self.transaction_id, "now": self.now}
        await store.insert_burns(tx, [[b.customer_id, b.event_id, b.grant_id, b.unit, b.amount] for b in burns], booked)
        entries = sorted(self.entries, key=lambda entry: (entry.wallet.key, entry.at, entry.entry_id))
        await store.insert_entries(
            tx, [[*e.wallet.key, e.at, e.entry_id, e.kind, e.grant_id, e.amount, e.balance] for e in entries], booked
        )
        postings = _numbered([*self._usage_postings(burns), *self.postings])
        await post(tx, postings, transaction_id=self.transaction_id, booked_at=self.now, booked_by=self.by)

    def _usage_postings(self, burns: list[Burn]) -> list[Posting]:
        """What wallets paid and got back, one posting for each customer and unit."""
        groups: defaultdict[tuple[str, str, bool], list[Burn]] = defaultdict(list)
        for burn in burns:
            groups[burn.customer_id, burn.unit, burn.amount > 0].append(burn)
        return [
            Posting(
                customer_id=customer_id,
                line=0,
                kind=Kind.GRANT_SPENT if spent else Kind.GRANT_RETURNED,
                debit=Account.WALLET if spent else Account.RECEIVABLE,
                credit=Account.RECEIVABLE if spent else Account.WALLET,
                unit=unit,
                amount=sum_of(burn.amount.copy_abs() for burn in group),
                service_from=self.now,
                service_to=self.now,
                events=len({burn.event_id for burn in group}),
            )
            for (customer_id, unit, spent), group in sorted(groups.items())
        ]


def source_of(grant: Grant) -> Account:
    """The account that a grant of this kind is booked against."""
    return Account.CASH if grant.kind == GrantKind.PAID else Account.PROMOTIONAL


def _numbered(postings: list[Posting]) -> list[Posting]:
    """The postings with their lines, counted for each customer."""
    lines: defaultdict[str, int] = defaultdict(lambda: FIRST_LINE)
    numbered: list[Posting] = []
    for posting in postings:
        numbered.append(replace(posting, line=lines[posting.customer_id]))
        lines[posting.customer_id] += 1
    return numbered
