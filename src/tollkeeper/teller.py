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

    def __init__(self, work: Callable[[Sequence[Request]], Awaitable[Sequence[Answer]]], *, windows: int = 1) -> None:
        self._work = work
        self._waiting: list[tuple[Request, asyncio.Future[Answer]]] = []
        self._idle = windows
        """How many more transactions may be under way at once."""
        self._serving: set[asyncio.Task[None]] = set()

    async def serve(self, request: Request) -> Answer:
        """The answer to one request; raises what `work` raises for it alone."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((request, answer))
        self._begin()
        return await answer

    def _begin(self) -> None:
        if not self._idle or not self._waiting:
            return
        self._idle -= 1
        task = asyncio.create_task(self._serve())
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:MOST_TOGETHER], self._waiting[MOST_TOGETHER:]
                # Who has gone away isn't served.
                batch = [(request, answer) for request, answer in batch if not answer.done()]
                await self._answer(batch)
        finally:
            self._idle += 1
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
