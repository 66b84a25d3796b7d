"""What request and answer bodies are made of. Lengths, characters and meaning are the domain's to check."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, PlainSerializer, WithJsonSchema

from tollkeeper.money import plain

JsonObject = dict[str, Any]

Amount = Annotated[
    Decimal,
    PlainSerializer(plain, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^-?\d+(\.\d+)?$", "examples": ["12.5"]}, mode="serialization"),
]
"""An exact number, as a string: JSON's own numbers lose digits in most languages."""


class Asked(BaseModel):
    """A request body. A misspelt field is an error, not silence."""

    model_config = ConfigDict(extra="forbid")


class Answer(BaseModel):
    """An answer body, read from a domain value with the same field names. Times are RFC 3339 in UTC."""

    model_config = ConfigDict(from_attributes=True)

    @classmethod
    def of(cls, value: object) -> Self:
        """The answer that shows this domain value."""
        return cls.model_validate(value)
