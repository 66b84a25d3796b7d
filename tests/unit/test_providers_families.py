"""Families of models: each row stands in the price book, is cheaper, and names where it's from."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from tollkeeper.providers import CallFacts, Priced, Sibling, book, siblings, smaller_ones

TOKENS = {"input_tokens": Decimal(1000), "output_tokens": Decimal(1000)}


def priced(sibling: Sibling, model: str) -> Priced:
    checked = datetime.combine(sibling.checked_on, datetime.min.time(), UTC)
    return book().price(CallFacts(sibling.provider, model, TOKENS, checked))


@pytest.mark.parametrize("sibling", siblings(), ids=lambda one: f"{one.provider} {one.model}")
def test_the_book_has_both_and_the_smaller_one_is_cheaper(sibling: Sibling) -> None:
    larger, smaller = priced(sibling, sibling.model), priced(sibling, sibling.smaller)
    assert larger.cost is not None, larger.missing
    assert smaller.cost is not None, smaller.missing
    assert smaller.cost < larger.cost
    assert sibling.source.startswith("https://")
    assert date(2026, 1, 1) <= sibling.checked_on


@pytest.mark.parametrize(
    ("provider", "model", "smaller"),
    [
        ("openai", "gpt-4o-2024-08-06", ["gpt-4o-mini"]),
        ("openai", "gpt-4.1", ["gpt-4.1-mini", "gpt-4.1-nano"]),
        ("openai", "gpt-4o-mini", []),
        ("openai", "gpt-99", []),
        ("Azure-OpenAI", "gpt-4o", ["gpt-4o-mini"]),
        ("claude", "claude-opus-4-5-20251101", ["claude-sonnet-4-5", "claude-haiku-4-5"]),
        ("google", "models/gemini-2.5-pro", ["gemini-2.5-flash", "gemini-2.5-flash-lite"]),
        (
            "bedrock",
            "us.anthropic.claude-opus-4-5-20251101-v1:0",
            ["anthropic.claude-sonnet-4-5-20250929-v1:0", "anthropic.claude-haiku-4-5-20251001-v1:0"],
        ),
        ("nobody", "gpt-4o", []),
    ],
)
def test_smaller_ones_are_found_by_any_name_of_a_model(provider: str, model: str, smaller: list[str]) -> None:
    assert [one.smaller for one in smaller_ones(provider, model)] == smaller
