"""The teller: who waits while a transaction is under way shares the next one, and is answered as if alone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from tollkeeper.teller import MOST_TOGETHER, Teller

pytestmark = pytest.mark.anyio


class Work:
    """Answers each number with its double; fails for all where one of them is negative. Waits at a door."""

    def __init__(self, *, open_door: bool = True) -> None:
        self.batches: list[list[int]] = []
        self.patient: list[bool] = []
        self.at_once = self.most_at_once = 0
        self.door = asyncio.Event()
        if open_door:
            self.door.set()

    async def __call__(self, numbers: Sequence[int], *, patient: bool) -> list[int]:
        self.batches.append([*numbers])
        self.patient.append(patient)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        await self.door.wait()
        self.at_once -= 1
        if bad := [number for number in numbers if number < 0]:
            raise ValueError(bad[0])
        return [2 * number for number in numbers]


async def settled(count: int = 10) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_one_alone_is_served_at_once() -> None:
    work = Work()
    assert await Teller(work).serve(3) == 6
    assert work.batches == [[3]]


async def test_who_waits_shares_the_next_transaction() -> None:
    """Each gets its own answer. Fails where everyone has a transaction of its own, or answers are mixed up."""
    work = Work(open_door=False)
    teller: Teller[int, int] = Teller(work)
    waiting = [asyncio.create_task(teller.serve(number)) for number in range(100)]
    await settled()
    assert len(work.batches[0]) == MOST_TOGETHER
    more = asyncio.create_task(teller.serve(1000))
    work.door.set()
    assert await asyncio.gather(*waiting, more) == [2 * number for number in [*range(100), 1000]]
    assert [len(batch) for batch in work.batches] == [MOST_TOGETHER, 100 - MOST_TOGETHER + 1]
    assert work.most_at_once == 1
    assert await teller.serve(4) == 8


async def test_tellers_of_one_window_take_turns() -> None:
    """So that those who wait for the other teller's transaction come together, too."""
    work, window = Work(open_door=False), asyncio.Lock()
    one: Teller[int, int] = Teller(work, window)
    other: Teller[int, int] = Teller(work, window)
    first = asyncio.create_task(one.serve(1))
    await settled()
    waiting = [asyncio.create_task(other.serve(number)) for number in (2, 3)]
    await settled()
    assert work.batches == [[1]]
    work.door.set()
    assert await asyncio.gather(first, *waiting) == [2, 4, 6]
    assert work.batches == [[1], [2, 3]]
    assert work.most_at_once == 1


async def test_who_waits_for_a_lock_goes_on_by_itself() -> None:
    """Fails where one that has to wait keeps the others, and those that come later, waiting."""
    lock = asyncio.Event()

    async def work(numbers: Sequence[int], *, patient: bool) -> list[int]:
        if 13 in numbers:
            if not patient:
                raise TimeoutError
            await lock.wait()
        return [2 * number for number in numbers]

    teller: Teller[int, int] = Teller(work)
    stuck = asyncio.create_task(teller.serve(13))
    assert await asyncio.gather(*(teller.serve(number) for number in (1, 2))) == [2, 4]
    assert await teller.serve(3) == 6
    assert not stuck.done()
    lock.set()
    assert await stuck == 26


async def test_the_one_at_fault_fails_alone() -> None:
    """Fails where an error of one is raised for all that shared its transaction."""
    work = Work()
    teller: Teller[int, int] = Teller(work)
    found = await asyncio.gather(*(teller.serve(number) for number in (1, -2, 3, -4)), return_exceptions=True)
    assert [str(one) for one in found] == ["2", "-2", "6", "-4"]
    assert work.batches == [[1, -2, 3, -4], [1], [-2], [3], [-4]]
    assert work.patient == [False, True, True, True, True]
    with pytest.raises(ValueError, match="-7"):
        await teller.serve(-7)
    assert await teller.serve(8) == 16


async def test_who_has_gone_away_is_not_served() -> None:
    """Neither is anyone kept from being served by it."""
    work = Work(open_door=False)
    teller: Teller[int, int] = Teller(work)
    first = asyncio.create_task(teller.serve(1))
    await settled()
    gone = asyncio.create_task(teller.serve(2))
    last = asyncio.create_task(teller.serve(3))
    await settled()
    gone.cancel()
    await settled()
    work.door.set()
    assert await asyncio.gather(first, last) == [2, 6]
    assert work.batches == [[1], [3]]


async def test_who_goes_away_while_it_is_served_harms_nobody() -> None:
    work = Work(open_door=False)
    teller: Teller[int, int] = Teller(work)
    tasks = [asyncio.create_task(teller.serve(number)) for number in (1, 2)]
    await settled()
    tasks[0].cancel()
    await settled()
    work.door.set()
    assert await tasks[1] == 4
    assert work.batches == [[1, 2]]
    assert await teller.serve(5) == 10
