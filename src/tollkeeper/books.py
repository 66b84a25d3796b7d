"""The operator's books, as one process holds them: the database, and what is kept in memory beside it.

The composition root that the API, the command line and the in-process client share. Only here and in those are
transactions opened.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from tollkeeper import clock
from tollkeeper.calls import CallFilter, Pricing
from tollkeeper.catalog import Catalog, limit_of
from tollkeeper.customers import (
    Agreement,
    KeyRing,
    agreement_of,
    assign_plan,
    customer_id_of,
    drop_limit,
    get_customer,
    set_limit,
)
from tollkeeper.db import Database, Tx, peek_epochs
from tollkeeper.errors import NotFound, TollError
from tollkeeper.events import EventIn, Refused, has_usage
from tollkeeper.gate import (
    Allowed,
    Changed,
    ChangeIn,
    Desk,
    Estimated,
    HoldIn,
    PeriodEnd,
    Recorded,
    Replayed,
    Repriced,
    Settled,
    Settlement,
    Tills,
    authorize,
    change_holds,
    due_customers,
    end_recurring_grant,
    estimate,
    give_grant,
    is_due,
    next_period,
    record,
    refresh,
    replay,
    reprice,
    set_recurring_grant,
    settle,
    stand,
    sweep,
    void_grant,
    warn_of_expiry,
)
from tollkeeper.limits import forget_old
from tollkeeper.rating import MODELS
from tollkeeper.settings import Settings
from tollkeeper.teller import Teller
from tollkeeper.wallets import Grant, NewGrant

T = TypeVar("T")

_FEW_ITEMS = 50

_PATIENCE_MS = 50
"""How long a transaction that several share waits for the lock of one of them."""

_SWEPT_TOGETHER = 100
"""Customers whose tills one sweep's transaction locks at once."""


