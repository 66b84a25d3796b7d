"""What the pages say is so: links lead somewhere, catalogs are valid, scopes and subcommands are the real ones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
import typer
from fastapi.routing import APIRoute
from typer.core import TyperGroup

from tollkeeper.api.auth import Require
from tollkeeper.api.portal import Allow
from tollkeeper.api.routes import ROUTERS
from tollkeeper.catalog import check
from tollkeeper.cli import app
from tollkeeper.errors import CatalogInvalid
from tollkeeper.rating import MODELS

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    file
    for pattern in ("*.md", "docs/**/*.md", "src/**/*.md", "bench/**/*.md", "demo/**/*.md", "examples/**/*.md")
    for file in ROOT.glob(pattern)
)
REFERENCE = "\n".join(page.read_text(encoding="utf-8") for page in sorted((ROOT / "docs/reference").glob("*.md")))

_FENCE = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\[\]]*\])*\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")
_CODE = re.compile(r"(`+).+?\1", re.DOTALL)


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks in one language."""
    return [block[3] for block in _FENCE.finditer(text) if block[2] == language]


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    found: list[str] = []
    for heading in re.findall(r"^#{1,6} +(.+?) *#*$", _FENCE.sub("", text), re.MULTILINE):
        plain = re.sub(r"[^\w\- ]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)).lower().replace(" ", "-")
        found.append(f"{plain}-{found.count(plain)}" if plain in found else plain)
    return {*found, *re.findall(r"<a (?:id|name)=\"([^\"]+)\"", text)}


def broken(page: Path, text: str) -> Iterator[str]:
    """Relative links that lead nowhere."""
    prose = _FENCE.sub("", text)
    code = [found.span() for found in _CODE.finditer(prose)]
    for link in _LINK.finditer(prose):
        if any(start < link.start() < end for start, end in code) or re.match(r"[a-z]+:", link[1]):
            continue
        path, _, anchor = unquote(link[1]).partition("#")
        target = (page.parent / path).resolve() if path else page
        if (target != page and not target.exists()) or not target.is_relative_to(ROOT):
            yield f"{link[1]} doesn't exist"
            continue
        there = text if target == page else target.read_text(encoding="utf-8") if target.suffix == ".md" else ""
        if anchor and anchor not in anchors(there):
            yield f"{link[1]}: no such heading"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    assert list(broken(page, page.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_catalogs_are_valid(page: Path) -> None:
    for block in blocks(page.read_text(encoding="utf-8"), "toml"):
        if re.search(r"^\s*currency\s*=", block, re.MULTILINE):
            check(block, file=name(page), models=MODELS)


def scopes() -> dict[str, str]:
    """The scope that each call needs."""
    return {
        f"{method} {route.path_format}": str(required[0])
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in route.methods
        if (required := [each.call.scope for each in route.dependant.dependencies if isinstance(each.call, Require)])
    }


def test_calls_need_the_documented_scopes() -> None:
    documented = re.findall(
        r"^\| `([A-Z]+ /v1/(?!portal/)[^` ]+)` \| `?(read|write|admin)`? \|", REFERENCE, re.MULTILINE
    )
    assert len(documented) >= len(scopes()) > 20
    assert [(call, scope) for call, scope in documented if scopes().get(call) != scope] == []
    assert set(scopes()) - {call for call, _ in documented} == set()


def permissions() -> dict[str, str]:
    """The permission that each call of a billing page needs."""
    return {
        f"{method} {route.path_format}": str(needed[0])
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in route.methods
        if (needed := [each.call.permission for each in route.dependant.dependencies if isinstance(each.call, Allow)])
    }


def test_pages_need_the_documented_permissions() -> None:
    documented = re.findall(
        r"^\| `([A-Z]+ /v1/portal/[^` ]+)` \| (read|top_up|change_plan) \|", REFERENCE, re.MULTILINE
    )
    assert len(documented) >= 8
    assert [(call, permission) for call, permission in documented if permissions().get(call) != permission] == []
    assert {call for call, permission in permissions().items() if permission != "read"} <= {
        call for call, _ in documented
    }


def subcommands() -> Iterator[tuple[str, str]]:
    """Every command that has subcommands, with each of them: `catalog`, `plan`."""
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    context = typer.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        yield from ((name, inner) for inner in (command.commands if isinstance(command, TyperGroup) else ()))


def test_every_subcommand_is_described() -> None:
    """On one line with its command: `tollkeeper catalog show`, `history`."""
    found = list(subcommands())
    assert ("catalog", "plan") in found
    lines = REFERENCE.splitlines()
    missing = [
        f"tollkeeper {name} {inner}"
        for name, inner in found
        if not any(re.search(rf"`tollkeeper {name} ([^|]*`)?{inner}\b", line) for line in lines)
    ]
    assert missing == []


def test_refusals_from_the_table_of_fields_are_documented() -> None:
    """Those codes are looked up by field when an event can't be read, so no call in the source shows them."""
    source = (ROOT / "src/tollkeeper/events/read.py").read_text(encoding="utf-8")
    table = re.search(r"^_BY_FIELD = \{(.*?)^\}", source, re.MULTILINE | re.DOTALL)
    assert table is not None
    codes = set(re.findall(r"[(,] ?\"([a-z_]+)\"", table[1]))
    assert len(codes) > 10
    patterns = [re.sub(r"<\w+>", "[a-z]+", code) for code in re.findall(r"^\| `([a-z_<>]+)`", REFERENCE, re.MULTILINE)]
    assert [code for code in sorted(codes) if not any(re.fullmatch(each, code) for each in patterns)] == []


SAMPLE = """# One thing

[a](#one-thing) [b](#other) `[c](gone.md)` [d](README.md) [e](gone.md) [f](https://example.com/x) [g](README.md#gone)

```toml
[h](gone.md)
```

## `One` thing
"""


def test_broken_links_are_found() -> None:
    found = list(broken(ROOT / "sample.md", SAMPLE))
    assert found == ["#other: no such heading", "gone.md doesn't exist", "README.md#gone: no such heading"]
    assert anchors(SAMPLE) == {"one-thing", "one-thing-1"}


def test_blocks_are_found() -> None:
    text = 'x\n```toml\ncurrency = "USD"\n```\n- y\n  ```toml\n  z = 1\n  ```\n```sh\nls\n```\n'
    assert blocks(text, "toml") == ['currency = "USD"\n', "  z = 1\n"]
    with pytest.raises(CatalogInvalid):
        check('currency = "USD"\nmeter = 1\n', models=MODELS)
