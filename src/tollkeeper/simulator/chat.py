"""OpenAI's chat completions, streamed and not."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tollkeeper.simulator.generation import Generated, Wish, generate, positive, required, served_tier
from tollkeeper.simulator.model import Asked, Caller, Provider, Refused, Reply
from tollkeeper.simulator.models import answering
from tollkeeper.simulator.script import Step
from tollkeeper.simulator.simulation import Simulation
from tollkeeper.simulator.tokens import Prompt

PER_CHUNK = 4
"""Tokens in a piece of a stream."""


def chat(simulation: Simulation, asked: Asked, caller: Caller, step: Step) -> Reply:
    """POST /v1/chat/completions."""
    provider = Provider.AZURE if "/openai/" in asked.path else Provider.OPENAI
    model = step.response_model or answering(asked.model, provider)
    prompt = Prompt()
    for message in required(asked, "messages"):
        prompt.add_message(message)
    if asked.body.get("tools"):
        prompt.add_tools(asked.body["tools"])
    answers = positive(asked, "n") or 1
    found = generate(simulation, caller, step, model, prompt, _wish(asked))
    usage = step.usage or _usage(found, answers)
    tier = served_tier(asked, step)
    head = {
        "id": step.response_id or simulation.new_id("chatcmpl-"),
        "created": int(simulation.now().timestamp()),
        "model": model,
        "service_tier": tier,
        "system_fingerprint": "fp_simulated",
    }
    if asked.body.get("stream"):
        options = asked.body.get("stream_options") or {}
        content: bytes | list[bytes] = list(
            _chunks(head, found, answers, usage if options.get("include_usage") and step.tells_usage else None)
        )
    else:
        choices = [_choice(found, i) for i in range(answers)]
        told = {"usage": usage} if step.tells_usage else {}
        content = json.dumps({**head, "object": "chat.completion", "choices": choices, **told}).encode()
    return Reply("completions", head["id"], model, usage, content, service_tier=tier)


def _wish(asked: Asked) -> Wish:
    shape = asked.body.get("response_format") or {}
    schema = {"json_schema": (shape.get("json_schema") or {}).get("schema") or {}, "json_object": {}}.get(
        shape.get("type", "text")
    )
    return Wish(
        most=positive(asked, "max_completion_tokens", "max_tokens"),
        effort=asked.body.get("reasoning_effort"),
        schema=schema,
        tool=_forced_tool(asked),
    )


def _forced_tool(asked: Asked) -> tuple[str, Mapping[str, Any]] | None:
    """The function that the request says must be called: by name, or the first of those `required`."""
    choice = asked.body.get("tool_choice")
    functions = {
        tool["function"]["name"]: tool["function"].get("parameters") or {}
        for tool in asked.body.get("tools") or []
        if tool.get("type") == "function"
    }
    if choice == "required" and functions:
        return next(iter(functions.items()))
    if isinstance(choice, Mapping) and choice.get("type") == "function":
        name = choice["function"]["name"]
        if name not in functions:
            told = f"Tool choice '{name}' not found in 'tools' parameter."
            raise Refused(400, "invalid_request_error", told, param="tool_choice")
        return name, functions[name]
    return None


def _usage(found: Generated, answers: int) -> dict[str, Any]:
    output = found.output * answers
    details: dict[str, Any] = {"cached_tokens": found.cached, "audio_tokens": found.prompt_audio}
    if found.written:
        details["cache_write_tokens"] = found.written
    return {
        "prompt_tokens": found.prompt,
        "completion_tokens": output,
        "total_tokens": found.prompt + output,
        "prompt_tokens_details": details,
        "completion_tokens_details": {
            "reasoning_tokens": found.reasoning * answers,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _finish(found: Generated) -> str:
    return "length" if found.cut else "tool_calls" if found.tool else "stop"


def _calls(found: Generated, arguments: str) -> list[dict[str, Any]]:
    function = {"name": found.tool, "arguments": arguments}
    return [{"id": "call_simulated", "type": "function", "function": function}]


def _choice(found: Generated, index: int) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": found.text, "refusal": None, "annotations": []}
    if found.tool:
        message |= {"content": None, "tool_calls": _calls(found, found.text)}
    return {"index": index, "message": message, "logprobs": None, "finish_reason": _finish(found)}


def _chunks(
    head: Mapping[str, Any], found: Generated, answers: int, usage: Mapping[str, Any] | None
) -> Iterator[bytes]:
    """The events of the stream. With `usage` every one has the field, null but in the last, which has no choices."""
    silent = {} if usage is None else {"usage": None}
    for index in range(answers):
        for delta, finish in _deltas(found):
            choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
            yield _event({**head, "object": "chat.completion.chunk", "choices": [choice], **silent})
    if usage is not None:
        yield _event({**head, "object": "chat.completion.chunk", "choices": [], "usage": usage})
    yield b"data: [DONE]\n\n"


def _deltas(found: Generated) -> Iterator[tuple[dict[str, Any], str | None]]:
    first: dict[str, Any] = {"role": "assistant", "content": "", "refusal": None}
    if found.tool:
        first = {"role": "assistant", "content": None}
        first["tool_calls"] = [{"index": 0, **call} for call in _calls(found, "")]
    yield first, None
    for text in in_chunks(found.reply):
        yield {"tool_calls": [{"index": 0, "function": {"arguments": text}}]} if found.tool else {"content": text}, None
    yield {}, _finish(found)


def in_chunks(tokens: Sequence[str]) -> Iterator[str]:
    """The tokens as a stream brings them."""
    for i in range(0, len(tokens), PER_CHUNK):
        yield "".join(tokens[i : i + PER_CHUNK])


def _event(data: Mapping[str, Any]) -> bytes:
    return f"data: {json.dumps(data)}\n\n".encode()
