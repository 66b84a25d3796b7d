"""Who may import whom, beyond the layers that import-linter keeps (`make lint`, contract in pyproject.toml)."""

from __future__ import annotations

import ast
import re
import tomllib
from dataclasses import replace

import pytest
from tests.architecture.sources import (
    PACKAGE,
    ROOT,
    Module,
    called,
    expect_none,
    functions,
    imports,
    module_from,
    modules,
    offences,
    stages,
)

LAZY = {
    "tollkeeper.cli": "A command's module is imported when it's called: `keys list` needn't wait for the web server.",
    "tollkeeper.cli.importing.parquet": "pyarrow is an optional extra: only who imports Parquet files has to have it.",
    "tollkeeper.providers.importing.genai": "genai-prices is optional: only who imports from it has to have it.",
    "tollkeeper.providers.own": "The catalog brings the database's driver, for which who prices calls needn't wait.",
}
"""Modules that import within a function, and why."""

DOORS = {
    "api": "Has no package-level names: app.py, its composition root, takes what it puts together from the files.",
    "cli": "Nothing stands below it.",
    "db.embedded": "The adapter of the embedded server, a module with one verb: `embedded.start`.",
}
"""Insides of stages that others may import, and why. `model` always may: values, and nothing that acts."""


def reaches_inside(module: Module) -> list[str]:
    """Imports of another stage's insides, its `store` above all: what a stage offers is its package's `__all__`."""
    found = ((node, name) for node, name in imports(module.tree) if _is_inside(name.split("."), module.stage))
    return [f"{module.at(node)} imports {name}" for node, name in found]


def _is_inside(parts: list[str], own: str) -> bool:
    if len(parts) < 3 or parts[0] != "tollkeeper" or parts[1] not in stages() - {own} - set(DOORS):
        return False
    _, stage, file, *names = parts
    if file == "model" or f"{stage}.{file}" in DOORS:
        return False
    if not names and file in _exported(stage):
        return False  # `from tollkeeper.catalog import check` is the function, not catalog/check.py.
    inside = PACKAGE / stage / file
    return inside.is_dir() or inside.with_suffix(".py").is_file()


def _exported(stage: str) -> set[str]:
    tree = ast.parse((PACKAGE / stage / "__init__.py").read_text(encoding="utf-8"))
    values = [node.value for node in tree.body if isinstance(node, ast.Assign)]
    return {ast.literal_eval(name) for value in values if isinstance(value, ast.List) for name in value.elts}


def late_imports(module: Module) -> list[str]:
    """Imports within functions, also by a call: they hide what a module needs until it fails."""
    if module.name in LAZY:
        return []
    late = {"import_module", "importlib.import_module", "__import__"}
    found = [
        node
        for function in functions(module.tree)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    calls = [node for node in ast.walk(module.tree) if isinstance(node, ast.Call) and called(node) in late]
    return sorted({f"{module.at(node)} imports late" for node in [*found, *calls]})


def test_stages_use_each_other_through_their_packages() -> None:
    expect_none(offences(reaches_inside))


def test_nothing_is_imported_late() -> None:
    expect_none(offences(late_imports))


def test_the_layers_are_checked_by_make_lint_and_make_test() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"^lint:.*\n(?:\t.*\n)*?\t@?\S*lint-imports\b", makefile, re.MULTILINE)
    assert re.search(r"^test:.*\blint\b", makefile, re.MULTILINE)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = project["tool"]["importlinter"]["contracts"]
    assert (contract["type"], contract["containers"], contract["exhaustive"]) == ("layers", ["tollkeeper"], True)
    assert contract["exhaustive_ignores"] == ["__main__"]
    assert "ignore_imports" not in contract
    assert stages() <= set(contract["layers"])


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("from tollkeeper.events import store", "tollkeeper.events.store"),
        ("from tollkeeper.events.store import queries", "tollkeeper.events.store.queries"),
        ("import tollkeeper.ledger.store", "tollkeeper.ledger.store"),
        ("from tollkeeper.ledger.charges import Charges", "tollkeeper.ledger.charges.Charges"),
        ("if True: from tollkeeper.db.pool import Tx", "tollkeeper.db.pool.Tx"),
    ],
)
def test_imports_of_insides_are_found(text: str, name: str) -> None:
    at = "tollkeeper.gate.sample"
    assert reaches_inside(module_from(text, at)) == [f"{at}:1 imports {name}"]


@pytest.mark.parametrize(
    "text",
    [
        "from tollkeeper.events import check",
        "from tollkeeper.ledger.model import Entry",
        "from tollkeeper.gate.store import x",
        "from tollkeeper import money",
        "import tollkeeper.money",
    ],
)
def test_other_imports_are_not(text: str) -> None:
    assert reaches_inside(module_from(text, "tollkeeper.gate.sample")) == []


@pytest.mark.parametrize(
    "text",
    [
        "def f():\n    import os",
        "class C:\n  async def f():\n    from a import b",
        "x = __import__('os')",
        "from importlib import import_module\ndef f():\n    return import_module('os')",
    ],
)
def test_late_imports_are_found(text: str) -> None:
    assert len(late_imports(module_from(text))) == 1
    assert late_imports(module_from("import os\nfrom a import b\nif True:\n    import c")) == []


def test_no_exception_is_left_over() -> None:
    exempt = [module for module in modules() if module.name in LAZY]
    assert len(exempt) == len(LAZY)
    assert [module.name for module in exempt if not late_imports(replace(module, name="no.exception"))] == []
