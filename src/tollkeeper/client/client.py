"""The SDK's clients: `Tollkeeper` waits for answers, `AsyncTollkeeper` is awaited. All else they share."""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import random
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

from tollkeeper.client import scope
from tollkeeper.client.api import Calls, Number, as_calls
from tollkeeper.client.asks import Ask
from tollkeeper.client.courier import Courier
from tollkeeper.client.delivery import Fate, deliver, deliver_events, missed, report_of
from tollkeeper.client.driving import Steps, drive
from tollkeeper.client.operation import Operation
from tollkeeper.client.results import SPOOLED, Recorded, Replayed, Settled
from tollkeeper.client.scope import Payer
from tollkeeper.client.spool import Entry, Spool, open_spool
from tollkeeper.client.transport import UNAVAILABLE, Answer, NoAnswer, Transport
from tollkeeper.client.wrap import Watching, wrap
from tollkeeper.errors import InvalidInput, TollkeeperUnreachable, Unauthorized

_log = logging.getLogger("tollkeeper")

T = TypeVar("T")

OnOutage = Literal["refuse", "allow"]

DEFAULT_URL = "http://127.0.0.1:8377"
_PAUSES = (0.1, 0.4)
"""Seconds between the attempts of a call that gets no answer."""
_CLOSE_SECONDS = 5.0


def address(url: str | None) -> str:
    """Where Tollkeeper is: `url`, else TOLLKEEPER_URL, else this machine; a `/v1` at its end is left out.

    Raises InvalidInput `invalid_option`: what is no address would be taken for an outage.
    """
    told = (url or os.environ.get("TOLLKEEPER_URL") or DEFAULT_URL).rstrip("/")
    try:
        parts = urlsplit(told)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:  # such as a port that isn't a number
        usable = False
    if not usable:
        raise InvalidInput("invalid_option", f"{told!r} isn't a URL such as {DEFAULT_URL!r}.", field="url")
    return told.removesuffix("/v1")


def api_key_of(api_key: str | None) -> str:
    """The key: `api_key`, else TOLLKEEPER_API_KEY. Raises Unauthorized `missing_key`."""
    if key := api_key or os.environ.get("TOLLKEEPER_API_KEY"):
        return key
    raise Unauthorized("missing_key", "Give api_key=, or set TOLLKEEPER_API_KEY: `tollkeeper keys create` makes one.")


