"""OpenAI's organisation reports, as the simulator gives them and as the reader reads them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import openai as package
import pytest
from openai import OpenAI
from pydantic import SecretStr

from tollkeeper.money import sum_of
from tollkeeper.reconciliation.readers import Access, Report, Width, openai
from tollkeeper.simulator import Discrepancy, Simulator, SimulatorSettings, key_id, running

pytestmark = pytest.mark.anyio

DAY = timedelta(days=1)
NOON = datetime(2026, 11, 10, 12, tzinfo=UTC)
MIDNIGHT = NOON - timedelta(hours=12)


def chat(openai: OpenAI, **more: Any) -> None:
    openai.chat.completions.create(
        **{"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello."}], "max_tokens": 4, **more}
    )


@pytest.fixture
def noon(simulator: Simulator) -> datetime:
    simulator.set_clock(at=NOON, frozen=True)
    return NOON


@pytest.fixture
def access(simulator: Simulator) -> Access:
    return Access(SecretStr("sk-admin-1"), simulator.openai_url)


async def read(access: Access, start: datetime = MIDNIGHT, end: datetime = MIDNIGHT + DAY, **more: Any) -> Report:
    return await openai.read(access, start, end, **more)


async def test_usage_is_read_by_endpoint_in_our_units(
    openai: OpenAI, access: Access, noon: datetime, recording: bytes, simulator: Simulator
) -> None:
    for _ in range(2):
        chat(openai, messages=[{"role": "user", "content": "rule" * 1100}])
    chat(openai.with_options(api_key="sk-proj-other-1"), service_tier="flex")
    openai.responses.create(model="gpt-6-astra", input="rule" * 1100)
    openai.embeddings.create(model="text-embedding-3-small", input="Hello.")
    openai.audio.transcriptions.create(model="gpt-4o-transcribe", file=("a.wav", recording))
    openai.audio.speech.create(model="tts-1", voice="alloy", input="Hello.")
    openai.images.generate(model="gpt-image-1", prompt="x", n=2)
    report = await read(access, costs=False)
    rows = {(row.endpoint, row.model, row.project): row for row in report.usage}
    assert len(rows) == len(report.usage) == 7
    assert report.costs == ()
    first = rows["completions", "gpt-4o-2024-08-06", "proj_acme"]
    assert (first.start, first.end, first.requests) == (MIDNIGHT, MIDNIGHT + DAY, 2)
    assert (first.batch, first.service_tier, first.api_key) == (False, "default", key_id("sk-proj-acme-1"))
    assert first.quantities == {"input_tokens": 1104 + 80, "cached_input_tokens": 1024, "output_tokens": 8}
    assert rows["completions", "gpt-4o-2024-08-06", "proj_other"].service_tier == "flex"
    newer = rows["completions", "gpt-6-astra", "proj_acme"].quantities
    assert newer["cache_write_30m_tokens"] == 1024
    assert rows["embeddings", "text-embedding-3-small", "proj_acme"].quantities == {"input_tokens": 2}
    assert rows["audio_transcriptions", "gpt-4o-transcribe", "proj_acme"].quantities == {"seconds": 3}
    assert rows["audio_speeches", "tts-1", "proj_acme"].quantities == {"characters": 6}
    assert rows["images", "gpt-image-1", "proj_acme"].quantities == {"images": 2}


async def test_costs_are_exact_and_sum_to_the_bills(
    openai: OpenAI, access: Access, noon: datetime, simulator: Simulator, recording: bytes
) -> None:
    for number in range(7):
        chat(openai, max_tokens=number + 1)
        openai.responses.create(model="gpt-5-mini", input="x" * number + "x")
    openai.audio.transcriptions.create(model="whisper-1", file=("a.wav", recording))
    report = await read(access, usage=False)
    assert sum_of(row.amount for row in report.costs) == sum_of(bill.cost or 0 for bill in simulator.bills())
    rows = {row.line_item: row for row in report.costs}
    said = rows["gpt-4o-2024-08-06, output_tokens"]
    assert (said.model, said.unit, said.quantity, said.currency) == ("gpt-4o-2024-08-06", "output_tokens", 28, "USD")
    assert said.amount == Decimal("0.00028")
    assert (said.project, said.api_key) == ("proj_acme", key_id("sk-proj-acme-1"))
    thought = sum(bill.quantities.get("reasoning_tokens", 0) for bill in simulator.bills())
    assert (rows["gpt-5-mini-2025-08-07, output_tokens"].quantity or 0) > thought > 0
    assert rows["whisper-1, seconds"].unit == "seconds"


def test_amounts_come_as_numbers_and_as_texts(openai: OpenAI, simulator: Simulator, noon: datetime) -> None:
    for number in range(12):
        chat(openai.with_options(api_key=f"sk-proj-p{number}-1"))
    query = f"start_time={int(MIDNIGHT.timestamp())}&group_by[]=project_id&group_by[]=line_item"
    answer = httpx.get(
        f"{simulator.openai_url}/organization/costs?{query}", headers={"authorization": "Bearer sk-admin-1"}
    )
    kinds = {type(each["amount"]["value"]) for each in answer.json()["data"][0]["results"]}
    assert kinds == {str, float}


async def test_many_buckets_take_several_pages(openai: OpenAI, access: Access, simulator: Simulator) -> None:
    for day in range(70):
        simulator.set_clock(at=NOON - day * DAY, frozen=True)
        chat(openai)
    simulator.set_clock(at=NOON, frozen=True)
    report = await read(access, MIDNIGHT - 69 * DAY)
    starts = [row.start for row in report.usage]
    assert starts == [MIDNIGHT - day * DAY for day in reversed(range(70))]
    assert len({row.start for row in report.costs}) == 70
    simulator.script(path="/v1/organization/usage/completions", status=500, times=3, headers={"retry-after": "0"})
    assert await read(access, MIDNIGHT - 69 * DAY) == report


async def test_minutes_are_cut_to_what_was_asked(openai: OpenAI, access: Access, simulator: Simulator) -> None:
    for seconds in (10, 50, 70):
        simulator.set_clock(at=NOON + timedelta(seconds=seconds), frozen=True)
        chat(openai)
    minute = timedelta(minutes=1)
    report = await read(access, NOON, NOON + 2 * minute, width=Width.MINUTE, costs=False)
    assert [(row.start, row.requests) for row in report.usage] == [(NOON, 2), (NOON + minute, 1)]
    clipped = await read(access, NOON + timedelta(seconds=30), NOON + 65 * minute / 60, width=Width.MINUTE)
    assert [(row.start, row.end, row.requests) for row in clipped.usage] == [
        (NOON + timedelta(seconds=30), NOON + minute, 1)
    ]
    assert {row.start for row in clipped.costs} == {MIDNIGHT}


async def test_reports_come_late_and_grow() -> None:
    with (
        running(SimulatorSettings(seed=3, report_delay=600)) as simulator,
        OpenAI(base_url=simulator.openai_url, api_key="sk-proj-acme-1") as client,
    ):
        access = Access(SecretStr("sk-admin-1"), simulator.openai_url)
        simulator.set_clock(at=NOON, frozen=True)
        for _ in range(20):
            chat(client)
        seen = []
        for seconds in (0, 299, 450, 599, 600):
            simulator.set_clock(at=NOON + timedelta(seconds=seconds), frozen=True)
            report = await read(access)
            seen.append((sum(row.requests or 0 for row in report.usage), len(report.costs)))
    assert (seen[0], seen[1], seen[4]) == ((0, 0), (0, 0), (20, 2))
    assert 0 < seen[2][0] < seen[3][0] <= 20
    assert seen[3][1] == 0


async def test_discrepancies_are_as_stated(
    openai: OpenAI, access: Access, simulator: Simulator, noon: datetime
) -> None:
    for tokens in (1, 2, 3):
        chat(openai, max_tokens=tokens)
    chat(openai, model="gpt-4o-mini")
    honest = await read(access)
    simulator.differ(Discrepancy({"gpt-4o": Decimal("1.02"), "gpt-4o-mini": Decimal(1)}, unreported=1, phantom=1))
    report = await read(access)
    said = {row.model: row.quantities["output_tokens"] for row in report.usage}
    assert said == {"gpt-4o-2024-08-06": 2 + 2 + 3, "gpt-4o-mini-2024-07-18": 4}
    money = {row.line_item: row.amount for row in report.costs}
    assert money["gpt-4o-2024-08-06, output_tokens"] == 7 * Decimal("0.00001") * Decimal("1.02")
    before = {row.line_item: row.amount for row in honest.costs}
    name = "gpt-4o-mini-2024-07-18, output_tokens"
    assert money[name] == before[name]


async def test_the_real_package_reads_the_reports(openai: OpenAI, noon: datetime) -> None:
    chat(openai)
    usage = openai.admin.organization.usage
    start = int(MIDNIGHT.timestamp())
    (bucket,) = usage.completions(start_time=start, models=["gpt-4o-2024-08-06"]).data
    result: Any = bucket.results[0]
    # Nothing that isn't grouped by is told; the bucket ends where time has come to.
    assert (result.model, result.project_id, result.input_tokens, bucket.end_time) == (None, None, 6, start + 43_201)
    assert usage.completions(start_time=start, models=["gpt-4o"]).data[0].results == []
    assert usage.completions(start_time=start, bucket_width="1h", limit=2).has_more
    for name in ("vector_stores", "code_interpreter_sessions", "file_search_calls", "web_search_calls", "moderations"):
        assert getattr(usage, name)(start_time=start).data[0].results == []
    costs: Any = usage.costs(start_time=start, line_items=["gpt-4o-2024-08-06, input_tokens"]).data[0].results
    assert [float(each.amount.value) for each in costs] == [0.000015]


@pytest.mark.parametrize(
    ("path", "query", "param"),
    [
        ("usage/completions", "", "start_time"),
        ("usage/completions", "start_time=x", "start_time"),
        ("usage/completions", "start_time=100&end_time=100", "end_time"),
        ("usage/completions", "start_time=1&limit=32", "limit"),
        ("usage/completions", "start_time=1&bucket_width=1h&limit=169", "limit"),
        ("usage/completions", "start_time=1&bucket_width=1m&limit=1441", "limit"),
        ("usage/completions", "start_time=1&bucket_width=2d", "bucket_width"),
        ("usage/completions", "start_time=1&group_by=colour", "group_by"),
        ("usage/embeddings", "start_time=1&group_by[]=batch", "group_by"),
        ("usage/completions", "start_time=1&page=page_x", "page"),
        ("costs", "start_time=1&bucket_width=1h", "bucket_width"),
        ("costs", "start_time=1&limit=181", "limit"),
    ],
)
def test_wrong_parameters_are_refused(simulator: Simulator, path: str, query: str, param: str) -> None:
    url = f"{simulator.openai_url}/organization/{path}?{query}"
    answer = httpx.get(url, headers={"authorization": "Bearer sk-admin-1"})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


def test_only_admin_keys_may_read(openai: OpenAI, simulator: Simulator) -> None:
    with pytest.raises(package.PermissionDeniedError, match=r"Missing scopes: api\.usage\.read"):
        openai.with_options(admin_api_key="sk-proj-acme-1").admin.organization.usage.costs(start_time=1)
    with pytest.raises(package.AuthenticationError):
        openai.with_options(admin_api_key="sk-admin-invalid").admin.organization.usage.costs(start_time=1)


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No key of the machine's own."""
    monkeypatch.delenv("OPENAI_ADMIN_KEY", raising=False)
    return
