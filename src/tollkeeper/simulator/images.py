"""OpenAI's image generation."""

from __future__ import annotations

import json
from typing import Any

from tollkeeper.simulator.generation import positive, required
from tollkeeper.simulator.model import Asked, Caller, Provider, Reply
from tollkeeper.simulator.models import answering
from tollkeeper.simulator.script import Step
from tollkeeper.simulator.simulation import Simulation
from tollkeeper.simulator.tokens import pieces

_DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
"""A PNG of one pixel."""

_OUTPUT_TOKENS = {"low": 272, "medium": 1056, "high": 4160}
"""Of a square image."""


def draw(simulation: Simulation, asked: Asked, caller: Caller, step: Step) -> Reply:
    """POST /v1/images/generations. gpt-image models are paid by the token and tell it, dall-e by the image."""
    provider = Provider.AZURE if "/openai/" in asked.path else Provider.OPENAI
    model = step.response_model or answering(asked.model or "dall-e-2", provider)
    prompt = str(required(asked, "prompt"))
    number = positive(asked, "n") or 1
    size, quality = str(asked.body.get("size") or "1024x1024"), str(asked.body.get("quality") or "medium")
    body: dict[str, Any] = {"created": int(simulation.now().timestamp())}
    if model.startswith("dall-e"):
        usage: Any = step.usage or {"images": number}
        body["data"] = [{"url": "https://images.invalid/simulated.png"}] * number
    else:
        usage = step.usage or _usage(len(pieces(prompt)), _OUTPUT_TOKENS.get(quality, 1056) * number)
        body |= {"data": [{"b64_json": _DOT}] * number, "usage": usage, "size": size, "output_format": "png"}
    counted = {"images": number, "size": size, "source": "image.generation"}
    return Reply("images", None, model, usage, json.dumps(body).encode(), counted=counted)


def _usage(text: int, output: int) -> dict[str, Any]:
    return {
        "input_tokens": text,
        "input_tokens_details": {"text_tokens": text, "image_tokens": 0},
        "output_tokens": output,
        "output_tokens_details": {"text_tokens": 0, "image_tokens": output},
        "total_tokens": text + output,
    }
