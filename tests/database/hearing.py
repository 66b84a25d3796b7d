"""An ear of another process, for tests of what is told of after a commit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from uuid import uuid4

from tollkeeper.customers import customer_id_of
from tollkeeper.db import Database, Touched
from tollkeeper.db.hints import payloads_of


class Ear:
    """What was heard so far."""

    def __init__(self) -> None:
        self.listening = asyncio.Event()
        self.heard: list[Touched] = []
        self._more = asyncio.Event()
        self._mark = ""

    def hear(self, touched: Touched) -> None:
        if touched.customers == {self._mark}:
            self._mark = ""
        else:
            self.heard.append(touched)
        self._more.set()

    async def catch_up(self, database: Database, seconds: float = 20) -> None:
        """Hear all that this pool has to tell of what it has committed so far: notices come in their order."""
        async with asyncio.timeout(seconds):
            await until_told(database)
            self._mark = str(uuid4())
            await database._tell(payloads_of(Touched({self._mark})))
            while self._mark:
                self._more.clear()
                await self._more.wait()

    async def from_here_on(self, database: Database) -> None:
        """Forget what was committed before."""
        await self.catch_up(database)
        self.heard.clear()

    def told_of(self, customer: str) -> bool:
        return any(one.concerns(customer_id_of(customer)) for one in self.heard)

    async def until_told_of(self, customer: str, seconds: float = 20) -> None:
        async with asyncio.timeout(seconds):
            while not self.told_of(customer):
                self._more.clear()
                await self._more.wait()


async def until_told(database: Database) -> None:
    """Until the pool has told what it has committed so far: who listens after that hears nothing of it."""
    if (sending := database._hints._sending) is not None:
        await asyncio.wait([sending])


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
        await asyncio.wait_for(ear.listening.wait(), 20)
        yield ear
    finally:
        task.cancel()
        await asyncio.wait([task])
