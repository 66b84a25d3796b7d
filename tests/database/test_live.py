"""The live feed on a real database: what pages are shown, of whom, how soon, and what it costs the database."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from tests.database.gating import CREDITS, D, books_on, give, hold, ingest, open_books, put_customer, used
from tests.database.hearing import until_told

from tollkeeper import clock
from tollkeeper.books import Books
from tollkeeper.customers import customer_id_of, open_session, revoke_session
from tollkeeper.db import LISTENER, Database
from tollkeeper.ids import new_id
from tollkeeper.notify import Feed, Look, Pace, Page

pytestmark = pytest.mark.anyio

METERS = (
    CREDITS
    + """
[meters.tokens]
unit = "token"
dimensions = ["job"]
[prices.tokens]
model = "unit"
amount = "0.5"
per = 1000
[meters.seats]
unit = "seat"
aggregation = "unique_count"
unique_by = "user"
[prices.seats]
model = "unit"
amount = "3"
[meters.level]
unit = "GB"
aggregation = "latest"
[prices.level]
model = "unit"
amount = "1"
[meters.storage]
unit = "GB"
aggregation = "max"
[prices.storage]
model = "unit"
amount = "1"
"""
)
QUICK = Pace(between_ticks=0.02, linger=0.3, after_failure=0.1)
NEVER_BY_ITSELF = Pace(between_ticks=0.02, refresh=3600, refresh_deaf=3600)
"""Nobody is looked at but who was heard of, and new pages."""


@asynccontextmanager
async def running(books: Books, pace: Pace = QUICK) -> AsyncIterator[Feed]:
    """The books' feed with its loops, as the server runs them."""
    books.feed.pace = pace
    tasks = [asyncio.create_task(each) for each in (books.feed.listen(), books.feed.tick())]
    try:
        yield books.feed
    finally:
        for task in tasks:
            while not task.done():
                task.cancel()
                await asyncio.wait([task], timeout=1)


@contextmanager
def opened(feed: Feed, customer: str = "acme", session: UUID | None = None) -> Iterator[Page]:
    with feed.subscribed(customer_id_of(customer), session or new_id()) as page:
        yield page


async def shown(page: Page, seconds: float = 20) -> dict[str, Any]:
    """What the page is shown next."""
    news = await page.news(seconds)
    assert news is not None, page.ended
    return json.loads(news)


async def until(page: Page, reached: Any) -> dict[str, Any]:
    """The first state of which that is true."""
    async with asyncio.timeout(30):
        while True:
            state = await shown(page)
            if reached(state):
                return state


async def come_about(reached: Callable[[], Any]) -> None:
    async with asyncio.timeout(30):
        while not reached():  # noqa: ASYNC110 - there's no event for what another session does
            await asyncio.sleep(0.02)


def listeners(owner: psycopg.Connection[Any]) -> list[int]:
    query = "select pid from pg_stat_activity where datname = current_database() and application_name = %s"
    return [pid for (pid,) in owner.execute(query, [LISTENER])]


async def test_a_new_page_is_shown_everything(database: Database) -> None:
    books = await open_books(database, METERS, timezone="Asia/Tokyo")
    await give(books, "10", "credit")
    await hold(books, "h1")
    await ingest(books, used("e1"), used("t1", "tokens", quantity="3000", dimensions={"job": "a"}))
    async with running(books) as feed:
        with opened(feed) as page:
            state = await shown(page)
    [latest, earlier] = state.pop("events")
    assert {latest["id"], earlier["id"]} == {"e1", "t1"}
    tokens = latest if latest["id"] == "t1" else earlier
    assert {**tokens, "time": "", "recorded_at": "", "transaction_id": ""} == {
        "id": "t1", "meter": "tokens", "quantity": "3000", "billed": "3000", "charge": "1.5", "unit": "USD",
        "estimated": False, "priced": True, "time": "", "recorded_at": "", "member": None, "dimensions": {"job": "a"},
        "corrects": None, "corrected_by": [], "transaction_id": "",
    }  # fmt: skip
    assert state.pop("period")["start"].endswith("T15:00:00Z")  # midnight in Tokyo
    assert state.pop("as_of").endswith("Z")
    assert state == {
        "wallets": [{"unit": "credit", "balance": "9", "held": "1", "available": "8"}],
        "spent": [{"unit": "USD", "amount": "1.5"}, {"unit": "credit", "amount": "1"}],
        "held": [{"unit": "credit", "amount": "1"}],
        "meters": [
            {"meter": "interview", "quantity": "1", "events": 1, "charge": "1", "unit": "credit"},
            {"meter": "tokens", "quantity": "3000", "events": 1, "charge": "1.5", "unit": "USD"},
        ],
        "changed": ["events", "held", "meters", "period", "spent", "wallets"],
    }


