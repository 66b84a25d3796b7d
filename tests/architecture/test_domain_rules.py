"""What money can't bear: binary floats, rounding in two places, a second clock, a transaction within a transaction."""

from __future__ import annotations

import ast
import re
from dataclasses import replace

import pytest
from tests.architecture.sources import Module, called, expect_none, module_from, modules, offences

DOMAIN = frozenset(
    {"money", "ids", "clock", "books", "customers", "catalog", "providers", "events", "rating", "ledger", "gate"}
    | {"analytics", "payments", "reconciliation"}
)

FLOATS = {
    "tollkeeper.rating.reading": "Refuses a float from TOML with a sentence, and has to name the type for it.",
}
ROUNDING = {
    "tollkeeper.money": "The only rounding.",
    "tollkeeper.api.middleware.observed": "Milliseconds in a log line.",
    "tollkeeper.cli.importing.summary": "Seconds, and rows a second, for people.",
}
CLOCKS = {
    "tollkeeper.clock": "The only clock.",
    "tollkeeper.ids": "The milliseconds in a UUIDv7.",
    "tollkeeper.api.middleware.observed": "perf_counter: how long a request took, for logs and metrics.",
}
OPENERS = re.compile(r"tollkeeper\.(api|books|cli|db)(\..+)?|tollkeeper\.(app|worker|client\.local)")
"""Who may open a transaction: the composition roots, and db, which is made of them."""

_TIMES = ("time", "monotonic", "perf_counter", "process_time")
_CLOCK_NAMES = {*_TIMES, *(f"{name}_ns" for name in _TIMES), "localtime", "gmtime"}
_CLOCK = re.compile(rf"(\w+\.)?(datetime|date)\.(now|utcnow|today)|time\.({'|'.join(sorted(_CLOCK_NAMES))})")


def floats(module: Module) -> list[str]:
    """Floats by name or as a literal, and JSON decoders that make them of numbers."""
    if module.stage not in DOMAIN or module.name in FLOATS:
        return []
    return [f"{module.at(node)} {ast.unparse(node)}" for node in ast.walk(module.tree) if _is_float(node)]


def _is_float(node: ast.AST) -> bool:
    match node:
        case ast.Name(id="float" | "complex"):
            return True
        case ast.Constant(value=value):
            return isinstance(value, float | complex)
        case ast.Call():
            return called(node) == "json.loads" and not any(each.arg == "parse_float" for each in node.keywords)
    return False


def rounding(module: Module) -> list[str]:
    """Any rounding by Python's or Decimal's own means."""
    if module.name in ROUNDING:
        return []
    found = [node for node in ast.walk(module.tree) if isinstance(node, ast.Call)]
    return [
        f"{module.at(node)} {ast.unparse(node)}"
        for node in found
        if called(node) == "round" or re.search(r"\.(quantize|to_integral\w*)$", called(node))
    ]


def clocks(module: Module) -> list[str]:
    """Reading the time."""
    if module.name in CLOCKS:
        return []
    found = []
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and _CLOCK.fullmatch(ast.unparse(node)):
            found.append(f"{module.at(node)} {ast.unparse(node)}")
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            names = _CLOCK_NAMES & {alias.name for alias in node.names}
            found += [f"{module.at(node)} imports {name}" for name in sorted(names)]
    return found


def transactions(module: Module) -> list[str]:
    """Opening a transaction, or a database, outside the composition roots."""
    if OPENERS.fullmatch(module.name):
        return []
    opens = re.compile(r"Database|.*\.transaction|(.*\.)?_?(database|db)\.run")
    return [
        f"{module.at(node)} {called(node)}"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and opens.fullmatch(called(node))
    ]


RULES = {"float": floats, "rounding": rounding, "clock": clocks, "transaction": transactions}


@pytest.mark.parametrize("name", RULES)
def test_the_rule_holds(name: str) -> None:
    expect_none(offences(RULES[name]))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("float", "x: float"),
        ("float", "def f(x: list[float | None]) -> None: ..."),
        ("float", "x = float('1')"),
        ("float", "x = Decimal(0.1)"),
        ("float", "x = json.loads(body)"),
        ("rounding", "x = round(y, 2)"),
        ("rounding", "x = y.quantize(z)"),
        ("rounding", "x = (a + b).to_integral_value()"),
        ("clock", "x = datetime.now(UTC)"),
        ("clock", "x = datetime.datetime.utcnow()"),
        ("clock", "f(default_factory=datetime.now)"),
        ("clock", "x = date.today()"),
        ("clock", "import time\nx = time.time()"),
        ("clock", "from time import monotonic as m"),
        ("transaction", "async def f():\n    async with database.transaction() as tx: ..."),
        ("transaction", "x = books.database.run(work)"),
        ("transaction", "x = self._database.run(work)"),
        ("transaction", "x = Database(url)"),
    ],
)
def test_offences_are_found(name: str, text: str) -> None:
    assert len(RULES[name](module_from(text))) == 1


@pytest.mark.parametrize(
    "text",
    [
        '"""A float of 0.1, rounded: round(x)."""',
        "x = Decimal('0.1') * 10",
        "x = json.loads(body, parse_float=Decimal)",
        "x = around(y)",
        "from time import sleep\nx = clock.now()",
        "x = timedelta(days=1)",
        "x = subprocess.run(command)",
        "tx.execute(query)",
    ],
)
def test_nothing_else_is_found(text: str) -> None:
    assert [found for rule in RULES.values() for found in rule(module_from(text))] == []


def test_floats_may_be_used_outside_the_domain() -> None:
    assert floats(module_from("x = 0.1", "tollkeeper.api.metrics")) == []


def test_no_exception_is_left_over() -> None:
    known = {module.name: module for module in modules()}
    for exceptions, rule in ((FLOATS, floats), (ROUNDING, rounding), (CLOCKS, clocks)):
        for name in exceptions:
            assert rule(replace(known[name], name="tollkeeper.rating.anywhere")), f"{name} needs no exception"
