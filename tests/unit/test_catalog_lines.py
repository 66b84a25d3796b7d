"""The line locator, on TOML in all its shapes."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tollkeeper.catalog.lines import Lines, join

TEXT = """\
# prices = 1
currency = "USD"   # [meters]
title = \"\"\"
[not.a.table]
it's "quoted"\"\"\"\"
path = '''
[nor.this] '''
a.b.c = 1
a."d.e" = { f = 2, "g h" = [3, { i = 4 }] }

[meters . cv]
unit = 'C"V'
seen = 2026-12-01 00:00:00Z
list = [
  "x, ]", # ]
  [1,
   2],
]
[[prices.cv]]
amount = "\\"#"
[[prices.cv]]
tiers = [
  { up_to = 1 },
  { amount = 2 },
]
[prices.cv.extra]
deep = true
[[prices.cv.more]]
x = 1
[[prices.cv.more]]
x = 2
"""


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("currency", 2),
        ("title", 3),
        ("path", 6),
        ("a.b.c", 8),
        ('a."d.e".f', 9),
        ('a."d.e"."g h"[1].i', 9),
        ("meters", 11),
        ("meters.cv", 11),
        ("meters.cv.unit", 12),
        ("meters.cv.seen", 13),
        ("meters.cv.list[0]", 15),
        ("meters.cv.list[1][1]", 17),
        ("prices.cv", 19),
        ("prices.cv[0].amount", 20),
        ("prices.cv[1]", 21),
        ("prices.cv[1].tiers[1].amount", 24),
        ("prices.cv[1].extra.deep", 27),
        ("prices.cv[1].more[1].x", 31),
        ("prices.cv[1].tiers[0].amount", 23),
        ("prices.cv[0].model", 19),
        ("prices.other", 19),
        ("nowhere", 1),
    ],
)
def test_line_of_a_key(key: str, line: int) -> None:
    assert tomllib.loads(TEXT)
    assert Lines(TEXT).of(key) == line
    assert Lines(TEXT.replace("\n", "\r\n")).of(key) == line


names = st.text(max_size=4) | st.sampled_from(["a", "b", "a.b", 'say "x"', "#", "[x]"])
scalars = st.booleans() | st.integers(0, 99) | st.text(max_size=8) | st.sampled_from(['"""', "'''", "]", "}", ",", "#"])
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3), max_leaves=8
)


def _toml(value: Any) -> str:
    """`value` on one line; every basic string is escaped beyond ASCII, which is also valid TOML."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + "".join(c if c.isalnum() and c.isascii() else f"\\U{ord(c):08x}" for c in value) + '"'
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_toml(name)} = {_toml(item)}' for name, item in value.items())}}}"
    return str(value)


def _paths(path: str, value: Any) -> Iterator[str]:
    yield path
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _paths(join(path, name), item)
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from _paths(f"{path}[{i}]", item)


@given(st.dictionaries(names, values, max_size=5))
def test_every_key_is_found_where_it_stands(document: dict[str, Any]) -> None:
    text = "".join(f"# {'[' * i}\n{_toml(name)} = {_toml(item)}\n" for i, (name, item) in enumerate(document.items()))
    assert tomllib.loads(text) == document
    lines = Lines(text)
    for i, (name, item) in enumerate(document.items()):
        for path in _paths(join("", name), item):
            assert lines.of(path) == 2 * i + 2
