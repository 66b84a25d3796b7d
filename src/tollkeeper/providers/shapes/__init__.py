"""The shapes in which providers tell usage. A shape is known by its keys, whoever sends it; the first that fits reads.

Many providers speak another's format (Groq OpenAI's, Vertex and Bedrock Anthropic's), so the keys decide, not the name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tollkeeper.providers.reading import Reader
from tollkeeper.providers.shapes import anthropic, bedrock, google, openai, plain
from tollkeeper.providers.shapes.parts import Quantities


class Shape(NamedTuple):
    """How a usage object is known, and how it's read."""

    name: str
    fits: Callable[[Reader], bool]
    read: Callable[[Reader, str, str], Quantities]
    """Takes the usage object, the provider and the model (empty where it isn't known)."""


SHAPES: tuple[Shape, ...] = (
    Shape("plain", plain.is_plain, plain.quantities),
    Shape("pages", openai.is_ocr, openai.ocr),
    Shape("anthropic", anthropic.is_message, anthropic.message),
    Shape("converse", bedrock.is_converse, bedrock.converse),
    Shape("gemini", google.is_metadata, google.metadata),
    Shape("chat", openai.is_chat, openai.chat),
    Shape("responses", openai.is_response, openai.response),
    Shape("duration", openai.is_duration, openai.duration),
)