@dataclass(slots=True)
class Books:
    """One process's view of the operator's books."""

    settings: Settings
    database: Database
    """Read it for each transaction: it's replaced while the first connection can't be had (`app.py`)."""
    desk: Desk = field(default_factory=Desk)
    keyring: KeyRing = field(default_factory=KeyRing)
    _tellers: dict[tuple[str, str], Teller[Any, Any]] = field(default_factory=dict)
    """By what is asked for, and by whom: the ledger says who."""
    _window: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self.desk.max_future = timedelta(seconds=self.settings.max_future_seconds)
        self.desk.pricing = Pricing(self.settings.prices, self.settings.usd_rate)

    async def catalog(self, tx: Tx | None = None) -> Catalog:
        """The catalog in force: as `tx` sees it, or else in a transaction of its own. For reading, not for rating."""
        if tx is None:
            return await self.database.run(self.catalog)
        return await self.desk.shelf.current(tx, await peek_epochs(tx), MODELS)

    async def ingest(
        self,
        items: Sequence[EventIn | Refused],
        *,
        by: str = "library",
        also: Callable[[Tx, Recorded], Awaitable[None]] | None = None,
    ) -> Recorded:
        """Record items in a transaction of their own. When this returns, what was accepted is durable.

        `by` says in the ledger who reported them. `also` is done in the same transaction, after the items are
        recorded: both hold, or neither. Raises DatabaseUnavailable; then nothing is stored or everything is, and the
        same call may be repeated.
        """
        attempt = 0

        async def work(tx: Tx) -> Recorded:
            nonlocal attempt
            attempt += 1
            recorded = await record(tx, self.desk, items, now=clock.now(), by=by, careful=attempt > 1)
            if also is not None:
                await also(tx, recorded)
            return recorded

        # A larger batch gains little by a pipeline, and a repeated one loses by it what the driver had prepared.
        return _committed(await self.database.run(work, pipelined=len(items) <= _FEW_ITEMS))

    async def authorize(self, item: HoldIn, *, by: str = "library") -> Allowed:
        """Reserve what the operation is expected to cost, or raise why it may not begin.

        Raises Forbidden `customer_suspended`, InsufficientCredits, LimitExceeded, Conflict `hold_conflict`, NotFound,
        and InvalidInput as an event like it would. The same request again is answered with the hold as it stands.
        """
        return _given(await self._teller("authorize", by, self._authorize).serve(item))

    async def check(self, item: HoldIn, *, by: str = "library") -> Allowed:
        """As `authorize`, without reserving anything."""
        seconds = self.settings.hold_seconds
        [answer] = await self._under_tills(
            by, lambda tx, tills: authorize(tx, self.desk, [item], tills=tills, seconds=seconds, reserve=False)
        )
        return _given(answer)

    async def settle(self, settlement: Settlement, *, by: str = "library") -> Settled:
        """Record what an operation came to, charge it against its hold, and end the hold.

        Raises NotFound `unknown_hold`. A hold that has ended before is told in the answer's `notice`.
        """
        return _given(await self._teller("settle", by, self._settle).serve(settlement))

    async def change_hold(self, change: ChangeIn, *, by: str = "library") -> Changed:
        """Release or extend a hold, or put it in doubt. Raises NotFound `unknown_hold`, Conflict `hold_ended`."""
        return _given(await self._teller("change", by, self._change_holds).serve(change))

    def _teller(self, what: str, by: str, work: Callable[..., Awaitable[Sequence[Any]]]) -> Teller[Any, Any]:
        found = self._tellers.get((what, by))
        if found is None:
            found = self._tellers[what, by] = Teller(partial(work, by), self._window)
        return found

    async def _authorize(self, by: str, items: Sequence[HoldIn], *, patient: bool) -> list[Allowed | TollError]:
        seconds = self.settings.hold_seconds
        return await self._under_tills(
            by, lambda tx, tills: authorize(tx, self.desk, items, tills=tills, seconds=seconds), patient=patient
        )

    async def _settle(self, by: str, settlements: Sequence[Settlement], *, patient: bool) -> list[Settled | TollError]:
        attempt = 0

        async def work(tx: Tx, tills: Tills) -> tuple[list[Settled | TollError], Recorded]:
            nonlocal attempt
            attempt += 1
            return await settle(tx, self.desk, settlements, tills=tills, careful=attempt > 1)

        answers, recorded = await self._under_tills(by, work, patient=patient)
        _committed(recorded)
        return answers

    async def _change_holds(self, by: str, changes: Sequence[ChangeIn], *, patient: bool) -> list[Changed | TollError]:
        return await self._under_tills(
            by, lambda tx, tills: change_holds(tx, self.desk, changes, tills=tills), patient=patient
        )

    async def estimate(self, item: HoldIn) -> Estimated:
        """What the operation would be charged now, and how that comes about. Raises as `authorize`."""

        async def work(tx: Tx) -> Estimated:
            return await estimate(tx, self.desk, item, tills=Tills(clock.now(), "estimate", fresh=True))

        return await self.database.run(work)

    async def give_grant(self, customer: str, new: NewGrant, *, by: str = "library") -> tuple[Grant, bool]:
        """Give the customer prepaid value; the grant, and whether it is new. Raises as `gate.give_grant`."""
        return await self._under_tills(by, lambda tx, tills: give_grant(tx, self.desk, customer, new, tills=tills))

    async def void_grant(
        self, customer: str, grant_id: UUID, *, refund: bool = False, note: str | None = None, by: str = "library"
    ) -> Grant:
        """Take back what is neither spent nor held of a grant. Raises as `gate.void_grant`."""
        return await self._under_tills(
            by, lambda tx, tills: void_grant(tx, self.desk, customer, grant_id, refund=refund, note=note, tills=tills)
        )

    async def set_recurring_grant(
        self,
        customer: str,
        name: str,
        terms: Mapping[str, Any],
        *,
        anchor: datetime | None = None,
        by: str = "library",
    ) -> None:
        """Give the customer a recurring grant of its own. Raises as `gate.set_recurring_grant`."""
        await self._under_tills(
            by, lambda tx, tills: set_recurring_grant(tx, self.desk, customer, name, terms, anchor, tills=tills)
        )

    async def end_recurring_grant(self, customer: str, name: str, *, by: str = "library") -> None:
        """Have a recurring grant come no more. Raises NotFound `unknown_recurring_grant`."""
        await self._under_tills(by, lambda tx, tills: end_recurring_grant(tx, self.desk, customer, name, tills=tills))

    async def assign_plan(
        self, customer: str, plan: str | None, *, at: datetime | PeriodEnd | None = None, by: str = "library"
    ) -> Agreement:
        """Have the customer on `plan` (None: the catalog's default) from `at` on, by default from now.

        Raises NotFound `unknown_customer` and `unknown_plan`, and InvalidInput `plan_in_past`.
        """
        now = clock.now()

        async def work(tx: Tx) -> Agreement:
            found = await get_customer(tx, customer)
            start = next_period(found, now) if isinstance(at, PeriodEnd) else at or now
            agreement = await assign_plan(tx, found, plan, start, now=now, by=by, in_use=has_usage)
            # Afterwards: by now no other catalog can be applied before this is committed.
            if plan is not None and plan not in (await self.catalog(tx)).plans:
                raise NotFound("unknown_plan", f"The catalog has no plan {plan!r}.", field="plan")
            return agreement

        agreement = await self.database.run(work)
        await self.refresh(customer, by=by)
        return agreement

    async def set_limit(
        self, customer: str, name: str, terms: Mapping[str, Any] | None, *, by: str = "library"
    ) -> None:
        """Give the customer terms of its own for a limit; None takes them away again.

        Raises NotFound `unknown_customer` and `unknown_limit`, and InvalidInput `invalid_limit`.
        """
        now = clock.now()

        async def work(tx: Tx) -> None:
            found = await get_customer(tx, customer)
            if terms is None:
                if not await drop_limit(tx, found, name):
                    raise NotFound("unknown_limit", f"The customer has no limit {name!r} of its own.", field="name")
                return
            catalog = await self.catalog(tx)
            agreed = await agreement_of(tx, found.customer_id)
            others = replace(agreed, limits={key: each for key, each in agreed.limits.items() if key != name})
            base = stand(catalog, found, others, now)
            limit_of(name, terms, next((one for one in base.limits if one.name == name), None), catalog)
            await set_limit(tx, found, name, terms, now=now, by=by)

        await self.database.run(work)

    async def refresh(self, customer: str, *, by: str = "refresh") -> None:
        """Let everything happen that is due for the customer. Raises NotFound `unknown_customer`."""

        async def work(tx: Tx) -> bool:
            return await is_due(tx, await self.catalog(tx), customer, clock.now())

        if await self.database.run(work, customer_id_of(customer)):
            await self._under_tills(by, lambda tx, tills: refresh(tx, self.desk, customer, tills=tills))

    async def sweep(self) -> int:
        """Let everything happen that is due, of all customers; how many holds have ended."""
        now, ended = clock.now(), 0
        seen: set[str] = set()
        while True:
            due = await self.database.run(lambda tx: due_customers(tx, now, _SWEPT_TOGETHER))
            # One that is due again can't be helped in this round.
            customers = [customer for customer in due if customer not in seen]
            if not customers:
                return ended
            seen |= {*customers}
            try:
                ended += await self._sweep(customers)
            except Exception as error:
                # One of them is at fault, and mustn't keep the others waiting.
                failures: list[Exception] = [] if len(customers) > 1 else [error]
                for customer in customers if len(customers) > 1 else ():
                    try:
                        ended += await self._sweep([customer])
                    except Exception as failure:
                        failures.append(failure)
                if failures:
                    raise failures[0] from error

    async def tidy(self) -> None:
        """Tell of grants that are about to expire, and forget counters of windows long over."""
        now = clock.now()
        await self.database.run(lambda tx: warn_of_expiry(tx, now=now))
        while await self.database.run(lambda tx: forget_old(tx, now, limit=_SWEPT_TOGETHER * 10)):
            pass

    async def _sweep(self, customers: Sequence[str]) -> int:
        return await self.database.run(lambda tx: sweep(tx, self.desk, customers, now=clock.now()), pipelined=True)

    async def _under_tills(self, by: str, work: Callable[[Tx, Tills], Awaitable[T]], *, patient: bool = True) -> T:
        """The result of `work` in a transaction of its own, with tills that nothing was done with."""
        patience = None if patient else _PATIENCE_MS
        return await self.database.run(
            lambda tx: work(tx, Tills(clock.now(), by, fresh=True)), pipelined=True, patience=patience
        )

    async def reprice(self, wanted: CallFilter, *, apply: bool, by: str = "library") -> list[Repriced]:
        """Price the open calls by today's book, and book what they cost; without `apply` only tell the difference.

        Of all customers, or the one that `wanted` names. Each page is a transaction of its own.
        """
        found: list[Repriced] = []
        after = None
        while True:

            async def work(tx: Tx) -> tuple[list[Repriced], Any]:
                answer = await reprice(tx, self.desk, wanted, now=clock.now(), by=by, after=after)  # noqa: B023
                if not apply:
                    raise _Undone(answer)
                return answer

            try:
                told, after = await self.database.run(work)
            except _Undone as undone:
                told, after = undone.answer
            found += told
            if after is None:
                return found

    async def replay(self, quarantine_ids: Sequence[UUID], *, by: str) -> list[Replayed]:
        """Send quarantined items through the gate again, in one transaction."""

        async def work(tx: Tx) -> tuple[list[Replayed], Recorded | None]:
            return await replay(tx, self.desk, quarantine_ids, now=clock.now(), by=by)

        replayed, recorded = await self.database.run(work)
        if recorded is not None:
            _committed(recorded)
        return replayed


class _Undone(Exception):
    """Raised within a transaction that was only to tell what it would do: it's rolled back."""

    def __init__(self, answer: Any) -> None:
        super().__init__()
        self.answer = answer


def _given(answer: T | TollError) -> T:
    """The answer, or its error raised."""
    if isinstance(answer, TollError):
        raise answer
    return answer


def _committed(recorded: Recorded) -> Recorded:
    """Note what the transaction has stored, now that it's certain."""
    for series in recorded.series:
        series.stored = True
    return recorded
