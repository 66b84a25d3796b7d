"""A wallet, a limit or a ceiling that affords exactly N operations: N begin, whoever asks and however many at once."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest
from tests.database.gating import (
    CREDITS,
    assert_idle,
    assert_sound,
    books_on,
    give,
    hold,
    one,
    open_books,
    release,
    rows,
    settle,
    wallet,
)

from tollkeeper.books import Books
from tollkeeper.db import Database
from tollkeeper.errors import TollError

pytestmark = pytest.mark.anyio

N, CLIENTS = 25, 64
CATALOG = (
    CREDITS
    + f"""
[meters.page]
unit = "page"
[prices.page]
model = "unit"
amount = "0.1"
[limits.day]
meter = "page"
per = "day"
cap = "{N}"
[limits.hour]
spend = "EUR"
per = "rolling_hour"
cap = "{N}"
[meters.minute]
unit = "minute"
[prices.minute]
model = "unit"
amount = "1"
[funding]
credit_ceiling = "{N}"
"""
)
CODES = {"interview": "insufficient_credits", "page": "limit_exceeded", "minute": "insufficient_credits"}
"""What affords so many: the wallet, the hard limit, the ceiling. And what the others are told."""

PROCESS = """
import asyncio, json, sys
sys.path[:0] = json.loads(sys.argv[1])
from tests.database.test_gate_exactly import visit_all
print(json.dumps(asyncio.run(visit_all(*json.loads(sys.argv[2])))))
"""


async def visit_all(url: str, meter: str, first: int, clients: int, mixed: bool) -> dict[str, int]:
    """Clients of one process, all at once; how many holds ended how."""
    async with Database(url, pool_size=8) as database:
        books = books_on(database)
        counted = await asyncio.gather(*(visit(books, meter, first + i, mixed) for i in range(clients)))
    return dict(Counter(counted))


async def visit(books: Books, meter: str, number: int, mixed: bool) -> str:
    """Begin an operation; in a mixed crowd also end it: every third is settled, every third released."""
    id = f"h{number}"
    try:
        await hold(books, id, meter, **({} if meter == "interview" else {"quantity": "1"}))
    except TollError as error:
        return "refused" if error.code == CODES[meter] else error.code
    if mixed and number % 3 == 1:
        await settle(books, id)
        return "settled"
    if mixed and number % 3 == 2:
        await release(books, id)
        return "released"
    return "open"


async def judge(books: Books, meter: str, counted: Counter[str]) -> None:
    """Never more than N at once, nothing half done, and when all have ended, everything is there again."""
    assert counted.total() == CLIENTS
    assert counted["open"] + counted["settled"] <= N
    if not counted["released"]:
        assert counted["open"] + counted["settled"] == N
    await assert_sound(books)
    states = {row["state"]: row["n"] for row in await rows(books, "select state, count(*) as n from holds group by 1")}
    assert states == {state: n for state, n in counted.items() if state != "refused"}
    for row in await rows(books, "select hold_id from holds where state = 'open'"):
        await release(books, row["hold_id"])
    await assert_idle(books)
    if meter == "interview":
        assert await wallet(books, "credit") == (N - counted["settled"], 0)
    more = [await visit(books, meter, 1000 + i, False) for i in range(N - counted["settled"] + 2)]
    assert more[-3:] == ["open", "refused", "refused"]


@pytest.fixture
async def books(database_url: str) -> AsyncIterator[Books]:
    async with Database(database_url, pool_size=16) as opened:
        found = await open_books(opened, CATALOG)
        await give(found, str(N), "credit")
        yield found


@pytest.mark.parametrize("mixed", [False, True], ids=["hold", "mixed"])
@pytest.mark.parametrize("processes", [1, 4])
@pytest.mark.parametrize("meter", sorted(CODES))
async def test_one_process(books: Books, meter: str, processes: int, mixed: bool) -> None:
    """One process, or several that share its connections. Fails where what is left is read before it's locked."""
    each = CLIENTS // processes
    desks = [books] if processes == 1 else [books_on(books.database) for _ in range(processes)]
    ended = await asyncio.gather(*(visit(desks[i // each], meter, i, mixed) for i in range(CLIENTS)))
    await judge(books, meter, Counter(ended))


@pytest.mark.parametrize(
    ("meter", "mixed"), [("interview", False), ("page", False), ("interview", True), ("page", True)]
)
async def test_four_processes(books: Books, meter: str, mixed: bool) -> None:
    root = Path(__file__).parents[2]
    path = json.dumps([str(root), str(root / "tests")])
    running: list[subprocess.Popen[str]] = []
    for number in range(4):
        asked = json.dumps([books.database.url, meter, number * 16, 16, mixed])
        line = [sys.executable, "-c", PROCESS, path, asked]
        running.append(_start(line))
    counted: Counter[str] = Counter()
    for process in running:
        told, errors = await anyio.to_thread.run_sync(process.communicate)
        assert process.returncode == 0, errors
        counted.update(json.loads(told))
    await judge(books, meter, counted)


def _start(line: list[str]) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    return subprocess.Popen(line, stdout=pipe, stderr=pipe, text=True, env=os.environ.copy())


async def test_the_tightest_decides_and_all_are_told(books: Books) -> None:
    """Wallet, ceiling and limit at once: each that doesn't fit says so."""
    for i in range(N):
        await hold(books, f"m{i}", "minute", quantity="1")
    await release(books, "m0")
    await hold(books, "fits", "page", quantity="10")  # it takes the last 1.00 USD, and leaves 15 pages
    with pytest.raises(TollError) as caught:
        await hold(books, "doesn't", "page", quantity="16")
    assert [reason["code"] for reason in caught.value.extra["reasons"]] == ["insufficient_credits", "limit_exceeded"]
    assert await one(books, "select count(*) from holds where hold_id = 'doesn''t'") == 0
