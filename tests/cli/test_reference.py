"""docs/reference/cli.md lists every command and option that there is, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from tollkeeper.cli import app
from tollkeeper.cli.importing.mapping import FIELDS
from tollkeeper.cli.importing.summary import Summary
from tollkeeper.cli.options import Options

PAGE = (Path(__file__).parents[2] / "docs/reference/cli.md").read_text()


def commands(command: Any, name: str) -> Iterator[tuple[str, set[str]]]:
    """Each command that can be called, with its own options."""
    if hasattr(command, "list_commands"):
        for each in command.list_commands(None):
            yield from commands(command.get_command(None, each), f"{name} {each}")
    else:
        yield name, options(command)


def options(command: Any) -> set[str]:
    return {
        name
        for each in command.params
        if each.param_type_name == "option"
        for name in (*each.opts, *each.secondary_opts)
        if not (name.endswith("-completion") and command.name != "tollkeeper")
    }


def documented(section: str) -> set[str]:
    """The options in the first column of a section's table."""
    return {
        name for row in re.findall(r"^\| (`--[^|]*)\|", section, re.MULTILINE) for name in re.findall(r"--[\w-]+", row)
    }


def test_every_command_and_option_is_documented_and_no_other() -> None:
    head, *sections = re.split(r"^### `(tollkeeper [a-z -]+?)(?: [\[A-Z].*)?`$", PAGE, flags=re.MULTILINE)
    found = {name: documented(text) for name, text in zip(sections[::2], sections[1::2], strict=True)}
    there = typer.main.get_command(app)
    there.name = "tollkeeper"
    assert found == dict(commands(there, "tollkeeper"))
    assert documented(head) == options(there)


def test_global_options_are_documented() -> None:
    assert {f"--{name.removeprefix('as_').replace('_', '-')}" for name in Options.__dataclass_fields__} <= documented(
        PAGE
    )


def test_import_page_knows_the_summary() -> None:
    page = (Path(__file__).parents[2] / "docs/reference/import.md").read_text()
    unsaid = {"file", "rows", "earlier"}
    assert all(f"`{name}`" in page for name in Summary("f").document().keys() - unsaid)
    assert all(f"| `{name}" in page for name in FIELDS)
