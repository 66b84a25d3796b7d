"""The teller: requests that wait while a transaction is under way share the next one.

A transaction costs several round trips and a commit, whether it serves one request or fifty. Under load, waiting
requests are served together, each as if it were alone; without load, a request is served at once. Requests of one
customer, which would have to wait for each other's lock anyway, gain most.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Request = TypeVar("Request")
Answer = TypeVar("Answer")

MOST_TOGETHER = 64
"""So long a queue is served at once; what is left waits for the next transaction."""


class Teller(Generic[Request, Answer]):
    """Serves requests with `work`, which answers any number of them in one transaction, in their order."""

    def __init__(
        self, work: Callable[[Sequence[Request]], Awaitable[Sequence[Answer]]], window: asyncio.Lock | None = None
    ) -> None:
        """Tellers that share a `window` serve one after the other, so that more requests come together."""
        self._work = work
        self._window = window or asyncio.Lock()
        self._waiting: list[tuple[Request, asyncio.Future[Answer]]] = []
        self._serving: asyncio.Task[None] | None = None

    async def serve(self, request: Request) -> Answer:
        """The answer to one request; raises what `work` raises for it alone."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((request, answer))
        self._begin()
        return await answer

    def _begin(self) -> None:
        if self._serving is None and self._waiting:
            self._serving = asyncio.create_task(self._serve())

    async def _serve(self) -> None:
        try:
            while self._waiting:
                async with self._window:
                    batch, self._waiting = self._waiting[:MOST_TOGETHER], self._waiting[MOST_TOGETHER:]
                    # Who has gone away isn't served.
                    await self._answer([(request, answer) for request, answer in batch if not answer.done()])
        finally:
            self._serving = None
            self._begin()

    async def _answer(self, batch: list[tuple[Request, asyncio.Future[Answer]]]) -> None:
        if not batch:
            return
        try:
            answers = await self._work([request for request, _ in batch])
        except Exception as error:
            if len(batch) == 1:
                if not batch[0][1].done():
                    batch[0][1].set_exception(error)
                return
            # One of them is at fault: served alone, it fails alone.
            for one in batch:
                await self._answer([one])
            return
        for (_, answer), given in zip(batch, answers, strict=True):
            if not answer.done():
                answer.set_result(given)
