"""OpenAI's endpoints that are billed, and what their answers and streams say. Azure and others speak the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from tollkeeper.client.wrap.reading import Reading, part

_HOSTS = {
    "api.openai.com": "openai",
    "openai.azure.com": "azure",
    "cognitiveservices.azure.com": "azure",
    "services.ai.azure.com": "azure",
    "api.mistral.ai": "mistral",
    "api.deepseek.com": "deepseek",
    "api.groq.com": "groq",
    "generativelanguage.googleapis.com": "google",
}
_NO_STREAM_OPTIONS = frozenset({"mistral"})
"""Providers that refuse a field they don't know, and send the usage unasked."""


def provider_of(client: Any, url: str) -> str:
    """Who sends the bill, by the class of the client and its address."""
    if any(kind.__name__ in ("AzureOpenAI", "AsyncAzureOpenAI") for kind in type(client).__mro__):
        return "azure"
    host = urlsplit(url).hostname or ""
    return next((name for known, name in _HOSTS.items() if host == known or host.endswith(f".{known}")), "openai")


class ChatReading(Reading):
    """Chat completions, and the older completions."""

    def chunk(self, item: Any) -> None:
        """Usage comes in the last chunk, or on every one; choices have the text."""
        super().chunk(item)
        for choice in part(item, "choices") or ():
            delta = part(choice, "delta")
            text = part(delta, "content") if delta is not None else part(choice, "text")
            if text:
                self.received += len(text)
            elif delta is not None:
                self.received += len(part(delta, "refusal") or part(delta, "reasoning_content") or "")
                for call in part(delta, "tool_calls") or ():
                    self.received += len(part(part(call, "function"), "arguments") or "")

    def unasked(self, item: Any) -> bool:
        """The chunk that has nothing but the usage."""
        return self._unasked_usage and not part(item, "choices") and part(item, "usage") is not None

    def estimate(self) -> dict[str, Any]:
        """In chat's words."""
        return _chat_usage(self.input_tokens, self.output_tokens)


def _chat_usage(asked: int, answered: int) -> dict[str, Any]:
    return {"prompt_tokens": asked, "completion_tokens": answered, "total_tokens": asked + answered}


class ResponsesReading(Reading):
    """The Responses API."""

    def chunk(self, item: Any) -> None:
        """The events that carry the response say its id first, and its usage last."""
        response = part(item, "response")
        if response is not None and not isinstance(response, str):
            super().chunk(response)
        if isinstance(delta := part(item, "delta"), str):
            self.received += len(delta)

    def estimate(self) -> dict[str, Any]:
        """In the Responses API's words."""
        return _token_usage(self.input_tokens, self.output_tokens)


def _token_usage(asked: int, answered: int) -> dict[str, Any]:
    return {"input_tokens": asked, "output_tokens": answered, "total_tokens": asked + answered}


class EmbeddingsReading(Reading):
    """Embeddings."""

    def estimate(self) -> dict[str, Any]:
        """In their words."""
        return {"prompt_tokens": self.input_tokens, "total_tokens": self.input_tokens}


class TranscriptionReading(Reading):
    """Transcriptions and translations of audio: seconds or tokens. As plain text they come without usage."""

    @property
    def complete(self) -> bool:
        """What the file's length was can't be guessed: better unpriced than wrong."""
        return True

    def chunk(self, item: Any) -> None:
        """The last event has the usage."""
        super().chunk(item)
        if isinstance(delta := part(item, "delta"), str):
            self.received += len(delta)


class SpeechReading(Reading):
    """Speech: the answer is sound alone, and the characters that were spoken are billed."""

    def __init__(self, request: Any, *, unasked_usage: bool = False) -> None:
        super().__init__(request, unasked_usage=unasked_usage)
        self.usage = {"characters": len(self.request.get("input") or "")}

    def whole(self, answer: Any) -> None:
        """Whatever came, it was spoken."""
        self.heard = True

    def chunk(self, item: Any) -> None:
        """The same."""
        self.heard = True


class ImagesReading(Reading):
    """Images: tokens where the model counts them, else how many."""

    @property
    def complete(self) -> bool:
        """How many were asked for is known."""
        return True

    def whole(self, answer: Any) -> None:
        """Usage, or a count."""
        super().whole(answer)
        if self.usage is None:
            self.usage = {"images": len(part(answer, "data") or ()) or self.request.get("n") or 1}


_ENDPOINTS: dict[str, type[Reading]] = {
    "/chat/completions": ChatReading,
    "/completions": ChatReading,
    "/responses": ResponsesReading,
    "/responses/compact": ResponsesReading,
    "/embeddings": EmbeddingsReading,
    "/audio/transcriptions": TranscriptionReading,
    "/audio/translations": TranscriptionReading,
    "/audio/speech": SpeechReading,
    "/images/generations": ImagesReading,
    "/images/edits": ImagesReading,
    "/images/variations": ImagesReading,
}


def reading_of(path: str) -> type[Reading] | None:
    """What reads the answers of this endpoint; None where nothing is billed."""
    path = path.partition("?")[0].rstrip("/")
    return next((kind for end, kind in _ENDPOINTS.items() if path.endswith(end)), None)


def prepared(path: str, body: Any, provider: str, *, stream: bool, include_usage: bool) -> tuple[Any, bool]:
    """The request's body, asking for the usage of a stream where the caller didn't; and whether that was added."""
    wanted = stream and include_usage and provider not in _NO_STREAM_OPTIONS and isinstance(body, Mapping)
    if not wanted or not path.partition("?")[0].endswith("/completions"):
        return body, False
    options = body.get("stream_options") or {}
    if options.get("include_usage"):
        return body, False
    return {**body, "stream_options": {**options, "include_usage": True}}, True
