"""From the real package's calls at a simulated provider to a bill that agrees with the books, over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from typing import Any

import anthropic
import openai
import pytest
from structlog.testing import capture_logs
from tests.database.gating import Clock, account, assert_sound, ingest, one, open_books, rows, used, utc
from tests.database.test_reconciliation_given import CATALOG

from tollkeeper.books import Books
from tollkeeper.db import Database
from tollkeeper.errors import Conflict, InvalidInput, ProviderRefused
from tollkeeper.events import CallIn
from tollkeeper.reconciliation import Allocate, Ran
from tollkeeper.settings import Settings
from tollkeeper.simulator.keys import key_id, project_of
from tollkeeper.simulator.model import Discrepancy, Provider, SimulatorSettings
from tollkeeper.simulator.running import Simulator, running
from tollkeeper.worker import reconcile_regularly

pytestmark = pytest.mark.anyio

NOON = utc("2026-03-09 12:00")
DAY = timedelta(days=1)
KEY = "sk-proj-acme-1"
MODEL = "gpt-4o-2024-08-06"


@pytest.fixture
def time() -> Iterator[Clock]:
    with Clock(NOON) as clock:
        yield clock


@pytest.fixture
def provider(time: Clock) -> Iterator[Simulator]:
    with running() as simulator:
        yield simulator


@pytest.fixture
async def books(database: Database, provider: Simulator) -> Books:
    opened = await open_books(database, CATALOG, "acme", "globex")
    opened.settings = with_key(opened.settings, provider, "sk-admin-1")
    return opened


def with_key(settings: Settings, provider: Simulator, key: str) -> Settings:
    told: dict[str, Any] = {"openai_admin_key": key, "openai_url": provider.openai_url}
    return Settings(database_url=settings.database_url, **told)


def ask(provider: Simulator, text: str) -> dict[str, Any]:
    with openai.OpenAI(api_key=KEY, base_url=provider.openai_url, max_retries=0) as client:
        answer = client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": text}])
    return answer.model_dump(mode="json")


async def report(books: Books, id: str, *responses: dict[str, Any], customer: str = "acme") -> None:
    project, key = project_of(KEY), key_id(KEY)
    calls = [CallIn(provider="openai", response=each, project=project, api_key=key) for each in responses]
    [result] = await ingest(books, used(id, "cv_parse", quantity="1", customer=customer, calls=calls or None))
    assert result.status == "accepted", result


def billed(provider: Simulator) -> Decimal:
    return sum((cost for bill in provider.bills() for cost in bill.asked.values()), Decimal(0))


def findings(ran: list[Ran]) -> list[str]:
    return [row.finding for one in ran for day in one.days for row in day.written]


async def test_a_bill_that_agrees(books: Books, provider: Simulator, time: Clock) -> None:
    for i in range(3):
        await report(books, f"e{i}", ask(provider, "Parse this. " * (i + 1)))
    time.go(DAY)
    assert findings(await books.reconcile()) == ["match"]
    assert await account(books, "provider_payable") == -billed(provider)
    assert await account(books, "variance") == 0
    assert findings(await books.reconcile()) == []
    await assert_sound(books)


async def test_what_never_reached_us_is_missing_and_booked_once(books: Books, provider: Simulator, time: Clock) -> None:
    await report(books, "e", ask(provider, "Parse this."))
    ask(provider, "Nobody tells of this one.")
    time.go(DAY)
    assert findings(await books.reconcile()) == ["missing_here"]
    assert findings(await books.reconcile()) == []
    assert await account(books, "provider_payable") == -billed(provider)
    assert await account(books, "variance") > 0
    await assert_sound(books)


async def test_other_prices_go_to_the_calls_if_the_operator_wants_it(
    books: Books, provider: Simulator, time: Clock
) -> None:
    """Two customers in the same minute: they share what the provider asks, to its last decimal."""
    provider.differ(Discrepancy(prices={"gpt-4o": Decimal("0.9")}))
    await report(books, "a", ask(provider, "Parse this. " * 7), customer="acme")
    await report(books, "b", ask(provider, "Parse that. " * 3), customer="globex")
    time.go(DAY)
    assert findings(await books.reconcile()) == ["price_gap"]
    [ran] = await books.reconcile(allocate=Allocate.PRICE_GAP, close=True)
    assert [len(day.given.shares) for day in ran.days if day.given.shares] == [2]
    costs = await one(books, "select sum(cost) from events")
    assert costs == billed(provider) * Decimal("0.9")
    assert await account(books, "provider_payable") == -costs
    assert await account(books, "variance") == 0
    await assert_sound(books)


async def test_a_dry_run_changes_nothing(books: Books, provider: Simulator, time: Clock) -> None:
    ask(provider, "Nobody tells of this one.")
    time.go(DAY)
    [ran] = await books.reconcile(dry=True, days=(NOON, NOON + timedelta(hours=1)))
    assert (ran.dry, findings([ran])) == (True, ["missing_here"])
    for table in ("provider_reports", "reported_days", "reconciliations", "postings"):
        assert await one(books, f"select count(*) from {table}") == 0
    assert findings(await books.reconcile()) == ["missing_here"]


async def test_anthropic_bills_by_workspace_and_without_counting_requests(
    books: Books, provider: Simulator, time: Clock
) -> None:
    told: dict[str, Any] = {"anthropic_admin_key": "sk-ant-admin-1", "anthropic_url": provider.url}
    books.settings = Settings(database_url=books.settings.database_url, **told)
    key = "sk-ant-api03-acme-1"
    with anthropic.Anthropic(api_key=key, base_url=provider.url) as client:
        answers = [
            client.messages.create(
                model="claude-opus-4-8", max_tokens=100, messages=[{"role": "user", "content": text}]
            )
            for text in ("Parse this.", "Parse that.")
        ]
    whose = {"project": project_of(key, Provider.ANTHROPIC), "api_key": key_id(key, Provider.ANTHROPIC)}
    for i, answer in enumerate(answers):
        call = CallIn(provider="anthropic", response=answer.model_dump(mode="json"), **whose)
        [result] = await ingest(books, used(f"e{i}", "cv_parse", quantity="1", calls=[call]))
        assert result.status == "accepted", result
    time.go(DAY)
    [ran] = await books.reconcile()
    [row] = [row for day in ran.days for row in day.written]
    assert (row.finding, row.project, row.our_requests, row.their_requests) == ("match", "wrkspc_acme", 2, None)
    assert await account(books, "provider_payable") == -billed(provider)
    await assert_sound(books)


async def test_reports_that_come_late_are_read_again(database: Database, time: Clock) -> None:
    with running(SimulatorSettings(report_delay=7200, seed=1)) as provider:
        books = await open_books(database, CATALOG)
        books.settings = with_key(books.settings, provider, "sk-admin-1")
        time.at = NOON + timedelta(hours=11, minutes=59)
        await report(books, "e", ask(provider, "Parse this."))
        time.go(timedelta(minutes=2))
        [ran] = await books.reconcile()
        assert [(row.finding, row.their_money) for day in ran.days for row in day.written] == [("extra_here", None)]
        assert await account(books, "variance") == 0
        time.go(timedelta(hours=3))
        assert findings(await books.reconcile()) == ["match"]
        await assert_sound(books)


async def test_minutes_are_read_beside_days(books: Books, provider: Simulator) -> None:
    ask(provider, "Parse this.")
    await books.reconcile()
    widths = await rows(books, "select distinct bucket_end - bucket_start as width from provider_reports order by 1")
    assert [row["width"] for row in widths] == [timedelta(minutes=1), DAY]


async def test_a_key_for_inference_is_refused_with_the_way_to_an_admin_key(books: Books, provider: Simulator) -> None:
    books.settings = with_key(books.settings, provider, KEY)
    with pytest.raises(ProviderRefused, match="organization/admin-keys"):
        await books.reconcile()


async def test_without_a_key_it_says_where_to_get_one(books: Books) -> None:
    books.settings = Settings(database_url=books.settings.database_url)
    with pytest.raises(InvalidInput, match=r"TOLLKEEPER_OPENAI_ADMIN_KEY.*admin-keys") as caught:
        await books.reconcile("openai")
    assert caught.value.code == "no_admin_key"
    with pytest.raises(InvalidInput, match="anthropic, openai"):
        await books.reconcile("acme-ai")


async def test_one_run_at_a_time(books: Books) -> None:
    async with books.database.alone("reconcile") as alone:
        assert alone
        with pytest.raises(Conflict) as caught:
            await books.reconcile()
    assert caught.value.code == "reconciliation_running"
    assert findings(await books.reconcile()) == []


async def test_a_provider_that_was_just_read_is_left_alone(books: Books, time: Clock) -> None:
    assert [ran.provider for ran in await books.reconcile(rest=timedelta(minutes=30))] == ["openai"]
    assert await books.reconcile(rest=timedelta(minutes=30)) == []
    time.go(timedelta(minutes=31))
    assert len(await books.reconcile(rest=timedelta(minutes=30))) == 1


async def test_the_periodic_run_logs_what_fails_and_goes_on(books: Books, provider: Simulator) -> None:
    books.settings = with_key(books.settings, provider, KEY)
    with capture_logs() as logs:
        task = asyncio.create_task(reconcile_regularly(books))
        async with asyncio.timeout(60):
            while not logs:  # noqa: ASYNC110 - a log has no event
                await asyncio.sleep(0.05)
        assert not task.done()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    assert [(log["log_level"], log["code"]) for log in logs] == [("warning", "admin_key_lacks_scope")]
    assert "admin-keys" in logs[0]["detail"]
    books.settings = replace_seconds(books.settings, 0)
    await reconcile_regularly(books)


def replace_seconds(settings: Settings, seconds: int) -> Settings:
    return settings.model_copy(update={"reconcile_seconds": seconds})
