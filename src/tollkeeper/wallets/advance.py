"""Advancing: everything whose time has come begins, ends and recurs, in order and at its exact instant."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal

from tollkeeper.clock import BEGINNING, recurrence
from tollkeeper.db import Tx
from tollkeeper.ids import content_id
from tollkeeper.ledger import Account, Kind
from tollkeeper.money import ZERO, add, subtract
from tollkeeper.wallets.changes import Changes, source_of
from tollkeeper.wallets.lapse import begin, lapse_at
from tollkeeper.wallets.load import load_all_grants
from tollkeeper.wallets.model import EntryKind, Grant, GrantKind, Recurrence
from tollkeeper.wallets.purse import Purse

MOST_PERIODS = 1000
"""So many periods are made up for at once; what is left stays due."""


async def advance_all(tx: Tx, purses: Collection[tuple[Purse, Sequence[Recurrence]]], changes: Changes) -> None:
    """Advance these purses, each with its customer's recurring grants, after loading what that takes."""
    await load_all_grants(tx, [purse for purse, _ in purses])
    for purse, recurring in purses:
        advance(purse, recurring, changes)


def advance(purse: Purse, recurring: Sequence[Recurrence], changes: Changes) -> bool:
    """Bring the purse to `changes.now`; False: more than 1,000 periods are to be made up for, and the rest stays due.

    Grants begin and expire, recurring ones are made, and what holds had kept of ended ones lapses where it's free: in
    the order of time, each once. At one instant what begins comes first, so that nothing is kept needlessly. Sets when
    something is due next. The purse needs all its grants (`load_all_grants`).
    """
    if not purse.complete or purse.made is None:
        raise ValueError("the purse hasn't all its grants: load them first")
    courses = [_Course(each, purse.made) for each in recurring if each.rule.unit == purse.wallet.unit]
    made, whole = 0, True
    while (at := _next(purse, courses)) is not None and at <= changes.now:
        due = [course for course in courses if course.start == at]
        if made and made + len(due) > MOST_PERIODS:
            whole = False
            break
        made += len(due)
        _pass(purse, due, at, changes)
        purse.made |= {course.recurring.key: at for course in due}
        purse.seen = max(purse.seen, at)
    if whole:
        purse.seen = max(purse.seen, changes.now)
        lapse_at(purse, changes.now, changes)
    _set_next(purse, courses, changes)
    return whole


class _Course:
    """A recurring grant on its way through the periods, standing before one that hasn't been made: from `begin` on."""

    def __init__(self, recurring: Recurrence, made: dict[str, datetime]) -> None:
        self.recurring = recurring
        latest = made.get(recurring.key, BEGINNING)
        joins = recurring.joins
        self._first = 0 if joins is None else self._first_after(joins) - 1
        self._n = self._first if latest < (joins or recurring.anchor) else self._first_after(latest)
        if recurring.since is not None and recurring.since > self._begin(self._n):
            self._n = max(self._n, self._first_after(recurring.since) - 1)
        if self.joining and not self.amount:
            self._n += 1
        self._settle()

    @property
    def joining(self) -> bool:
        """Whether it stands before the rest of a period that is under way."""
        return self.recurring.joins is not None and self._n == self._first

    @property
    def amount(self) -> Decimal:
        """What the next period gives."""
        amount = self.recurring.rule.amount
        return subtract(amount, self.recurring.already) if self.joining else amount

    @property
    def start(self) -> datetime | None:
        """When the next period begins; None: there's none."""
        until = self.recurring.until
        return self.begin if until is None or self.begin < until else None

    @property
    def end(self) -> datetime:
        """When it ends."""
        return self._begin(self._n + 1)

    def step(self) -> None:
        """Go on to the period after it."""
        self._n += 1
        self._settle()

    def _settle(self) -> None:
        # A day that a zone left out when it crossed the date line is no period.
        while self._begin(self._n + 1) <= self._begin(self._n):
            self._n += 1
        joins = self.recurring.joins
        self.begin = joins if joins is not None and self.joining else self._begin(self._n)

    def _begin(self, n: int) -> datetime:
        rule = self.recurring
        return recurrence(rule.anchor, rule.rule.every, n, rule.zone)

    def _first_after(self, instant: datetime) -> int:
        """The number of the first period that begins after `instant`."""
        most = max(0, (instant - self.recurring.anchor).days) + 3
        return bisect_right(range(most), instant, key=self._begin)


