"""An open page: it's given the newest state, however slowly it reads."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from tollkeeper.notify.shown import PARTS, Shown


@dataclass(slots=True, eq=False)
class Page:
    """One subscription. A state that was not fetched yet is replaced by a newer one, so nothing piles up."""

    customer_id: UUID
    session_id: UUID
    ended: str | None = None
    """Why there is nothing more to come."""
    _newest: Shown | None = None
    _changed: set[str] = field(default_factory=lambda: {*PARTS})
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def offer(self, shown: Shown, changed: Iterable[str]) -> None:
        """Have the page shown this; what had changed in states that it hasn't fetched is still new to it."""
        self._newest = shown
        self._changed.update(changed)
        self._news.set()

    def end(self, code: str) -> None:
        """Have the page go."""
        self.ended = self.ended or code
        self._news.set()

    async def news(self, seconds: float) -> bytes | None:
        """The newest state as JSON, as soon as there is one; None if none has come within so many seconds, or it's
        over."""
        if not self._news.is_set():
            try:
                await asyncio.wait_for(self._news.wait(), seconds)
            except TimeoutError:
                return None
        if self.ended is not None or self._newest is None:
            return None
        self._news.clear()
        shown, changed = self._newest, self._changed
        self._newest, self._changed = None, set()
        return shown.body(changed)
