"""Hints: how other processes learn, within a fraction of a second, whose figures a transaction has changed.

What writes rows of a customer says so by `Tx.touches`. After the commit the ids are gathered, and sent by one NOTIFY
for everything that a process has committed within a tenth of a second: NOTIFY within a transaction would make all
commits wait for each other. A hint may be lost, and whoever depends on one looks by itself now and then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

from tollkeeper.errors import DatabaseUnavailable

CHANNEL = "tollkeeper_changed"

_PAUSE_SECONDS = 0.1
_PAYLOAD_BYTES = 7_900
"""PostgreSQL takes less than 8,000."""
_MOST = 5_000
"""So many customers are told one by one. Of more, it's said that everyone may have changed."""
_EVERYONE = "*"
_LAST_SECONDS = 2


@dataclass(slots=True)
class Touched:
    """Whose figures have changed."""

    customers: set[str] = field(default_factory=set)
    """Customer ids."""
    everyone: bool = False
    """Whether something has changed that may concern every customer, such as the catalog."""

    def __bool__(self) -> bool:
        return self.everyone or bool(self.customers)

    def add(self, other: Touched) -> None:
        """These as well."""
        self.customers |= other.customers
        self.everyone = self.everyone or other.everyone or len(self.customers) > _MOST
        if self.everyone:
            self.customers.clear()

    def concerns(self, customer_id: UUID) -> bool:
        """Whether the customer is among them."""
        return self.everyone or str(customer_id) in self.customers


def payloads_of(touched: Touched) -> list[str]:
    """What is sent: ids without their dashes, as many as fit, separated by blanks."""
    if touched.everyone:
        return [_EVERYONE]
    ids = sorted(one.replace("-", "") for one in touched.customers)
    fit = _PAYLOAD_BYTES // 33
    return [" ".join(ids[i : i + fit]) for i in range(0, len(ids), fit)]


def touched_in(payloads: Iterable[str]) -> Touched:
    """What `payloads_of` had said. What can't be read concerns everyone: a later version may have sent it."""
    found = Touched()
    for payload in payloads:
        try:
            found.customers |= {str(UUID(word)) for word in payload.split()}
        except ValueError:
            found.everyone = True
    return found


class Hints:
    """What this process has to tell. Used on one event loop."""

    def __init__(self, send: Callable[[Sequence[str]], Awaitable[None]]) -> None:
        self._send = send
        self._gathered = Touched()
        self._sending: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()

    def gather(self, touched: Touched) -> None:
        """Have it sent: at once, unless something was sent within the last tenth of a second."""
        self._gathered.add(touched)
        if self._sending is None:
            self._sending = asyncio.create_task(self._send_on())

    async def _send_on(self) -> None:
        try:
            while self._gathered:
                touched, self._gathered = self._gathered, Touched()
                with suppress(DatabaseUnavailable):  # Lost then: who needs it looks by itself.
                    await self._send(payloads_of(touched))
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._closing.wait(), _PAUSE_SECONDS)
        finally:
            self._sending = None

    async def close(self) -> None:
        """Send what is left, as long as that doesn't take long."""
        self._closing.set()
        if (sending := self._sending) is not None:
            await asyncio.wait([sending], timeout=_LAST_SECONDS)
            sending.cancel()
