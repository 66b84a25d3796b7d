"""The bundled rows: only ever added, each from a page, none that never applies."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path

from tests.unit.vectors.price_ids import FILE, recorded

from tollkeeper.providers import PROVIDERS, Unit, book
from tollkeeper.providers.registry import model_key
from tollkeeper.providers.rows import bundled_rows

DATA = Path(__file__).parents[2] / "src" / "tollkeeper" / "providers" / "data"


def test_no_row_was_changed_or_taken_away() -> None:
    """A row's id follows from its content: whoever changes one takes an id away. Prices change by new rows."""
    there = {row.price_id for row in bundled_rows()}
    assert not recorded() - there, "rows were changed or removed: put them back, and add new ones with a date"
    assert not there - recorded(), "new rows: note them with `make prices`, which only ever adds"


def test_the_list_of_ids_only_grows_at_its_end() -> None:
    lines = FILE.read_text(encoding="utf-8").split()
    assert len(set(lines)) == len(lines)


def test_a_changed_row_would_have_another_id() -> None:
    one = book().rows[0]
    same = [row for row in book().rows if row.price_id == one.price_id]
    assert len(same) == 1
    ids = Counter(row.price_id for row in book().rows)
    assert max(ids.values()) == 1, [row for row in book().rows if ids[row.price_id] > 1][:4]


def test_every_provider_has_its_file_and_no_other_is_there() -> None:
    assert {file.stem for file in DATA.iterdir()} == {provider.key for provider in PROVIDERS}
    assert {row.provider for row in book().rows} == {provider.key for provider in PROVIDERS}


def test_every_row_says_where_it_is_from_and_when_that_was_looked_at() -> None:
    for row in book().rows:
        assert row.source is not None
        assert row.source.startswith("https://"), row
        assert row.checked_on is not None
        assert date(2026, 1, 1) <= date.fromisoformat(row.checked_on), row
        assert row.unit in list(Unit)
        assert row.model == row.model.strip().lower()
        assert row.amount >= 0
        assert row.per > 0


def test_names_are_those_that_models_are_looked_up_by() -> None:
    """What registry.model_key takes away from a name can't stand in a row: it would never match."""
    for provider, model in {(row.provider, row.model) for row in book().rows}:
        assert model_key(provider, model, None) == (model, None)


def test_size_bands_leave_no_gap() -> None:
    bands: dict[tuple[object, ...], set[tuple[int | None, int | None]]] = {}
    for row in book().rows:
        on = row.conditions
        if on.input_above is not None or on.input_up_to is not None:
            place = (row.provider, row.model, row.unit, row.start, on.service_tier, on.batch, on.region)
            bands.setdefault(place, set()).add((on.input_above, on.input_up_to))
    for place, found in bands.items():
        if place[2] != Unit.CACHE_WRITE_12H_TOKENS:  # One is published for short prompts only.
            ((_, most), (above, _)) = sorted(found, key=lambda band: band[0] or 0)
            assert most == above, place


def test_gpt_4o_costs_what_everybody_knows() -> None:
    rows = [row for row in book().rows_for("openai", "gpt-4o-2024-11-20") if row.conditions.service_tier == "standard"]
    standard = {row.unit: str(row.amount) for row in rows if not row.conditions.batch and row.start is None}
    assert standard["input_tokens"] == "2.50"
    assert standard["cached_input_tokens"] == "1.25"
    assert standard["output_tokens"] == "10.00"
