"""The code as the architecture tests see it: each module with its syntax tree, each named query with its tables.

A rule is a function from a module to its offences, in words. So the same function that judges the code is given bad
samples, which proves that it can fail.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src"
PACKAGE = SRC / "tollkeeper"
MIGRATIONS = PACKAGE / "db" / "migrations"

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True, eq=False)
class Module:
    """A Python file. `name` is its dotted name, `stage` the folder or foundation module that it belongs to."""

    name: str
    text: str
    tree: ast.Module
    is_package: bool = False

    @property
    def stage(self) -> str:
        """`events` for `tollkeeper.events.store`, `money` for `tollkeeper.money`."""
        return self.name.split(".")[1] if "." in self.name else ""

    @property
    def package(self) -> str:
        """What `__package__` is within the module."""
        return self.name if self.is_package else self.name.rpartition(".")[0]

    def at(self, node: ast.AST) -> str:
        """Where a node stands, as an offence names it."""
        return f"{self.name}:{getattr(node, 'lineno', 1)}"


Rule = Callable[[Module], Iterable[str]]


def module_from(text: str, name: str = "tollkeeper.rating.sample") -> Module:
    """A module that a test made up."""
    return Module(name, text, ast.parse(text))


@cache
def modules() -> tuple[Module, ...]:
    """Every module in src/."""
    return tuple(_read(file) for file in sorted(PACKAGE.rglob("*.py")))


def _read(file: Path) -> Module:
    parts = file.relative_to(SRC).with_suffix("").parts
    is_package = parts[-1] == "__init__"
    text = file.read_text(encoding="utf-8")
    return Module(".".join(parts[:-1] if is_package else parts), text, ast.parse(text), is_package)


@cache
def stages() -> frozenset[str]:
    """The folders of src/tollkeeper that hold code."""
    return frozenset(file.parent.name for file in PACKAGE.glob("*/__init__.py"))


def offences(rule: Rule, among: Iterable[Module] | None = None) -> list[str]:
    """What the rule finds in the code."""
    return [found for module in (modules() if among is None else among) for found in rule(module)]


def expect_none(found: Iterable[str]) -> None:
    """Fail with every offence on a line of its own."""
    told = "\n".join(found)
    assert not told, f"\n{told}"


def functions(tree: ast.AST) -> Iterator[Function]:
    """All functions and methods, nested ones too."""
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def imports(tree: ast.AST) -> Iterator[tuple[ast.stmt, str]]:
    """Each import, as the dotted names that it could mean: `from a import b` may mean the module a.b."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node, f"{node.module}.{alias.name}") for alias in node.names)


def called(node: ast.Call) -> str:
    """What is called, as it's written: `datetime.now`, `books.database.run`."""
    return ast.unparse(node.func)


def docstrings(tree: ast.AST) -> set[int]:
    """The identities of the constants that only document: docstrings, and texts under attributes."""
    return {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}


@dataclass(frozen=True, slots=True)
class Query:
    """A named query of a stage's queries.sql, without its comments."""

    stage: str
    name: str
    sql: str


_NAME = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)
_COMMENT = re.compile(r"--.*$", re.MULTILINE)
_STRING = re.compile(r"'(?:[^']|'')*'")
_TABLE = re.compile(r"^create table (?:if not exists )?(\w+) \((.*?)^\)", re.MULTILINE | re.DOTALL)
_OWNER = re.compile(r"^comment on table (\w+) is 'owner: (\w+)\. .+'", re.MULTILINE)
_WRITE = re.compile(r"\b(?:insert\s+into|delete\s+from|merge\s+into|truncate(?:\s+table)?|update)\s+(?:only\s+)?(\w+)")
_SET = re.compile(r"\bdo\s+update\s+set\b|\bfor\s+(?:no\s+key\s+)?update\b")
_MENTION = re.compile(r"\b(?:from|join|into|update)\s+(?:only\s+)?(\w+)|,\s*(\w+)\s+\w+\s+where\b")


def queries_in(stage: str, text: str) -> list[Query]:
    """The named queries of one file's text."""
    parts = _NAME.split(text)[1:]
    return [Query(stage, name, _COMMENT.sub("", body)) for name, body in zip(parts[::2], parts[1::2], strict=True)]


@cache
def queries() -> tuple[Query, ...]:
    """All named queries."""
    files = sorted(PACKAGE.glob("*/*queries.sql"))
    return tuple(query for file in files for query in queries_in(file.parent.name, file.read_text(encoding="utf-8")))


@cache
def _migrations() -> str:
    return "\n".join(file.read_text(encoding="utf-8") for file in sorted(MIGRATIONS.glob("*.sql")))


def tables() -> dict[str, str]:
    """Each table of the migrations, with what stands between its parentheses."""
    return dict(_TABLE.findall(_migrations()))


def owners() -> dict[str, str]:
    """Each table and the stage that owns it, as its comment says. What db/queries.sql makes belongs to db."""
    own = {name: "db" for query in queries() if query.stage == "db" for name, _ in _TABLE.findall(query.sql)}
    return own | dict(_OWNER.findall(_migrations()))


def customer_tables() -> frozenset[str]:
    """The tables whose rows are a customer's, and the views on them."""
    own = {name for name, body in tables().items() if re.search(r"^\s*customer_id uuid\b", body, re.MULTILINE)}
    views = re.findall(r"^create view (\w+)(.*?);", _migrations(), re.MULTILINE | re.DOTALL)
    return frozenset(own | {name for name, body in views if own & set(re.findall(r"\w+", body))})


def written(sql: str) -> set[str]:
    """The tables that a statement writes to."""
    return set(_WRITE.findall(_SET.sub("", _STRING.sub("''", sql).lower())))


def mentioned(sql: str) -> set[str]:
    """The tables, views and subqueries that a statement reads or writes."""
    found = _MENTION.findall(_SET.sub("", _STRING.sub("''", sql).lower()))
    return {name for pair in found for name in pair if name}
