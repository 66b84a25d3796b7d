"""The live feed: one listener for each process, however many pages are open, and one look for all that has changed.

Two loops, which the server runs from its start to its end: `listen` gathers whose figures have changed, `tick` looks at
those who have a page open, all at once, and hands the pages what it found. Neither does anything while no page is open.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterator
from contextlib import aclosing, contextmanager, suppress
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from tollkeeper.db import Touched
from tollkeeper.errors import TollError
from tollkeeper.notify.model import Look, State
from tollkeeper.notify.page import Page
from tollkeeper.notify.shown import OTHER, Shown

STOPPING = "server_stopping"
REVOKED = "portal_session_revoked"

_log: structlog.stdlib.BoundLogger = structlog.get_logger("tollkeeper.notify")


@dataclass(frozen=True, slots=True)
class Pace:
    """How quickly things go, in seconds."""

    between_ticks: float = 0.1
    """At least; and as long as the last one took, so that looking takes half of a connection's time at most ..."""
    between_slow_ticks: float = 0.25
    """... but no longer than this."""
    refresh: float = 30
    """So old no state gets."""
    refresh_deaf: float = 5
    """The same while nothing is heard of changes."""
    linger: float = 30
    """How long the listener stays once the last page is gone."""
    after_failure: float = 1
    at_once: int = 300
    """So many customers are looked at together."""


@dataclass(slots=True)
class Ticked:
    """What a tick came to: for metrics."""

    customers: int
    seconds: float
    lag: float | None
    """From the first hint it answers to the pages; None where no hint had been waiting."""


@dataclass(slots=True)
class Feed:
    """The open pages of one process."""

    look: Callable[[Collection[UUID], Collection[UUID]], Awaitable[Look]]
    """What is found of these customers and sessions."""
    hear: Callable[[], AsyncGenerator[Touched, None]]
    """The hints, as `Database.hear` has them."""
    pace: Pace = field(default_factory=Pace)
    tell: Callable[[Ticked], None] = lambda _: None
    """Is called after each tick."""
    listening: bool = False
    """Whether changes are heard of right now."""
    stopped: bool = False
    _pages: dict[UUID, set[Page]] = field(default_factory=dict)
    _shown: dict[UUID, Shown] = field(default_factory=dict)
    _looked_at: dict[UUID, float] = field(default_factory=dict)
    _hinted: dict[UUID, float] = field(default_factory=dict)
    """Whose figures have changed, and since when that's known; the longest first."""
    _stale: dict[UUID, None] = field(default_factory=dict)
    """Who is to be looked at, though nothing was heard: new pages, and states that are old."""
    _left_at: float = 0
    _wanted: asyncio.Event = field(default_factory=asyncio.Event)
    _due: asyncio.Event = field(default_factory=asyncio.Event)

    def __len__(self) -> int:
        return sum(map(len, self._pages.values()))

    def pages_of(self, session_id: UUID) -> int:
        """How many pages the session has open here."""
        return sum(page.session_id == session_id for pages in self._pages.values() for page in pages)

    def pages_for(self, customer_id: UUID) -> int:
        """How many pages of the customer are open here, of all its sessions."""
        return len(self._pages.get(customer_id, ()))

    @contextmanager
    def subscribed(self, customer_id: UUID, session_id: UUID) -> Iterator[Page]:
        """A page of the customer, while it's open."""
        page = Page(customer_id, session_id)
        if self.stopped:
            page.end(STOPPING)
        self._pages.setdefault(customer_id, set()).add(page)
        self._stale[customer_id] = None
        self._wanted.set()
        self._due.set()
        try:
            yield page
        finally:
            self._pages[customer_id].discard(page)
            if not self._pages[customer_id]:
                for kept in (self._pages, self._shown, self._looked_at, self._hinted, self._stale):
                    kept.pop(customer_id, None)
            self._left_at = _now()

    def stop(self) -> None:
        """End all pages: the server is about to stop."""
        self.stopped = True
        for pages in self._pages.values():
            for page in pages:
                page.end(STOPPING)

    # Listening

    async def listen(self) -> None:
        """Hear what changes, as long as pages are open, until cancelled."""
        failures = 0
        while True:
            await self._wanted.wait()
            try:
                await self._listen_once()
                failures = 0
            except TollError as error:
                failures = 0 if self.listening else failures + 1
                _log.debug("not listening", code=error.code, detail=error.detail)
                await asyncio.sleep(min(0.1 * 2**failures, 5) * random.uniform(0.5, 1))
            finally:
                self.listening = False

    async def _listen_once(self) -> None:
        async with aclosing(self.hear()) as hints:
            async for touched in hints:
                if not self.listening:
                    # What has changed meanwhile, nobody knows.
                    self.listening = True
                    self._stale.update(dict.fromkeys(self._pages))
                    self._due.set()
                self._take(touched)
                if not self._pages and _now() - self._left_at >= self.pace.linger:
                    self._wanted.clear()
                    return

    def _take(self, touched: Touched) -> None:
        if not touched:
            return
        ids = self._pages if touched.everyone else [UUID(one) for one in touched.customers]
        at = _now()
        for customer_id in ids:
            if customer_id in self._pages:
                self._hinted.setdefault(customer_id, at)
        if self._hinted:
            self._due.set()

    # Looking

    async def tick(self) -> None:
        """Look at those who have changed, and show their pages what was found, until cancelled."""
        while True:
            await self._wait()
            began = _now()
            try:
                await self._tick()
                pause = max(self.pace.between_ticks, min(_now() - began, self.pace.between_slow_ticks))
            except TollError as error:
                _log.debug("look failed", code=error.code, detail=error.detail)
                pause = self.pace.after_failure
            except Exception:
                _log.exception("look failed")
                pause = self.pace.after_failure
            await asyncio.sleep(pause)

    async def _wait(self) -> None:
        """Wait until somebody is due."""
        while True:
            await self._wanted.wait()
            oldest = _now() - (self.pace.refresh if self.listening else self.pace.refresh_deaf)
            self._stale.update((one, None) for one, at in self._looked_at.items() if at < oldest)
            if self._hinted or self._stale:
                return
            self._due.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._due.wait(), 1)

    async def _tick(self) -> None:
        began = _now()
        due = [*dict.fromkeys([*self._hinted, *self._stale])][: self.pace.at_once]
        hinted = {one: self._hinted.pop(one) for one in due if one in self._hinted}
        for one in due:
            self._stale.pop(one, None)
        sessions = {page.session_id for one in due for page in self._pages.get(one, ())}
        try:
            found = await self.look(due, sessions)
        except BaseException:
            # They are still to be looked at, those who are there.
            self._hinted = {one: at for one, at in (hinted | self._hinted).items() if one in self._pages}
            self._stale.update((one, None) for one in due if one in self._pages)
            raise
        ended = _now()
        for state in found.states:
            self._show(state, hinted=state.customer_id in hinted)
        for one in due:
            for page in self._pages.get(one, ()):
                if page.session_id in found.revoked:
                    page.end(REVOKED)
            if one in self._pages:
                self._looked_at[one] = began
        lag = ended - min(hinted.values()) if hinted else None
        self.tell(Ticked(len(due), ended - began, lag))

    def _show(self, state: State, *, hinted: bool) -> None:
        pages = self._pages.get(state.customer_id)
        if not pages:
            return
        shown = Shown.of(state)
        changed = shown.changed_since(self._shown.get(state.customer_id))
        self._shown[state.customer_id] = shown
        for page in pages:
            page.offer(shown, changed or ({OTHER} if hinted else ()))


def _now() -> float:
    return asyncio.get_running_loop().time()
