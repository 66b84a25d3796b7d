"""Tills: what a transaction locks before it touches a customer's prepaid value, holds or limits, and finds there.

A till is one row for each customer. Whoever holds its lock is alone with the customer's wallets, grants, holds and
counters, so deciding is plain arithmetic on values in memory: load, decide, write.

A customer without prepaid value, holds, limits, recurring grants or a credit ceiling has no till, and its usage is
recorded without one. Whether it needs one follows from its standing, which all transactions see alike
(db/epochs.py), so no recording can miss a counter that another has begun to keep. The first grant or hold opens a till
as well. Usage that is being recorded at that moment counts as recorded before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from tollkeeper.catalog import recurring_of
from tollkeeper.db import Asked, Fact, Queries, Tx, array, ask_epochs, epochs_in, publish
from tollkeeper.errors import InvalidInput
from tollkeeper.gate.alerts import balance_facts
from tollkeeper.gate.holds import Hold, HoldKey, HoldState, ask_due_holds, ask_holds, ask_open_holds, write_holds
from tollkeeper.gate.standing import Standing
from tollkeeper.gate.totals import TotalKey, claim_totals
from tollkeeper.ids import new_id
from tollkeeper.ledger import receivables
from tollkeeper.limits import (
    Counters,
    Draw,
    claims_of,
    draws_of,
    fact_of,
    load_counters,
    mark_stale,
    write_counters,
)
from tollkeeper.money import ZERO, add, subtract
from tollkeeper.rating import billed_quantity
from tollkeeper.wallets import (
    AskedPurses,
    Changes,
    Purse,
    Recurrence,
    advance_all,
    ask_purses,
    open_purse,
    read_purses,
    recurring_grants,
)

_queries = Queries(__package__ or "")

_FEW = 64
"""So few customers are asked for everything at once; of more, it's first found out which have a till at all."""


@dataclass(slots=True)
class Till:
    """One customer's till, locked."""

    customer_id: str
    signature: UUID | None
    standing: Standing | None = None
    purses: dict[str, Purse] = field(default_factory=dict)
    """By unit of value."""
    balances: dict[str, Decimal] = field(default_factory=dict)
    """What the wallets held when they were opened."""
    due: list[Hold] = field(default_factory=list)
    """Open holds whose time is over."""

    @property
    def stands(self) -> Standing:
        """Where the customer stands; known once it was admitted."""
        if self.standing is None:
            raise AssertionError(f"till of {self.customer_id} before it was admitted")
        return self.standing


@dataclass(frozen=True, slots=True)
class _Row:
    customer_id: str
    signature: UUID | None


@dataclass(frozen=True, slots=True)
class _Written:
    written: bool


