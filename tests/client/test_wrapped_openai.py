"""Every way to call the openai package is metered once, and what the caller gets is what the bare client gives."""

from __future__ import annotations

from typing import Any

import openai as package
import pytest
from openai import AsyncOpenAI, AzureOpenAI, OpenAI
from pydantic import BaseModel

from tollkeeper import Tollkeeper
from tollkeeper.errors import InvalidInput
from tollkeeper.simulator import Bill, Simulator

from .conftest import Seen

pytestmark = pytest.mark.anyio


class Answer(BaseModel):
    text: str


def told(call: dict[str, Any]) -> tuple[Any, ...]:
    """What a call and a bill must agree in."""
    return call.get("response_id"), call["model"], nonzero(call["usage"]), call.get("service_tier")


def billed(bill: Bill) -> tuple[Any, ...]:
    return bill.response_id, bill.model, nonzero(bill.usage), bill.service_tier


def nonzero(usage: Any) -> Any:
    """The usage without what is 0: the package's models have more of these."""
    if not isinstance(usage, dict):
        return usage
    found = {name: nonzero(each) for name, each in usage.items()}
    return {name: each for name, each in found.items() if each}


CHATS = {
    "create": lambda client, asked: client.chat.completions.create(**asked),
    "stream": lambda client, asked: list(client.chat.completions.create(**asked, stream=True)),
    "stream with usage": lambda client, asked: list(
        client.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True})
    ),
    "parse": lambda client, asked: client.chat.completions.parse(**asked, response_format=Answer),
    "raw": lambda client, asked: client.chat.completions.with_raw_response.create(**asked),
    "raw, parsed": lambda client, asked: client.chat.completions.with_raw_response.create(**asked).parse(),
    "raw stream": lambda client, asked: list(
        client.chat.completions.with_raw_response.create(**asked, stream=True).parse()
    ),
    "with_options": lambda client, asked: client.with_options(timeout=9).chat.completions.create(**asked),
    "copy of a copy": lambda client, asked: client.copy().with_options(max_retries=0).chat.completions.create(**asked),
    "post": lambda client, asked: client.post("/chat/completions", cast_to=object, body=asked),
    "responses": lambda client, asked: client.responses.create(model=asked["model"], input="Hello."),
    "responses stream": lambda client, asked: list(
        client.responses.create(model=asked["model"], input="Hello.", stream=True)
    ),
}


@pytest.mark.parametrize("way", CHATS)
def test_a_chat_is_metered_as_it_is_billed(
    way: str, lonely: Tollkeeper, openai: OpenAI, simulator: Simulator, hello: dict[str, Any], seen: Seen
) -> None:
    client = lonely.wrap(openai)
    calls = seen(lambda: CHATS[way](client, hello))
    assert [told(call) for call in calls] == [billed(bill) for bill in simulator.bills()]
    assert (len(calls), calls[0]["provider"]) == (1, "openai")
    assert "estimated" not in calls[0]


OTHERS: dict[str, Any] = {
    "embeddings": lambda client: client.embeddings.create(model="text-embedding-3-small", input="a bridge"),
    "transcription": lambda client: client.audio.transcriptions.create(
        model="whisper-1", file=("a.wav", b"RIFF" + b"0" * 32_000)
    ),
    "speech": lambda client: client.audio.speech.create(model="tts-1", input="A bridge.", voice="alloy").read(),
    "images": lambda client: client.images.generate(model="gpt-image-1", prompt="a bridge"),
}


@pytest.mark.parametrize("endpoint", OTHERS)
def test_other_endpoints_are_metered_too(
    endpoint: str, lonely: Tollkeeper, openai: OpenAI, simulator: Simulator, seen: Seen
) -> None:
    client = lonely.wrap(openai)
    calls = seen(lambda: OTHERS[endpoint](client))
    assert [(call["model"], nonzero(call["usage"])) for call in calls] == [
        (bill.model, nonzero(bill.usage)) for bill in simulator.bills()
    ]
    assert len(calls) == 1


def test_what_costs_nothing_is_not_metered(lonely: Tollkeeper, openai: OpenAI, seen: Seen) -> None:
    client = lonely.wrap(openai)
    assert seen(lambda: client.models.list().data) == []


def test_streamed_responses_are_metered_however_they_are_read(
    lonely: Tollkeeper, openai: OpenAI, simulator: Simulator, hello: dict[str, Any], seen: Seen
) -> None:
    chat = lonely.wrap(openai).chat.completions.with_streaming_response

    def lines() -> None:
        with chat.create(**hello) as response:
            list(response.iter_lines())

    def parsed() -> None:
        with chat.create(**hello) as response:
            response.parse()

    def events() -> None:
        with chat.create(**hello, stream=True) as response:
            list(response.iter_lines())

    def stream() -> None:
        with chat.create(**hello, stream=True) as response:
            list(response.parse())

    calls = [call for way in (lines, parsed, events, stream) for call in seen(way)]
    assert [told(call) for call in calls] == [billed(bill) for bill in simulator.bills()]
    assert len(calls) == 4


def test_speech_that_is_streamed_to_a_file(lonely: Tollkeeper, openai: OpenAI, seen: Seen) -> None:
    def act() -> None:
        speech = lonely.wrap(openai).audio.speech.with_streaming_response
        with speech.create(model="tts-1", input="A bridge.", voice="alloy") as response:
            list(response.iter_bytes())

    (call,) = seen(act)
    assert call["usage"] == {"characters": 9}


