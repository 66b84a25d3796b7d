"""OpenAI's embeddings and moderations."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Sequence
from typing import Any

from tollkeeper.simulator.generation import required
from tollkeeper.simulator.model import Asked, Caller, Provider, Refused, Reply
from tollkeeper.simulator.models import answering
from tollkeeper.simulator.script import Step
from tollkeeper.simulator.simulation import Simulation
from tollkeeper.simulator.tokens import pieces
from tollkeeper.simulator.words import number_of

_DIMENSIONS = {"text-embedding-3-large": 3072}
_USUAL_DIMENSIONS = 1536
_KINDS = ("harassment", "hate", "illicit", "self-harm", "sexual", "violence")


def embed(simulation: Simulation, asked: Asked, caller: Caller, step: Step) -> Reply:
    """POST /v1/embeddings. Vectors follow from the text; they mean nothing."""
    provider = Provider.AZURE if "/openai/" in asked.path else Provider.OPENAI
    model = step.response_model or answering(asked.model, provider)
    texts = _texts(required(asked, "input"))
    size = int(asked.body.get("dimensions") or _DIMENSIONS.get(model, _USUAL_DIMENSIONS))
    packed = asked.body.get("encoding_format") == "base64"
    data = [
        {"object": "embedding", "index": i, "embedding": _packed(vector) if packed else vector}
        for i, vector in enumerate(_vector("".join(map(str, text)), size) for text in texts)
    ]
    count = sum(len(text) for text in texts)
    usage = step.usage or {"prompt_tokens": count, "total_tokens": count}
    body = {"object": "list", "data": data, "model": model, "usage": usage}
    return Reply("embeddings", None, model, usage, json.dumps(body).encode())


def _texts(given: Any) -> list[Sequence[Any]]:
    """The tokens of each input: texts, or numbers of tokens."""
    if isinstance(given, str):
        return [pieces(given)]
    if given and isinstance(given[0], int):
        return [given]
    return [pieces(each) if isinstance(each, str) else each for each in given]


def _vector(text: str, size: int) -> list[float]:
    return [(number_of(text, str(i)) % 2001 - 1000) / 1000 for i in range(min(size, 8))] + [0.0] * max(size - 8, 0)


def _packed(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def moderate(simulation: Simulation, asked: Asked, caller: Caller, step: Step) -> Reply:
    """POST /v1/moderations, which cost nothing. Nothing is ever flagged."""
    model = answering(asked.model or "omni-moderation-latest", Provider.OPENAI)
    given = required(asked, "input")
    inputs = [given] if isinstance(given, str) else given
    if not isinstance(inputs, list):
        raise Refused(400, "invalid_request_error", "Invalid type for 'input'.", param="input")
    result = {
        "flagged": False,
        "categories": dict.fromkeys(_KINDS, False),
        "category_scores": dict.fromkeys(_KINDS, 0.0),
        "category_applied_input_types": {kind: ["text"] for kind in _KINDS},
    }
    made = simulation.new_id("modr-")
    usage = {"input_tokens": sum(len(pieces(str(each))) for each in inputs), "output_tokens": 0}
    body = {"id": made, "model": model, "results": [result] * len(inputs)}
    return Reply("moderations", made, model, usage, json.dumps(body).encode())
