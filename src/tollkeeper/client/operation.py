"""An operation: what one customer is charged for, from the hold before it to the settlement with its calls."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Mapping
from contextvars import Token
from decimal import Decimal
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from tollkeeper import clock
from tollkeeper.client import scope
from tollkeeper.client.api import Calls, Number, ask_hold, exact, planned
from tollkeeper.client.delivery import Fate, deliver
from tollkeeper.client.driving import Steps
from tollkeeper.client.recovery import ending
from tollkeeper.client.results import Hold, Settled
from tollkeeper.client.spool import Entry
from tollkeeper.errors import InvalidInput, TollError, TollkeeperUnreachable
from tollkeeper.ids import new_id

if TYPE_CHECKING:
    from tollkeeper.client.client import Client
    from tollkeeper.client.wrap.watch import Watch

_log = logging.getLogger("tollkeeper")

_OVER = frozenset({"released", "expired"})


class Operation:
    """`with toll.operation(…) as op:`, made by `Tollkeeper.operation`. Holds at entry, settles at exit."""

    def __init__(
        self,
        toll: Client,
        meter: str,
        *,
        customer: str,
        id: str | None,
        quantity: Number | None,
        amount: Number | None,
        estimate: Calls | None,
        member: str | None,
        dimensions: Mapping[str, str] | None,
        metadata: Mapping[str, Any] | None,
        expires_in: int | None,
        on_outage: str,
    ) -> None:
        self.id = id or str(new_id())
        """What its event is called: the same one is charged once, however often the operation runs."""
        self.hold: Hold | None = None
        """What is reserved; None before the operation begins, and where Tollkeeper was away then."""
        self.result: Settled | None = None
        """What became of it, once Tollkeeper has confirmed that."""
        self._toll = toll
        self._event: dict[str, Any] = {
            "id": self.id,
            "customer": customer,
            "meter": meter,
            "quantity": 1 if quantity is None else exact("quantity", quantity),
            "amount": exact("amount", amount),
            "member": member,
            "dimensions": dict(dimensions) if dimensions else None,
            "metadata": dict(metadata) if metadata else None,
        }
        self._estimate = estimate
        self._expires_in = expires_in
        self._on_outage = on_outage
        self._hold_id = self.id
        self._row = 0
        self._state = "new"
        self._guard = threading.RLock()
        self._calls: dict[Watch, tuple[str, Mapping[str, Any]]] = {}
        self._token: Token[scope.Scope | None] | None = None
        self._failed = False
        self._unwanted = False
        self._uncertain = True
        """Whether a request for the hold may have got to the server."""

    # What may be asked and set within

    @property
    def customer(self) -> str:
        """The customer's key."""
        return self._event["customer"]

    @property
    def open(self) -> bool:
        """Whether it takes calls: between entry and exit."""
        return self._state == "open"

    @property
    def quantity(self) -> Number:
        """How much it was; may be set until it ends."""
        return self._event["quantity"]

    @quantity.setter
    def quantity(self, quantity: Number) -> None:
        """Set it. Raises InvalidInput `operation_ended`."""
        self._set("quantity", quantity)

    @property
    def amount(self) -> Number | None:
        """The value that it carries, for prices that go by it; may be set until it ends."""
        return self._event["amount"]

    @amount.setter
    def amount(self, amount: Number | None) -> None:
        """Set it. Raises InvalidInput `operation_ended`."""
        self._set("amount", amount)

    @property
    def dimensions(self) -> Mapping[str, str]:
        """What its usage is grouped by; may be set until it ends."""
        return self._event["dimensions"] or {}

    @dimensions.setter
    def dimensions(self, dimensions: Mapping[str, str]) -> None:
        """Set them. Raises InvalidInput `operation_ended`."""
        self._set("dimensions", dict(dimensions))

    @property
    def metadata(self) -> Mapping[str, Any]:
        """Your own facts about it; may be set until it ends."""
        return self._event["metadata"] or {}

    @metadata.setter
    def metadata(self, metadata: Mapping[str, Any]) -> None:
        """Set it. Raises InvalidInput `operation_ended`."""
        self._set("metadata", dict(metadata))

    @property
    def charge(self) -> Decimal | None:
        """What the customer was charged; None while Tollkeeper hasn't confirmed it."""
        return None if self.result is None else self.result.charge

    @property
    def calls(self) -> list[Mapping[str, Any]]:
        """The provider calls that have been made within, as they will be settled."""
        return [call for state, call in list(self._calls.values()) if state in ("billed", "streaming")]

    def _set(self, field: str, value: Any) -> None:
        if field in ("quantity", "amount"):
            exact(field, value)
        with self._guard:
            if self._state == "ended":
                told = f"The operation {self.id!r} has ended; its {field} can't change any more."
                raise InvalidInput("operation_ended", told, field=field)
            self._event[field] = value
            if self._row:
                self._note()

    def _note(self) -> None:
        self._toll.spool.change(self._row, self._event, self._asked())

    # Provider calls, told by the wrapped clients' watches

    def began(self, watch: Watch, call: Mapping[str, Any]) -> int:
        """A provider call is about to be sent. The row of the journal that it has."""
        with self._guard:
            self._calls[watch] = ("sent", call)
            return self._toll.spool.note_call(self._toll.target, "sent", call, operation=self._row)

    def stands(self, watch: Watch, state: str, call: Mapping[str, Any]) -> None:
        """How the call stands: streaming, billed, or in doubt."""
        with self._guard:
            self._calls[watch] = (state, call)
            self._toll.spool.change_call(watch.row, state, call)
            self._settle_later(watch)

    def unbilled(self, watch: Watch) -> None:
        """The call wasn't billed."""
        with self._guard:
            self._calls.pop(watch, None)
            self._toll.spool.write("drop_call", row=watch.row)
            self._settle_later(watch)

    def _settle_later(self, watch: Watch) -> None:
        """End it if the block has ended, and this was the last call that it waited for."""
        if self._state == "ending" and watch.over and not self.unfinished:
            self._write_end(leased=False)
            self._toll.courier.wake()

    @property
    def unfinished(self) -> list[Watch]:
        """Calls that are still under way, such as streams that nobody has read to their end."""
        return [watch for watch in list(self._calls) if not watch.over]

    # Entry and exit, without I/O but the spool's

    def _opening(self) -> Steps[None]:
        if self._state != "new":
            raise InvalidInput("operation_ended", f"The operation {self.id!r} was begun before; make a new one.")
        self._row = self._toll.spool.begin(self._toll.target, self._event, self._asked())
        try:
            self.hold = yield from self._holding()
        except TollkeeperUnreachable as error:
            self._without_hold(error)
        except TollError as refusal:
            self._toll.spool.end(self._row, self._toll.target, None)
            raise _advised(refusal) from None
        except BaseException:
            self._maybe_held("It was broken off.")
            raise
        with self._guard:
            if self._unwanted:
                self._maybe_held("It was broken off.")
            else:
                self._state = "open"

    def _holding(self) -> Steps[Hold]:
        hold: Hold = yield from self._toll.attempts(ask_hold(self._asked()))
        if hold.state in _OVER:
            # It ran before and came to nothing: it's the same operation, but needs a reservation of its own.
            self._hold_id = f"{self.id[:180]}~{str(new_id())[-12:]}"
            self._note()
            hold = yield from self._toll.attempts(ask_hold(self._asked()))
        elif hold.state == "settled":
            _log.warning(
                "[tollkeeper] Operation %s of %s was settled before: its quantity isn't charged again. What its new "
                "calls cost is booked, and charged where the price goes by cost.",
                self.id,
                self.customer,
            )
        return hold

    def _asked(self) -> dict[str, Any]:
        event = self._event
        return planned(
            customer=event["customer"],
            meter=event["meter"],
            quantity=event["quantity"],
            id=self._hold_id,
            amount=event["amount"],
            calls=self._estimate,
            member=event["member"],
            dimensions=event["dimensions"],
            metadata=event["metadata"],
            expires_in=self._expires_in,
        )

    def _without_hold(self, error: TollkeeperUnreachable) -> None:
        self._uncertain = error.extra.get("sent", True)
        if self._on_outage == "allow":
            told = "[tollkeeper] Operation %s of %s goes on without a hold, since Tollkeeper can't be reached."
            _log.warning(told, self.id, self.customer)
            return
        self._maybe_held("The answer to the hold was lost.")
        raise error

    def _maybe_held(self, note: str) -> None:
        """It doesn't begin, and whether it was held isn't known."""
        entry = None
        if self._uncertain:
            entry = ("release", self.customer, self._hold_id, {"note": note, "ask": self._asked()})
        self._toll.spool.end(self._row, self._toll.target, entry, leased=False)
        self._state = "ended"
        self._toll.courier.wake()

    def _closing(self, failed: bool) -> Steps[None]:
        """End it; whatever happens to the recording, the caller's own result or exception stands."""
        self._toll.courier.end_dropped()
        with self._guard:
            self._failed = failed
            self._event["time"] = clock.now()
            self._state = "ending"
            if self.unfinished:
                self._note()
                return None
            entry = self._write_end(leased=not self._toll.courier.away)
        if entry is None or self._toll.courier.away:
            self._toll.courier.wake()
            return None
        outcome = self._toll.courier.judged((yield from deliver(self._toll.spool, entry)))
        if outcome.fate is not Fate.WAITING and entry.kind == "settle":
            self.result = outcome.settled
        return None

    def _write_end(self, *, leased: bool) -> Entry | None:
        """Put into the spool what is to be sent, instead of the journal."""
        why = "The operation failed." if self._failed else ""
        ask = self._asked() if self.hold is None and self._uncertain else None
        entry = ending(
            self._event, self._hold_id, list(self._calls.values()), failed=self._failed, why=why, ask=ask,
            watched=self._toll.wraps,
        )  # fmt: skip
        self._state = "ended"
        expected = self._toll.wraps if self._estimate is None else bool(self._estimate)
        if entry[0] == "settle" and not self._calls and expected:
            self._toll.saw_no_call(self.id, self._event["meter"])
        spool, target = self._toll.spool, self._toll.target
        row = spool.end(self._row, target, entry, leased=leased)
        return Entry(row, target, *entry)

    def _begun(self, token: Token[scope.Scope | None]) -> Self:
        self._token = token
        return self

    def _left(self) -> None:
        if self._token is not None:
            scope.leave(self._token)
            self._token = None

    # Both kinds of `with`

    def __enter__(self) -> Self:
        self._toll.run(self._opening())
        return self._begun(scope.enter(self._toll, self))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._left()
        try:
            self._toll.run(self._closing(error is not None))
        except (TollError, OSError, RuntimeError):
            _log.exception("[tollkeeper] The end of operation %s isn't sent yet.", self.id)

    async def __aenter__(self) -> Self:
        try:
            await self._toll.arun(self._opening())
        except asyncio.CancelledError:
            with self._guard:
                self._unwanted = True  # a thread may still be about to open it
                if self._state == "open":
                    self._maybe_held("It was broken off.")
            raise
        return self._begun(scope.enter(self._toll, self))

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._left()
        try:
            await asyncio.shield(asyncio.ensure_future(self._toll.arun(self._closing(error is not None))))
        except (TollError, OSError, RuntimeError):
            _log.exception("[tollkeeper] The end of operation %s isn't sent yet.", self.id)


def _advised(refusal: TollError) -> TollError:
    """The refusal, with what to do about it here."""
    if refusal.code == "estimate_needed":
        advice = 'Give operation(…, estimate={"provider": …, "model": …, "usage": {…}}), what its calls may come to.'
        return InvalidInput("estimate_needed", f"{refusal.detail} {advice}", field="estimate", **refusal.extra)
    return refusal
