"""What a test can have the simulator do: errors, delays, broken streams, bills without answers, dictated usage."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import openai as package
import pytest
from openai import OpenAI
from tests.simulator.conftest import wait_for_bills

from tollkeeper import clock
from tollkeeper.simulator import Simulator, SimulatorSettings, Step, running


@pytest.fixture
def once(openai: OpenAI) -> OpenAI:
    """A client that doesn't try again."""
    return openai.with_options(max_retries=0)


@pytest.mark.parametrize(
    ("status", "error", "code"),
    [
        (400, package.BadRequestError, None),
        (401, package.AuthenticationError, "invalid_api_key"),
        (403, package.PermissionDeniedError, "missing_scope"),
        (404, package.NotFoundError, "not_found"),
        (429, package.RateLimitError, "rate_limit_exceeded"),
        (500, package.InternalServerError, None),
        (503, package.InternalServerError, None),
    ],
)
def test_errors_have_the_providers_body_and_cost_nothing(
    once: OpenAI,
    simulator: Simulator,
    hello: dict[str, Any],
    status: int,
    error: type[package.APIStatusError],
    code: str,
) -> None:
    simulator.script(status=status)
    with pytest.raises(error) as caught:
        once.chat.completions.create(**hello)
    assert (caught.value.status_code, caught.value.code) == (status, code)
    assert caught.value.request_id
    assert caught.value.response.headers.get("retry-after") == ("1" if status == 429 else None)
    assert simulator.bills() == []


def test_the_package_tries_again_as_the_headers_say(
    openai: OpenAI, simulator: Simulator, hello: dict[str, Any]
) -> None:
    simulator.script(
        Step(status=429, headers={"retry-after-ms": "5"}), Step(status=500, headers={"retry-after-ms": "5"})
    )
    openai.chat.completions.create(**hello)
    (bill,) = simulator.bills()
    assert bill.retry == 2


def test_an_error_may_have_its_own_words_and_be_billed(
    once: OpenAI, simulator: Simulator, hello: dict[str, Any]
) -> None:
    simulator.script(status=400, billed=True, error={"code": "content_filter", "message": "No.", "param": "messages"})
    with pytest.raises(package.BadRequestError) as caught:
        once.chat.completions.create(**hello)
    assert (caught.value.code, caught.value.param) == ("content_filter", "messages")
    (bill,) = simulator.bills()
    assert not bill.delivered


def test_a_broken_stream_is_billed_whole(once: OpenAI, simulator: Simulator, hello: dict[str, Any]) -> None:
    simulator.script(abort_after_chunks=2)
    stream = once.chat.completions.create(**hello, stream=True)
    arrived = []
    with pytest.raises(package.APIConnectionError):
        arrived += [chunk for chunk in stream]
    (bill,) = simulator.bills()
    assert not bill.delivered
    assert bill.usage["completion_tokens"] > 4
    simulator.script(abort_after_chunks=2, error={"message": "Overloaded."})
    with pytest.raises(package.APIError, match="Overloaded"):
        list(once.chat.completions.create(**hello, stream=True))


def test_a_cut_off_answer_is_billed(once: OpenAI, simulator: Simulator, hello: dict[str, Any]) -> None:
    simulator.script(abort_after_chunks=0)
    with pytest.raises(package.APIConnectionError):
        once.chat.completions.create(**hello)
    assert [bill.delivered for bill in simulator.bills()] == [False]


def test_a_timeout_is_billed_and_so_is_each_retry(openai: OpenAI, simulator: Simulator, hello: dict[str, Any]) -> None:
    simulator.script(timeout=True, times=2)
    client = openai.with_options(timeout=0.2, max_retries=1)
    with pytest.raises(package.APITimeoutError):
        client.chat.completions.create(**hello)
    wait_for_bills(simulator, 2)
    assert [bill.retry for bill in simulator.bills()] == [0, 1]


def test_a_slow_answer_is_billed_before_it_comes(once: OpenAI, simulator: Simulator, hello: dict[str, Any]) -> None:
    simulator.script(until_released=True)
    with pytest.raises(package.APITimeoutError):
        once.with_options(timeout=0.1).chat.completions.create(**hello)
    wait_for_bills(simulator, 1)


def test_answers_wait_until_they_are_released(openai: OpenAI, simulator: Simulator, hello: dict[str, Any]) -> None:
    simulator.script(until_released=True, times=2)
    with ThreadPoolExecutor(2) as threads:
        waiting = [threads.submit(openai.chat.completions.create, **hello) for _ in range(2)]
        wait_for_bills(simulator, 2)
        openai.chat.completions.create(**hello)  # whose step isn't one of them
        assert not any(each.done() for each in waiting)
        assert httpx.post(f"{simulator.url}/_simulator/release").json() == {}
        assert all(each.result().choices for each in waiting)
        simulator.script(until_released=True)
        after = threads.submit(openai.chat.completions.create, **hello)
        wait_for_bills(simulator, 4)
        assert not after.done()
        simulator.reset()
        assert after.result().choices


def test_usage_and_content_can_be_dictated(openai: OpenAI, simulator: Simulator, hello: dict[str, Any]) -> None:
    usage = {
        "prompt_tokens": 1500,
        "completion_tokens": 500,
        "total_tokens": 2000,
        "prompt_tokens_details": {"cached_tokens": 0},
    }
    simulator.script(usage=usage, content="Ja.", response_id="chatcmpl-1", response_model="gpt-4o-2024-05-13x")
    answer = openai.chat.completions.create(**hello)
    assert (answer.id, answer.model) == ("chatcmpl-1", "gpt-4o-2024-05-13x")
    assert answer.choices[0].message.content == "Ja."
    simulator.script(usage=usage)
    openai.chat.completions.create(**hello)
    assert simulator.bills()[1].cost == Decimal("0.00875")


