"""What the readers of reports do when a provider refuses, is busy, or says what nobody understands."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from tollkeeper import clock
from tollkeeper.errors import ProviderRefused, ProviderUnavailable
from tollkeeper.reconciliation.readers import READERS, Access, access_of, anthropic, openai
from tollkeeper.reconciliation.readers.openai import completion_quantities, line_item_of
from tollkeeper.settings import Settings
from tollkeeper.simulator import Simulator

pytestmark = pytest.mark.anyio

START = datetime(2026, 11, 10, tzinfo=UTC)
END = START + timedelta(days=1)
KEY = "sk-admin-very-secret-1"


def bucket(*results: dict[str, Any]) -> dict[str, Any]:
    return {"start_time": int(START.timestamp()), "end_time": int(END.timestamp()), "results": list(results)}


def page(*buckets: dict[str, Any], following: str | None = None) -> str:
    return json.dumps({"data": list(buckets), "has_more": following is not None, "next_page": following})


class Answers:
    """A provider that gives these answers in order, the last one for ever."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[httpx.Request] = []

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    async def costs(self) -> Any:
        """What the reader makes of them."""
        async with httpx.AsyncClient(transport=httpx.MockTransport(self)) as client:
            access = Access(SecretStr(KEY), "https://openai.test/v1/")
            return (await openai.read(access, START, END, usage=False, client=client)).costs


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The seconds that were waited, in no time."""
    found: list[Any] = []

    async def sleep(seconds: Any) -> None:
        found.append(seconds)

    monkeypatch.setattr("tollkeeper.reconciliation.readers.asking.asyncio.sleep", sleep)
    return found


def busy(status: int, **headers: str) -> httpx.Response:
    return httpx.Response(status, headers={name.replace("_", "-"): value for name, value in headers.items()})


def fine(text: str = page()) -> httpx.Response:
    return httpx.Response(200, text=text)


async def test_a_busy_provider_is_asked_again_as_it_says(waits: list[Any]) -> None:
    until = (clock.now() + timedelta(seconds=30)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    answers = Answers(
        busy(429, retry_after="7"), httpx.ConnectError("no"), busy(503, retry_after=until), busy(500), fine()
    )
    assert await answers.costs() == ()
    assert (waits[0], waits[1], waits[3]) == (7, 1, 4)
    assert 28 <= waits[2] <= 31
    assert len(answers.asked) == 5


@pytest.mark.parametrize("answer", [busy(500), busy(529), busy(429), httpx.ReadTimeout("slow")])
async def test_after_several_attempts_it_is_unavailable(waits: list[Any], answer: Any) -> None:
    answers = Answers(answer)
    with pytest.raises(ProviderUnavailable) as caught:
        await answers.costs()
    assert (caught.value.code, len(answers.asked), len(waits)) == ("provider_unavailable", 5, 4)


async def test_an_hour_is_too_long_to_wait(waits: list[Any]) -> None:
    answers = Answers(busy(429, retry_after="3600"))
    with pytest.raises(ProviderUnavailable):
        await answers.costs()
    assert (len(answers.asked), waits) == (1, [])


@pytest.mark.parametrize(
    "answer",
    [
        fine("<html>"),
        fine("[]"),
        fine("{}"),
        fine(page({"results": [{}]})),
        fine(page({"start_time": 1, "end_time": 2})),
        fine(page(bucket({"amount": {"value": "dear"}}))),
        fine(page(bucket({"amount": 3}))),
        busy(302, location="https://elsewhere.test"),
        httpx.Response(400, json={"error": {"message": "Invalid 'limit'."}}),
        httpx.Response(404, text="gone"),
        fine(page(following="page_1")),
    ],
)
async def test_what_cannot_be_read_is_told(answer: httpx.Response) -> None:
    with pytest.raises(ProviderUnavailable) as caught:
        await Answers(answer).costs()
    assert caught.value.code == "report_unreadable"


async def test_numbers_keep_every_digit() -> None:
    text = page(bucket({"amount": {"value": 0}, "quantity": 0})).replace('"value": 0', '"value": 0.1234567890123456789')
    (row,) = await Answers(fine(text)).costs()
    assert row.amount == Decimal("0.1234567890123456789")
    text = page(
        bucket({"amount": {"value": "12.50", "currency": "eur"}, "quantity": "2.5", "quantity_unit": "1000_tokens"})
    )
    (row,) = await Answers(fine(text)).costs()
    assert (row.amount, row.currency, row.quantity, row.unit) == (Decimal("12.50"), "EUR", 2500, None)


async def test_pages_are_followed_and_the_key_is_sent_in_a_header_alone() -> None:
    answers = Answers(fine(page(bucket({}), following="page_2")), fine(page(bucket({}))))
    assert len(await answers.costs()) == 2
    first, second = answers.asked
    assert (first.url.params.get("page"), second.url.params.get("page")) == (None, "page_2")
    assert first.url.path == "/v1/organization/costs"
    assert KEY not in str(first.url)
    assert first.headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("provider", READERS)
async def test_keys_that_are_refused_say_where_to_get_another(
    provider: str, simulator: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    url = simulator.openai_url if provider == "openai" else simulator.url
    page_of_keys = {"openai": "platform.openai.com", "anthropic": "platform.claude.com"}[provider]
    key = {"openai": "sk-admin-invalid-secret", "anthropic": "sk-ant-admin-invalid-secret"}[provider]
    with pytest.raises(ProviderRefused) as caught:
        await READERS[provider](Access(SecretStr(key), url), START, END)
    assert (caught.value.code, caught.value.status) == ("admin_key_refused", 502)
    assert page_of_keys in caught.value.detail
    assert f"TOLLKEEPER_{provider.upper()}_ADMIN_KEY" in caught.value.detail
    shown = f"{caught.value!r} {caught.value.as_dict()} {caplog.text}"
    assert "secret" not in shown
    assert key[-4:] not in caught.value.detail


async def test_a_key_for_inference_lacks_the_scope(simulator: Simulator) -> None:
    with pytest.raises(ProviderRefused) as caught:
        await openai.read(Access(SecretStr("sk-proj-acme-1"), simulator.openai_url), START, END)
    assert caught.value.code == "admin_key_lacks_scope"
    assert "(missing: api.usage.read)" in caught.value.detail


async def test_nobody_there(waits: list[Any]) -> None:
    with pytest.raises(ProviderUnavailable, match="ConnectError"):
        await anthropic.read(Access(SecretStr(KEY), "http://127.0.0.1:9"), START, END)


def test_keys_come_from_the_settings_and_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOLLKEEPER_OPENAI_ADMIN_KEY", raising=False)
    monkeypatch.delenv("TOLLKEEPER_ANTHROPIC_ADMIN_KEY", raising=False)
    monkeypatch.setenv("OPENAI_ADMIN_KEY", "sk-admin-common")
    assert access_of(Settings())["openai"].admin_key.get_secret_value() == "sk-admin-common"
    monkeypatch.setenv("TOLLKEEPER_OPENAI_ADMIN_KEY", "sk-admin-own")
    monkeypatch.setenv("TOLLKEEPER_ANTHROPIC_ADMIN_KEY", "sk-ant-admin-own")
    monkeypatch.setenv("TOLLKEEPER_ANTHROPIC_URL", "http://127.0.0.1:1")
    settings = Settings()
    found = access_of(settings)
    assert found["openai"].admin_key.get_secret_value() == "sk-admin-own"
    assert found["openai"].url == "https://api.openai.com/v1"
    assert found["anthropic"].url == "http://127.0.0.1:1"
    assert "own" not in f"{settings!r} {found!r} {settings.model_dump_json()}"
    monkeypatch.setenv("TOLLKEEPER_OPENAI_ADMIN_KEY", "")
    assert set(access_of(Settings())) == {"anthropic"}


def test_older_answers_tell_less() -> None:
    found = completion_quantities(
        {"input_tokens": 5000, "input_cached_tokens": 4000, "input_audio_tokens": 300, "output_tokens": 1000}
    )
    assert {unit: int(number) for unit, number in found.items() if number} == {
        "input_tokens": 700,
        "input_audio_tokens": 300,
        "cached_input_tokens": 4000,
        "output_tokens": 1000,
    }


@pytest.mark.parametrize(
    ("text", "model", "unit"),
    [
        ("gpt-6-astra, input_tokens", "gpt-6-astra", "input_tokens"),
        ("gpt-4o-2024-08-06, input", "gpt-4o-2024-08-06", "input_tokens"),
        ("gpt-4o-2024-08-06, cached input", "gpt-4o-2024-08-06", "cached_input_tokens"),
        ("gpt-4o-2024-08-06, Output Tokens", "gpt-4o-2024-08-06", "output_tokens"),
        ("gpt-realtime, cached_input_audio_tokens", "gpt-realtime", "cached_input_audio_tokens"),
        ("web search tool calls", None, "web_searches"),
        ("ft:gpt-4o:acme, training, hours", "ft:gpt-4o:acme, training", None),
        ("Assistants storage", None, None),
        (None, None, None),
    ],
)
def test_line_items(text: str | None, model: str | None, unit: str | None) -> None:
    assert line_item_of(text) == (model, unit)
