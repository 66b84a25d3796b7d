"""What was used: summed up by window and dimension, and by the AI models that were called."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, Field

from tollkeeper import clock
from tollkeeper.analytics import ModelUse, UsageRow, Window, models, recent_range
from tollkeeper.api.bodies import Amount, Answer
from tollkeeper.api.books import OpenBooks
from tollkeeper.api.portal import Portal
from tollkeeper.api.routes.portal.bodies import PREFIX, TAG
from tollkeeper.api.routes.usage import AskedUsage, usage_columns, usage_of
from tollkeeper.api.tables import CSV_RESPONSE, WantsCsv, as_csv
from tollkeeper.customers import get_customer
from tollkeeper.db import Tx
from tollkeeper.money import ZERO, add, plain

router = APIRouter(prefix=PREFIX, tags=[TAG])

_encode = msgspec.json.Encoder().encode

_FIGURES = ("events", "quantity", "charge", "unit", "unpriced", "estimated")


class PortalUsageRow(Answer):
    """What one meter came to in one window and group."""

    start: datetime
    end: datetime
    meter: str
    group: dict[str, str | None]
    events: int
    quantity: Amount
    charge: Amount
    unit: str | None
    unpriced: int = Field(description="Events that have no price yet; `charge` says nothing about them.")
    estimated: int = Field(description="Events whose charge is an estimate.")


_ROW = tuple(PortalUsageRow.model_fields)


class _Shown(msgspec.Struct, frozen=True, gc=False):
    """A row of the answer as it's encoded; `PortalUsageRow` says what is in it."""

    start: datetime
    end: datetime
    meter: str
    group: dict[str, str | None]
    events: int
    quantity: str
    charge: str
    unit: str | None
    unpriced: int
    estimated: int


class ChargeAnswer(Answer):
    """A charge in one unit of value."""

    unit: str
    charge: Amount


class PortalUsageAnswer(Answer):
    """Usage in [start, end); windows without usage have no row. The sums are those of all rows."""

    start: datetime
    end: datetime
    window: Window
    timezone: str
    as_of: datetime
    totals: list[ChargeAnswer]
    unpriced: int
    estimated: int
    rows: list[PortalUsageRow]


@router.get("/usage", summary="Sum up usage", responses=CSV_RESPONSE, response_model=PortalUsageAnswer)
async def show_usage(books: OpenBooks, session: Portal, csv: WantsCsv, asked: AskedUsage) -> Response:
    """As `GET /v1/usage`, of the session's customer, without what the operator pays."""
    query = asked.query
    zone, found = await usage_of(books, session.customer, query)
    if csv:
        # What comes from the domain needn't be checked.
        rows = [PortalUsageRow.model_construct(**{name: getattr(row, name) for name in _ROW}) for row in found]
        return as_csv(rows, usage_columns(query, _FIGURES))
    answer = PortalUsageAnswer(
        start=query.start,
        end=query.end,
        window=query.window,
        timezone=zone,
        as_of=asked.as_of,
        totals=_totals(found),
        unpriced=sum(row.unpriced for row in found),
        estimated=sum(row.estimated for row in found),
        rows=[],
    )
    return _with_rows(answer, found)


def _with_rows(answer: PortalUsageAnswer, found: list[UsageRow]) -> Response:
    """The answer as JSON, with these rows. There may be thousands: as models they'd take four times as long."""
    rows = [
        _Shown(
            row.start,
            row.end,
            row.meter,
            row.group,
            row.events,
            plain(row.quantity),
            plain(row.charge),
            row.unit,
            row.unpriced,
            row.estimated,
        )
        for row in found
    ]
    return Response(_encode(answer.model_dump() | {"rows": rows}), media_type="application/json")


def _totals(rows: list[UsageRow]) -> list[ChargeAnswer]:
    sums = {row.unit: ZERO for row in rows}
    for row in rows:
        sums[row.unit] = add(sums[row.unit], row.charge)
    return [ChargeAnswer(unit=unit, charge=sums[unit]) for unit in sorted(filter(None, sums))]


class ModelUseAnswer(Answer):
    """What one AI model was used for; tokens of all kinds, as strings."""

    provider: str
    model: str
    calls: int
    input: Amount
    output: Amount
    total: Amount
    charge: Amount = Field(
        description="What the usage is charged; of usage that took several models, this one's share."
    )
    unit: str | None


class ModelsAnswer(Answer):
    """Usage by model in [from, to). Usage that called no model isn't in it."""

    start: datetime = Field(serialization_alias="from")
    end: datetime = Field(serialization_alias="to")
    as_of: datetime
    data: list[ModelUseAnswer]


@router.get("/models", summary="Sum up usage by AI model", responses=CSV_RESPONSE, response_model=ModelsAnswer)
async def show_models(
    books: OpenBooks,
    session: Portal,
    csv: WantsCsv,
    start: Annotated[
        AwareDatetime | None, Query(alias="from", description="Start of the range; 30 days before `to` by default.")
    ] = None,
    end: Annotated[AwareDatetime | None, Query(alias="to", description="End of the range; now by default.")] = None,
) -> ModelsAnswer | Response:
    """The calls, tokens and charges of each model that usage in the range has called."""
    as_of = clock.now()
    span = recent_range(start, end, as_of)

    async def work(tx: Tx) -> list[ModelUse]:
        return await models(tx, await get_customer(tx, session.customer), span)

    data = [_model(use) for use in await books.database.run(work, session.customer_id)]
    if csv:
        return as_csv(data, tuple(ModelUseAnswer.model_fields))
    return ModelsAnswer(start=span.start, end=span.end, as_of=as_of, data=data)


def _model(use: ModelUse) -> ModelUseAnswer:
    return ModelUseAnswer(
        provider=use.provider,
        model=use.model,
        calls=use.calls,
        input=use.tokens.input,
        output=use.tokens.output,
        total=use.tokens.total,
        charge=use.charge,
        unit=use.unit,
    )
