"""Holds: asking before an operation, and ending what was reserved for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from tollkeeper import clock
from tollkeeper.books.opened import Opened, committed
from tollkeeper.db import Tx
from tollkeeper.errors import TollError
from tollkeeper.gate import (
    Allowed,
    Changed,
    ChangeIn,
    Estimated,
    HoldIn,
    Recorded,
    Settled,
    Settlement,
    Tills,
    authorize,
    change_holds,
    estimate,
    settle,
)

T = TypeVar("T")


class Holding(Opened):
    """What may be used."""

    __slots__ = ()

    async def authorize(self, item: HoldIn, *, by: str = "library") -> Allowed:
        """Reserve what the operation is expected to cost, or raise why it may not begin.

        Raises Forbidden `customer_suspended`, InsufficientCredits, LimitExceeded, Conflict `hold_conflict`, NotFound,
        and InvalidInput as an event like it would. The same request again is answered with the hold as it stands.
        """
        return _given(await self.teller("authorize", by, self._authorize).serve(item))

    async def check(self, item: HoldIn, *, by: str = "library") -> Allowed:
        """As `authorize`, without reserving anything."""
        seconds = self.settings.hold_seconds
        [answer] = await self.under_tills(
            by, lambda tx, tills: authorize(tx, self.desk, [item], tills=tills, seconds=seconds, reserve=False)
        )
        return _given(answer)

    async def settle(self, settlement: Settlement, *, by: str = "library") -> Settled:
        """Record what an operation came to, charge it against its hold, and end the hold.

        Raises NotFound `unknown_hold`. A hold that has ended before is told in the answer's `notice`.
        """
        return _given(await self.teller("settle", by, self._settle).serve(settlement))

    async def change_hold(self, change: ChangeIn, *, by: str = "library") -> Changed:
        """Release or extend a hold, or put it in doubt. Raises NotFound `unknown_hold`, Conflict `hold_ended`."""
        return _given(await self.teller("change", by, self._change_holds).serve(change))

    async def estimate(self, item: HoldIn) -> Estimated:
        """What the operation would be charged now, and how that comes about. Raises as `authorize`."""

        async def work(tx: Tx) -> Estimated:
            return await estimate(tx, self.desk, item, tills=Tills(clock.now(), "estimate", fresh=True))

        return await self.database.run(work)

    async def _authorize(self, by: str, items: Sequence[HoldIn], *, patient: bool) -> list[Allowed | TollError]:
        seconds = self.settings.hold_seconds
        return await self.under_tills(
            by, lambda tx, tills: authorize(tx, self.desk, items, tills=tills, seconds=seconds), patient=patient
        )

    async def _settle(self, by: str, settlements: Sequence[Settlement], *, patient: bool) -> list[Settled | TollError]:
        attempt = 0

        async def work(tx: Tx, tills: Tills) -> tuple[list[Settled | TollError], Recorded]:
            nonlocal attempt
            attempt += 1
            return await settle(tx, self.desk, settlements, tills=tills, careful=attempt > 1)

        answers, recorded = await self.under_tills(by, work, patient=patient)
        committed(recorded)
        return answers

    async def _change_holds(self, by: str, changes: Sequence[ChangeIn], *, patient: bool) -> list[Changed | TollError]:
        return await self.under_tills(
            by, lambda tx, tills: change_holds(tx, self.desk, changes, tills=tills), patient=patient
        )


def _given(answer: T | TollError) -> T:
    """The answer, or its error raised."""
    if isinstance(answer, TollError):
        raise answer
    return answer
