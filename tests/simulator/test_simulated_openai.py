"""The real openai package works against the simulator unmodified, and every call is on the bill as it was answered."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from openai import AsyncOpenAI, AzureOpenAI, OpenAI
from pydantic import BaseModel

from tollkeeper.providers import Unit, extract, observe
from tollkeeper.simulator import Simulator, key_id
from tollkeeper.simulator.models import DATED, LISTED

pytestmark = pytest.mark.anyio


class Resume(BaseModel):
    name: str
    years: int
    skills: list[str]
    level: Level | None


class Level(BaseModel):
    label: str


def test_a_chat_is_answered_and_billed(openai: OpenAI, simulator: Simulator, hello: dict[str, Any]) -> None:
    answer = openai.chat.completions.create(**hello)
    (bill,) = simulator.bills()
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.choices[0].finish_reason) == (6, "stop")
    assert len(answer.choices[0].message.content or "") == 4 * answer.usage.completion_tokens
    assert (bill.response_id, bill.model, bill.service_tier) == (answer.id, "gpt-4o-2024-08-06", "default")
    assert (bill.project, bill.api_key) == ("proj_acme", key_id("sk-proj-acme-1"))
    assert bill.usage == answer.usage.model_dump(exclude_none=True)
    # $2.50 and $10 a million.
    assert bill.cost == (6 * Decimal("2.5") + 10 * answer.usage.completion_tokens) / 1_000_000
    assert bill.delivered


def test_the_same_seed_says_the_same(openai: OpenAI, hello: dict[str, Any]) -> None:
    first, second = (openai.chat.completions.create(**hello) for _ in range(2))
    assert first.choices == second.choices
    assert first.id != second.id


def test_limits_cut_the_answer(openai: OpenAI, hello: dict[str, Any]) -> None:
    answer = openai.chat.completions.create(**hello, max_completion_tokens=3, n=2)
    assert answer.usage is not None
    assert [choice.finish_reason for choice in answer.choices] == ["length"] * 2
    assert answer.usage.completion_tokens == 6


def test_a_stream_tells_usage_only_when_asked(openai: OpenAI, hello: dict[str, Any], simulator: Simulator) -> None:
    silent = list(openai.chat.completions.create(**hello, stream=True))
    told = list(openai.chat.completions.create(**hello, stream=True, stream_options={"include_usage": True}))
    assert [chunk.usage for chunk in silent] == [None] * len(silent)
    assert all(len(chunk.choices) == 1 for chunk in [*silent, *told[:-1]])
    assert "usage" not in silent[0].to_dict()
    assert (told[-1].choices, [chunk.usage for chunk in told[:-1]]) == ([], [None] * len(silent))
    assert told[-1].usage is not None
    assert simulator.bills()[1].usage == told[-1].usage.model_dump(exclude_none=True)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in silent)
    assert len(text) == 4 * told[-1].usage.completion_tokens
    assert silent[-1].choices[0].finish_reason == "stop"


async def test_the_async_client_streams_too(async_openai: AsyncOpenAI, hello: dict[str, Any]) -> None:
    plain = await async_openai.chat.completions.create(**hello)
    stream = await async_openai.chat.completions.create(**hello, stream=True)
    text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
    assert text == plain.choices[0].message.content


def test_raw_and_streamed_responses(openai: OpenAI, hello: dict[str, Any], simulator: Simulator) -> None:
    raw = openai.chat.completions.with_raw_response.create(**hello)
    assert raw.request_id == simulator.bills()[0].request_id
    assert raw.parse().id == simulator.bills()[0].response_id
    with openai.with_options(timeout=5).chat.completions.with_streaming_response.create(**hello) as streamed:
        assert json.loads(streamed.read())["id"] == simulator.bills()[1].response_id


def test_a_long_prefix_is_cached(openai: OpenAI, simulator: Simulator) -> None:
    def ask(question: str) -> int:
        messages: Any = [{"role": "system", "content": "rule" * 1200}, {"role": "user", "content": question}]
        usage = openai.chat.completions.create(model="gpt-4o-mini", messages=messages, max_tokens=1).usage
        assert usage is not None
        assert usage.prompt_tokens_details is not None
        assert usage.prompt_tokens == 1204 + 4 + 1
        return usage.prompt_tokens_details.cached_tokens or 0

    # 1,024 and steps of 128: 1,152 of the 1,204 that are the same.
    assert [ask("one?"), ask("one?"), ask("two?")] == [0, 1152, 1152]
    assert simulator.bills()[1].quantities["cached_input_tokens"] == 1152
    simulator.reset()
    assert ask("two?") == 0


def test_reasoning_models_think_and_newer_ones_tell_cache_writes(openai: OpenAI, simulator: Simulator) -> None:
    answer = openai.responses.create(model="gpt-6-astra", input="rule" * 1100, reasoning={"effort": "high"})
    assert answer.usage is not None
    assert answer.usage.output_tokens_details.reasoning_tokens == 128
    assert answer.usage.input_tokens_details.cache_write_tokens == 1024
    assert [item.type for item in answer.output] == ["reasoning", "message"]
    # All of it is thought, nothing is said.
    cut = openai.chat.completions.create(
        model="gpt-5", messages=[{"role": "user", "content": "hi"}], max_completion_tokens=10
    )
    assert (cut.choices[0].message.content, cut.choices[0].finish_reason) == ("", "length")
    assert all(bill.cost is not None for bill in simulator.bills())


def test_responses_stream_are_stored_and_go_on(openai: OpenAI, simulator: Simulator) -> None:
    with openai.responses.stream(model="gpt-4o", input="Hello.", instructions="Be short.") as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_response()
    assert kinds[:2] == ["response.created", "response.in_progress"]
    assert kinds[-1] == "response.completed"
    assert final.output_text
    assert final.usage is not None
    assert openai.responses.retrieve(final.id).output_text == final.output_text
    next_one = openai.responses.create(model="gpt-4o", input="Go on.", previous_response_id=final.id, store=False)
    assert next_one.usage is not None
    # The first question and its answer are asked again, without the instructions.
    assert next_one.usage.input_tokens == 6 + 4 + final.usage.output_tokens + 4 + 2
    assert [bill.response_id for bill in simulator.bills()] == [final.id, next_one.id]
    openai.responses.delete(final.id)


def test_incomplete_responses_say_so(openai: OpenAI) -> None:
    kinds = [
        event.type for event in openai.responses.create(model="gpt-4o", input="x", max_output_tokens=2, stream=True)
    ]
    assert kinds[-1] == "response.incomplete"


def test_structured_outputs_and_tools_have_their_shape(openai: OpenAI, hello: dict[str, Any]) -> None:
    parsed = openai.chat.completions.parse(**hello, response_format=Resume).choices[0].message.parsed
    assert parsed == Resume(
        name="Hello.", years=0, skills=["The toll keeper"] * 3, level=Level(label="The toll keeper")
    )
    found = openai.responses.parse(model="gpt-4o", input="Hello.", text_format=Resume).output_parsed
    assert found == parsed
    tool: Any = {"name": "look_up", "parameters": {"type": "object", "properties": {"id": {"type": "integer"}}}}
    chat = openai.chat.completions.create(
        **hello, tools=[{"type": "function", "function": tool}], tool_choice="required"
    )
    (call,) = chat.choices[0].message.tool_calls or []
    assert (call.type, chat.choices[0].finish_reason) == ("function", "tool_calls")
    assert json.loads(call.to_dict()["function"]["arguments"]) == {"id": 0}  # type: ignore[index]
    item = openai.responses.create(
        model="gpt-4o", input="x", tools=[{"type": "function", "strict": True, **tool}], tool_choice="required"
    ).output[0]
    assert item.type == "function_call"


def test_a_search_is_billed_beside_the_tokens(openai: OpenAI, simulator: Simulator) -> None:
    for stream in (False, True):
        openai.responses.create(model="gpt-5", input="x", tools=[{"type": "web_search"}], stream=stream)
    answer: Any = openai.responses.create(model="gpt-5", input="x", tools=[{"type": "web_search"}])
    assert answer.output[0].type == "web_search_call"
    bill = simulator.bills()[-1]
    found = observe("openai", answer.model_dump())
    assert found.usage is not None
    assert extract("openai", found.usage)[Unit.WEB_SEARCHES] == bill.quantities["web_searches"] == 1
    assert bill.asked["web_searches"] == Decimal("0.01")
    searches: Any = openai.admin.organization.usage.web_search_calls(start_time=1, bucket_width="1d", limit=1)
    assert searches.has_more


def test_embeddings_and_moderations(openai: OpenAI, simulator: Simulator) -> None:
    made = openai.embeddings.create(model="text-embedding-3-small", input=["Hello.", "Goodbye"], dimensions=64)
    assert made.usage.prompt_tokens == 4
    assert [len(each.embedding) for each in made.data] == [64, 64]
    floats = openai.embeddings.create(model="text-embedding-3-small", input="Hello.", encoding_format="float")
    assert floats.data[0].embedding[:3] == pytest.approx(made.data[0].embedding[:3])
    assert not openai.moderations.create(input="Hello.").results[0].flagged
    assert [bill.response_id is None for bill in simulator.bills()] == [True, True, False]
    assert simulator.bills()[0].cost == Decimal("0.00000008")  # $0.02 a million
    assert simulator.bills()[2].cost == 0


def test_transcriptions_are_paid_by_second_or_token(openai: OpenAI, simulator: Simulator, recording: bytes) -> None:
    whisper = openai.audio.transcriptions.create(model="whisper-1", file=("a.wav", recording))
    newer = openai.audio.transcriptions.create(model="gpt-4o-transcribe", file=("a.wav", recording), prompt="Names")
    assert whisper.usage is not None
    assert whisper.usage.to_dict() == {"type": "duration", "seconds": 3}
    assert newer.usage is not None
    assert newer.usage.to_dict()["input_token_details"] == {"audio_tokens": 30, "text_tokens": 2}
    first, second = simulator.bills()
    assert (first.cost, first.quantities) == (Decimal("0.0003"), {"seconds": 3})  # $0.006 a minute
    assert second.quantities["input_audio_tokens"] == 30
    assert openai.audio.transcriptions.create(model="whisper-1", file=("a.wav", recording), response_format="text")
    events = openai.audio.transcriptions.create(model="gpt-4o-transcribe", file=("a.wav", recording), stream=True)
    assert [event.type for event in events][-1] == "transcript.text.done"


def test_speech_has_no_usage_in_its_answer(openai: OpenAI, simulator: Simulator) -> None:
    sound = openai.audio.speech.create(model="tts-1", voice="alloy", input="Good morning, Jürgen!")
    assert sound.read()
    (bill,) = simulator.bills()
    assert (bill.usage, bill.response_id) == ({"characters": 21}, None)
    assert bill.cost == 21 * Decimal(15) / 1_000_000


def test_images(openai: OpenAI, simulator: Simulator) -> None:
    drawn = openai.images.generate(model="gpt-image-1", prompt="A gate", quality="low", n=2)
    assert drawn.usage is not None
    assert (len(drawn.data or []), drawn.usage.output_tokens) == (2, 544)
    assert simulator.bills()[0].quantities == {"input_tokens": 2, "output_image_tokens": 544}
    assert openai.images.generate(model="dall-e-3", prompt="A gate").usage is None
    assert simulator.bills()[1].quantities == {"images": 1}


def test_azure(azure: AzureOpenAI, simulator: Simulator, hello: dict[str, Any]) -> None:
    azure.chat.completions.create(**hello)
    list(azure.chat.completions.create(**hello, stream=True))
    azure.responses.create(model="gpt-4o", input="x")
    azure.embeddings.create(model="text-embedding-3-small", input="x")
    bills = simulator.bills()
    assert {(bill.provider, bill.project) for bill in bills} == {("azure", None)}
    assert all(bill.cost for bill in bills)


def test_every_model_that_is_listed_is_in_the_book(openai: OpenAI, simulator: Simulator) -> None:
    assert {model.id for model in openai.models.list()} == {name for name in LISTED if "claude" not in name}
    assert openai.models.retrieve("gpt-4o").id == "gpt-4o"
    for name in DATED:
        if "claude" not in name:
            openai.chat.completions.create(model=name, messages=[{"role": "user", "content": "x"}])
    assert all(bill.cost for bill in simulator.bills())


def test_unknown_models_are_sold_but_unpriced(openai: OpenAI, simulator: Simulator, hello: dict[str, Any]) -> None:
    openai.chat.completions.create(**hello | {"model": "gpt-99-nova"}, service_tier="flex")
    (bill,) = simulator.bills()
    assert (bill.cost, bill.service_tier) == (None, "flex")
    assert sum(bill.asked.values()) == sum(bill.quantities.values()) * 2 / 1_000_000


def test_quantities_are_those_of_the_usage_object(openai: OpenAI, simulator: Simulator, hello: dict[str, Any]) -> None:
    answer = openai.chat.completions.create(**hello)
    assert answer.usage is not None
    found = extract("openai", answer.usage.model_dump(), model=answer.model)
    assert simulator.bills()[0].quantities == {str(unit): number for unit, number in found.items() if number}
