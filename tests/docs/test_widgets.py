"""docs/reference/widgets.md: its lists are those of the sources, and the sources' comments tell all there is."""

from __future__ import annotations

import re

import pytest
from tests.docs.widgets import SOURCES, WHOLE_PAGE, Widget, registered, stale, whole_page, widgets

BASE = (SOURCES / "core" / "element.ts").read_text(encoding="utf-8")
_PROPERTY = re.compile(r"@property\((\{.*?\})?\) (?:override )?(\w+)")
_EVENT = re.compile(r"\.tell\('(toll-[\w-]+)'")


def source(widget: Widget) -> str:
    (file,) = [
        text
        for path in sorted((SOURCES / "widgets").glob("*.ts"))
        if f"export class {widget.class_name} " in (text := path.read_text(encoding="utf-8"))
    ]
    return file


def attributes(text: str) -> set[str]:
    """The attributes that the properties in a source have."""
    found = set()
    for options, name in _PROPERTY.findall(text):
        if "attribute: false" not in options:
            own = re.search(r"attribute: '([\w-]+)'", options)
            found.add(own[1] if own else name.lower())
    return found


def test_the_lists_are_up_to_date() -> None:
    assert not stale(), "run: python -m tests.docs.widgets"


def test_all_widgets_are_told_of() -> None:
    assert [widget.name for widget in widgets()] == registered()
    assert len(registered()) >= 8


@pytest.mark.parametrize("widget", widgets(), ids=lambda widget: widget.name)
def test_all_attributes_events_and_parts_are_told_of(widget: Widget) -> None:
    text = source(widget)
    assert {name for _, name, _ in widget.attributes} == attributes(BASE) | attributes(text)
    assert {name for name, _ in widget.events} >= {*_EVENT.findall(text), "toll-session-expired"}
    assert widget.text.endswith(".")
    assert any(name == "panel" for name, _ in widget.parts)


def test_all_of_the_whole_page_is_told_of() -> None:
    page, text = whole_page(), WHOLE_PAGE.read_text(encoding="utf-8")
    # It has no frame that it could be without.
    assert {name for _, name, _ in page.attributes} == attributes(BASE) - {"plain"} | attributes(text)
    assert {name for name, _ in page.events} >= {*_EVENT.findall(text), "toll-session-expired"}
    assert {name for name, _ in page.parts} == set(re.findall(r'part="([\w-]+)"', text))