def _next(purse: Purse, courses: Sequence[_Course]) -> datetime | None:
    """The next instant at which something begins, ends or recurs, whether it has come or not."""
    instants = [course.start for course in courses]
    for grant in purse.grants:
        if grant.remaining and not grant.begun:
            instants.append(grant.effective_at)
        elif grant.remaining and grant.expires_at is not None and grant.expires_at > purse.seen:
            instants.append(grant.expires_at)
    return min((instant for instant in instants if instant is not None), default=None)


def _pass(purse: Purse, due: Sequence[_Course], at: datetime, changes: Changes) -> None:
    """Let everything happen that happens at one instant."""
    for grant in list(purse.grants):
        if grant.remaining and not grant.begun and grant.effective_at <= at:
            begin(purse, grant, at, changes)
    for course in due:
        _recur(purse, course, changes)
        course.step()
    lapse_at(purse, at, changes)


def _recur(purse: Purse, course: _Course, changes: Changes) -> None:
    """Make the grant of the course's next period, and roll over what may be of the one before."""
    at, grant = course.begin, _grant_of(purse, course)
    changes.create(grant)
    kind = Kind.GRANT_PAID if grant.kind == GrantKind.PAID else Kind.GRANT_GIVEN
    changes.post(kind, source_of(grant), Account.WALLET, grant, grant.amount, at)
    begin(purse, grant, at, changes)
    before = [one for one in purse.grants if one.recurring == grant.recurring and one.expires_at == at]
    for old in before:
        if old.begun and old.voided_at is None and course.recurring.rule.most_rolled:
            _roll(purse, old, grant, course.recurring, changes)
    purse.put(grant)


def _roll(purse: Purse, old: Grant, new: Grant, recurring: Recurrence, changes: Changes) -> None:
    # What holds need may go over as well: it stays in the wallet, and the new grant can pay whatever the old one could.
    part = min(old.remaining, recurring.rule.most_rolled or ZERO)
    if not part:
        return
    old.remaining, old.rolled_out = subtract(old.remaining, part), add(old.rolled_out, part)
    new.amount, new.remaining = add(new.amount, part), add(new.remaining, part)
    new.rolled_in = add(new.rolled_in, part)
    changes.change(old)
    changes.enter(purse.wallet, EntryKind.ROLLED_OUT, old, subtract(ZERO, part), new.effective_at)
    changes.enter(purse.wallet, EntryKind.ROLLED_IN, new, part, new.effective_at)


def _grant_of(purse: Purse, course: _Course) -> Grant:
    recurring, rule, start, amount = course.recurring, course.recurring.rule, course.begin, course.amount
    customer_id = purse.wallet.customer_id
    return Grant(
        customer_id=customer_id,
        # It follows from the period, so that no period is granted twice.
        grant_id=content_id("recurring", customer_id, recurring.source, rule.name, start.isoformat()),
        unit=rule.unit,
        kind=rule.kind,
        priority=rule.priority,
        amount=amount,
        rolled_in=ZERO,
        remaining=amount,
        spent=ZERO,
        expired=ZERO,
        voided=ZERO,
        rolled_out=ZERO,
        effective_at=start,
        expires_at=None if rule.most_rolled is None else course.end,
        begun=False,
        recurring=recurring.key,
        period_start=start,
        reference=None,
        note=None,
        # As if nobody had been late, so that the burn order doesn't depend on when it was made up for.
        created_at=start,
        created_by=recurring.source,
        voided_at=None,
        voided_by=None,
        refunded=False,
    )


def _set_next(purse: Purse, courses: Sequence[_Course], changes: Changes) -> None:
    wallet, before = purse.wallet, purse.wallet.next_change_at
    wallet.next_change_at = _next(purse, courses)
    if any(grant.remaining and grant.begun and grant.over(purse.seen) for grant in purse.grants):
        # Kept by holds: due from now on, and behind those that have waited longer.
        purse.remind(changes.now)
    if wallet.next_change_at != before:
        changes.touch(wallet)
