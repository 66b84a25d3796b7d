"""OpenAI's Responses API: streamed, stored, and continued by `previous_response_id`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tollkeeper.simulator.chat import in_chunks
from tollkeeper.simulator.generation import Generated, Wish, generate, positive, required, served_tier
from tollkeeper.simulator.model import Asked, Caller, Provider, Reply
from tollkeeper.simulator.models import answering
from tollkeeper.simulator.script import Step
from tollkeeper.simulator.simulation import Simulation
from tollkeeper.simulator.tokens import Prompt


def respond(simulation: Simulation, asked: Asked, caller: Caller, step: Step) -> Reply:
    """POST /v1/responses."""
    provider = Provider.AZURE if "/openai/" in asked.path else Provider.OPENAI
    model = step.response_model or answering(asked.model, provider)
    items = _items(simulation, asked)
    prompt = Prompt()
    if asked.body.get("instructions"):
        prompt.add_message({"role": "system", "content": asked.body["instructions"]})
    for item in items:
        prompt.add_message(item)
    if asked.body.get("tools"):
        prompt.add_tools(asked.body["tools"])
    found = generate(simulation, caller, step, model, prompt, _wish(asked))
    searches = any(str(tool.get("type")).startswith("web_search") for tool in asked.body.get("tools") or [])
    response = _response(simulation, asked, step, model, found)
    if searches:
        response["output"].insert(0, _search(simulation))
    if asked.body.get("store") is not False:
        simulation.responses[response["id"]] = {"response": response, "items": [*items, *response["output"]]}
    usage, counted = response["usage"], {"web_searches": 1} if searches else {}
    if not step.tells_usage:
        response["usage"] = None
    streamed = bool(asked.body.get("stream"))
    content = list(_events(response, found)) if streamed else json.dumps(response).encode()
    return Reply(
        "completions", response["id"], model, usage, content, service_tier=response["service_tier"], counted=counted
    )


def _items(simulation: Simulation, asked: Asked) -> list[Any]:
    """The input's items, behind those of the responses that it continues."""
    given = required(asked, "input")
    items = [{"type": "message", "role": "user", "content": given}] if isinstance(given, str) else list(given)
    earlier = asked.body.get("previous_response_id")
    return [*simulation.stored(str(earlier))["items"], *items] if earlier else items


def _wish(asked: Asked) -> Wish:
    shape = (asked.body.get("text") or {}).get("format") or {}
    schema = {"json_schema": shape.get("schema") or {}, "json_object": {}}.get(shape.get("type", "text"))
    effort = (asked.body.get("reasoning") or {}).get("effort")
    return Wish(positive(asked, "max_output_tokens"), effort, schema, _forced_tool(asked))


def _forced_tool(asked: Asked) -> tuple[str, Mapping[str, Any]] | None:
    choice = asked.body.get("tool_choice")
    functions = {
        tool["name"]: tool.get("parameters") or {}
        for tool in asked.body.get("tools") or []
        if tool.get("type") == "function"
    }
    if choice == "required" and functions:
        return next(iter(functions.items()))
    if isinstance(choice, Mapping) and choice.get("name") in functions:
        return choice["name"], functions[choice["name"]]
    return None


def _response(simulation: Simulation, asked: Asked, step: Step, model: str, found: Generated) -> dict[str, Any]:
    at = int(simulation.now().timestamp())
    body = asked.body
    return {
        "id": step.response_id or simulation.new_id("resp_"),
        "object": "response",
        "created_at": at,
        "status": "incomplete" if found.cut else "completed",
        "completed_at": None if found.cut else at,
        "background": False,
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if found.cut else None,
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "metadata": body.get("metadata") or {},
        "model": model,
        "output": _output(simulation, found),
        "parallel_tool_calls": body.get("parallel_tool_calls", True),
        "previous_response_id": body.get("previous_response_id"),
        "reasoning": {"effort": (body.get("reasoning") or {}).get("effort"), "summary": None},
        "service_tier": served_tier(asked, step),
        "store": body.get("store") is not False,
        "temperature": body.get("temperature", 1),
        "text": body.get("text") or {"format": {"type": "text"}},
        "tool_choice": body.get("tool_choice", "auto"),
        "tools": body.get("tools") or [],
        "top_p": body.get("top_p", 1),
        "truncation": body.get("truncation", "disabled"),
        "usage": step.usage or _usage(found),
        "user": None,
    }


