"""How often one address may try what needs no key. Each process counts by itself, in memory."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from ipaddress import IPv6Address, IPv6Network, ip_address

from fastapi import Request

from tollkeeper import clock
from tollkeeper.errors import TollError, TooManyAttempts

_WINDOW = timedelta(minutes=1)
_MOST_ADDRESSES = 10_000


class Attempts:
    """At most `most` attempts within any minute from one address."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._seen: dict[str, deque[datetime]] = {}

    def check(self, request: Request) -> None:
        """Raises TooManyAttempts `too_many_attempts` where this address has to wait."""
        now = clock.now()
        recent = self._recent(address_of(request), now)
        if len(recent) >= self._most:
            seconds = max(1, math.ceil((recent[0] + _WINDOW - now).total_seconds()))
            told = f"Too many attempts from this address; wait {seconds} seconds."
            raise TooManyAttempts("too_many_attempts", told, retry_after=seconds)

    def note(self, request: Request) -> None:
        """Count an attempt."""
        now, address = clock.now(), address_of(request)
        recent = self._recent(address, now)
        if address not in self._seen and len(self._seen) >= _MOST_ADDRESSES:
            self._forget(now)
        self._seen[address] = recent
        recent.append(now)

    @contextmanager
    def counting(self, request: Request, wrong: str) -> Iterator[None]:
        """Count the attempt that is made meanwhile, where it's refused with the code `wrong`.

        While it's under way it counts too: of many at once, each would find that there were none yet. Raises as
        `check`.
        """
        self.check(request)
        self.note(request)
        try:
            yield
        except BaseException as error:
            if not (isinstance(error, TollError) and error.code == wrong):
                self._take_back(request)
            raise
        self._take_back(request)

    def _take_back(self, request: Request) -> None:
        if seen := self._seen.get(address_of(request)):
            seen.pop()

    def _recent(self, address: str, now: datetime) -> deque[datetime]:
        seen = self._seen.get(address, deque(maxlen=self._most))
        # Those that lie ahead are of a clock that was set back since.
        while seen and not now - _WINDOW < seen[0] <= now:
            seen.popleft()
        return seen

    def _forget(self, now: datetime) -> None:
        """Make room: who was quiet for a minute is forgotten, and if that's not enough, everybody is."""
        self._seen = {address: seen for address, seen in self._seen.items() if seen and seen[-1] > now - _WINDOW}
        if len(self._seen) >= _MOST_ADDRESSES:
            self._seen.clear()


def address_of(request: Request) -> str:
    """Who calls, for counting: an IPv4 address, or the network of an IPv6 one, of which one caller has plenty."""
    host = request.client.host if request.client else ""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(IPv6Network((address, 64), strict=False))
    return host
