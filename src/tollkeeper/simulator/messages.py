"""Anthropic's Messages API, streamed and not, with its prompt cache that has to be asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tollkeeper.simulator.chat import in_chunks
from tollkeeper.simulator.filling import shaped
from tollkeeper.simulator.generation import positive, required
from tollkeeper.simulator.model import FREE, Asked, Caller, Provider, Refused, Reply
from tollkeeper.simulator.models import answering
from tollkeeper.simulator.script import Step
from tollkeeper.simulator.simulation import Simulation
from tollkeeper.simulator.tokens import CACHED_FROM, Prompt, pieces
from tollkeeper.simulator.words import reply_tokens

_LIFETIMES = {"5m": timedelta(minutes=5), "1h": timedelta(hours=1)}
_MOST_BREAKPOINTS = 4
_THINKING = 64
"""Tokens that are thought, where the budget allows it."""


@dataclass(slots=True)
class Read:
    """A request's input, with the lengths at which it may be cached."""

    prompt: Prompt
    ends: list[int]
    """Where each block ends."""
    breakpoints: list[tuple[int, str]]
    """Where a block with `cache_control` ends, and for how long it's kept."""


def message(simulation: Simulation, asked: Asked, caller: Caller, step: Step) -> Reply:
    """POST /v1/messages."""
    model = step.response_model or answering(asked.model, Provider.ANTHROPIC)
    most = positive(asked, "max_tokens")
    if most is None:
        raise Refused(400, "invalid_request_error", "max_tokens: Field required")
    read = _read(asked)
    thought = _thought(asked)
    tool = _forced_tool(asked)
    if step.content is not None:
        tokens = pieces(step.content)
    elif tool is not None:
        tokens = shaped(tool[1], simulation.seed, read.prompt.latest)
    else:
        tokens = reply_tokens(simulation.seed, "".join(read.prompt.tokens))
    cut = thought + len(tokens) > most
    thought = min(thought, most)
    tokens = tokens[: most - thought]
    usage = step.usage or _usage(simulation, caller, model, read, step, thought, len(tokens)) | _searches(asked)
    body = {
        "id": step.response_id or simulation.new_id("msg_"),
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [*_searched(simulation, asked), *_content(simulation, thought, tool, tokens)],
        "stop_reason": "max_tokens" if cut else "tool_use" if tool else "end_turn",
        "stop_sequence": None,
        "usage": usage,
    }
    content = list(_events(body, tokens)) if asked.body.get("stream") else json.dumps(body).encode()
    return Reply("messages", body["id"], model, usage, content, service_tier=usage.get("service_tier"))


def count(simulation: Simulation, asked: Asked, caller: Caller, step: Step) -> Reply:
    """POST /v1/messages/count_tokens, which costs nothing."""
    model = answering(asked.model, Provider.ANTHROPIC)
    body = {"input_tokens": len(_read(asked).prompt.tokens)}
    return Reply(FREE, None, model, {}, json.dumps(body).encode())


def _read(asked: Asked) -> Read:
    """The input in the order in which it's cached: tools, system, messages."""
    read = Read(Prompt(), [], [])
    body = asked.body
    for tool in body.get("tools") or []:
        read.prompt.add_tools({name: each for name, each in tool.items() if name != "cache_control"})
        _end_block(read, tool)
    system = body.get("system") or []
    for block in [{"type": "text", "text": system}] if isinstance(system, str) else system:
        read.prompt.add_part(block)
        _end_block(read, block)
    for each in required(asked, "messages"):
        read.prompt.add_message({"role": each.get("role", "")})
        content = each.get("content") or []
        for block in [{"type": "text", "text": content}] if isinstance(content, str) else content:
            read.prompt.add_part(block)
            _end_block(read, block)
    if len(read.breakpoints) > _MOST_BREAKPOINTS:
        told = f"A maximum of 4 blocks with cache_control may be provided. Found {len(read.breakpoints)}."
        raise Refused(400, "invalid_request_error", told)
    return read


def _end_block(read: Read, block: Mapping[str, Any]) -> None:
    read.ends.append(len(read.prompt.tokens))
    if control := block.get("cache_control"):
        read.breakpoints.append((read.ends[-1], control.get("ttl", "5m")))


def _thought(asked: Asked) -> int:
    thinking = asked.body.get("thinking") or {}
    if thinking.get("type") not in ("enabled", "adaptive"):
        return 0
    return min(_THINKING, int(thinking.get("budget_tokens", _THINKING)))


def _forced_tool(asked: Asked) -> tuple[str, Mapping[str, Any]] | None:
    choice = asked.body.get("tool_choice") or {}
    tools = {tool["name"]: tool["input_schema"] for tool in asked.body.get("tools") or [] if "input_schema" in tool}
    if choice.get("type") == "any" and tools:
        return next(iter(tools.items()))
    if choice.get("type") == "tool" and choice.get("name") in tools:
        return choice["name"], tools[choice["name"]]
    return None