def _usage(found: Generated) -> dict[str, Any]:
    return {
        "input_tokens": found.prompt,
        "input_tokens_details": {"cached_tokens": found.cached, "cache_write_tokens": found.written},
        "output_tokens": found.output,
        "output_tokens_details": {"reasoning_tokens": found.reasoning},
        "total_tokens": found.prompt + found.output,
    }


def _output(simulation: Simulation, found: Generated) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    if found.reasoning:
        items.append({"id": simulation.new_id("rs_"), "type": "reasoning", "summary": []})
    if found.tool:
        call = {"id": simulation.new_id("fc_"), "type": "function_call", "status": "completed"}
        items.append({**call, "call_id": simulation.new_id("call_"), "name": found.tool, "arguments": found.text})
    elif found.reply:
        part = {"type": "output_text", "text": found.text, "annotations": [], "logprobs": []}
        status = "incomplete" if found.cut else "completed"
        message = {"id": simulation.new_id("msg_"), "type": "message", "status": status, "role": "assistant"}
        items.append({**message, "content": [part]})
    return items


def _search(simulation: Simulation) -> dict[str, Any]:
    """The one search that a model makes where it may."""
    action = {"type": "search", "query": "toll", "queries": ["toll"], "sources": []}
    return {"id": simulation.new_id("ws_"), "type": "web_search_call", "status": "completed", "action": action}


def _events(response: Mapping[str, Any], found: Generated) -> Iterator[bytes]:
    begun = {**response, "status": "in_progress", "completed_at": None, "incomplete_details": None}
    begun |= {"output": [], "usage": None}
    plain: list[tuple[str, dict[str, Any]]] = [
        ("response.created", {"response": begun}),
        ("response.in_progress", {"response": begun}),
    ]
    for index, item in enumerate(response["output"]):
        plain += _item_events(item, index, found)
    plain.append((f"response.{response['status']}", {"response": dict(response)}))
    for number, (kind, data) in enumerate(plain):
        event = {"type": kind, "sequence_number": number, **data}
        yield f"event: {kind}\ndata: {json.dumps(event)}\n\n".encode()


def _item_events(item: Mapping[str, Any], index: int, found: Generated) -> list[tuple[str, dict[str, Any]]]:
    at = {"output_index": index}
    here = {"item_id": item["id"], **at}
    added = "response.output_item.added", at | {"item": {**item, **_empty(item)}}
    done = "response.output_item.done", at | {"item": item}
    if item["type"] == "function_call":
        name = "response.function_call_arguments"
        deltas = [(f"{name}.delta", here | {"delta": text}) for text in in_chunks(found.reply)]
        return [added, *deltas, (f"{name}.done", here | {"name": item["name"], "arguments": found.text}), done]
    if item["type"] != "message":
        return [added, done]
    here |= {"content_index": 0}
    part = item["content"][0]
    deltas = [("response.output_text.delta", here | {"delta": text, "logprobs": []}) for text in in_chunks(found.reply)]
    return [
        added,
        ("response.content_part.added", here | {"part": {**part, "text": ""}}),
        *deltas,
        ("response.output_text.done", here | {"text": found.text, "logprobs": []}),
        ("response.content_part.done", here | {"part": part}),
        done,
    ]


def _empty(item: Mapping[str, Any]) -> dict[str, Any]:
    """What an item lacks when it's announced."""
    begun = {"message": {"content": [], "status": "in_progress"}, "function_call": {"arguments": ""}}
    return begun.get(item["type"], {})
