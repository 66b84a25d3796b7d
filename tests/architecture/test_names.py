"""Names say what a thing is, and every public one is explained."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest
from tests.architecture.sources import PACKAGE, Function, Module, expect_none, module_from, offences, owners, stages

FORBIDDEN = {"util", "utils", "helper", "helpers", "common", "misc", "manager", "service", "data", "info"}
"""Names of drawers, into which everything goes."""


def drawers(module: Module) -> list[str]:
    return [module.name] if FORBIDDEN & set(module.name.split(".")) else []


def unexplained(module: Module) -> list[str]:
    """Modules, and their public functions, classes and methods, without a docstring."""
    missing = [] if ast.get_docstring(module.tree) else [f"{module.name} (the module)"]
    return missing + [f"{module.at(node)} {name}" for node, name in _public(module.tree) if not ast.get_docstring(node)]


def _public(tree: ast.Module) -> Iterator[tuple[Function | ast.ClassDef, str]]:
    """Those at the top, and the methods of public classes that override nothing."""
    for node in tree.body:
        if not isinstance(node, Function | ast.ClassDef) or node.name.startswith("_"):
            continue
        yield node, node.name
        if isinstance(node, ast.ClassDef):
            own = [each for each in node.body if isinstance(each, Function)]
            if not node.bases:
                yield from ((each, f"{node.name}.{each.name}") for each in own if not each.name.startswith("_"))


def test_no_module_is_a_drawer() -> None:
    expect_none(offences(drawers))


def test_what_is_public_is_explained() -> None:
    expect_none(offences(unexplained))


@pytest.mark.parametrize("name", ["tollkeeper.events.utils", "tollkeeper.common", "tollkeeper.helpers.money"])
def test_drawers_are_found(name: str) -> None:
    assert drawers(module_from("", name)) == [name]


def test_unexplained_names_are_found() -> None:
    text = '''"""Explained."""
def f(): ...
async def g(): ...
def _private(): ...
def h():
    """Explained."""
    def inner(): ...
class C:
    def method(self): ...
    def __init__(self): ...
class D(C):
    """Explained."""
    def method(self): ...
'''
    at = "tollkeeper.rating.sample"
    assert unexplained(module_from(text)) == [f"{at}:2 f", f"{at}:3 g", f"{at}:8 C", f"{at}:9 C.method"]
    assert unexplained(module_from("x = 1")) == [f"{at} (the module)"]


@pytest.mark.parametrize("stage", sorted(stages() - {"cli"}))
def test_every_stage_says_what_it_owns(stage: str) -> None:
    page = (PACKAGE / stage / "README.md").read_text(encoding="utf-8")
    assert len(page.splitlines()) <= 80
    assert page.startswith(f"# {stage}")
    for said in ("**Owns**", "**Doesn't own**", "## Invariants"):
        assert said in page, said
    for table in (table for table, owner in owners().items() if owner == stage):
        assert f"`{table}`" in page, f"its table {table}"