class Tills:
    """The tills that a transaction has locked, and what it changes in them."""

    def __init__(self, now: datetime, by: str, *, fresh: bool = False) -> None:
        """`fresh` says that the transaction has written nothing before."""
        self.now = now
        self.by = by
        self.changes = Changes(new_id(), now, by)
        self.holds: dict[HoldKey, Hold] = {}
        """The holds that were asked for, and those that are due."""
        self.counters = Counters(now, (), ())
        self.estimated: set[HoldKey] = set()
        """Holds in doubt that expire now, and whose estimates are among what is recorded."""
        self.epochs: dict[str, int] = {}
        self.wrote_before = not fresh
        """Whether the transaction has, or may have, written something before it came to the tills."""
        self.told: list[Fact] = []
        """Facts to be published beside those that follow from what has changed here."""
        self._recounted: list[tuple[Hold, Draw]] = []
        """Open holds that are to count against limits that they were made without."""
        self._named: set[HoldKey] = set()
        self._grants = True
        self.written: dict[HoldKey, Hold] = {}
        """The holds that are new or changed."""
        self.claimed: dict[TotalKey, Decimal] = {}
        """By how much the claims on running totals change."""
        self._tills: dict[str, Till] = {}
        self._signed: dict[str, UUID] = {}

    def __iter__(self) -> Iterator[Till]:
        return iter(self._tills.values())

    def __getitem__(self, customer_id: str) -> Till:
        return self._tills[customer_id]

    @property
    def transaction_id(self) -> UUID:
        """The ledger transaction that everything is booked under."""
        return self.changes.transaction_id

    def get(self, customer_id: str) -> Till | None:
        """The customer's till, where it's locked."""
        return self._tills.get(customer_id)

    async def open_purses(self, tx: Tx, places: Collection[tuple[Till, str]]) -> None:
        """Have a wallet for each of these units; a new one knows what is owed, where a ceiling must hold."""
        missing = [(till, unit) for till, unit in places if unit not in till.purses]
        for till, unit in missing:
            till.purses[unit] = open_purse(till.customer_id, unit)
            till.balances[unit] = ZERO
        await self._keep_receivables(tx, missing)

    # Locking and loading

    async def lock(
        self, tx: Tx, customer_ids: Collection[str], hold_keys: Collection[HoldKey] = (), *, grants: bool = True
    ) -> None:
        """Read the epochs, then lock the tills that exist, and load what they need; with `grants`, those that pay next.

        Who only reserves looks at no grants: the wallet says what is available.
        """
        ids, self._grants = sorted({*customer_ids}), grants
        asked_written = await tx.ask(_Written, _queries.wrote_before) if self.wrote_before else None
        asked_epochs = await ask_epochs(tx)
        asked_tills = await tx.ask(_Row, _queries.lock_tills, {"customer_ids": array(ids)})
        few = len(ids) <= _FEW
        asked = await self._ask(tx, ids) if few else None
        asked_holds = await ask_holds(tx, hold_keys) if hold_keys else None
        self._named = set(hold_keys)
        if asked_written is not None:
            self.wrote_before = any(row.written for row in await asked_written.all())
        self.epochs = epochs_in(await asked_epochs.all())
        for row in await asked_tills.all():
            self._tills[row.customer_id] = Till(row.customer_id, row.signature)
        if asked_holds is not None:
            self.holds = {hold.key: hold for hold in await asked_holds.all()}
        if asked is None and self._tills:
            asked = await self._ask(tx, list(self._tills))
        if asked is not None:
            await self._take(*asked)

    async def admit(self, tx: Tx, standings: Mapping[str, Standing], *, all_of_them: bool) -> None:
        """Bring the tills in line with where their customers stand; open those that are needed and missing.

        A till is needed by a customer that is gated, or, with `all_of_them`, by every one.
        """
        missing = sorted(key for key, one in standings.items() if key not in self._tills and (all_of_them or one.gated))
        if missing:
            await tx.execute(_queries.open_tills, {"customer_ids": array(missing), "now": self.now})
            asked_tills = await tx.ask(_Row, _queries.lock_tills, {"customer_ids": array(missing)})
            asked = await self._ask(tx, missing)
            # Another transaction may have opened the till meanwhile, and made the hold that is asked for.
            named = {key for key in self._named if key[0] in standings and key not in self.holds}
            asked_holds = await ask_holds(tx, named) if named else None
            for row in await asked_tills.all():
                self._tills[row.customer_id] = Till(row.customer_id, row.signature)
            for hold in await asked_holds.all() if asked_holds else []:
                self.holds[hold.key] = hold
            await self._take(*asked)
        for key, standing in standings.items():
            if key in self._tills:
                self._tills[key].standing = standing
        await self._align(tx)

    async def _ask(self, tx: Tx, customer_ids: Sequence[str]) -> tuple[AskedPurses, Asked[Hold]]:
        purses = await (ask_purses(tx, customer_ids) if self._grants else ask_purses(tx, customer_ids, first=0))
        return purses, await ask_due_holds(tx, customer_ids, self.now)

    async def _take(self, asked_purses: AskedPurses, asked_due: Asked[Hold]) -> None:
        for purse in await read_purses(asked_purses):
            till = self._tills.get(purse.wallet.customer_id)
            if till is not None:
                till.purses[purse.wallet.unit] = purse
                till.balances[purse.wallet.unit] = purse.wallet.balance
        for hold in await asked_due.all():
            till = self._tills.get(hold.customer_id)
            if till is not None:
                till.due.append(self.holds.setdefault(hold.key, hold))

    async def _align(self, tx: Tx) -> None:
        """Whatever was not kept along while nobody needed it is made up for."""
        changed = [till for till in self._tills.values() if till.standing and till.signature != till.stands.signature]
        regranted = {till.customer_id for till in changed if not _grants_alike(till.signature, till.stands.signature)}
        if changed:
            await mark_stale(tx, sorted(till.customer_id for till in changed))
            await self._keep_receivables(tx, [(till, unit) for till in changed for unit in till.purses])
            await self._recount(tx, [till for till in changed if till.signature is not None])
            for till in changed:
                self._signed[till.customer_id] = till.signature = till.stands.signature
        await self.advance(tx, regranted)

    async def _recount(self, tx: Tx, tills: Sequence[Till]) -> None:
        """Have open holds count against the limits that their customers have now."""
        counting = {till.customer_id: till for till in tills if till.stands.limits}
        if not counting:
            return
        for found in await (await ask_open_holds(tx, sorted(counting))).all():
            hold = self.holds.setdefault(found.key, found)
            till = counting[hold.customer_id]
            claimed = {(claim.counter_id, claim.member) for claim in claims_of(hold.customer_id, hold.claims)}
            draws = draws_of_hold(hold, till.stands)
            self._recounted += [(hold, draw) for draw in draws if (draw.counter_id, draw.member) not in claimed]

    async def _keep_receivables(self, tx: Tx, places: Sequence[tuple[Till, str]]) -> None:
        """Have these wallets know what is owed, where a credit ceiling must hold."""
        bounded = [(till, unit) for till, unit in places if till.stands.source(unit).credit_ceiling is not None]
        if not bounded:
            return
        owed = await receivables(tx, sorted({till.customer_id for till, _ in bounded}))
        for till, unit in bounded:
            wallet = till.purses[unit].wallet
            wallet.owed = owed.get((till.customer_id, unit), ZERO)
            self.changes.touch(wallet)

    async def advance(self, tx: Tx, fresh: Collection[str] = ()) -> None:
        """Let everything begin, end and recur whose time has come.

        `fresh` are customers whose recurring grants are new or have changed: they begin with the period under way.
        """
        due = [
            till for till in self._tills.values() if till.standing and (till.customer_id in fresh or self._is_due(till))
        ]
        if not due:
            return
        own = await self._own_recurrences(tx, due)
        granted = {till.customer_id: [*till.stands.recurrences, *own.get(till.customer_id, ())] for till in due}
        for till in due:
            await self.open_purses(tx, [(till, one.rule.unit) for one in granted[till.customer_id]])
        purses: list[tuple[Purse, list[Recurrence]]] = []
        for till in due:
            since = self.now if till.customer_id in fresh else None
            recurrences = [replace(one, since=since) for one in granted[till.customer_id]]
            purses += [(purse, recurrences) for purse in till.purses.values()]
        await advance_all(tx, purses, self.changes)

    async def _own_recurrences(self, tx: Tx, tills: Sequence[Till]) -> dict[str, list[Recurrence]]:
        found: dict[str, list[Recurrence]] = {}
        for one in await recurring_grants(tx, [till.customer_id for till in tills]):
            standing = self._tills[one.customer_id].stands
            # One in a unit that the catalog no longer declares gives nothing more.
            with suppress(InvalidInput):
                rule = recurring_of(one.name, one.terms, standing.catalog)
                found.setdefault(one.customer_id, []).append(one.recurrence(rule, standing.customer.zone))
        return found

    def _is_due(self, till: Till) -> bool:
        return any(purse.due(self.now) for purse in till.purses.values())

    # Holds

    def reserve(self, hold: Hold, total: TotalKey | None) -> None:
        """Take for a new hold what it says. The caller has seen that it's there."""
        till = self._tills[hold.customer_id]
        if hold.from_wallet or hold.from_ceiling:
            wallet = till.purses[hold.unit].wallet
            wallet.held = add(wallet.held, hold.from_wallet)
            wallet.owed_held = add(wallet.owed_held, hold.from_ceiling)
            self.changes.touch(wallet)
        self._claim(total, hold.claimed)
        self.holds[hold.key] = self.written[hold.key] = hold

    def end(self, hold: Hold, state: HoldState) -> None:
        """End a hold, and give back what it has reserved and claimed. Once, or there's a defect."""
        # One that ran out ended when its time was over, whenever that is noticed.
        at = min(self.now, hold.expires_at) if state is HoldState.EXPIRED else self.now
        hold.end(state, at, self.by)
        till = self._tills[hold.customer_id]
        if hold.from_wallet or hold.from_ceiling:
            wallet = till.purses[hold.unit].wallet
            wallet.held = subtract(wallet.held, hold.from_wallet)
            wallet.owed_held = subtract(wallet.owed_held, hold.from_ceiling)
            self.changes.touch(wallet)
        if hold.period_start is not None:
            self._claim((hold.customer_id, str(hold.price_id), hold.period_start), -hold.claimed)
        self.written[hold.key] = hold

    async def expire_due(self, tx: Tx, *, also_named: bool = False) -> None:
        """End the holds whose time is over.

        But for those in doubt whose estimate is to be charged, which the sweep does, and those that were asked for by
        name: who settles one before anybody has noticed that its time is over comes in time.
        """
        for till in self._tills.values():
            for hold in till.due:
                if not hold.ended and not hold.charges_estimate and (also_named or hold.key not in self._named):
                    self.end(hold, HoldState.EXPIRED)
            till.due = [hold for hold in till.due if not hold.ended]
        # What they had kept of grants that have expired is gone with them.
        await self.advance(tx)

    async def count(self, tx: Tx, draws: Sequence[Draw]) -> None:
        """Load what `draws` are counted on, and free what holds that have ended keep of limits. Once."""
        freed = [
            claim for hold in self.written.values() if hold.ended for claim in claims_of(hold.customer_id, hold.claims)
        ]
        recounted = [(hold, draw) for hold, draw in self._recounted if not hold.ended]
        if not (draws or freed or recounted):
            return
        self.counters = await load_counters(tx, [*draws, *(draw for _, draw in recounted)], freed, self.now)
        for claim in freed:
            self.counters.release(claim)
        for hold, draw in recounted:
            claim = self.counters.hold(draw)
            if claim is not None:
                hold.claims.append(claim.stored())
                self.written[hold.key] = hold

    # Writing

    async def write(self, tx: Tx) -> None:
        """Put down everything that has changed."""
        await self.advance(tx)
        facts = [*self.told, *self._balance_facts(), *(fact_of(crossing) for crossing in self.counters.crossings())]
        async with tx.together():
            if self._signed:
                ids = sorted(self._signed)
                signatures = array([self._signed[key] for key in ids])
                await tx.execute(_queries.sign_tills, {"customer_ids": array(ids), "signature": signatures})
            await self.changes.write(tx)
            await claim_totals(tx, self.claimed)
            await write_counters(tx, self.counters)
            await write_holds(tx, self.written.values())
            await publish(tx, facts, now=self.now)

    def _balance_facts(self) -> Iterator[Fact]:
        """What is to be told of wallets that have run low, or out."""
        for till in self._tills.values():
            for unit, purse in till.purses.items():
                before, after = till.balances[unit], purse.wallet.balance
                if after < before and till.standing is not None:
                    yield from balance_facts(purse.wallet, before, till.standing, self.transaction_id)

    def _claim(self, total: TotalKey | None, change: Decimal) -> None:
        if total is not None and change:
            self.claimed[total] = add(self.claimed.get(total, ZERO), change)


def draws_of_hold(hold: Hold, standing: Standing) -> list[Draw]:
    """What an open hold takes of the customer's limits."""
    meter, customer = standing.catalog.meters.get(hold.meter), standing.customer
    return draws_of(
        hold.customer_id,
        customer.zone,
        standing.limits,
        meter=hold.meter,
        unit=hold.unit,
        member=hold.member,
        quantity=hold.quantity if meter is None else billed_quantity(meter, hold.quantity),
        charge=hold.amount,
        at=hold.created_at,
    )


def _grants_alike(one: UUID | None, other: UUID) -> bool:
    """Whether two signatures say the same of recurring grants."""
    return one is not None and one.bytes[:8] == other.bytes[:8]
