"""Margins: what is left of the charges when AI providers have taken theirs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, Field

from tollkeeper import clock
from tollkeeper.analytics import MarginQuery, MarginRow, Order, margins, recent_range, sums_by_unit
from tollkeeper.api.auth import Reader
from tollkeeper.api.bodies import Amount, Answer
from tollkeeper.api.books import OpenBooks
from tollkeeper.api.paging import Cursor, Limit, encode_cursor, key_behind
from tollkeeper.api.tables import CSV_RESPONSE, WantsCsv, as_csv
from tollkeeper.catalog import Catalog
from tollkeeper.clock import in_utc
from tollkeeper.customers import customer_id_of, get_customer
from tollkeeper.db import Tx

router = APIRouter(prefix="/v1/margins", tags=["costs"])


class MarginTotalAnswer(Answer):
    """What all rows come to in one unit of value."""

    unit: str | None
    charge: Amount
    cost: Amount
    margin: Amount | None
    margin_percent: Amount | None
    without_calls_charge: Amount | None = Field(
        description="What events that told of no provider call are charged; their cost counts as 0. Null by members or "
        "dimensions alone."
    )


class MarginAnswer(MarginTotalAnswer):
    """What a group of events came to. `margin_percent` is of the cost, as in `cost_plus` prices."""

    start: datetime
    end: datetime
    group: dict[str, str | None]
    events: int
    calls: int
    unpriced: int
    uncosted: int
    uncosted_charge: Amount
    estimated: int
    estimated_charge: Amount
    estimated_cost: Amount
    without_calls: int | None = Field(description="Events that told of no provider call: nobody knows what they cost.")


class MarginsAnswer(Answer):
    """Margins in [from, to), a page of them; `totals` are of all pages."""

    start: datetime
    end: datetime
    as_of: datetime
    currency: str
    totals: list[MarginTotalAnswer]
    data: list[MarginAnswer]
    next_cursor: str | None = Field(description="Asks for the next page as `cursor`; null on the last page.")


_FIGURES = (
    "unit", "events", "calls", "charge", "cost", "margin", "margin_percent", "unpriced", "uncosted", "uncosted_charge",
    "estimated", "estimated_charge", "estimated_cost", "without_calls", "without_calls_charge",
)  # fmt: skip


@router.get("", summary="Show margins", responses=CSV_RESPONSE, response_model=MarginsAnswer)
async def show_margins(
    books: OpenBooks,
    _: Reader,
    csv: WantsCsv,
    group_by: Annotated[
        list[str],
        Query(
            description="`customer`, `meter`, `member`, `provider`, `model`, declared dimensions, and one of `hour`, "
            "`day` and `month`; repeated or separated by commas."
        ),
    ] = [],  # noqa: B006
    start: Annotated[
        AwareDatetime | None, Query(alias="from", description="Start of the range; 30 days before `to` by default.")
    ] = None,
    end: Annotated[AwareDatetime | None, Query(alias="to", description="End of the range; now by default.")] = None,
    customer: Annotated[str | None, Query(description="Only this customer's.")] = None,
    meter: Annotated[str | None, Query(description="Only this meter's.")] = None,
    timezone: Annotated[str, Query(description="IANA zone that hours, days and months are cut in.")] = "UTC",
    sort: Annotated[Order, Query(description="By group, or the largest figure first.")] = Order.GROUP,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> MarginsAnswer | Response:
    """Charge, cost and margin of events with their corrections; unpriced, uncosted and estimated ones apart.

    By provider or model, an event's charge is shared over its calls by what they cost.
    """
    as_of = clock.now()
    span = recent_range(start, end, as_of)
    names = tuple(name for names in group_by for name in names.split(",") if name)
    behind = key_behind(cursor)

    async def work(tx: Tx) -> tuple[Catalog, list[MarginRow]]:
        only = None if customer is None else (await get_customer(tx, customer)).customer_id
        catalog = await books.catalog(tx)
        query = MarginQuery(span.start, span.end, names, only, meter, timezone, sort)
        return catalog, await margins(tx, catalog, query)

    catalog, rows = await books.database.run(work, None if customer is None else customer_id_of(customer))
    found, following = _page(rows, behind, limit)
    shown = [MarginAnswer.of(row) for row in found]
    if csv:
        groups = [f"group.{name}" for name in (rows[0].group if rows else ())]
        return as_csv(shown, ["start", "end", *groups, *_FIGURES], next_cursor=following)
    totals = [MarginTotalAnswer.of(one) for one in sums_by_unit(rows, span, catalog)]
    range_ = {"start": span.start, "end": span.end, "as_of": as_of}
    return MarginsAnswer(**range_, currency=catalog.currency, totals=totals, data=shown, next_cursor=following)


def _page(rows: Sequence[MarginRow], behind: str | None, limit: int) -> tuple[Sequence[MarginRow], str | None]:
    """The rows of a page, and the cursor of the next one. The rows are sums, so each page sums up anew."""
    first = 0
    if behind is not None:
        first = next((i for i, row in enumerate(rows, 1) if _key(row) == behind), len(rows))
    more = first + limit < len(rows)
    return rows[first : first + limit], encode_cursor(_key(rows[first + limit - 1])) if more else None


def _key(row: MarginRow) -> str:
    """What tells a row from the others."""
    return json.dumps([in_utc(row.start), [*row.group.values()], row.unit])
