"""The reference pages are complete: every error code, setting, route and command of the code, and nothing else."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tollkeeper import errors
from tollkeeper.api import problems
from tollkeeper.app import create_app
from tollkeeper.cli import COMMANDS
from tollkeeper.settings import Settings

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
REFUSED = "refused"
"""Where errors.md has a status: an event's own error, which stands in `results` and in quarantine."""

STATUS = {
    name: str(kind.status)
    for module in (errors, problems)
    for name, kind in vars(module).items()
    if isinstance(kind, type) and issubclass(kind, errors.TollError)
} | {"Reason": REFUSED}


@cache
def raised() -> tuple[tuple[str, str, str], ...]:
    """All of them, from one reading of the source."""
    return tuple(_raised())


def _raised() -> Iterator[tuple[str, str, str]]:
    """Code, status and place of each error that the source makes; `{field}` in a code stands as `<field>`."""
    for file in sorted((ROOT / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or not node.args:
                continue
            if node.func.id in STATUS and (code := literal(node.args[0])) is not None:
                yield code, STATUS[node.func.id], f"{file.relative_to(ROOT)}:{node.lineno}"


def literal(node: ast.expr) -> str | None:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(
            str(part.value) if isinstance(part, ast.Constant) else f"<{ast.unparse(part.value)}>"  # type: ignore[attr-defined]
            for part in node.values
        )
    return None


def rows(page: str) -> Iterator[list[str]]:
    """The cells of all table rows of a page."""
    for line in (REFERENCE / page).read_text().splitlines():
        if line.startswith("| ") and not line.startswith("|--"):
            yield [cell.strip() for cell in line.strip("| ").split(" | ")]


def test_every_error_code_is_documented_with_its_status() -> None:
    documented = documented_errors()
    missing = {(code, status): place for code, status, place in raised() if (code, status) not in documented}
    assert not missing, f"not in docs/reference/errors.md: {missing}"


def test_no_error_is_documented_that_the_code_does_not_make() -> None:
    known = {(code, status) for code, status, _ in raised()}
    texts = "".join(file.read_text() for file in (ROOT / "src").rglob("*.py"))
    # Some codes of refused events come from tables: then the text must at least be there.
    gone = {pair for pair in documented_errors() - known if pair[1] != REFUSED or f'"{pair[0]}"' not in texts}
    assert not gone


def documented_errors() -> set[tuple[str, str]]:
    """Code and status of each row in errors.md."""
    return {
        (found[1], status)
        for cells in rows("errors.md")
        if (found := re.match(r"`([a-z0-9_<>]+)`$", cells[0])) and len(cells) == 4
        for status in cells[1].split(", ")
    }


def test_every_setting_is_documented() -> None:
    documented = {cells[0].strip("`") for cells in rows("settings.md")}
    names = {f"TOLLKEEPER_{name.upper()}" for name in Settings.model_fields}
    assert {name for name in documented if name.startswith("TOLLKEEPER_")} == names


def test_settings_have_the_documented_defaults() -> None:
    for cells in rows("settings.md"):
        name = cells[0].strip("`").removeprefix("TOLLKEEPER_").lower()
        if (field := Settings.model_fields.get(name)) is not None:
            default = "unset" if field.default is None else f"`{field.default}`"
            assert cells[1] == default, name


def test_every_route_is_mentioned() -> None:
    text = "".join(page.read_text() for page in REFERENCE.glob("*.md"))
    paths = create_app(Settings(database_url="postgresql:///none")).openapi()["paths"]
    missing = [
        f"{method.upper()} {path}"
        for path, methods in paths.items()
        for method in methods
        if f"`{method.upper()} {path}" not in text
    ]
    assert not missing, f"no page in docs/reference mentions {missing}"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_mentioned(name: str) -> None:
    text = "".join(page.read_text() for page in (ROOT / "docs").rglob("*.md"))
    assert f"tollkeeper {name}" in text


def test_the_example_on_the_first_page_is_the_file_that_its_tour_runs() -> None:
    tour = (ROOT / "README.md").read_text().partition("## The first ten minutes")[2]
    (shown,) = re.findall(r"^```python\n(.*?)^```$", tour, re.MULTILINE | re.DOTALL)
    assert shown == (ROOT / "examples" / "report.py").read_text()
