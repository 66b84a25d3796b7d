"""The commands of the pages for newcomers still print what the pages show."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.demo.tutorial import PAGES, commands, rerun, settled


@pytest.mark.slow
@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.name)
def test_a_page_shows_what_its_commands_print(file: Path) -> None:
    page = file.read_text(encoding="utf-8")
    assert settled(rerun(page)) == settled(page), "run: python -m tests.demo.tutorial"


def test_commands_are_found_among_what_they_print() -> None:
    block = "$ cat <<'E'\n> a\n>\n> b\n> E\na\n\nb\n$ true\n"
    assert commands(block) == ["$ cat <<'E'\n> a\n>\n> b\n> E\n", "$ true\n"]
