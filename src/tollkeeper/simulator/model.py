"""What the simulator is told, and what it remembers: settings, bills, discrepancies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from tollkeeper.errors import InvalidInput

FREE = "free"
"""The endpoint of calls that are on no bill and in no report."""


class Provider(StrEnum):
    """Whose wire format a call speaks, and on whose bill it is."""

    OPENAI = "openai"
    AZURE = "azure"
    ANTHROPIC = "anthropic"


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """How the organisation's reports differ, on purpose, from the calls that were answered."""

    prices: Mapping[str, Decimal] = field(default_factory=dict)
    """By the beginning of a model's name: the costs report asks so many times the price of the book."""
    unreported: int = 0
    """So many calls, the first of each provider, are in no report: the engine has them and the provider hasn't."""
    phantom: int = 0
    """So many calls after those are reported twice, as if another program had made the second: it is missing here."""

    @classmethod
    def parse(cls, texts: list[str]) -> Discrepancy:
        """From `price:gpt-4o:1.02`, `unreported:1`, `phantom:1`. Raises InvalidInput `invalid_option`."""
        prices: dict[str, Decimal] = {}
        counts = {"unreported": 0, "phantom": 0}
        for text in texts:
            kind, _, rest = text.partition(":")
            model, _, factor = rest.rpartition(":")
            try:
                if kind == "price" and model:
                    prices[model] = Decimal(factor)
                elif kind in counts:
                    counts[kind] = int(rest)
                else:
                    raise ValueError(kind)
            except (ValueError, ArithmeticError):
                told = f"{text!r} isn't price:<model>:<factor>, unreported:<calls> or phantom:<calls>."
                raise InvalidInput("invalid_option", told, field="discrepancy") from None
        return cls(prices, **counts)

    def factor(self, model: str) -> Decimal:
        """How much dearer the costs report has the model."""
        found = [name for name in self.prices if model.startswith(name)]
        return self.prices[max(found, key=len)] if found else Decimal(1)


@dataclass(frozen=True, slots=True)
class SimulatorSettings:
    """How the simulated providers behave."""

    seed: int | None = None
    """Replies, ids, random errors and report delays follow from it. None: another one each time, so that the ids of an
    earlier run don't come again."""
    delay_ms: int = 0
    """How long each answer takes."""
    error_rate: Decimal = Decimal(0)
    """The share of inference calls that fail at random, 0 to 1: 429, 500, 503, or billed and cut off."""
    report_delay: int = 0
    """Seconds until a call is in the usage reports for sure; each one appears after half of it at the earliest, and
    in the costs only when all of it is over."""
    discrepancy: Discrepancy = field(default_factory=Discrepancy)


@dataclass(frozen=True, slots=True)
class Bill:
    """A call that the provider takes money for, whether its answer arrived or not."""

    provider: str
    endpoint: str
    """The usage report that it's in: completions, embeddings, audio_speeches …, or messages."""
    request_id: str
    """As the answer's header `x-request-id` (Anthropic: `request-id`) has it."""
    response_id: str | None
    """As the answer's `id` has it; None where answers have none: embeddings, audio, images."""
    model: str
    usage: Mapping[str, Any]
    """As the answer has it; for speech, which has none, {"characters": n}."""
    quantities: Mapping[str, Decimal]
    """The same in our disjoint units."""
    cost: Decimal | None
    """By the price book, in USD; None: the book doesn't know the model, or a unit of it."""
    project: str | None
    """The provider's id of the project or workspace."""
    api_key: str
    """The provider's id of the key; the key itself is nowhere."""
    at: datetime
    service_tier: str | None = None
    retry: int = 0
    """How many attempts the client's own retrying had behind it (`x-stainless-retry-count`)."""
    counted: Mapping[str, Any] = field(default_factory=dict)
    """What the usage report counts instead of tokens: characters, seconds, images with size and source."""
    asked: Mapping[str, Decimal] = field(default_factory=dict)
    """What the provider takes for each unit, in USD, before any discrepancy. It has a price for all that it sells: what
    the book doesn't know costs 2 USD a million."""
    delivered: bool = False
    """Whether the whole answer was sent. A client that gave up may have missed it all the same."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a key belongs to, in the provider's own ids."""

    project: str | None
    api_key: str
    admin: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """A request for inference, read."""

    path: str
    body: Mapping[str, Any]
    audio: bytes = b""
    """The file of a transcription."""

    @property
    def model(self) -> str:
        """The model's name as it was asked for."""
        return str(self.body.get("model") or "")


@dataclass(frozen=True, slots=True)
class Reply:
    """What a call is answered with, and what it's billed for."""

    endpoint: str
    response_id: str | None
    model: str
    usage: Mapping[str, Any]
    content: bytes | list[bytes]
    """The body, or the pieces of a stream."""
    media_type: str = "application/json"
    service_tier: str | None = None
    counted: Mapping[str, Any] = field(default_factory=dict)
    """As the bill has it; searches, too."""


class Refused(Exception):
    """A request that the provider answers with an error."""

    def __init__(
        self,
        status: int,
        kind: str,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.message = message
        self.code = code
        self.param = param
        self.headers = dict(headers or {})
