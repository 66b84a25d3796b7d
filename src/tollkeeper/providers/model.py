"""What the price book speaks of: a call's quantities in disjoint units, the rows that price them, what comes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from tollkeeper.money import price_of


class Unit(StrEnum):
    """What providers charge for. The units of one call are disjoint: nothing is counted in two of them."""

    INPUT_TOKENS = "input_tokens"
    """Text tokens of the prompt that came from no cache and went into none."""
    CACHED_INPUT_TOKENS = "cached_input_tokens"
    """Text tokens read from the provider's prompt cache."""
    CACHE_WRITE_TOKENS = "cache_write_tokens"
    """Tokens written to the cache, where the provider knows one lifetime only."""
    CACHE_WRITE_5M_TOKENS = "cache_write_5m_tokens"
    CACHE_WRITE_30M_TOKENS = "cache_write_30m_tokens"
    CACHE_WRITE_1H_TOKENS = "cache_write_1h_tokens"
    CACHE_WRITE_12H_TOKENS = "cache_write_12h_tokens"
    INPUT_AUDIO_TOKENS = "input_audio_tokens"
    CACHED_INPUT_AUDIO_TOKENS = "cached_input_audio_tokens"
    INPUT_IMAGE_TOKENS = "input_image_tokens"
    CACHED_INPUT_IMAGE_TOKENS = "cached_input_image_tokens"
    INPUT_VIDEO_TOKENS = "input_video_tokens"
    CACHED_INPUT_VIDEO_TOKENS = "cached_input_video_tokens"
    OUTPUT_TOKENS = "output_tokens"
    """Text tokens of the answer, without reasoning."""
    REASONING_TOKENS = "reasoning_tokens"
    """Tokens the model thought in; priced as output tokens where the book has no row of their own."""
    OUTPUT_AUDIO_TOKENS = "output_audio_tokens"
    OUTPUT_IMAGE_TOKENS = "output_image_tokens"
    OUTPUT_VIDEO_TOKENS = "output_video_tokens"
    OTHER_MODEL_TOKENS = "other_model_tokens"
    """Tokens that another model took inside this call (Anthropic's advisor). They have another model's price, so no
    row ever prices them here: such a call stays unpriced and visible, rather than too cheap."""
    SECONDS = "seconds"
    """Seconds of audio or of a session."""
    CHARACTERS = "characters"
    """Characters of text that were spoken."""
    IMAGES = "images"
    PAGES = "pages"
    REQUESTS = "requests"
    WEB_SEARCHES = "web_searches"
    FILE_SEARCHES = "file_searches"
    CODE_SESSIONS = "code_sessions"


INPUT_UNITS = frozenset(
    {
        Unit.INPUT_TOKENS,
        Unit.CACHED_INPUT_TOKENS,
        Unit.CACHE_WRITE_TOKENS,
        Unit.CACHE_WRITE_5M_TOKENS,
        Unit.CACHE_WRITE_30M_TOKENS,
        Unit.CACHE_WRITE_1H_TOKENS,
        Unit.CACHE_WRITE_12H_TOKENS,
        Unit.INPUT_AUDIO_TOKENS,
        Unit.CACHED_INPUT_AUDIO_TOKENS,
        Unit.INPUT_IMAGE_TOKENS,
        Unit.CACHED_INPUT_IMAGE_TOKENS,
        Unit.INPUT_VIDEO_TOKENS,
        Unit.CACHED_INPUT_VIDEO_TOKENS,
    }
)
"""Together the whole prompt, which decides the input-size band of a price."""

TOKEN_UNITS = frozenset(unit for unit in Unit if unit.value.endswith("_tokens"))


@dataclass(frozen=True, slots=True)
class Observed:
    """What a provider's response says of itself; its content is left out."""

    response_id: str | None
    model: str | None
    usage: dict[str, Any] | None
    service_tier: str | None = None
    at: datetime | None = None
    batch: bool = False
    """Whether the response says of itself that it came from a batch."""
    region: str | None = None
    """Where the provider says that it was answered, where that has a price (Anthropic's `inference_geo`)."""


@dataclass(frozen=True, slots=True)
class CallFacts:
    """What the price of a call depends on."""

    provider: str
    model: str
    quantities: Mapping[str, Decimal] | Mapping[Unit, Decimal]
    at: datetime
    """When the provider answered: it decides which rows hold."""
    service_tier: str | None = None
    batch: bool = False
    region: str | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One quantity of a call, priced by one row: quantity × amount ÷ per."""

    unit: str
    quantity: Decimal
    """As it's billed: never less than the least that the row says."""
    amount: Decimal
    per: Decimal
    price_id: str
    """The row of the book."""

    @property
    def cost(self) -> Decimal:
        """Exact but for the division's 60 digits; not rounded to 12 decimals."""
        return price_of(self.quantity, self.amount, self.per)


@dataclass(frozen=True, slots=True)
class Priced:
    """What a call costs by the book, in USD."""

    cost: Decimal | None
    """At most 12 decimals; None: unpriced, which is never 0."""
    lines: tuple[Line, ...]
    """How it comes about, also where a part of it is missing."""
    missing: tuple[str, ...] = ()
    """Units that have no price; "model" where the book doesn't know the model at that time; "usage" for no quantity."""
    book: str = ""
    """The version of the book: a hash of its rows."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """When a row applies; what is None applies always."""

    service_tier: str | None = None
    batch: bool | None = None
    region: str | None = None
    input_above: int | None = None
    """Only calls whose whole input (cached parts too) has more tokens than this ..."""
    input_up_to: int | None = None
    """... and at most so many."""
    hours: tuple[str, str] | None = None
    """UTC time of day, "16:30" to "00:30", half-open; may pass midnight."""
    weekdays: tuple[int, ...] | None = None
    """ISO weekdays (1 is Monday) of the UTC day."""


@dataclass(frozen=True, slots=True)
class PriceRow:
    """One dated price of one unit of the models that match a pattern."""

    price_id: str
    """Follows from the content."""
    provider: str
    model: str
    """A name, or a pattern in which * stands for anything; the most specific one that matches wins."""
    unit: str
    amount: Decimal
    per: Decimal
    start: datetime | None
    """Holds from then on (None: ever since) ..."""
    end: datetime | None
    """... until then, half-open (None: until further notice)."""
    conditions: Conditions = field(default_factory=Conditions)
    source: str | None = None
    """Where the price was published: a URL."""
    checked_on: str | None = None
    own: bool = False
    """The operator's own row: it goes before the bundled ones."""
    least: Decimal | None = None
    """The least that a call is billed in this unit: Groq bills 10 seconds of audio for anything shorter."""
