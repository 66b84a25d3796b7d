"""Recorded answers of AI providers, each with its cost as arithmetic that somebody wrote down by hand.

`provider_calls/<provider>.json` holds them: a `response` as the provider sends it (or its `usage` alone), what it comes
to in our units, the `arithmetic` in USD and its result. `genai_prices` says why genai-prices comes to something else.
"""

from __future__ import annotations

import ast
import json
import operator
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from tollkeeper.providers import CallFacts, facts_of, observe

FOLDER = Path(__file__).with_name("provider_calls")
_SIGNS: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def provider_calls(parse_float: Callable[[str], Any] = Decimal) -> list[dict[str, Any]]:
    """All cases of all providers."""
    files = sorted(FOLDER.glob("*.json"))
    return [case for file in files for case in json.loads(file.read_text(encoding="utf-8"), parse_float=parse_float)]


def names(cases: list[dict[str, Any]]) -> list[str]:
    """What pytest calls them."""
    return [f"{case['provider']}: {case['name']}" for case in cases]


def reckoned(arithmetic: str) -> Fraction:
    """The exact value of sums, products and quotients, by fractions: nothing of the engine takes part."""

    def value(node: ast.expr) -> Fraction:
        if isinstance(node, ast.BinOp):
            return _SIGNS[type(node.op)](value(node.left), value(node.right))
        return Fraction(ast.get_source_segment(arithmetic, node) or "")

    return value(ast.parse(arithmetic, mode="eval").body)


def facts(case: dict[str, Any]) -> CallFacts:
    """The case as whoever stores calls makes facts of it: what the caller says wins, then what the response says."""
    seen = observe(case["provider"], case["response"]) if "response" in case else None
    usage = seen.usage if seen is not None else case["usage"]
    assert usage is not None
    return facts_of(
        case["provider"],
        case.get("model") or (seen.model if seen is not None else None) or "",
        usage,
        datetime.fromisoformat(case["at"]),
        service_tier=case.get("service_tier") or (seen.service_tier if seen is not None else None),
        batch=case.get("batch", False) or (seen is not None and seen.batch),
        region=case.get("region") or (seen.region if seen is not None else None),
    )
