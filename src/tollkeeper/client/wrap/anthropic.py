"""Anthropic's messages: what their answers and streams say."""

from __future__ import annotations

from typing import Any

from tollkeeper.client.wrap.reading import Reading, as_json, part


class MessagesReading(Reading):
    """Messages, beta ones too. A stream says the input at its beginning, and the output so far in its deltas."""

    def __init__(self, request: Any, *, unasked_usage: bool = False) -> None:
        super().__init__(request, unasked_usage=unasked_usage)
        self._started: dict[str, Any] | None = None
        self._finished = False

    @property
    def complete(self) -> bool:
        """Only the last delta counts all of the output."""
        return self.usage is not None and (self._started is None or self._finished)

    def facts(self, answer: Any) -> None:
        """The tier stands within the usage."""
        super().facts(answer)
        if isinstance(found := part(part(answer, "usage"), "service_tier"), str):
            self.service_tier = found

    def chunk(self, item: Any) -> None:
        """Later counts replace earlier ones: they are cumulative."""
        kind = part(item, "type")
        if kind == "message_start":
            message = part(item, "message")
            self.facts(message)
            self._started = self.usage = as_json(part(message, "usage"))
        elif kind == "message_delta":
            told = as_json(part(item, "usage")) or {}
            self.usage = {**(self.usage or {}), **{name: value for name, value in told.items() if value is not None}}
            self._finished = True
        elif kind == "content_block_delta":
            delta = part(item, "delta")
            for name in ("text", "partial_json", "thinking"):
                self.received += len(part(delta, name) or "")

    def estimate(self) -> dict[str, Any]:
        """The input as the stream's beginning told it, if it came that far."""
        known = self._started or {"input_tokens": self.input_tokens}
        return {**known, "output_tokens": max(self.output_tokens, known.get("output_tokens") or 0)}


def reading_of(path: str) -> type[Reading] | None:
    """What reads the answers of this endpoint; None where nothing is billed."""
    return MessagesReading if path.partition("?")[0].rstrip("/").endswith("/messages") else None