def test_the_helper_for_streams_works_as_ever(
    lonely: Tollkeeper, openai: OpenAI, simulator: Simulator, hello: dict[str, Any], seen: Seen
) -> None:
    def act() -> None:
        with lonely.wrap(openai).chat.completions.stream(**hello) as stream:
            kinds = {event.type for event in stream}
            assert "content.done" in kinds
            assert stream.get_final_completion().choices[0].message.content

    calls = seen(act)
    assert [told(call) for call in calls] == [billed(bill) for bill in simulator.bills()]


def test_the_stream_is_the_packages_own_and_shows_the_same_chunks(
    lonely: Tollkeeper, openai: OpenAI, hello: dict[str, Any]
) -> None:
    bare = openai.chat.completions.create(**hello, stream=True)
    stream = lonely.wrap(openai, customer="acme", meter="answer").chat.completions.create(**hello, stream=True)
    assert type(stream) is type(bare)
    assert stream.response.status_code == 200
    with bare, stream:
        chunks = [each.choices[0].delta for each in stream]
        assert chunks == [each.choices[0].delta for each in bare]
    asked = hello | {"stream": True, "stream_options": {"include_usage": True}}
    last = list(lonely.wrap(openai, customer="acme", meter="answer").chat.completions.create(**asked))[-1]
    assert (last.choices, last.usage is not None) == ([], True)


def test_a_refused_parse_was_billed_all_the_same(
    lonely: Tollkeeper, openai: OpenAI, simulator: Simulator, hello: dict[str, Any], seen: Seen
) -> None:
    """The package raises for an answer that was cut off; the tokens are spent."""
    chat = lonely.wrap(openai).chat.completions
    with pytest.raises(package.LengthFinishReasonError):
        chat.parse(**hello, response_format=Answer, max_completion_tokens=1)
    simulator.reset()
    calls = seen(lambda: chat.parse(**hello, response_format=Answer, max_completion_tokens=1))
    assert [told(call) for call in calls] == [billed(bill) for bill in simulator.bills()]


def test_azure_is_another_bill(
    lonely: Tollkeeper, azure: AzureOpenAI, simulator: Simulator, hello: dict[str, Any], seen: Seen
) -> None:
    client = lonely.wrap(azure)
    assert isinstance(client, AzureOpenAI)
    (one,) = seen(lambda: client.chat.completions.create(**hello))
    (other,) = seen(lambda: client.with_options(timeout=9).chat.completions.create(**hello))
    assert [told(one), told(other)] == [billed(bill) for bill in simulator.bills()]
    assert {one["provider"], other["provider"]} == {"azure"}


async def test_the_async_client_is_metered_in_every_way(
    lonely: Tollkeeper, async_openai: AsyncOpenAI, simulator: Simulator, hello: dict[str, Any]
) -> None:
    chat = lonely.wrap(async_openai).chat.completions
    async with lonely.operation("cv_parse", customer="acme") as operation:
        await chat.create(**hello)
        await chat.parse(**hello, response_format=Answer)
        [chunk async for chunk in await chat.create(**hello, stream=True)]
        (await chat.with_raw_response.create(**hello)).parse()
        async with chat.stream(**hello) as stream:
            await stream.get_final_completion()
        async with chat.with_streaming_response.create(**hello) as response:
            [line async for line in response.iter_lines()]
        async with chat.with_streaming_response.create(**hello, stream=True) as response:
            [line async for line in response.iter_lines()]
        await (
            lonely.wrap(async_openai)
            .with_options(timeout=9)
            .embeddings.create(model="text-embedding-3-small", input="a bridge")
        )
    assert [told(dict(call)) for call in operation.calls[:-1]] == [billed(bill) for bill in simulator.bills()[:-1]]
    assert len(operation.calls) == 8


def test_the_wrapped_client_is_of_the_same_type_and_shares_its_connections(lonely: Tollkeeper, openai: OpenAI) -> None:
    client = lonely.wrap(openai)
    assert isinstance(client, OpenAI)
    assert type(client).__name__ == "OpenAI"
    assert client._client is openai._client
    assert (client.api_key, client.base_url, client.max_retries) == ("sk-proj-acme-1", openai.base_url, 2)
    assert openai.chat.completions._client is openai  # the bare one stays bare


def test_wrapping_twice_is_noticed(lonely: Tollkeeper, openai: OpenAI) -> None:
    client = lonely.wrap(openai, customer="acme")
    assert lonely.wrap(client, customer="acme") is client
    with pytest.raises(InvalidInput) as refused:
        lonely.wrap(client, customer="other")
    assert refused.value.code == "already_wrapped"
    with pytest.raises(InvalidInput) as refused:
        lonely.wrap(object())
    assert refused.value.code == "unknown_client"


def test_the_answer_says_whose_project_it_is_billed_to(
    lonely: Tollkeeper, openai: OpenAI, simulator: Simulator, hello: dict[str, Any], seen: Seen
) -> None:
    chat = lonely.wrap(openai).chat.completions
    calls = seen(lambda: chat.create(**hello)) + seen(lambda: list(chat.create(**hello, stream=True)))
    assert [call["project"] for call in calls] == [bill.project for bill in simulator.bills()] == ["proj_acme"] * 2


def test_a_project_and_another_provider_can_be_named(
    lonely: Tollkeeper, openai: OpenAI, hello: dict[str, Any], seen: Seen
) -> None:
    client = lonely.wrap(openai, provider="mistral", project="proj_1", api_key_id="key_1")
    (call,) = seen(lambda: list(client.chat.completions.create(**hello, stream=True)))
    assert (call["provider"], call["project"], call["api_key"]) == ("mistral", "proj_1", "key_1")
    assert call["estimated"] is True  # Mistral refuses to be asked for the usage, and the simulator tells it only then.
