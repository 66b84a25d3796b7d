"""Every recipe runs as it's written, and prints what it shows; the list of recipes has each of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.demo.tutorial import RECIPES, rerun, settled

LIST = RECIPES[0].with_name("README.md")


@pytest.mark.slow
@pytest.mark.parametrize("file", RECIPES, ids=lambda file: file.stem)
def test_a_recipe_shows_what_its_commands_print(file: Path) -> None:
    page = file.read_text(encoding="utf-8")
    assert settled(rerun(page)) == settled(page), f"run: python -m tests.demo.tutorial docs/recipes/{file.name}"


def test_every_recipe_is_listed_with_its_question() -> None:
    listed = re.findall(
        r"^\| ([^|]+\?) \| \[[^\]]+\]\(([\w-]+)\.md\) \|", LIST.read_text(encoding="utf-8"), re.MULTILINE
    )
    asked = {
        file.stem: re.findall(r"^\*\*(.+\?)\*\*$", file.read_text(encoding="utf-8"), re.MULTILINE) for file in RECIPES
    }
    assert {name: [question] for question, name in listed} == asked
    assert len(RECIPES) >= 5


@pytest.mark.parametrize("file", RECIPES, ids=lambda file: file.stem)
def test_a_recipe_has_its_parts(file: Path) -> None:
    headings = re.findall(r"^## (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
    assert headings[0] == "Begin"
    assert {"The catalog", "What is booked"} <= {*headings}
    assert headings[-1] == "What to watch out for"


def test_what_differs_from_run_to_run_is_settled_and_nothing_else() -> None:
    one = 'retry-after: 90\n{"retry_after": 90, "resets_at": "2026-11-20T23:00:00Z", "used": "90"} (key toll_2Z8OR6g…)'
    other = one.replace(": 90", ": 7").replace("11-20T23", "12-01T22").replace("2Z8OR6g", "a_-4567")
    assert settled(one) == settled(other)
    assert settled(one) != settled(other.replace('"used": "90"', '"used": "91"'))
