"""The figures in docs/reference/charge-models.md are what the engine charges."""

from __future__ import annotations

import re
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.unit.vectors.prices import a_price

from tollkeeper.rating import MODELS, Measure, rate

PAGE = (Path(__file__).parents[2] / "docs/reference/charge-models.md").read_text(encoding="utf-8")
SECTIONS = {section.partition("`")[0]: section for section in re.split(r"^## `", PAGE, flags=re.MULTILINE)[1:]}


def terms_of(section: str) -> dict[str, Any]:
    """The price in the section's TOML example."""
    block = re.search(r"```toml\n(.*?)```", section, re.DOTALL)
    assert block is not None
    (price,) = tomllib.loads(block[1])["prices"].values()
    return price


def rows_of(section: str) -> list[dict[str, Decimal]]:
    """The section's table, empty cells left out."""
    lines = [line for line in section.splitlines() if line.startswith("|")]
    header, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    return [{key: Decimal(cell) for key, cell in zip(header, row, strict=True) if cell} for row in rows]


def test_every_model_has_a_section() -> None:
    assert SECTIONS.keys() == MODELS.keys()


@pytest.mark.parametrize("name", MODELS)
def test_worked_figures(name: str) -> None:
    terms = terms_of(SECTIONS[name])
    assert terms.pop("model") == name
    price = a_price(name, terms)
    rows = rows_of(SECTIONS[name])
    assert len(rows) >= 3
    for row in rows:
        charge = row.pop("price")
        assert rate(price, Measure(**row)).charge == charge, row
