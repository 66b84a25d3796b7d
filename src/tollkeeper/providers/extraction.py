"""What a provider's usage object means: quantities in disjoint units."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from tollkeeper.providers.model import Unit
from tollkeeper.providers.reading import Reader, refuse
from tollkeeper.providers.registry import model_key, provider_key
from tollkeeper.providers.shapes import SHAPES, plain
from tollkeeper.providers.shapes.parts import summed


def extract(provider: str, usage: Mapping[str, Any], *, model: str | None = None) -> dict[Unit, Decimal]:
    """The quantities of one call, each token in one unit.

    `usage` is the provider's object as it is, or our own units. `model` helps where a shape means different things
    (an image model's answer is images). Raises UsageNotUnderstood `usage_not_understood` with the field's path.
    """
    if not isinstance(usage, Mapping):
        refuse("", "The usage must be an object.")
    reader, key = Reader(usage), provider_key(provider)
    name = "" if model is None else model_key(key, model, None)[0]
    shape = next((each for each in SHAPES if each.fits(reader)), None)
    if shape is None:
        refuse("", "The usage has none of the keys that a provider's usage object has, such as input_tokens.")
    return summed(shape.read(reader, key, name), {} if shape.name == "plain" else plain.tools(reader))