def _usage(
    simulation: Simulation, caller: Caller, model: str, read: Read, step: Step, thought: int, said: int
) -> dict[str, Any]:
    """Read from the cache up to the longest known block, written from there to each breakpoint, the rest as input."""
    scope, now, tokens = f"{caller.project} {model}", simulation.now(), read.prompt.tokens
    last = max((end for end, _ in read.breakpoints), default=0)
    cached = simulation.cache.read(scope, tokens, [end for end in read.ends if end <= last], now)
    written = dict.fromkeys(_LIFETIMES, 0)
    reached = cached
    for end, lifetime in read.breakpoints:
        if end >= CACHED_FROM:
            simulation.cache.write(scope, tokens, [end], now + _LIFETIMES.get(lifetime, _LIFETIMES["5m"]))
            written[lifetime if lifetime in written else "5m"] += max(end - reached, 0)
            reached = max(reached, end)
    usage: dict[str, Any] = {
        "input_tokens": len(tokens) - reached,
        "cache_creation_input_tokens": sum(written.values()),
        "cache_read_input_tokens": cached,
        "cache_creation": {
            "ephemeral_5m_input_tokens": written["5m"],
            "ephemeral_1h_input_tokens": written["1h"],
        },
        "output_tokens": thought + said,
        "service_tier": step.service_tier or "standard",
    }
    return usage | ({"output_tokens_details": {"thinking_tokens": thought}} if thought else {})


def _may_search(asked: Asked) -> bool:
    return any(str(tool.get("type")).startswith("web_search") for tool in asked.body.get("tools") or [])


def _searches(asked: Asked) -> dict[str, Any]:
    """The one search that a model makes where it may, in its usage ..."""
    return {"server_tool_use": {"web_search_requests": 1, "web_fetch_requests": 0}} if _may_search(asked) else {}


def _searched(simulation: Simulation, asked: Asked) -> list[dict[str, Any]]:
    """... and in its content."""
    if not _may_search(asked):
        return []
    made = simulation.new_id("srvtoolu_")
    return [
        {"type": "server_tool_use", "id": made, "name": "web_search", "input": {"query": "toll"}},
        {"type": "web_search_tool_result", "tool_use_id": made, "content": []},
    ]


def _content(
    simulation: Simulation, thought: int, tool: tuple[str, Mapping[str, Any]] | None, tokens: list[str]
) -> list[dict[str, Any]]:
    text = "".join(tokens)
    blocks: list[dict[str, Any]] = []
    if thought:
        blocks.append({"type": "thinking", "thinking": "The toll is to be counted.", "signature": "c2ltdWxhdGVk"})
    if tool:
        try:
            given = json.loads(text)
        except ValueError:  # cut by max_tokens
            given = {}
        blocks.append({"type": "tool_use", "id": simulation.new_id("toolu_"), "name": tool[0], "input": given})
    elif tokens:
        blocks.append({"type": "text", "text": text, "citations": None})
    return blocks


def _events(body: Mapping[str, Any], tokens: list[str]) -> Iterator[bytes]:
    """message_start has the input's usage, and a first guess of the output; message_delta has all output so far."""
    usage = body["usage"]
    begun = {**usage, "output_tokens": min(1, usage.get("output_tokens", 0))}
    begun.pop("output_tokens_details", None)
    start = {**body, "content": [], "stop_reason": None, "usage": begun}
    yield _event("message_start", {"message": start})
    yield _event("ping", {})
    for index, block in enumerate(body["content"]):
        empty, deltas = _deltas(block, tokens)
        yield _event("content_block_start", {"index": index, "content_block": empty})
        for delta in deltas:
            yield _event("content_block_delta", {"index": index, "delta": delta})
        yield _event("content_block_stop", {"index": index})
    told = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens")
    ended = {name: usage[name] for name in (*told, "output_tokens_details", "server_tool_use") if name in usage}
    delta = {"stop_reason": body["stop_reason"], "stop_sequence": None}
    yield _event("message_delta", {"delta": delta, "usage": ended})
    yield _event("message_stop", {})


def _deltas(block: Mapping[str, Any], tokens: list[str]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The block as it begins, and what comes to it."""
    if block["type"] == "thinking":
        said = [
            {"type": "thinking_delta", "thinking": block["thinking"]},
            {"type": "signature_delta", "signature": block["signature"]},
        ]
        return {**block, "thinking": "", "signature": ""}, said
    if block["type"] == "web_search_tool_result":
        return dict(block), []
    if block["type"] == "server_tool_use":
        return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": json.dumps(block["input"])}]
    if block["type"] == "tool_use":
        said = [{"type": "input_json_delta", "partial_json": text} for text in in_chunks(tokens)]
        return {**block, "input": {}}, said
    return {**block, "text": ""}, [{"type": "text_delta", "text": text} for text in in_chunks(tokens)]


def _event(kind: str, data: Mapping[str, Any]) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **data})}\n\n".encode()