def test_a_header_dictates_one_call(openai: OpenAI, simulator: Simulator, hello: dict[str, Any]) -> None:
    simulator.script(content="From the script.")
    answer = openai.chat.completions.create(**hello, extra_headers={"x-simulator": '{"content": "From the header."}'})
    assert answer.choices[0].message.content == "From the header."
    with pytest.raises(package.BadRequestError, match="x-simulator"):
        openai.chat.completions.create(**hello, extra_headers={"x-simulator": '{"contents": 1}'})


def test_steps_wait_for_the_calls_that_they_fit(openai: OpenAI, simulator: Simulator, hello: dict[str, Any]) -> None:
    simulator.script(path="/v1/responses", content="A response.")
    simulator.script(model="gpt-4o-mini", content="A small one.")
    assert openai.chat.completions.create(**hello).choices[0].message.content != "A small one."
    small = openai.chat.completions.create(**hello | {"model": "gpt-4o-mini"})
    assert small.choices[0].message.content == "A small one."
    assert openai.responses.create(model="gpt-4o", input="x").output_text == "A response."


def test_keys_are_refused_as_the_provider_does(simulator: Simulator, once: OpenAI, hello: dict[str, Any]) -> None:
    with pytest.raises(package.AuthenticationError) as caught:
        once.with_options(api_key="sk-invalid").chat.completions.create(**hello)
    assert caught.value.code == "invalid_api_key"
    with pytest.raises(package.AuthenticationError, match=r"Missing scopes: model\.request"):
        once.with_options(api_key="sk-admin-1").chat.completions.create(**hello)
    with pytest.raises(package.NotFoundError) as missing:
        once.chat.completions.create(**hello | {"model": "claude-haiku-5-5"})
    assert missing.value.code == "model_not_found"
    unknown = httpx.get(f"{simulator.url}/v1/files")
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "unknown_url")


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"model": "gpt-4o"}', b'{"model": "gpt-4o", "messages": []}', b"{}"])
def test_bad_bodies_are_refused(simulator: Simulator, body: bytes) -> None:
    headers = {"authorization": "Bearer sk-proj-acme-1"}
    answer = httpx.post(f"{simulator.openai_url}/chat/completions", content=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")
    assert simulator.bills() == []


def test_the_control_api_does_the_same_over_http(simulator: Simulator, openai: OpenAI, hello: dict[str, Any]) -> None:
    def post(path: str, content: Any) -> Any:
        return httpx.post(f"{simulator.url}/_simulator/{path}", json=content)

    assert post("script", {"steps": [{"content": "One."}, {"status": 500, "times": 3}]}).json() == {"waiting": 2}
    assert openai.chat.completions.create(**hello).choices[0].message.content == "One."
    assert httpx.get(f"{simulator.url}/_simulator/script").json() == {"waiting": 1}
    assert post("clock", {"at": "2026-11-01T10:00:00Z", "frozen": True}).json() == {"now": "2026-11-01T10:00:00Z"}
    assert httpx.get(f"{simulator.url}/_simulator/clock").json() == {"now": "2026-11-01T10:00:00Z"}
    told = httpx.get(f"{simulator.url}/_simulator/bills").json()
    (bill,) = simulator.bills()
    assert told["total"] == told["bills"][0]["cost"] == format(bill.cost, "f")
    assert told["bills"][0]["at"] == clock.in_utc(bill.at)
    assert post("discrepancy", {"prices": {"gpt-4o": "1.02"}, "unreported": 1}).status_code == 200
    assert post("reset", {}).status_code == 200
    assert httpx.get(f"{simulator.url}/_simulator/bills").json() == {"bills": [], "total": "0"}
    assert openai.chat.completions.create(**hello).created > bill.at.timestamp() - 1


@pytest.mark.parametrize(
    ("path", "content", "status", "code"),
    [
        ("script", {"statuses": 1}, 422, "invalid_step"),
        ("script", {"status": "x"}, 422, "invalid_step"),
        ("script", [1], 422, "invalid_step"),
        ("clock", {"at": "yesterday"}, 400, "malformed_body"),
        ("discrepancy", {"price": 1}, 422, "invalid_option"),
    ],
)
def test_what_it_does_not_understand_it_refuses(
    simulator: Simulator, path: str, content: Any, status: int, code: str
) -> None:
    answer = httpx.post(f"{simulator.url}/_simulator/{path}", json=content)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_the_clock_goes_with_an_offset(simulator: Simulator, openai: OpenAI, hello: dict[str, Any]) -> None:
    at = datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC)
    simulator.set_clock(at=at, frozen=True)
    assert openai.chat.completions.create(**hello).created == at.timestamp()
    simulator.set_clock(offset=timedelta(days=1))
    assert openai.chat.completions.create(**hello).created > clock.now().timestamp() + 86_000


def outcomes(seed: int) -> list[str]:
    """What forty calls come to where half of them fail."""
    found = []
    with (
        running(SimulatorSettings(seed=seed, error_rate=Decimal("0.5"))) as simulator,
        OpenAI(base_url=simulator.openai_url, api_key="sk-proj-acme-1", max_retries=0) as client,
    ):
        for _ in range(40):
            try:
                client.responses.create(model="gpt-4o", input="x")
                found.append("ok")
            except package.APIStatusError as error:
                found.append(str(error.status_code))
            except package.APIConnectionError:
                found.append("cut")
        assert len(simulator.bills()) == found.count("ok") + found.count("cut")
    return found


def test_random_errors_follow_from_the_seed() -> None:
    first = outcomes(7)
    assert {"ok", "429", "500", "503", "cut"} == set(first)
    assert outcomes(7) == first
    assert outcomes(8) != first
