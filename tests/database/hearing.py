"""An ear of another process, for tests of what is told of after a commit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

from tollkeeper.customers import customer_id_of
from tollkeeper.db import Database, Touched


class Ear:
    """What was heard so far."""

    def __init__(self) -> None:
        self.listening = asyncio.Event()
        self.heard: list[Touched] = []
        self._more = asyncio.Event()

    def hear(self, touched: Touched) -> None:
        self.heard.append(touched)
        self._more.set()

    def clear(self) -> None:
        self.heard.clear()

    def told_of(self, customer: str) -> bool:
        return any(one.concerns(customer_id_of(customer)) for one in self.heard)

    async def until_told_of(self, customer: str, seconds: float = 5) -> None:
        async with asyncio.timeout(seconds):
            while not self.told_of(customer):
                self._more.clear()
                await self._more.wait()


@asynccontextmanager
async def hearing(url: str) -> AsyncIterator[Ear]:
    """Listen as another process would."""
    ear = Ear()

    async def listen() -> None:
        async with aclosing(Database(url, pool_size=1).hear()) as hints:
            async for touched in hints:
                ear.listening.set()
                if touched:
                    ear.hear(touched)

    task = asyncio.create_task(listen())
    try:
        await asyncio.wait_for(ear.listening.wait(), 5)
        yield ear
    finally:
        task.cancel()
        await asyncio.wait([task])