async def test_figures_are_those_of_the_overview(database: Database) -> None:
    books = await open_books(database, METERS)
    events = [used(f"s{i}", "storage", quantity=amount) for i, amount in enumerate(("5", "9", "7"))]
    seats = [used(f"u{i}", "seats", quantity="1", metadata={"user": f"user-{i % 2}"}) for i in range(4)]
    levels = [used(f"l{i}", "level", quantity=str(9 - i), time=clock.now() + timedelta(seconds=i)) for i in range(3)]
    await ingest(books, *events, *seats, *levels)
    async with running(books) as feed:
        with opened(feed) as page:
            meters = {one["meter"]: one for one in (await shown(page))["meters"]}
    assert meters["storage"]["quantity"] == "9"
    assert meters["level"]["quantity"] == "7"
    assert meters["seats"]["quantity"] is None  # Counted from the events: ask the overview.
    assert meters["seats"]["events"] == 4


async def test_a_hint_alone_brings_usage_onto_the_page(database: Database) -> None:
    books = await open_books(database, METERS, "acme", "other")
    await until_told(database)
    async with running(books, NEVER_BY_ITSELF) as feed:
        with opened(feed) as page, opened(feed, "other") as others:
            await shown(page)
            await shown(others)
            await come_about(lambda: feed.listening)
            for i in range(5):
                await ingest(books, used(f"e{i}", "tokens", quantity="1000"))
                state = await until(page, lambda state, id=f"e{i}": state["events"] and state["events"][0]["id"] == id)
                assert state["changed"] == ["events", "meters", "spent"]
            # Nobody else hears of it: what is shown anew because it's listened to has not changed.
            while news := await others.news(0.3):
                assert json.loads(news)["changed"] == []


async def test_only_the_newest_state_waits_for_a_slow_page(database: Database) -> None:
    books = await open_books(database, METERS)
    async with running(books) as feed:
        with opened(feed) as page, opened(feed) as quick:
            await shown(page)
            for i in range(5):
                await ingest(books, used(f"e{i}", "tokens", quantity="1000"))
                await until(quick, lambda state, count=i + 1: len(state["events"]) == count)
            await give(books, "1", "credit")
            await until(quick, lambda state: state["wallets"])
            state = await shown(page)
            assert state["spent"] == [{"unit": "USD", "amount": "2.5"}]
            assert {"events", "meters", "spent", "wallets"} <= {*state["changed"]}
            rest = await page.news(0.1)
            assert rest is None or json.loads(rest)["changed"] == []


async def test_what_isnt_among_the_figures_is_said_to_have_changed(database: Database) -> None:
    books = await open_books(database, METERS)
    async with running(books) as feed:
        with opened(feed) as page:
            await shown(page)
            await put_customer(database, "acme", name="Acme & Co.")
            await until(page, lambda state: state["changed"] == ["other"])


async def test_all_customers_are_looked_at_together(database: Database) -> None:
    keys = [f"c{i}" for i in range(40)]
    books = await open_books(database, METERS, *keys)
    await until_told(database)
    async with running(books, NEVER_BY_ITSELF) as feed:
        asked: list[int] = []
        look, may_look = feed.look, asyncio.Event()
        may_look.set()

        async def counted(customers: Collection[UUID], sessions: Collection[UUID]) -> Look:
            asked.append(len(customers))
            await may_look.wait()
            return await look(customers, sessions)

        feed.look = counted
        with ExitStack() as stack:
            for key in keys:
                stack.enter_context(opened(feed, key))
            await come_about(lambda: feed.listening and not feed._stale and len(feed._looked_at) == len(keys))
            asked.clear()
            may_look.clear()
            await ingest(books, *(used("e", "tokens", customer=key, quantity="1000") for key in keys))
            # While the first of them are looked at, the others have changed as well.
            await come_about(lambda: asked and asked[0] + len(feed._hinted) == len(keys))
            may_look.set()
            await come_about(lambda: sum(asked) == len(keys))
            assert len(asked) <= 2
        assert len(feed) == 0


async def test_no_page_is_shown_anothers_figures(database: Database) -> None:
    keys = [f"c{i}" for i in range(30)]
    books = await open_books(database, METERS, *keys)
    async with running(books) as feed:
        pages = {key: feed.subscribed(customer_id_of(key), new_id()) for key in keys}
        opened_pages = {key: page.__enter__() for key, page in pages.items()}

        async def watch(key: str, page: Page) -> None:
            async with asyncio.timeout(20):
                while True:
                    state = await shown(page)
                    assert {one["dimensions"]["job"] for one in state["events"]} <= {key}
                    assert len(state["wallets"]) <= 1
                    if len(state["events"]) == 4:
                        number = int(key[1:]) + 1
                        assert state["spent"] == [{"unit": "USD", "amount": str(number * 2)}]
                        assert state["wallets"][0]["balance"] == str(number)
                        return

        watching = [asyncio.create_task(watch(key, page)) for key, page in opened_pages.items()]
        for i, key in enumerate(keys):
            await give(books, str(i + 1), "credit", customer=key)
        for round_ in range(4):
            for i, key in enumerate(keys):
                quantity = str((i + 1) * 1000)
                event = used(f"e{round_}", "tokens", customer=key, quantity=quantity, dimensions={"job": key})
                await ingest(books, event)
        await asyncio.gather(*watching)
        for page in pages.values():
            page.__exit__(None, None, None)


