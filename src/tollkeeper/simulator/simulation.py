"""One simulated pair of providers: its clock, its ids, its prompt caches, its script and its bills, all in memory."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from tollkeeper import clock
from tollkeeper.simulator.model import Bill, Discrepancy, Refused, SimulatorSettings
from tollkeeper.simulator.script import Script, Step
from tollkeeper.simulator.tokens import PrefixCache
from tollkeeper.simulator.words import number_of

_GLANCE_SECONDS = 0.01


class Simulation:
    """What a simulator knows. Requests change it one after the other: nothing here waits but for a release."""

    def __init__(self, settings: SimulatorSettings) -> None:
        self.settings = settings
        self.seed = settings.seed if settings.seed is not None else int.from_bytes(os.urandom(6))
        self.discrepancy: Discrepancy = settings.discrepancy
        self.script = Script()
        self.cache = PrefixCache()
        self.bills: list[Bill] = []
        self.responses: dict[str, dict[str, Any]] = {}
        """Responses that were stored, with what they answer: `{"response": …, "items": …}`."""
        self._offset = timedelta()
        self._frozen: datetime | None = None
        self._made = 0
        self.releases = 0
        """How often waiting answers were released."""
        self._errors = random.Random(self.seed)

    def reset(self) -> None:
        """Forget all but the ids, which go on, so that none comes twice. Answers that wait for a release go out."""
        self.release()
        self.script.steps.clear()
        self.cache.clear()
        self.bills.clear()
        self.responses.clear()
        self.discrepancy = self.settings.discrepancy
        self._offset, self._frozen = timedelta(), None
        self._errors = random.Random(self.seed)

    def release(self) -> None:
        """Send the answers that wait for it."""
        self.releases += 1

    async def released(self, before: int) -> None:
        """Wait for a release, where there were so many before."""
        while self.releases == before:  # noqa: ASYNC110 - an event belongs to a loop, and tests are in other threads
            await asyncio.sleep(_GLANCE_SECONDS)

    def now(self) -> datetime:
        """The providers' time."""
        return self._frozen or clock.now() + self._offset

    def set_clock(self, *, offset: timedelta | None = None, at: datetime | None = None, frozen: bool = False) -> None:
        """Put the clock so far from the real one, or at an instant; frozen, it stays there."""
        self._frozen = None
        if at is not None:
            self._offset = at - clock.now()
        elif offset is not None:
            self._offset = offset
        if frozen:
            self._frozen = at or self.now()

    def new_id(self, prefix: str) -> str:
        """An id that follows from the seed and from how many were made before."""
        self._made += 1
        first, second = (number_of(str(self.seed), str(self._made), half) for half in ("a", "b"))
        return f"{prefix}{first:016x}{second:016x}"

    def unlucky(self) -> Step | None:
        """The error that strikes this call at random, if one does."""
        if self._errors.random() >= self.settings.error_rate:
            return None
        return self._errors.choice(_ERRORS)

    def delivered(self, request_id: str) -> None:
        """Note that a call's answer is sent to its end."""
        for i in range(len(self.bills) - 1, -1, -1):
            if self.bills[i].request_id == request_id:
                self.bills[i] = replace(self.bills[i], delivered=True)
                return

    def stored(self, response_id: str) -> dict[str, Any]:
        """A stored response, with its items. Raises Refused 404."""
        if (found := self.responses.get(response_id)) is None:
            told = f"Response with id '{response_id}' not found."
            raise Refused(404, "invalid_request_error", told, param="response_id")
        return found


_SOON: Mapping[str, str] = {"retry-after-ms": "20", "retry-after": "1"}

_ERRORS = [
    Step(status=429, headers=_SOON),
    Step(status=500),
    Step(status=503, headers=_SOON),
    Step(abort_after_chunks=0),
]
