"""`Tollkeeper` waits for answers, `AsyncTollkeeper` is awaited."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from tollkeeper.client.api import Api, Calls, Number, as_calls, event_fields, exact
from tollkeeper.client.asks import Ask, Awaiting, Blocking
from tollkeeper.client.client import Client, OnOutage, address, api_key_of
from tollkeeper.client.driving import Steps, adrive
from tollkeeper.client.results import Recorded, Settled
from tollkeeper.client.transport import AsyncHttpTransport, AsyncTransport, HttpTransport

if TYPE_CHECKING:
    from tollkeeper.client.local import Place

T = TypeVar("T")

_SECONDS = 10.0


class Tollkeeper(Api, Client, Blocking):
    """A client of a Tollkeeper server; one is enough for a process, and may be used by all of its threads.

    `url` and `api_key` are TOLLKEEPER_URL and TOLLKEEPER_API_KEY unless they are given. `on_outage` says what an
    operation does when Tollkeeper can't be reached: "refuse" raises TollkeeperUnreachable, "allow" goes on without a
    hold. Usage is kept in the file `spool` either way, and sent later: by a thread in the background, or without
    `background` by `replay` alone.
    """

    def __init__(
        self,
        url: str | None = None,
        api_key: str | None = None,
        *,
        on_outage: OnOutage = "refuse",
        spool: Path | str | None = None,
        timeout: float = _SECONDS,
        background: bool = True,
    ) -> None:
        transport = HttpTransport(address(url), api_key_of(api_key), timeout)
        Client.__init__(self, address(url), transport, on_outage=on_outage, spool=spool, background=background)

    @classmethod
    def local(
        cls,
        data: Path | str | None = None,
        catalog: Path | str | None = None,
        *,
        database_url: str | None = None,
        on_outage: OnOutage = "refuse",
        spool: Path | str | None = None,
        background: bool = True,
    ) -> Self:
        """Tollkeeper within this process, on the embedded PostgreSQL or TOLLKEEPER_DATABASE_URL; no server is needed.

        `data` is the folder of the embedded server's data, `catalog` a TOML file, or its text, that is applied at once.
        """
        place = _start_here(data, catalog, database_url)
        made = cls.__new__(cls)
        Client.__init__(made, place.target, place.transport, on_outage=on_outage, spool=spool, background=background)
        return made

    def perform(self, asked: Ask[T]) -> T:
        """Ask, and wait."""
        return self.run(self.attempts(asked))

    def record(
        self,
        meter: str,
        *,
        customer: str,
        quantity: Number | None = None,
        id: str | None = None,
        amount: Number | None = None,
        time: datetime | None = None,
        member: str | None = None,
        dimensions: Mapping[str, str] | None = None,
        calls: Calls | None = None,
        corrects: str | None = None,
        hold: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Recorded:
        """Report usage. Raises what it's refused for; without an answer it's `spooled`, and sent later."""
        event = event_fields(
            id=id, meter=meter, customer=customer, quantity=quantity, amount=amount, time=time, member=member,
            dimensions=dimensions, calls=calls, corrects=corrects, hold=hold, metadata=metadata,
        )  # fmt: skip
        return self.run(self._recording([event]))[0]

    def record_all(self, events: Iterable[Mapping[str, Any]]) -> Sequence[Recorded]:
        """Report many events, each with the fields of `record`; what became of each, in their order."""
        return self.run(self._recording([event_fields(**{"id": None, **each}) for each in events]))

    def settle(
        self,
        hold: str,
        *,
        customer: str,
        quantity: Number | None = None,
        amount: Number | None = None,
        calls: Calls | None = None,
        metadata: Mapping[str, Any] | None = None,
        events: Sequence[Mapping[str, Any]] | None = None,
    ) -> Settled:
        """Say what a held operation came to; without an answer it's `spooled`, and sent later."""
        settlement = _settlement(quantity, amount, calls, metadata, events)
        return self.run(self._settling(hold, customer, settlement))

    def close(self) -> None:
        """End abandoned streams, send what can be sent within a few seconds, and give up connections."""
        self.close_now()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncTollkeeper(Api, Client, Awaiting):
    """The same as `Tollkeeper` for an event loop: what asks the server is awaited, operations are `async with`."""

    def __init__(
        self,
        url: str | None = None,
        api_key: str | None = None,
        *,
        on_outage: OnOutage = "refuse",
        spool: Path | str | None = None,
        timeout: float = _SECONDS,
    ) -> None:
        key = api_key_of(api_key)
        self._asynchronous: AsyncTransport = AsyncHttpTransport(address(url), key, timeout)
        blocking = HttpTransport(address(url), key, timeout)
        Client.__init__(self, address(url), blocking, on_outage=on_outage, spool=spool)

    @classmethod
    async def local(
        cls,
        data: Path | str | None = None,
        catalog: Path | str | None = None,
        *,
        database_url: str | None = None,
        on_outage: OnOutage = "refuse",
        spool: Path | str | None = None,
    ) -> Self:
        """Tollkeeper within this process; see `Tollkeeper.local`."""
        place = await asyncio.to_thread(_start_here, data, catalog, database_url)
        made = cls.__new__(cls)
        made._asynchronous = place.asynchronous
        Client.__init__(made, place.target, place.transport, on_outage=on_outage, spool=spool)
        return made

    async def perform(self, asked: Ask[T]) -> T:
        """Ask."""
        return await self.arun(self.attempts(asked))

    async def arun(self, steps: Steps[T]) -> T:
        """Take the steps on the event loop."""
        return await adrive(steps, self._asynchronous)

    async def record(
        self,
        meter: str,
        *,
        customer: str,
        quantity: Number | None = None,
        id: str | None = None,
        amount: Number | None = None,
        time: datetime | None = None,
        member: str | None = None,
        dimensions: Mapping[str, str] | None = None,
        calls: Calls | None = None,
        corrects: str | None = None,
        hold: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Recorded:
        """Report usage; see `Tollkeeper.record`."""
        event = event_fields(
            id=id, meter=meter, customer=customer, quantity=quantity, amount=amount, time=time, member=member,
            dimensions=dimensions, calls=calls, corrects=corrects, hold=hold, metadata=metadata,
        )  # fmt: skip
        return (await self.arun(self._recording([event])))[0]

    async def record_all(self, events: Iterable[Mapping[str, Any]]) -> Sequence[Recorded]:
        """Report many events; see `Tollkeeper.record_all`."""
        return await self.arun(self._recording([event_fields(**{"id": None, **each}) for each in events]))

    async def settle(
        self,
        hold: str,
        *,
        customer: str,
        quantity: Number | None = None,
        amount: Number | None = None,
        calls: Calls | None = None,
        metadata: Mapping[str, Any] | None = None,
        events: Sequence[Mapping[str, Any]] | None = None,
    ) -> Settled:
        """Say what a held operation came to; see `Tollkeeper.settle`."""
        settlement = _settlement(quantity, amount, calls, metadata, events)
        return await self.arun(self._settling(hold, customer, settlement))

    async def close(self) -> None:
        """End abandoned streams, send what can be sent within a few seconds, and give up connections."""
        await asyncio.to_thread(self.close_now)
        await self._asynchronous.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def _start_here(data: Path | str | None, catalog: Path | str | None, database_url: str | None) -> Place:
    """Start the engine; only now it's imported."""
    return import_module("tollkeeper.client.local").start(data, catalog, database_url)


def _settlement(
    quantity: Number | None,
    amount: Number | None,
    calls: Calls | None,
    metadata: Mapping[str, Any] | None,
    events: Sequence[Mapping[str, Any]] | None,
) -> dict[str, Any]:
    if events is not None:
        return {"events": [dict(each) for each in events]}
    return {
        "quantity": exact("quantity", quantity),
        "amount": exact("amount", amount),
        "calls": as_calls(calls),
        "metadata": metadata,
    }
