"""How a range is read for customers of several zones: each zone by days, hours and events, as `windows` has it for one.

Windows are those of one zone. Where their edges aren't midnights in another, its customers are read from hours; where
they aren't even full hours there, from events.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from tollkeeper.analytics.windows import Piece, Source, pieces
from tollkeeper.clock import Interval, local_slot, start_of_day, zone
from tollkeeper.db import array, text_array

_Part = tuple[str, str, str]
"""From and to, as dates or instants; and of days the windows' first ones."""


@dataclass(slots=True)
class Cover:
    """The pieces of a range by source, each with the zones whose customers are read so."""

    windows: Sequence[Interval]
    _parts: dict[Source, dict[_Part, list[str]]] = field(default_factory=dict)

    def has(self, source: Source) -> bool:
        """Whether anything is read from it."""
        return source in self._parts

    def params(self) -> dict[str, Any]:
        """The pieces as the queries take them."""
        found: dict[str, Any] = {"starts": [window.start for window in self.windows]}
        for source in Source:
            parts = self._parts.get(source, {})
            found[f"{source}_zones"] = text_array([text_array(zones) for zones in parts.values()])
            found[f"{source}_from"] = text_array([start for start, _, _ in parts])
            found[f"{source}_to"] = text_array([end for _, end, _ in parts])
        found["day_starts"] = text_array([starts for _, _, starts in self._parts.get(Source.DAYS, {})])
        return found

    def add(self, name: str, found: Iterable[Piece]) -> None:
        """The pieces of one more zone."""
        for piece in found:
            part = piece.start.isoformat(), piece.end.isoformat(), ""
            if piece.source is Source.DAYS:
                part = self._days(piece, zone(name))
            self._parts.setdefault(piece.source, {}).setdefault(part, []).append(name)

    def _days(self, piece: Piece, tz: ZoneInfo) -> _Part:
        # The first window may begin within a day, which isn't among the whole ones then.
        starts = [piece.start, *(window.start for window in self.windows[1:])]
        first, after = local_slot(piece.start, tz).day, local_slot(piece.end, tz).day
        return first.isoformat(), after.isoformat(), array([local_slot(at, tz).day for at in starts])


def cover(windows: Sequence[Interval], zones: Iterable[str]) -> Cover:
    """How to read the windows, which follow each other, of customers in these zones."""
    found = Cover(windows)
    span = Interval(windows[0].start, windows[-1].end)
    edges = [window.start for window in windows[1:]]
    for name in zones:
        tz = zone(name)
        if not all(local_slot(at, tz).hour == at for at in edges):
            found.add(name, [Piece(Source.EVENTS, span.start, span.end)])
        elif all(_is_midnight(at, tz) for at in edges):
            found.add(name, pieces([span], tz))
        else:
            found.add(name, map(_without_days, pieces([span], tz)))
    return found


def by_events(windows: Sequence[Interval], zones: Iterable[str]) -> Cover:
    """The same from events alone: for what no rollup knows."""
    found = Cover(windows)
    for name in zones:
        found.add(name, [Piece(Source.EVENTS, windows[0].start, windows[-1].end)])
    return found


def _is_midnight(at: datetime, tz: ZoneInfo) -> bool:
    return start_of_day(local_slot(at, tz).day, tz) == at


def _without_days(piece: Piece) -> Piece:
    """A day is its hours."""
    return Piece(Source.HOURS, piece.start, piece.end) if piece.source is Source.DAYS else piece
