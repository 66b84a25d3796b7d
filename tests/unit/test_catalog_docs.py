"""docs/reference/catalog.md has every key of every table, and no other; what it calls required is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tollkeeper.catalog import check
from tollkeeper.errors import CatalogInvalid
from tollkeeper.rating import MODELS

PAGE = (Path(__file__).parents[2] / "docs/reference/catalog.md").read_text(encoding="utf-8")
SECTIONS = {
    title: text for title, text in re.findall(r"^##+ `\[(.*?)\]`\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL)
}
TABLES = {
    "units.<key>": "units.x",
    "meters.<key>": "meters.x",
    "groups.<key>": "groups.x",
    "limits.<key>": "limits.x",
    "funding": "funding",
    "top_ups.<unit>": "top_ups.USD",
    "packs.<key>": "packs.x",
    "attribution.rules.<name>": "attribution.rules.x",
    "attribution.classes": "attribution.classes",
    "plans.<key>": "plans.x",
    "plans.<key>.grants.<name>": "plans.x.grants.x",
}
ELSEWHERE = {"funding": {"units"}}
"""Keys that the text around the table explains."""


def problems(table: str) -> list[dict[str, Any]]:
    """What is wrong with a table that has one key, which no table has."""
    with pytest.raises(CatalogInvalid) as caught:
        check(f'currency = "USD"\n[{table}]\nqqqqqqqqqq = 1\n', models=MODELS)
    return caught.value.extra["problems"]


def documented(section: str) -> dict[str, str]:
    """The keys of the section's first table, with their defaults."""
    table = re.search(r"^\| key \|.*?(?=\n\n)", SECTIONS[section], re.MULTILINE | re.DOTALL)
    assert table is not None
    return dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", table[0], re.MULTILINE))


def test_every_table_has_a_section() -> None:
    assert SECTIONS.keys() == {*TABLES, "prices.<meter>"}


@pytest.mark.parametrize("section", TABLES)
def test_every_key_is_documented(section: str) -> None:
    (known,) = [found["message"] for found in problems(TABLES[section]) if "qqqqqqqqqq" in found["key"]]
    assert documented(section).keys() == {*re.findall(r"`(\w+)`", known)} - {"qqqqqqqqqq"} - ELSEWHERE.get(
        section, set()
    )


@pytest.mark.parametrize("section", TABLES)
def test_what_is_required_is_said(section: str) -> None:
    missing = {found["key"].split(".")[-1] for found in problems(TABLES[section]) if "is missing" in found["message"]}
    assert {key for key, default in documented(section).items() if default == "required"} == missing
