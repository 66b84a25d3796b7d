"""What the models say: always the same to the same prompt and seed, and of a known number of tokens."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from tollkeeper.simulator.tokens import LETTERS, pieces

_TEXT = (
    "the toll keeper counts every cart that passes the gate and writes its number weight and owner into a long book "
    "so that nobody pays twice nobody passes free and each evening sum and coins agree to the last penny of the day"
)
_WORDS = _TEXT.split()

SHORTEST, LONGEST = 12, 60
"""Tokens of a reply that nothing limits."""


def number_of(*parts: str) -> int:
    """A number that follows from the parts."""
    return int.from_bytes(blake2b("\0".join(parts).encode(), digest_size=8).digest())


def reply_tokens(seed: int, prompt: str, salt: str = "") -> list[str]:
    """The tokens of the reply to a prompt."""
    number = number_of(str(seed), prompt, salt)
    length = SHORTEST + number % (LONGEST - SHORTEST + 1)
    first = number // 64 % len(_WORDS)
    words = [_WORDS[(first + i) % len(_WORDS)] for i in range(length)]
    text = " ".join(words)[: LETTERS * length].rstrip().ljust(LETTERS * length, ".")
    return pieces(text)


def instance_of(schema: Mapping[str, Any]) -> Any:
    """The least value that a JSON schema allows, of the words that are common in structured outputs."""
    for name in ("const", "default"):
        if name in schema:
            return schema[name]
    if schema.get("enum"):
        return schema["enum"][0]
    for name in ("anyOf", "oneOf"):
        if schema.get(name):
            return instance_of(schema[name][0])
    kind = schema.get("type", "object")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        return {name: instance_of(each) for name, each in schema.get("properties", {}).items()}
    if kind == "array":
        return [instance_of(schema.get("items", {"type": "string"})) for _ in range(schema.get("minItems", 0))]
    if kind in ("integer", "number"):
        return schema.get("minimum", 0)
    return {"boolean": False, "null": None}.get(kind, "toll")


def resolved(schema: Mapping[str, Any], whole: Mapping[str, Any] | None = None, depth: int = 0) -> Any:
    """The schema with its `$ref`s put in; recursive ones are cut off."""
    whole = schema if whole is None else whole
    if depth > 20:
        return {"type": "null"}
    if isinstance(schema, list):
        return [resolved(each, whole, depth + 1) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    if isinstance(schema.get("$ref"), str):
        found: Any = whole
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found.get(part, {})
        return resolved(found, whole, depth + 1)
    return {name: resolved(each, whole, depth + 1) for name, each in schema.items() if name != "$defs"}


def shaped(schema: Mapping[str, Any]) -> list[str]:
    """The tokens of the least JSON document that a schema allows."""
    return pieces(json.dumps(instance_of(resolved(schema))))
