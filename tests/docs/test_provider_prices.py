"""docs/reference/provider-prices.md: its table is the data's, its units and keys are all there are, its file works."""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, datetime
from decimal import Decimal

from tests.docs.provider_support import PAGE, stale
from tests.unit.vectors.calls import provider_calls

from tollkeeper.providers import CallFacts, Unit, book
from tollkeeper.providers.conditions import CONDITIONS
from tollkeeper.providers.own import own_rows

TEXT = PAGE.read_text(encoding="utf-8")


def test_the_table_of_providers_is_up_to_date() -> None:
    assert not stale(), "run `make prices`"


def test_all_units_are_listed() -> None:
    (listed,) = re.findall(r"^The units: (.+?)\.\n\n", TEXT, re.MULTILINE | re.DOTALL)
    assert re.findall(r"`(\w+)`", listed) == [unit.value for unit in Unit]


def test_all_keys_of_a_price_list_are_explained() -> None:
    keys = {
        key for row in re.findall(r"^\| (`[a-z_`, ]+`) \|", TEXT, re.MULTILINE) for key in re.findall(r"`(\w+)`", row)
    }
    assert keys >= CONDITIONS | {"from", "until", "least", "source", "checked_on", "note"}


def test_the_example_of_a_file_does_what_it_says() -> None:
    (example,) = re.findall(r"^```toml\n(.+?)^```", TEXT, re.MULTILINE | re.DOTALL)
    tomllib.loads(example)
    known = book().with_own(own_rows(example, file="example.toml"))

    def cost(provider: str, model: str, unit: str, day: str, *, batch: bool = False) -> Decimal | None:
        at = datetime.fromisoformat(day).replace(tzinfo=UTC)
        return known.price(CallFacts(provider, model, {unit: Decimal(3600)}, at, batch=batch)).cost

    assert cost("openai", "gpt-4o", "input_tokens", "2026-06-30") == Decimal("0.009")
    assert cost("openai", "gpt-4o", "input_tokens", "2026-07-01") == Decimal("0.0081")
    assert cost("our_gpus", "llama-3.3-70b", "input_tokens", "2026-12-01") == Decimal("0.000144")
    assert cost("openai", "gpt-live-2", "seconds", "2026-11-01") == Decimal("2.40")
    assert cost("openai", "gpt-live-2", "seconds", "2026-11-01", batch=True) == Decimal("1.20")


def test_the_number_of_recorded_answers_is_right() -> None:
    assert f"{len(provider_calls())} recorded answers" in TEXT.replace("\n", " ")
