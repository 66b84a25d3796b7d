"""The book against genai-prices, somebody else's: where both know a price they agree, or it's said why they don't."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import genai_prices
import pytest
from tests.unit.vectors.calls import facts, names, provider_calls

from tollkeeper.providers import CallFacts, Unit, book
from tollkeeper.providers.model import INPUT_UNITS

CASES = provider_calls()
AGREED = [case for case in CASES if "genai_prices" not in case]
DIFFERENT = [case for case in CASES if "genai_prices" in case]
THEIRS = {"bedrock": "aws"}

CACHED = (
    Unit.CACHED_INPUT_TOKENS,
    Unit.CACHED_INPUT_AUDIO_TOKENS,
    Unit.CACHED_INPUT_IMAGE_TOKENS,
    Unit.CACHED_INPUT_VIDEO_TOKENS,
)
WRITTEN = tuple(unit for unit in INPUT_UNITS if "cache_write" in unit)
TOTALS: dict[str, tuple[Unit, ...]] = {
    "input_tokens": tuple(INPUT_UNITS),
    "cache_read_tokens": CACHED,
    "cache_write_tokens": WRITTEN,
    "cache_write_5m_tokens": (Unit.CACHE_WRITE_5M_TOKENS,),
    "cache_write_1h_tokens": (Unit.CACHE_WRITE_1H_TOKENS,),
    "input_audio_tokens": (Unit.INPUT_AUDIO_TOKENS, Unit.CACHED_INPUT_AUDIO_TOKENS),
    "cache_audio_read_tokens": (Unit.CACHED_INPUT_AUDIO_TOKENS,),
    "input_image_tokens": (Unit.INPUT_IMAGE_TOKENS, Unit.CACHED_INPUT_IMAGE_TOKENS),
    "cache_image_read_tokens": (Unit.CACHED_INPUT_IMAGE_TOKENS,),
    "input_video_tokens": (Unit.INPUT_VIDEO_TOKENS, Unit.CACHED_INPUT_VIDEO_TOKENS),
    "output_tokens": (
        *(Unit.OUTPUT_TOKENS, Unit.REASONING_TOKENS, Unit.OUTPUT_AUDIO_TOKENS),
        *(Unit.OUTPUT_IMAGE_TOKENS, Unit.OUTPUT_VIDEO_TOKENS),
    ),
    "output_reasoning_tokens": (Unit.REASONING_TOKENS,),
    "output_audio_tokens": (Unit.OUTPUT_AUDIO_TOKENS,),
    "output_image_tokens": (Unit.OUTPUT_IMAGE_TOKENS,),
    "audio_seconds": (Unit.SECONDS,),
    "input_characters": (Unit.CHARACTERS,),
    "input_document_pages": (Unit.PAGES,),
    "web_searches": (Unit.WEB_SEARCHES,),
    "storage_searches": (Unit.FILE_SEARCHES,),
}
"""Their units are totals that hold each other; ours are disjoint."""


def their_cost(call: CallFacts) -> Decimal | None:
    """What genai-prices says; None where it doesn't know the model."""
    quantities = {str(unit): number for unit, number in call.quantities.items()}
    totals = {name: sum(quantities.get(unit, Decimal(0)) for unit in units) for name, units in TOTALS.items()}
    # A kind of tokens that is there at all makes it ask for the cached ones of that kind.
    told = {name: total for name, total in totals.items() if total or name.startswith("cache_")}
    context = {"processing": "batch"} if call.batch else {}
    if call.service_tier is not None:
        speed = call.provider == "anthropic" and call.service_tier == "fast"
        context["speed" if speed else "service_tier"] = call.service_tier
    try:
        return genai_prices.calc_price(
            genai_prices.Usage(**{name: int(n) if n == int(n) else n for name, n in told.items()}),
            call.model,
            provider_id=THEIRS.get(call.provider, call.provider),
            genai_request_timestamp=call.at,
            price_context=context,
        ).total_price
    except LookupError:
        return None


def agree(case: dict[str, Any]) -> bool:
    ours, theirs = book().price(facts(case)).cost, their_cost(facts(case))
    # Theirs is rounded to 28 digits after each step, ours once to 12 decimals.
    return theirs is None or (ours is not None and abs(ours - theirs) <= Decimal("1e-12"))


@pytest.mark.parametrize("case", AGREED, ids=names(AGREED))
def test_both_books_agree(case: dict[str, Any]) -> None:
    assert agree(case), f"genai-prices: {their_cost(facts(case))}"


@pytest.mark.parametrize("case", DIFFERENT, ids=names(DIFFERENT))
def test_no_difference_is_expected_that_is_not_there(case: dict[str, Any]) -> None:
    assert len(case["genai_prices"]) > 10
    assert not agree(case), "they agree by now: the reason can go"


def test_most_prices_are_checked() -> None:
    checked = [case for case in AGREED if case["cost"] is not None and their_cost(facts(case)) is not None]
    assert len(checked) >= 60
