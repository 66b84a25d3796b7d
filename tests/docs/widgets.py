"""Writes the lists of docs/reference/widgets.md anew, from the widgets' comments: `python -m tests.docs.widgets`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "widgets.md"
SOURCES = ROOT / "web" / "src"
WHOLE_PAGE = SOURCES / "billing" / "page.ts"
REGISTRY = SOURCES / "widgets" / "index.ts"
THEME = SOURCES / "core" / "theme.ts"

_LISTS = ("common", "widgets", "page", "properties")
_COMMENT = re.compile(r"/\*\*((?:(?!\*/).)*?@element (toll-[\w-]+).*?)\*/\s*export class (\w+)", re.DOTALL)
_TAG = re.compile(r"@(\w+) ?(.*)")
_ATTRIBUTE = re.compile(r"\{(.+?)\} ([\w-]+) - (.+)")
_SAID = re.compile(r"([\w-]+) - (.+)")
_TOKEN = re.compile(r"\['([\w-]+)', '(#\w+)', '(#\w+)', '([^']+)'\]")
_OTHER = re.compile(r"var\(--toll-([\w-]+), ((?:[^()]|\([^()]*\))+)\)")
_MEANINGS = {
    "font": "text",
    "font-mono": "ids and codes",
    "radius": "corners of widgets; those inside follow",
    "gap": "space inside widgets",
}


@dataclass(frozen=True)
class Widget:
    """A widget, as the comment of its class tells it."""

    name: str
    class_name: str
    text: str
    attributes: tuple[tuple[str, str, str], ...]
    """Type, name, meaning."""
    events: tuple[tuple[str, str], ...]
    parts: tuple[tuple[str, str], ...]


def widgets() -> list[Widget]:
    """All of the registry, in its order."""
    found = {}
    for file in sorted((SOURCES / "widgets").glob("*.ts")):
        for comment, name, class_name in _COMMENT.findall(file.read_text(encoding="utf-8")):
            found[name] = _widget(comment, name, class_name)
    return [found[name] for name in registered()]


def whole_page() -> Widget:
    """The page as one element, which has a script of its own."""
    ((comment, name, class_name),) = _COMMENT.findall(WHOLE_PAGE.read_text(encoding="utf-8"))
    return _widget(comment, name, class_name)


def registered() -> list[str]:
    """The widgets' names."""
    (body,) = re.findall(r"WIDGETS = \{(.+?)\}", REGISTRY.read_text(encoding="utf-8"), re.DOTALL)
    return re.findall(r"'(toll-[\w-]+)'", body)


def with_lists(page: str) -> str:
    """The page with the lists as the sources have them now."""
    made = {"common": _common(), "widgets": _all(), "page": _page(), "properties": _properties()}
    for name in _LISTS:
        begin, end = f"<!-- begin {name}: made by `python -m tests.docs.widgets` -->\n", f"<!-- end {name} -->\n"
        before, _, rest = page.partition(begin)
        page = f"{before}{begin}\n{made[name]}\n{end}{rest.partition(end)[2]}"
    return page


def stale() -> bool:
    """Whether the page has other lists."""
    page = PAGE.read_text(encoding="utf-8")
    return with_lists(page) != page


def _widget(comment: str, name: str, class_name: str) -> Widget:
    lines = [line.strip().removeprefix("*").strip() for line in comment.splitlines()]
    tags = [found.groups() for line in lines if (found := _TAG.match(line))]
    text = " ".join(line for line in lines if line and not line.startswith("@"))

    def said(tag: str) -> tuple[tuple[str, str], ...]:
        return tuple(found.groups() for kind, rest in tags if kind == tag and (found := _SAID.match(rest)))  # type: ignore[misc]

    attributes = tuple(found.groups() for kind, rest in tags if kind == "attr" and (found := _ATTRIBUTE.match(rest)))
    return Widget(name, class_name, text, attributes, said("fires"), said("csspart"))  # type: ignore[arg-type]


def _shared() -> tuple[set[str], set[str]]:
    """Attributes and events that all widgets have."""
    all_of = widgets()
    attributes = set.intersection(*({name for _, name, _ in widget.attributes} for widget in all_of))
    return attributes, set.intersection(*({name for name, _ in widget.events} for widget in all_of))


def _common() -> str:
    attributes, events = _shared()
    some = widgets()[1]
    rows = [_row(name, kind, said) for kind, name, said in some.attributes if name in attributes]
    told = [f"| `{name}` | event | {said} |" for name, said in some.events if name in events]
    return "\n".join(["| attribute | type | meaning |", "|---|---|---|", *rows, *told]) + "\n"


def _all() -> str:
    attributes, events = _shared()
    return "\n".join(_section(widget, attributes, events) for widget in widgets())


def _page() -> str:
    attributes, events = _shared()
    return _section(whole_page(), attributes, events)


def _section(widget: Widget, attributes: set[str], events: set[str]) -> str:
    blocks = [f"### {widget.name}", widget.text]
    own = [_row(name, kind, said) for kind, name, said in widget.attributes if name not in attributes]
    if own:
        blocks.append("\n".join(["| attribute | type | meaning |", "|---|---|---|", *own]))
    told = [f"| `{name}` | {said} |" for name, said in widget.events if name not in events]
    if told:
        blocks.append("\n".join(["| event | `detail`, and when |", "|---|---|", *told]))
    parts = [f"| `{name}` | {said} |" for name, said in widget.parts]
    blocks.append("\n".join(["| part | what |", "|---|---|", *parts]))
    return "\n\n".join(blocks) + "\n"


def _row(name: str, kind: str, said: str) -> str:
    types = kind.replace("|", " \\| ") if kind in ("string", "boolean", "number") else _values(kind)
    return f"| `{name}` | {types} | {said} |"


def _values(kind: str) -> str:
    return ", ".join(f"`{value}`" for value in kind.split("|"))


def _properties() -> str:
    source = THEME.read_text(encoding="utf-8")
    tokens = [
        f"| `--toll-{name}` | `{light}` | `{dark}` | {what} |" for name, light, dark, what in _TOKEN.findall(source)
    ]
    fonts = source[source.index("const FONTS") : source.index("/** `--_text")]
    others = [
        f"| `--toll-{name}` | {_short(value)} | the same | {_MEANINGS[name]} |" for name, value in _OTHER.findall(fonts)
    ]
    return "\n".join(["| property | light | dark | what |", "|---|---|---|---|", *tokens, *others]) + "\n"


def _short(value: str) -> str:
    return f"`{value}`" if len(value) < 20 else "the system's"


if __name__ == "__main__":
    PAGE.write_text(with_lists(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"{PAGE.name}: the lists of widgets are up to date.")
