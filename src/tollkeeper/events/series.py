"""Series: one combination of meter, member, dimension values and unit of charge, under a 16-byte id.

Events and rollups carry the id. It follows from the content, so a batch needs no look-up to know it, and two batches
that meet a new combination at once agree on it.
"""

from __future__ import annotations

from dataclasses import dataclass

from tollkeeper.ids import content_id

_MOST_KNOWN = 500_000


@dataclass(slots=True, eq=False)
class Series:
    """The texts behind a series id. `customer_id` and `series_id` are UUIDs as text, ready for a query."""

    customer_id: str
    series_id: str
    meter: str
    member: str | None
    dimensions: tuple[tuple[str, str], ...]
    unit: str | None
    stored: bool = False
    """Whether a transaction that has committed is known to have stored it."""


class SeriesIndex:
    """The series that this process has seen."""

    def __init__(self) -> None:
        self._by_content: dict[tuple[object, ...], Series] = {}

    def find(
        self, customer_id: str, meter: str, member: str | None, dimensions: dict[str, str] | None, unit: str | None
    ) -> Series:
        """The series of this content."""
        pairs = tuple(sorted(dimensions.items())) if dimensions else ()
        content = (customer_id, meter, member, pairs, unit)
        series = self._by_content.get(content)
        if series is None:
            if len(self._by_content) >= _MOST_KNOWN:
                self._by_content.clear()
            series = Series(customer_id, _series_id(meter, member, pairs, unit), meter, member, pairs, unit)
            self._by_content[content] = series
        return series


def _series_id(meter: str, member: str | None, pairs: tuple[tuple[str, str], ...], unit: str | None) -> str:
    flat = [text for pair in pairs for text in pair]
    # "+" and "-" tell an absent member or unit from an empty one.
    optional = ["-" if text is None else f"+{text}" for text in (member, unit)]
    return str(content_id("series", meter, *optional, *flat))
