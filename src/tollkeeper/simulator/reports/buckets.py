"""Buckets of time, pages of them, and parameters as the two providers have in common."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from starlette.datastructures import QueryParams

from tollkeeper.clock import EPOCH
from tollkeeper.simulator.model import Bill, Refused

WIDTHS = {"1m": timedelta(minutes=1), "1h": timedelta(hours=1), "1d": timedelta(days=1)}

USAGE_LIMITS = {"1m": (60, 1440), "1h": (24, 168), "1d": (7, 31)}
"""Buckets on a page: unless told, and at most. Both providers have the same."""


Row = tuple[Mapping[str, Any], Bill, str]
"""What a call can be grouped by, the call, and for costs the unit."""


@dataclass(frozen=True, slots=True)
class Page:
    """The buckets that a request asks for."""

    buckets: list[tuple[datetime, datetime]]
    next_page: str | None


def floor(instant: datetime, width: timedelta) -> datetime:
    """The start, in UTC, of the bucket that the instant falls into."""
    return EPOCH + (instant - EPOCH) // width * width


def page_of(start: datetime, end: datetime, width: timedelta, limit: int, page: str | None, *, clipped: bool) -> Page:
    """A page of buckets; clipped, the first and the last are cut to what was asked for."""
    at = _begun(page) if page else floor(start, width)
    buckets: list[tuple[datetime, datetime]] = []
    while at < end and len(buckets) < limit:
        buckets.append((max(at, start), min(at + width, end)) if clipped else (at, at + width))
        at += width
    return Page(buckets, _cursor(at) if at < end else None)


def by_bucket(page: Page, width: timedelta, rows: Iterable[Row]) -> list[list[Row]]:
    """The rows of each bucket of the page."""
    places = {floor(begun, width): i for i, (begun, _) in enumerate(page.buckets)}
    found: list[list[Row]] = [[] for _ in page.buckets]
    for row in rows:
        place = places.get(floor(row[1].at, width))
        if place is not None and page.buckets[place][0] <= row[1].at < page.buckets[place][1]:
            found[place].append(row)
    return found


def by_key(rows: Iterable[Row], groups: Sequence[str]) -> list[tuple[dict[str, Any], list[Row]]]:
    """The rows that have the fields of `groups` in common, with these."""
    found: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        found.setdefault(tuple(row[0].get(name) for name in groups), []).append(row)
    return [(dict(zip(groups, key, strict=True)), each) for key, each in found.items()]


def _cursor(at: datetime) -> str:
    return "page_" + base64.urlsafe_b64encode(at.isoformat().encode()).decode().rstrip("=")


def _begun(page: str) -> datetime:
    text = page.removeprefix("page_")
    try:
        return datetime.fromisoformat(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode())
    except (ValueError, binascii.Error):
        raise invalid("page", "Invalid page cursor.") from None


def several(query: QueryParams, name: str) -> list[str]:
    """The values of a parameter that may be repeated: `name[]=a&name[]=b`, or `name=a`."""
    return [*query.getlist(f"{name}[]"), *query.getlist(name)]


def grouped_by(query: QueryParams, allowed: Sequence[str]) -> list[str]:
    """The fields to group by. Raises Refused 400 for one that there isn't."""
    fields = several(query, "group_by")
    if wrong := [each for each in fields if each not in allowed]:
        raise invalid("group_by", f"Invalid value: '{wrong[0]}'. Supported values are: {', '.join(allowed)}.")
    return fields


def width_of(query: QueryParams, allowed: Sequence[str]) -> str:
    """The width of the buckets, a day unless told. Raises Refused 400."""
    width = query.get("bucket_width", "1d")
    if width not in allowed:
        raise invalid("bucket_width", f"Invalid value: '{width}'. Supported values are: {', '.join(allowed)}.")
    return width


def limit_of(query: QueryParams, usual: int, most: int) -> int:
    """How many buckets a page may have. Raises Refused 400 outside 1 to `most`."""
    text = query.get("limit", str(usual))
    if not text.isdecimal() or not 1 <= int(text) <= most:
        raise invalid("limit", f"Invalid 'limit': must be between 1 and {most} for this bucket width, but got {text}.")
    return int(text)


def matches(fields: Mapping[str, object], query: QueryParams, filters: Mapping[str, str]) -> bool:
    """Whether a call passes the filters: `filters` says which parameter is about which field."""
    return all(
        not (wanted := several(query, parameter)) or str(fields.get(field)) in wanted
        for parameter, field in filters.items()
    )


def invalid(param: str, message: str) -> Refused:
    """The answer to a parameter that can't be."""
    return Refused(400, "invalid_request_error", message, code="invalid_value", param=param)