class Client(Watching):
    """What both kinds of client share: operations, wrapped clients, and the spool."""

    def __init__(
        self,
        target: str,
        transport: Transport,
        *,
        on_outage: OnOutage,
        spool: Path | str | None,
        background: bool = True,
    ) -> None:
        if on_outage not in ("refuse", "allow"):
            raise InvalidInput("invalid_option", 'on_outage is "refuse" or "allow".', field="on_outage")
        super().__init__()
        self.target = target
        """Which Tollkeeper it speaks to; the spool keeps what belongs to others apart."""
        self.on_outage = on_outage
        self.spool: Spool = open_spool(None if spool is None else Path(spool))
        self.transport = transport
        self.courier = Courier(self.spool, target, transport, self.end_abandoned, background=background)
        self._closed = threading.Event()
        atexit.register(self.close_now)
        self.courier.wake()

    # Driving steps

    def attempts(self, asked: Ask[T]) -> Steps[T]:
        """The steps of a call: it's repeated, a few times, while there's no answer."""
        pauses = () if self.courier.away else _PAUSES
        why, sent = "", False
        for pause in (*pauses, None):
            said: Answer | NoAnswer | None = yield asked.request
            if said is None or isinstance(said, NoAnswer):
                why = str(said)
                sent = sent or said is None or said.sent
            elif said.status in UNAVAILABLE:
                why, sent = f"it answered {said.status}", True
            else:
                self.courier.reached()
                return asked.result(said)
            if pause is not None:
                yield pause * random.uniform(0.5, 1.5)
        self.courier.unreached(why)
        told = f"Tollkeeper can't be reached at {self.target}: {why.removesuffix('.')}."
        raise TollkeeperUnreachable("unreachable", told, sent=sent)

    def run(self, steps: Steps[T]) -> T:
        """Take the steps, blocking."""
        return drive(steps, self.transport)

    async def arun(self, steps: Steps[T]) -> T:
        """Take the steps without blocking the event loop."""
        return await asyncio.to_thread(self.run, steps)

    # Operations

    def operation(
        self,
        meter: str,
        *,
        customer: str | None = None,
        id: str | None = None,
        quantity: Number | None = None,
        amount: Number | None = None,
        estimate: Calls | None = None,
        member: str | None = None,
        dimensions: Mapping[str, str] | None = None,
        metadata: Mapping[str, Any] | None = None,
        expires_in: int | None = None,
        on_outage: OnOutage | None = None,
    ) -> Operation:
        """What one customer is charged for: `with` it, or `async with` it; docs/reference/client.md says how it ends.

        Raises at entry, before a provider is called: InsufficientCredits, LimitExceeded, TollkeeperUnreachable.
        """
        payer = Payer(customer, meter, member, dimensions or {}).within(scope.payer_of(self))
        if payer.customer is None:
            told = "Say whose the operation is: operation(…, customer=…), or around it `with toll.context(customer=…)`."
            raise InvalidInput("missing_field", told, field="customer")
        return Operation(
            self,
            meter,
            customer=payer.customer,
            id=id,
            quantity=quantity,
            amount=amount,
            estimate=as_calls(estimate),
            member=payer.member,
            dimensions=payer.dimensions,
            metadata=metadata,
            expires_in=expires_in,
            on_outage=on_outage or self.on_outage,
        )

    @contextmanager
    def context(
        self,
        *,
        customer: str | None = None,
        meter: str | None = None,
        member: str | None = None,
        dimensions: Mapping[str, str] | None = None,
    ) -> Iterator[None]:
        """Whose the calls and operations inside are, where they don't say so themselves."""
        token = scope.enter(self, Payer(customer, meter, member, dimensions or {}))
        try:
            yield
        finally:
            scope.leave(token)

    @staticmethod
    def bind(function: Callable[..., T]) -> Callable[..., T]:
        """The function, to be run in another thread as part of the operation that surrounds this call."""
        return scope.bound(function)

    def wrap(
        self,
        client: T,
        *,
        customer: str | None = None,
        meter: str | None = None,
        member: str | None = None,
        dimensions: Mapping[str, str] | None = None,
        provider: str | None = None,
        project: str | None = None,
        api_key_id: str | None = None,
        include_usage: bool = True,
    ) -> T:
        """The OpenAI or Anthropic client as a metered one of the same type, which shares its connections and options.

        `customer`, `meter` and so on are for calls outside of operations. `provider`, `project` and `api_key_id` say
        whose bill the calls stand on, where the client doesn't show it. Raises InvalidInput `already_wrapped`,
        `unknown_client`.
        """
        payer = Payer(customer, meter, member, dimensions or {})
        given = {"provider": provider, "project": project, "api_key": api_key_id, "include_usage": include_usage}
        wrapped = wrap(self, client, payer, **given)
        self.wraps = True
        return wrapped

    # Usage, which goes through the spool

    def _recording(self, events: Sequence[Mapping[str, Any]]) -> Steps[list[Recorded]]:
        with self.spool.together():
            entries = [self._entry(*report_of(each), each["customer"], each["id"]) for each in events]
        if self.courier.away or not entries:
            for each in entries:
                missed(self.spool, each, NoAnswer("it's away", sent=False))
            self.courier.wake()
            return [Recorded(each.id, SPOOLED) for each in entries]
        if len(entries) > 1:
            results: dict[int, Recorded] = {}
            outcome = yield from deliver_events(self.spool, entries, results)
            self.courier.judged(outcome)
            self.courier.wake()
            return [results.get(each.entry) or Recorded(each.id, SPOOLED) for each in entries]
        outcome = self.courier.judged((yield from deliver(self.spool, entries[0], keep=False)))
        if outcome.fate is Fate.REFUSED and outcome.error is not None:
            raise outcome.error
        return list(outcome.settled.results)

    def _settling(self, hold: str, customer: str, settlement: Mapping[str, Any]) -> Steps[Settled]:
        entry = self._entry("settle", {"hold": hold, "settlement": settlement}, customer, hold)
        if self.courier.away:
            self.courier.wake()
            return Settled(None, (Recorded(hold, SPOOLED),))
        outcome = self.courier.judged((yield from deliver(self.spool, entry, keep=False)))
        if outcome.fate is Fate.REFUSED and outcome.error is not None:
            raise outcome.error
        return outcome.settled

    def _entry(self, kind: str, body: Mapping[str, Any], customer: str, id: str) -> Entry:
        row = self.spool.put(self.target, kind, customer, id, body, leased=not self.courier.away)
        return Entry(row, self.target, kind, customer, id, dict(body))

    def replay(self, *, refused: bool = False) -> Replayed:
        """Send at once everything that the spool has for this Tollkeeper, also what dead processes have left.

        With `refused`, what was refused for good is tried again as well.
        """
        return self.courier.replay(refused=refused)

    # The end

    def close_now(self) -> None:
        """End abandoned streams, send what can be sent within a few seconds, and give up connections."""
        if self._closed.is_set():
            return
        self._closed.set()
        atexit.unregister(self.close_now)
        self.end_all()
        self.courier.close(_CLOSE_SECONDS)
        self.spool.leave()
        self.transport.close()
