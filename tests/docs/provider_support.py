"""Writes the table of providers in docs/reference/provider-prices.md anew, from the data: see `make prices`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

from tollkeeper.providers import PROVIDERS, PriceRow, Unit, book
from tollkeeper.providers.registry import Provider

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "provider-prices.md"
CALLS = ROOT / "tests" / "unit" / "vectors" / "provider_calls"
BEGIN, END = "<!-- begin: made by `make prices` -->\n", "<!-- end -->\n"

_WORDS = {
    "text": (Unit.INPUT_TOKENS, Unit.OUTPUT_TOKENS),
    "cache reads": (Unit.CACHED_INPUT_TOKENS,),
    "cache writes": tuple(unit for unit in Unit if "cache_write" in unit),
    "audio": (Unit.INPUT_AUDIO_TOKENS, Unit.OUTPUT_AUDIO_TOKENS, Unit.SECONDS),
    "speech by characters": (Unit.CHARACTERS,),
    "images": (Unit.INPUT_IMAGE_TOKENS, Unit.OUTPUT_IMAGE_TOKENS, Unit.IMAGES),
    "video": (Unit.INPUT_VIDEO_TOKENS, Unit.OUTPUT_VIDEO_TOKENS),
    "pages": (Unit.PAGES,),
    "searches": (Unit.WEB_SEARCHES, Unit.FILE_SEARCHES),
}


def table() -> str:
    """The table between the markers."""
    head = "| provider | other names | models | priced | besides standard | looked up | recorded answers |\n"
    return f"{head}|---|---|---|---|---|---|---|\n" + "".join(_line(provider) for provider in PROVIDERS)


def with_table(page: str) -> str:
    """The page with the table as the data have it now."""
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}{table()}{END}{rest.partition(END)[2]}"


def _line(provider: Provider) -> str:
    rows = [row for row in book().rows if row.provider == provider.key]
    models = str(len({row.model for row in rows}))
    if provider.resells is not None:
        models += f" of its own, and {provider.resells}'s"
    units = {row.unit for row in rows}
    priced = ", ".join(word for word, of in _WORDS.items() if units & set(of))
    calls = len(json.loads((CALLS / f"{provider.key}.json").read_text(encoding="utf-8")))
    others = ", ".join(f"`{alias}`" for alias in provider.aliases)
    cells = [f"{provider.name} (`{provider.key}`)", others, models, priced, _ways(rows), _dates(rows), str(calls)]
    return f"| {' | '.join(cells)} |\n"


def _ways(rows: Iterable[PriceRow]) -> str:
    """Tiers, batch, regions and times of day that have prices of their own."""
    on = [row.conditions for row in rows]
    tiers = sorted({each.service_tier for each in on if each.service_tier not in (None, "standard")} - {None})
    regions = sorted({each.region for each in on if each.region is not None})
    told = [
        *(["batch"] if any(each.batch for each in on) else []),
        *(f"`{tier}`" for tier in tiers),
        *(f"region `{region}`" for region in regions),
        *(["long prompts"] if any(each.input_above for each in on) else []),
        *(["hours of the day"] if any(each.hours for each in on) else []),
    ]
    return ", ".join(told) or "-"


def _dates(rows: Iterable[PriceRow]) -> str:
    return max(row.checked_on or "" for row in rows)


def stale() -> bool:
    """Whether the page has another table."""
    page = PAGE.read_text(encoding="utf-8")
    return with_table(page) != page or not re.search(re.escape(BEGIN), page)


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"{PAGE.name}: the table of providers is up to date.")