async def test_many_pages_are_one_listener_which_goes_with_them(
    database: Database, owner: psycopg.Connection[Any]
) -> None:
    books = await open_books(database, METERS, "acme", "other")
    async with running(books) as feed:
        assert listeners(owner) == []
        with opened(feed), opened(feed), opened(feed, "other"):
            await come_about(lambda: feed.listening)
            assert len(listeners(owner)) == 1
        await come_about(lambda: not listeners(owner))
        # And comes again.
        with opened(feed) as page:
            await shown(page)
            await come_about(lambda: listeners(owner))


async def test_a_listener_that_is_killed_comes_again_and_nothing_is_missed(
    database: Database, owner: psycopg.Connection[Any]
) -> None:
    books = await open_books(database, METERS)
    async with running(books) as feed:
        with opened(feed) as page:
            await shown(page)
            for i in range(3):
                await come_about(lambda: feed.listening and listeners(owner))
                for pid in listeners(owner):
                    owner.execute("select pg_terminate_backend(%s)", [pid])
                await ingest(books, used(f"e{i}", "tokens", quantity="1000"))
                await until(page, lambda state, id=f"e{i}": state["events"] and state["events"][0]["id"] == id)


async def test_old_states_are_refreshed_without_a_hint(database: Database, owner: psycopg.Connection[Any]) -> None:
    books = await open_books(database, METERS)
    await ingest(books, used("e1", "tokens", quantity="1000"))
    async with running(books, Pace(between_ticks=0.02, refresh=0.5, refresh_deaf=0.5)) as feed:
        with opened(feed) as page:
            first = await shown(page)
            await asyncio.sleep(0.3)
            owner.execute("update usage_days set charge = 7")  # Nobody says so.
            state = await until(page, lambda state: state["spent"] == [{"unit": "USD", "amount": "7"}])
            assert state["changed"] == ["meters", "spent"]
            again = await until(page, lambda state: state["changed"] == [])
            assert first["as_of"] < state["as_of"] < again["as_of"]


async def test_another_process_sees_it_too(database: Database, database_url: str) -> None:
    books = await open_books(database, METERS)
    async with Database(database_url, pool_size=2) as elsewhere, running(books_on(elsewhere)) as feed:
        with opened(feed) as page:
            await shown(page)
            await ingest(books, used("e1", "tokens", quantity="1000"))
            await until(page, lambda state: state["events"])


async def test_a_database_that_is_away_is_asked_again(database: Database) -> None:
    books = await open_books(database, METERS)
    async with running(books) as feed:
        look, failures = feed.look, 2

        async def failing(customers: Collection[UUID], sessions: Collection[UUID]) -> Look:
            nonlocal failures
            failures -= 1
            if failures >= 0:
                raise ZeroDivisionError
            return await look(customers, sessions)

        feed.look = failing
        with opened(feed) as page:
            await ingest(books, used("e1", "tokens", quantity="1000"))
            await until(page, lambda state: state["events"])


async def test_a_revoked_session_ends_its_pages_and_no_others(database: Database) -> None:
    books = await open_books(database, METERS)
    made = await database.run(lambda tx: open_session(tx, "acme", by="test"))
    kept = await database.run(lambda tx: open_session(tx, "acme", by="test"))
    session_id = made.session.session_id
    async with running(books) as feed:
        with opened(feed, session=session_id) as page, opened(feed, session=kept.session.session_id) as other:
            await shown(page)
            await shown(other)
            await database.run(lambda tx: revoke_session(tx, customer_id_of("acme"), session_id))
            async with asyncio.timeout(20):
                while page.ended is None:
                    await page.news(1)
            assert page.ended == "portal_session_revoked"
            assert other.ended is None


async def test_pages_end_when_the_server_stops(database: Database) -> None:
    books = await open_books(database, METERS)
    async with running(books) as feed:
        with opened(feed) as page:
            await shown(page)
            feed.stop()
            assert await page.news(20) is None
            assert page.ended == "server_stopping"
        with opened(feed) as late:
            assert await late.news(20) is None
            assert late.ended == "server_stopping"


async def test_corrections_of_cost_alone_are_not_shown(database: Database, owner: psycopg.Connection[Any]) -> None:
    books = await open_books(database, METERS)
    await ingest(books, used("e1", "tokens", quantity="1000"))
    await ingest(books, used("back", "tokens", quantity="-400", corrects="e1"))
    at = clock.now() - timedelta(minutes=1)
    owner.execute(
        "insert into events select customer_id, 'true-up', series_id, %s, recorded_at, transaction_id, 0, 0, null, 0,"
        " price_id, null, null, false, 1, 'provider_report', 'e1', null, null, null, null, null, true"
        " from events where event_id = 'e1'",
        [at],
    )
    async with running(books) as feed:
        with opened(feed) as page:
            events = (await shown(page))["events"]
    assert [(one["id"], one["corrects"], one["corrected_by"]) for one in events] in (
        [("back", "e1", []), ("e1", None, ["back"])],
        [("e1", None, ["back"]), ("back", "e1", [])],
    )
    assert all("cost" not in name for one in events for name in one)
    assert D("-400") in {D(one["quantity"]) for one in events}
