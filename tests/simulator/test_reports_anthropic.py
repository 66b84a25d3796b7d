"""Anthropic's reports, as the simulator gives them and as the reader reads them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from anthropic import Anthropic
from pydantic import SecretStr

from tollkeeper.money import sum_of
from tollkeeper.reconciliation.readers import Access, Width
from tollkeeper.reconciliation.readers import anthropic as reader
from tollkeeper.simulator import Provider, Simulator, key_id

pytestmark = pytest.mark.anyio

DAY = timedelta(days=1)
NOON = datetime(2026, 11, 10, 12, tzinfo=UTC)
MIDNIGHT = NOON - timedelta(hours=12)
HEADERS = {"x-api-key": "sk-ant-admin01-1", "anthropic-version": "2023-06-01"}
USAGE = "/v1/organizations/usage_report/messages"
COSTS = "/v1/organizations/cost_report"


def ask(client: Anthropic, **more: Any) -> None:
    given = {"model": "claude-haiku-5-5", "max_tokens": 4, "messages": [{"role": "user", "content": "Hello."}]}
    client.messages.create(**given | more)


@pytest.fixture
def access(simulator: Simulator) -> Access:
    simulator.set_clock(at=NOON, frozen=True)
    return Access(SecretStr("sk-ant-admin01-1"), simulator.url)


async def test_usage_is_read_in_our_units(anthropic: Anthropic, access: Access) -> None:
    system = [{"type": "text", "text": "rule" * 2000, "cache_control": {"type": "ephemeral", "ttl": "1h"}}]
    for _ in range(2):
        ask(anthropic, system=system)
    ask(anthropic.with_options(api_key="sk-ant-api03-1"))
    report = await reader.read(access, MIDNIGHT, MIDNIGHT + DAY)
    rows = {row.project: row for row in report.usage}
    assert len(report.usage) == 2
    assert rows["wrkspc_acme"].quantities == {
        "input_tokens": 12,
        "cached_input_tokens": 2000,
        "cache_write_1h_tokens": 2000,
        "output_tokens": 8,
    }
    assert (rows["wrkspc_acme"].service_tier, rows["wrkspc_acme"].batch) == ("standard", False)
    assert rows["wrkspc_acme"].requests is None
    assert rows[None].api_key == key_id("sk-ant-api03-1", Provider.ANTHROPIC)


async def test_costs_are_dollars_and_sum_to_the_bills(
    anthropic: Anthropic, access: Access, simulator: Simulator
) -> None:
    for tokens in (1, 2, 3):
        ask(anthropic, max_tokens=tokens)
    ask(anthropic, model="claude-opus-4-8")
    report = await reader.read(access, NOON, NOON + timedelta(seconds=1), usage=False)
    assert sum_of(row.amount for row in report.costs) == sum_of(bill.cost or 0 for bill in simulator.bills())
    said = next(row for row in report.costs if (row.model, row.unit) == ("claude-opus-4-8", "output_tokens"))
    assert said.amount == 4 * Decimal("0.000025")  # $25 a million
    assert (said.line_item, said.currency) == ("Claude Opus 4 8 Usage - Output Tokens", "USD")
    assert (said.start, said.project, said.api_key, said.quantity) == (MIDNIGHT, "wrkspc_acme", None, None)


def test_amounts_are_cents_as_text(anthropic: Anthropic, access: Access, simulator: Simulator) -> None:
    ask(anthropic, model="claude-opus-4-8", max_tokens=4)
    query = f"?starting_at={MIDNIGHT.isoformat().replace('+00:00', 'Z')}"
    answer = httpx.get(f"{simulator.url}{COSTS}{query}", headers=HEADERS).json()
    (result,) = answer["data"][0]["results"]
    assert result["amount"] == format(100 * (simulator.bills()[0].cost or 0), "f").rstrip("0")
    assert (result["model"], result["description"], result["cost_type"]) == (None, None, None)


async def test_pages_and_whole_buckets(anthropic: Anthropic, access: Access, simulator: Simulator) -> None:
    for day in range(40):
        simulator.set_clock(at=NOON - day * DAY, frozen=True)
        ask(anthropic)
    simulator.set_clock(at=NOON, frozen=True)
    report = await reader.read(access, MIDNIGHT - 39 * DAY, NOON + timedelta(seconds=1))
    assert [row.start for row in report.usage] == [MIDNIGHT - day * DAY for day in reversed(range(40))]
    assert len({row.start for row in report.costs}) == 40
    minute = await reader.read(access, NOON, NOON + timedelta(seconds=1), width=Width.MINUTE, costs=False)
    assert [(row.start, row.end) for row in minute.usage] == [(NOON, NOON + timedelta(minutes=1))]


def test_a_bucket_that_ends_later_is_left_out(anthropic: Anthropic, access: Access, simulator: Simulator) -> None:
    ask(anthropic)
    query = "?starting_at=2026-11-10T00:00:00Z&ending_at=2026-11-10T13:00:00Z"
    assert httpx.get(f"{simulator.url}{USAGE}{query}", headers=HEADERS).json()["data"] == []


async def test_priority_is_in_no_cost_report(anthropic: Anthropic, access: Access, simulator: Simulator) -> None:
    simulator.script(service_tier="priority")
    ask(anthropic)
    report = await reader.read(access, MIDNIGHT, MIDNIGHT + DAY)
    assert ([row.service_tier for row in report.usage], report.costs) == (["priority"], ())


@pytest.mark.parametrize(
    ("path", "query", "word"),
    [
        (USAGE, "", "starting_at"),
        (USAGE, "starting_at=yesterday", "starting_at"),
        (USAGE, "starting_at=2026-11-10T00:00:00Z&ending_at=2026-11-09T00:00:00Z", "ending_at"),
        (USAGE, "starting_at=2026-11-10T00:00:00Z&limit=32", "limit"),
        (USAGE, "starting_at=2026-11-10T00:00:00Z&group_by[]=colour", "colour"),
        (COSTS, "starting_at=2026-11-10T00:00:00Z&bucket_width=1m", "1m"),
        (COSTS, "starting_at=2026-11-10T00:00:00Z&limit=32", "limit"),
    ],
)
def test_wrong_parameters_are_refused(simulator: Simulator, path: str, query: str, word: str) -> None:
    answer = httpx.get(f"{simulator.url}{path}?{query}", headers=HEADERS)
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")
    assert word in answer.json()["error"]["message"]


def test_filters(anthropic: Anthropic, access: Access, simulator: Simulator) -> None:
    ask(anthropic)
    ask(anthropic, model="claude-opus-4-8")
    query = "?starting_at=2026-11-10T00:00:00Z&models[]=claude-opus-4-8&group_by[]=model"
    answer = httpx.get(f"{simulator.url}{USAGE}{query}", headers=HEADERS).json()
    assert [each["model"] for each in answer["data"][0]["results"]] == ["claude-opus-4-8"]
