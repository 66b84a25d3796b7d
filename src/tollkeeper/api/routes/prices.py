"""What AI providers take: the rows of the price book."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, Field

from tollkeeper import clock
from tollkeeper.api.auth import Reader
from tollkeeper.api.bodies import Amount, Answer
from tollkeeper.api.books import OpenBooks
from tollkeeper.api.paging import Cursor, Limit, Page, key_behind, page
from tollkeeper.api.times import sane
from tollkeeper.errors import InvalidInput
from tollkeeper.providers import PriceRow, book_of
from tollkeeper.providers.listing import rows_like

router = APIRouter(prefix="/v1/prices", tags=["catalog"])


class PriceAnswer(Answer):
    """One dated price of one unit, in USD. A condition that is null holds for all calls."""

    price_id: str
    provider: str
    model: str = Field(description="A name, or a pattern in which * stands for anything.")
    unit: str
    amount: Amount
    per: Amount
    start: datetime | None = Field(serialization_alias="from", description="Null: since ever.")
    end: datetime | None = Field(serialization_alias="until", description="Null: until further notice.")
    service_tier: str | None
    batch: bool | None
    region: str | None
    input_above: int | None = Field(description="Only prompts of more tokens than this.")
    input_up_to: int | None
    hours: list[str] | None = Field(description="From and until, in UTC; may pass midnight.")
    weekdays: list[int] | None = Field(description="ISO weekdays: 1 is Monday.")
    least: Amount | None = Field(description="The least that a call is billed in this unit.")
    own: bool = Field(description="The operator's own: it goes before the bundled ones.")
    source: str | None
    checked_on: date | None


@router.get("", summary="List the prices of AI providers")
def list_prices(
    books: OpenBooks,
    _: Reader,
    provider: Annotated[str | None, Query(description="Only this provider's.")] = None,
    model: Annotated[str | None, Query(description="Only what prices this model.")] = None,
    at: Annotated[AwareDatetime | None, Query(description="In force then; left out: now.")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[PriceAnswer]:
    """The rows in force, the operator's own first; what stands in their stead when a price changes is a new row."""
    instant = clock.now() if at is None else sane(at, "at")
    rows = [*rows_like(book_of(books.settings.prices), provider=provider, model=model, at=instant)]
    return page(_behind(rows, key_behind(cursor))[: limit + 1], limit, _answer, lambda last: (last.price_id,))


def _behind(rows: list[PriceRow], price_id: str | None) -> list[PriceRow]:
    if price_id is None:
        return rows
    place = next((i for i, row in enumerate(rows) if row.price_id == price_id), None)
    if place is None:
        raise InvalidInput("invalid_cursor", "This isn't a cursor that an earlier page gave.", field="cursor")
    return rows[place + 1 :]


def _answer(row: PriceRow) -> PriceAnswer:
    on = row.conditions
    return PriceAnswer(
        price_id=row.price_id,
        provider=row.provider,
        model=row.model,
        unit=row.unit,
        amount=row.amount,
        per=row.per,
        start=row.start,
        end=row.end,
        service_tier=on.service_tier,
        batch=on.batch,
        region=on.region,
        input_above=on.input_above,
        input_up_to=on.input_up_to,
        hours=None if on.hours is None else [*on.hours],
        weekdays=None if on.weekdays is None else [*on.weekdays],
        least=row.least,
        own=row.own,
        source=row.source,
        checked_on=None if row.checked_on is None else date.fromisoformat(row.checked_on),
    )
