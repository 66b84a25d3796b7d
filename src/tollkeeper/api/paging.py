"""Lists in pages: an opaque cursor points behind the last row of a page, by the row's sort key.

A page costs the same wherever it is, and rows that are added meanwhile neither repeat nor hide others.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Generic, TypeVar
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, Field

from tollkeeper.errors import InvalidInput

T = TypeVar("T")
Row = TypeVar("Row")

Limit = Annotated[int, Query(ge=1, le=1000, description="Most items in one page.")]
Cursor = Annotated[
    str | None, Query(max_length=4000, description="`next_cursor` of the page before; left out for the first page.")
]


class Page(BaseModel, Generic[T]):
    """Some items of a list, and where it goes on."""

    data: list[T]
    next_cursor: str | None = Field(description="Asks for the next page as `cursor`; null on the last page.")


def page(rows: Sequence[Row], limit: int, answer: Callable[[Row], T], key: Callable[[Row], tuple[str, ...]]) -> Page[T]:
    """The first `limit` of `rows`, which the caller has read with `limit + 1` to learn whether there are more."""
    shown = rows[:limit]
    more = len(rows) > limit
    return Page(data=[answer(row) for row in shown], next_cursor=encode_cursor(*key(shown[-1])) if more else None)


def encode_cursor(*key: str) -> str:
    """The cursor that points behind the row with this sort key."""
    return urlsafe_b64encode(json.dumps(key, separators=(",", ":")).encode()).rstrip(b"=").decode()


def key_behind(cursor: str | None) -> str | None:
    """The sort key that a list goes on behind, where it's a single text. Raises InvalidInput `invalid_cursor`."""
    return None if cursor is None else decode_cursor(cursor, 1)[0]


def decode_cursor(cursor: str, length: int) -> tuple[str, ...]:
    """The sort key, of `length` texts, in a cursor. Raises InvalidInput `invalid_cursor`."""
    try:
        key = json.loads(urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)).decode())
    except (ValueError, RecursionError):
        key = None
    if not isinstance(key, list) or len(key) != length or not all(_is_text(part) for part in key):
        raise _invalid()
    return tuple(key)


def uuid_in(part: str) -> UUID:
    """A part of a sort key that is a UUID."""
    return _parsed(UUID, part)


def number_in(part: str) -> int:
    """A part of a sort key that is a small whole number."""
    number = _parsed(int, part)
    if not 0 <= number < 2**15:
        raise _invalid()
    return number


def instant_in(part: str) -> datetime:
    """A part of a sort key that is an instant."""
    instant = _parsed(datetime.fromisoformat, part)
    if instant.tzinfo is None:
        raise _invalid()
    return instant


def _parsed(parse: Callable[[str], T], part: str) -> T:
    try:
        return parse(part)
    except ValueError:
        raise _invalid() from None


def _invalid() -> InvalidInput:
    return InvalidInput("invalid_cursor", "This isn't a cursor that an earlier page gave.", field="cursor")


def _is_text(part: object) -> bool:
    """Whether PostgreSQL can compare it: a string without NUL and without lone surrogates."""
    return isinstance(part, str) and "\0" not in part and not any("\ud800" <= char <= "\udfff" for char in part)
