"""The teller: requests that wait while a transaction is under way share the next one.

A transaction costs several round trips and a commit, whether it serves one request or fifty. Under load, waiting
requests are served together, each as if it were alone; without load, a request is served at once. Requests of one
customer, which would have to wait for each other's lock anyway, gain most.

Nobody waits for a stranger for long: a shared transaction is impatient. Where it meets a lock that isn't let go of
soon, or an error, its requests go on each by itself, beside the next shared one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Generic, Protocol, TypeVar

Request = TypeVar("Request")
Answer = TypeVar("Answer")
RequestIn = TypeVar("RequestIn", contravariant=True)
AnswerOut = TypeVar("AnswerOut", covariant=True)

MOST_TOGETHER = 64
"""So long a queue is served at once; what is left waits for the next transaction."""


class Work(Protocol[RequestIn, AnswerOut]):
    """Answers any number of requests in one transaction, in their order."""

    def __call__(self, requests: Sequence[RequestIn], /, *, patient: bool) -> Awaitable[Sequence[AnswerOut]]:
        """The answers. Unless `patient`, it gives up where it would have to wait for a lock."""
        ...


class Teller(Generic[Request, Answer]):
    """Serves requests with `work`. Tellers that share a `window` take turns, so that more requests come together."""

    def __init__(self, work: Work[Request, Answer], window: asyncio.Lock | None = None) -> None:
        self._work = work
        self._window = window or asyncio.Lock()
        self._waiting: list[tuple[Request, asyncio.Future[Answer]]] = []
        self._serving: asyncio.Task[None] | None = None
        self._alone: set[asyncio.Task[None]] = set()

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
                    batch = [(request, answer) for request, answer in batch if not answer.done()]
                    if batch:
                        await self._together(batch)
        finally:
            self._serving = None
            self._begin()

    async def _together(self, batch: list[tuple[Request, asyncio.Future[Answer]]]) -> None:
        try:
            answers = await self._work([request for request, _ in batch], patient=False)
        except Exception:
            # One of them is at fault, or in the way: each by itself, it fails or waits by itself.
            for request, answer in batch:
                task = asyncio.create_task(self._by_itself(request, answer))
                self._alone.add(task)
                task.add_done_callback(self._alone.discard)
            return
        for (_, answer), given in zip(batch, answers, strict=True):
            if not answer.done():
                answer.set_result(given)

    async def _by_itself(self, request: Request, answer: asyncio.Future[Answer]) -> None:
        try:
            [given] = await self._work([request], patient=True)
        except Exception as error:
            if not answer.done():
                answer.set_exception(error)
        else:
            if not answer.done():
                answer.set_result(given)
