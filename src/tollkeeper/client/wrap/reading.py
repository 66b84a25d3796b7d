"""What a provider's objects say of a call: id, model, usage. Each kind of endpoint is one Reading.

Objects may be the packages' own models or plain JSON: both are read alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_CHARACTERS_PER_TOKEN = 4
"""A rough average of English text; used for estimates alone, which are marked as such."""
_IMAGE_TOKENS = 800
_LONGEST_ID = 200


def part(value: Any, name: str) -> Any:
    """A field of a JSON object or of a package's model; None if there's none."""
    if type(value) is dict:
        return value.get(name)
    # Not getattr alone: a model's fields stand here, and asking it for one that it hasn't takes long.
    fields = getattr(value, "__dict__", None)
    if fields is not None and name in fields:
        return fields[name]
    return None if value is None else getattr(value, name, None)


def as_json(value: Any) -> dict[str, Any] | None:
    """A usage object as JSON, with the fields that the provider sent and no others."""
    if value is None or isinstance(value, dict):
        return value
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json", exclude_unset=True, warnings=False)
    return dict(value)


def tokens_in(value: Any) -> int:
    """About how many tokens the texts in a request's JSON have."""
    texts, images = _measure(value)
    return -(-texts // _CHARACTERS_PER_TOKEN) + images * _IMAGE_TOKENS


def _measure(value: Any) -> tuple[int, int]:
    if isinstance(value, str):
        return (0, 1) if value.startswith("data:") else (len(value.encode(errors="replace")), 0)
    if isinstance(value, Mapping):
        if "data" in value and "media_type" in value:  # a file within the JSON
            return 0, 1
        inner = [_measure(each) for each in value.values()]
    elif isinstance(value, list | tuple):
        inner = [_measure(each) for each in value]
    else:
        return 0, 0
    return sum(texts for texts, _ in inner), sum(images for _, images in inner)


class Reading:
    """What is known of one call so far."""

    def __init__(self, request: Any, *, unasked_usage: bool = False) -> None:
        self.request: Mapping[str, Any] = request if isinstance(request, Mapping) else {}
        self.model: str | None = self.request.get("model")
        self.response_id: str | None = None
        self.service_tier: str | None = None
        self.usage: dict[str, Any] | None = None
        self.received = 0
        """Characters of the answer so far."""
        self.heard = False
        """Whether anything of an answer has come."""
        self._unasked_usage = unasked_usage

    @property
    def complete(self) -> bool:
        """Whether the usage is the provider's last word on it."""
        return self.usage is not None

    def whole(self, answer: Any) -> None:
        """An answer in one piece."""
        self.heard = True
        self.facts(answer)
        self.usage = as_json(part(answer, "usage")) or self.usage

    def chunk(self, item: Any) -> None:
        """A part of a streamed answer. The last usage that isn't null counts."""
        usage = part(item, "usage")
        if usage is not None or not self.heard:
            self.facts(item)
            self.usage = as_json(usage) or self.usage

    def facts(self, answer: Any) -> None:
        """Take over id, model and service tier."""
        if isinstance(found := part(answer, "id"), str) and found:
            self.response_id = found[:_LONGEST_ID]
        if isinstance(found := part(answer, "model"), str) and found:
            self.model = found
        if isinstance(found := part(answer, "service_tier"), str):
            self.service_tier = found

    def unasked(self, item: Any) -> bool:
        """Whether a part came only because we asked for the usage, so that the caller must not see it."""
        return False

    def estimate(self) -> dict[str, Any]:
        """What the usage may be, from the request and from what has come of the answer."""
        raise NotImplementedError

    @property
    def input_tokens(self) -> int:
        """An estimate of the whole request."""
        asked = ("messages", "input", "prompt", "system", "instructions", "tools", "response_format")
        return tokens_in([self.request.get(name) for name in asked])

    @property
    def output_tokens(self) -> int:
        """An estimate of what has come."""
        return -(-self.received // _CHARACTERS_PER_TOKEN)
