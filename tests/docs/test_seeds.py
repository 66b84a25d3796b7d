"""docs/seeds.md says where each feature is: what it names exists, and what is done has a test."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tollkeeper.app import create_app
from tollkeeper.settings import Settings

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "seeds.md"
SECTIONS = (
    "Recruiting: usage in three flows",
    "Recruiting: real costs and a margin",
    "Ordering: plans with quotas",
    "Résumé builder: limits and plans",
    "Interviews: credits bought ahead",
)
HEAD = "| feature | here | test | state |\n|---|---|---|---|\n"
EMPTY = "To be filled."

_METHODS = ("get", "post", "put", "delete", "patch", "options", "api_route")
_ROUTE = re.compile(r"`(GET|POST|PUT|DELETE|PATCH) (/[^`\s?]*)[^`]*`")
_FILE = re.compile(r"`([\w.@-]+(?:/[\w.@-]+)+\.(?:py|toml|sql|html|css|js|ts|md))(?:::(\w+)(?:\[[^`]*\])?)?`")
_ELEMENT = re.compile(r"`<(toll-[a-z-]+)")
_VIEW = re.compile(r"`((?:reports|recruiting|ordering|resume_builder|interviews)\.[a-z_]+)`")

Row = tuple[str, str, str, str]


def rows_in(section: str) -> list[Row]:
    """The rows of a section's table, which begins it after its introduction."""
    table = section.partition(HEAD)[2]
    found = []
    for line in table.splitlines():
        if line.startswith("|"):
            cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip()[1:-1])]
            assert len(cells) == 4, line
            found.append((cells[0], cells[1], cells[2], cells[3]))
    return found


@cache
def sections() -> dict[str, str]:
    parts = re.split(r"^## (.+)\n", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def shape(path: str) -> str:
    """The route without the names of its parameters."""
    return re.sub(r"\{[^}]*\}", "{}", path)


@cache
def routes() -> frozenset[str]:
    """Those of the examples, as their decorators have them, and Tollkeeper's own."""
    found = {shape(path) for path in create_app(Settings(database_url="postgresql:///none")).openapi()["paths"]}
    found |= {"/billing", "/console", "/gallery"}
    for file in (ROOT / "examples").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Attribute(attr=method), args=[ast.Constant(value=path), *_]) if (
                    method in _METHODS
                ):
                    found.add(shape(str(path)))
    return frozenset(found)


@cache
def elements() -> frozenset[str]:
    texts = (file.read_text(encoding="utf-8") for file in (ROOT / "web" / "src").rglob("*.ts"))
    return frozenset(name for text in texts for name in re.findall(r"['\"](toll-[a-z-]+)['\"]", text))


@cache
def views() -> frozenset[str]:
    """Those of `reports`, and those of each example's views.sql in its schema."""
    made = "\n".join(file.read_text() for file in (ROOT / "src/tollkeeper/db/migrations").glob("*.sql"))
    found = set(re.findall(r"^create view (reports\.\w+)", made, re.MULTILINE))
    for file in (ROOT / "examples").glob("*/views.sql"):
        names = re.findall(r"^create view (\w+)", file.read_text(encoding="utf-8"), re.MULTILINE)
        found |= {f"{file.parent.name}.{name}" for name in names}
    return frozenset(found)


@cache
def functions_of(file: str) -> frozenset[str]:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def missing_in(cell: str) -> Iterator[str]:
    """What a cell names that isn't there."""
    for path, name in _FILE.findall(cell):
        if not (ROOT / path).is_file():
            yield f"no file {path}"
        elif name and name not in functions_of(path):
            yield f"{path} has no {name}"
    yield from (f"no route {path}" for _, path in _ROUTE.findall(cell) if shape(path) not in routes())
    yield from (f"no element {name}" for name in _ELEMENT.findall(cell) if name not in elements())
    yield from (f"no view {name}" for name in _VIEW.findall(cell) if name not in views())


def faults(row: Row) -> Iterator[str]:
    feature, here, test, state = row
    if state not in ("done", "open"):
        yield f"{state!r} is neither done nor open"
    if not feature or not here:
        yield "a cell is empty"
    yield from missing_in(here)
    yield from missing_in(test)
    if state == "done" and not any(path.startswith(("tests/", "web/test/")) for path, _ in _FILE.findall(test)):
        yield "done, without a test"


def test_each_description_has_its_section() -> None:
    assert tuple(sections()) == SECTIONS


@pytest.mark.parametrize("name", SECTIONS)
def test_what_a_section_names_is_there(name: str) -> None:
    section = sections()[name]
    assert HEAD in section
    found = rows_in(section)
    assert bool(found) is not (EMPTY in section), "either rows, or nothing yet"
    told = [f"{row[0]}: {fault}" for row in found for fault in faults(row)]
    assert not told, "\n".join(told)


GOOD: Row = (
    "“a feature”",
    "`GET /v1/usage?customer=`, `<toll-usage>`, `reports.usage_days`, `src/tollkeeper/money.py`",
    "`tests/docs/test_seeds.py::test_each_description_has_its_section`",
    "done",
)


def test_a_good_row_has_no_faults() -> None:
    assert list(faults(GOOD)) == []
    assert list(faults(("“later”", "not built: e-mail", "", "open"))) == []


@pytest.mark.parametrize(
    ("cell", "value", "fault"),
    [
        (0, "", "a cell is empty"),
        (1, "`GET /v1/nothing`", "no route /v1/nothing"),
        (1, "`<toll-nothing>`", "no element toll-nothing"),
        (1, "`recruiting.nothing`", "no view recruiting.nothing"),
        (1, "`src/nothing.py`", "no file src/nothing.py"),
        (2, "`tests/docs/test_seeds.py::test_nothing`", "tests/docs/test_seeds.py has no test_nothing"),
        (2, "by hand", "done, without a test"),
        (3, "nearly", "'nearly' is neither done nor open"),
    ],
)
def test_bad_rows_are_found(cell: int, value: str, fault: str) -> None:
    row = list(GOOD)
    row[cell] = value
    assert fault in list(faults((row[0], row[1], row[2], row[3])))
