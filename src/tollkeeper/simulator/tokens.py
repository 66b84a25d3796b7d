"""How the simulator counts tokens, and which of them it takes from the prompt cache.

The rule: a token is four characters of text, the last one of a text may be shorter; every message costs four tokens on
top, an image 85, a second of audio 10. Real tokenizers count otherwise; here the count is known beforehand.
"""

from __future__ import annotations

import base64
import binascii
import io
import json
import wave
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

LETTERS = 4
PER_MESSAGE = 4
PER_IMAGE = 85
PER_AUDIO_SECOND = 10

CACHED_FROM = 1024
"""Tokens: a shorter prefix is never cached."""
CACHED_STEP = 128
"""OpenAI's cached prefixes are 1,024 tokens long and longer in such steps."""

_BYTES_A_SECOND = 16_000
"""What audio that isn't WAV is taken for: 128 kbit/s."""


def pieces(text: str) -> list[str]:
    """The tokens of a text."""
    return [text[i : i + LETTERS] for i in range(0, len(text), LETTERS)]


@dataclass(slots=True)
class Prompt:
    """The tokens of a request's input, in order, and how many of them are audio."""

    tokens: list[str] = field(default_factory=list)
    audio: int = 0
    latest: str = ""
    """The text of the latest message: what the model is asked about."""

    def add_text(self, text: str) -> None:
        """Add a text's tokens."""
        self.tokens += pieces(text)
        self.latest += f"{text}\n"

    def add_tools(self, tools: Any) -> None:
        """Add what the model is told of its tools."""
        self.tokens += pieces(json.dumps(tools))

    def add_message(self, message: Any) -> None:
        """Add a chat message or a Responses item, whatever its content is made of."""
        if not isinstance(message, Mapping):
            self.add_text(str(message))
            return
        self.tokens += [str(message.get("role") or message.get("type") or "")] * PER_MESSAGE
        self.latest = ""
        content = message.get("content")
        for part in [content] if isinstance(content, str) else content or []:
            self.add_part(part)
        for other in ("tool_calls", "arguments", "output", "name"):
            if message.get(other):
                self.add_text(str(message[other]))

    def add_part(self, part: Any) -> None:
        """Add a part of a message's content."""
        if isinstance(part, str):
            self.add_text(part)
            return
        kind = part.get("type", "")
        if "image" in kind:
            self.tokens += [str(part)] * PER_IMAGE
        elif kind == "input_audio":
            seconds = seconds_of(_decoded(part.get("input_audio", {}).get("data", "")))
            self.tokens += ["audio"] * (seconds * PER_AUDIO_SECOND)
            self.audio += seconds * PER_AUDIO_SECOND
        elif isinstance(part.get("content"), list):
            for inner in part["content"]:
                self.add_part(inner)
        else:
            self.add_text(
                str(part.get("text") or part.get("content") or part.get("thinking") or part.get("input") or "")
            )


def _decoded(data: str) -> bytes:
    try:
        return base64.b64decode(data)
    except (binascii.Error, ValueError):
        return b""


def seconds_of(audio: bytes) -> int:
    """How long audio lasts, in whole seconds, rounded up. What isn't WAV counts as 16,000 bytes a second."""
    try:
        with wave.open(io.BytesIO(audio)) as opened:
            return -(-opened.getnframes() // opened.getframerate())
    except (wave.Error, EOFError):
        return -(-len(audio) // _BYTES_A_SECOND)


class PrefixCache:
    """Prompt prefixes that were seen a while ago, by model."""

    def __init__(self) -> None:
        self._until: dict[bytes, datetime] = {}

    def read(self, scope: str, tokens: Sequence[str], lengths: Iterable[int], now: datetime) -> int:
        """The longest of the `lengths` whose prefix is known; 0 if none is."""
        marks = _marks(scope, tokens, lengths)
        return max((length for length, mark in marks.items() if self._until.get(mark, now) > now), default=0)

    def write(self, scope: str, tokens: Sequence[str], lengths: Iterable[int], until: datetime) -> None:
        """Remember the prefixes of these lengths."""
        for mark in _marks(scope, tokens, lengths).values():
            self._until[mark] = max(until, self._until.get(mark, until))

    def clear(self) -> None:
        """Forget everything."""
        self._until.clear()


def _marks(scope: str, tokens: Sequence[str], lengths: Iterable[int]) -> dict[int, bytes]:
    """A digest for each prefix, made in one pass. Shorter ones than can be cached are left out."""
    found: dict[int, bytes] = {}
    digest = blake2b(scope.encode(), digest_size=16)
    done = 0
    for length in sorted(each for each in set(lengths) if CACHED_FROM <= each <= len(tokens)):
        digest.update("\0".join(tokens[done:length]).encode() + b"\0")
        done = length
        found[length] = digest.copy().digest()
    return found


def automatic(cache: PrefixCache, scope: str, tokens: Sequence[str], now: datetime) -> tuple[int, int]:
    """OpenAI's caching, which needs no asking: the tokens that were read from the cache, and those newly written."""
    lengths = range(CACHED_FROM, len(tokens) + 1, CACHED_STEP)
    read = cache.read(scope, tokens, lengths, now)
    cache.write(scope, tokens, lengths, now + timedelta(hours=1))
    return read, max((lengths[-1] if lengths else 0) - read, 0)
