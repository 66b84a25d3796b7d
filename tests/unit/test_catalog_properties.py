"""Properties of the catalog: no text breaks check; no file changes the past; the same file again changes nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tollkeeper.catalog import check
from tollkeeper.catalog.model import PriceHistory
from tollkeeper.catalog.timeline import Row, histories, steps
from tollkeeper.errors import CatalogInvalid
from tollkeeper.rating import MODELS

EXAMPLES = Path(__file__).parents[2] / "examples" / "catalogs"
SEEDS = [path.read_text() for path in sorted(EXAMPLES.glob("*.toml"))]
FRAGMENTS = [
    *"[]{}=.,#\"'\n\\0",
    '"""',
    "'''",
    "[[",
    "]]",
    "[[prices.page]]",
    "[customers.acme.prices]",
    "[plans.basic.prices]",
    "[limits.daily]",
    "[funding.units.x]",
    "[top_ups.x]",
    "[packs.x]",
    "listed = ",
    "expires_after",
    "99999 months",
    "member_caps",
    "true",
    "-1",
    "0.5",
    "1e9",
    "nan",
    "0x7fffffffffffffffffff",
    "1979-05-27",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
    "[]",
    "{}",
    '"\\u0000"',
    "from",
    "model",
    "tiers",
    "unit",
    "é",
    "\ud800",
    "\x00",
]


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A good catalog with some of its text cut out, repeated or replaced."""
    text = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(1, 5))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 30)))
        put = draw(st.sampled_from(FRAGMENTS) | st.text(max_size=5) | st.just(text[start:end] * 2))
        text = text[:start] + put + text[end:]
    return text


@given(mutated())
def test_check_raises_nothing_but_catalog_invalid(text: str) -> None:
    problems: list[dict[str, Any]] = []
    try:
        check(text, file="catalog.toml", models=MODELS)
    except CatalogInvalid as error:
        problems = error.extra["problems"]
    last = text.count("\n") + 1
    assert all(1 <= problem["line"] <= last and problem["message"] for problem in problems)


START = datetime(2026, 1, 1, tzinfo=UTC)
days = st.integers(0, 12)
prices = st.lists(st.tuples(st.none() | days, st.sampled_from("123")), unique_by=lambda entry: entry[0], max_size=4)
applied = st.lists(st.tuples(prices, st.integers(1, 48)), min_size=1, max_size=8)


Entries = list[tuple[int | None, str]]


def _file(entries: Entries) -> str:
    text = 'currency = "USD"\n[meters.cv]\nunit = "CV"\n'
    for day, amount in entries:
        text += f'[[prices.cv]]\nmodel = "unit"\namount = {amount}\n'
        text += "" if day is None else f"from = {(START + timedelta(days=day)).isoformat()}\n"
    return text


def _decide(text: str, rows: list[Row], now: datetime) -> list[Row] | None:
    """The rows that applying `text` adds; None where it is refused."""
    draft = check(text, models=MODELS)
    refused: list[str] = []
    held = histories(rows)
    scopes = {entry.scope for entry in draft.prices} | held.keys()
    found = [
        step.row
        for scope in scopes
        for step in steps(
            scope,
            [entry for entry in draft.prices if entry.scope == scope],
            held.get(scope),
            now,
            lambda key, _: refused.append(key),
        )
    ]
    return None if refused else found


def _amounts(history: PriceHistory | None, upto: datetime) -> list[tuple[datetime, str | None]]:
    """The price at every half day before `upto`."""
    instants = [START - timedelta(days=400), *(START + timedelta(hours=12 * i) for i in range(-2, 60))]
    found = []
    for instant in instants:
        price = history.at(instant) if history else None
        if instant < upto:
            found.append((instant, price.terms.as_table()["amount"] if price else None))
    return found


@given(applied)
def test_no_file_changes_the_past_and_none_changes_anything_twice(files: list[tuple[Entries, int]]) -> None:
    rows: list[Row] = []
    now = START
    for entries, hours in files:
        now += timedelta(hours=hours)
        text = _file(entries)
        before = next(iter(histories(rows).values()), None)
        added = _decide(text, rows, now)
        if added is None:
            continue
        rows = [*rows, *added]
        after = next(iter(histories(rows).values()), None)
        if before is not None:
            assert _amounts(after, now) == _amounts(before, now)
        for later in (0, 1, 100, 1000):
            assert _decide(text, rows, now + timedelta(hours=later)) == []


@given(prices, prices, st.integers(1, 300))
def test_what_the_file_says_holds_from_now_on(first: Entries, second: Entries, hours: int) -> None:
    rows = _decide(_file(first), [], START) or []
    now = START + timedelta(hours=hours)
    added = _decide(_file(second), rows, now)
    if added is None or not second:
        return
    history = next(iter(histories([*rows, *added]).values()))
    for instant in [now, *(START + timedelta(days=day) for day in range(13))]:
        said = [entry for entry in second if entry[0] is None or START + timedelta(days=entry[0]) <= instant]
        if instant < now or not said:
            continue
        _, amount = max(said, key=lambda entry: -1 if entry[0] is None else entry[0])
        price = history.at(instant)
        assert price is not None
        assert price.terms.as_table()["amount"] == amount
