"""The console's first page: the books at a glance, what waits for somebody, and how the system is."""

from __future__ import annotations

import asyncio
from datetime import date, datetime

from fastapi import APIRouter
from pydantic import BaseModel, Field

from tollkeeper import __version__, clock
from tollkeeper.api.auth import Reader
from tollkeeper.api.bodies import Amount, Answer
from tollkeeper.api.books import OpenBooks
from tollkeeper.catalog import Catalog
from tollkeeper.console import (
    DatabaseFacts,
    Round,
    Summary,
    Task,
    UnpricedCalls,
    UnpricedUsage,
    database_facts,
    last_round,
    summary,
    unpriced,
)
from tollkeeper.db import Tx, migrations

router = APIRouter(prefix="/v1/console", tags=["console"])

_started_at = clock.now()
_newest_migration = migrations()[-1].version


class AmountAnswer(Answer):
    """An amount in one unit of value."""

    unit: str
    amount: Amount


class SpanAnswer(Answer):
    """What a day or a month has brought."""

    events: int = Field(description="Corrections included.")
    spent: list[AmountAnswer]
    cost: Amount = Field(description="In the catalog's currency.")
    margin: Amount = Field(description="Of usage that is charged in the catalog's currency, or not at all.")


class SummaryAnswer(Answer):
    """The books at a glance."""

    as_of: datetime | None = Field(description="What the sums know of; the counts are of this moment.")
    currency: str
    customers: int
    archived: int
    suspended: int
    today: SpanAnswer = Field(description="Each customer's calendar day, in its time zone.")
    month: SpanAnswer = Field(description="Each customer's calendar month.")
    unpriced: int = Field(description="Events of this month without a charge.")
    quarantine: int = Field(description="Refused items that wait for somebody.")
    holds: int = Field(description="Open holds, those in doubt among them.")
    holds_in_doubt: int
    findings: int = Field(description="What reconciliations of the last 90 days found that isn't a match.")


class UnpricedUsageAnswer(Answer):
    """Events of one meter without a charge."""

    meter: str
    name: str
    events: int
    customers: int
    since: date = Field(description="The day of the first, in the customer's time zone.")
    until: date


class UnpricedCallsAnswer(Answer):
    """Calls of one model whose cost isn't known."""

    provider: str
    model: str
    calls: int
    customers: int
    since: datetime
    until: datetime
    missing: list[str] = Field(description="What the price book has no price for.")


class UnpricedAnswer(BaseModel):
    """What no price is known for."""

    as_of: datetime
    meters: list[UnpricedUsageAnswer]
    models: list[UnpricedCallsAnswer]


class DatabaseAnswer(Answer):
    """What the database says about itself."""

    version: str
    bytes: int
    connections: int
    most_connections: int
    migration: int = Field(description="The newest that was applied.")


class PoolAnswer(BaseModel):
    """Database connections of the process that answers."""

    open: int
    idle: int


class HealthAnswer(BaseModel):
    """How the system is."""

    as_of: datetime
    version: str
    started_at: datetime = Field(description="When the process that answers was started.")
    workers: int = Field(description="Server processes of this `tollkeeper serve`.")
    pool: PoolAnswer
    newest_migration: int = Field(description="The newest that this version knows.")
    last_sweep_at: datetime | None = Field(description="When due holds and grants were last ended, by any process.")
    figures_as_of: datetime | None = Field(description="When the console's sums were last brought up to date.")
    catalog_version: int
    price_book: str = Field(description="Version of the book of AI providers' prices.")
    database: DatabaseAnswer


@router.get("/summary", summary="Show the books at a glance")
async def show_summary(books: OpenBooks, _: Reader) -> SummaryAnswer:
    """All customers together, today and this month, and what waits for somebody."""

    async def work(tx: Tx) -> Summary:
        return await summary(tx, await books.catalog(tx), now=clock.now())

    return SummaryAnswer.of(await books.database.run(work))


@router.get("/unpriced", summary="Show what no price is known for")
async def show_unpriced(books: OpenBooks, _: Reader) -> UnpricedAnswer:
    """Events without a charge by meter, and calls without a cost by model, the most first."""

    async def work(tx: Tx) -> tuple[Catalog, list[UnpricedUsage], list[UnpricedCalls]]:
        return await books.catalog(tx), *await unpriced(tx)

    catalog, usage, calls = await books.database.run(work)
    meters = [
        UnpricedUsageAnswer(
            meter=one.meter,
            name=catalog.meters[one.meter].name if one.meter in catalog.meters else one.meter,
            events=one.events,
            customers=one.customers,
            since=one.since,
            until=one.until,
        )
        for one in usage
    ]
    return UnpricedAnswer(as_of=clock.now(), meters=meters, models=[UnpricedCallsAnswer.of(one) for one in calls])


@router.get("/health", summary="Show how the system is")
async def show_health(books: OpenBooks, _: Reader) -> HealthAnswer:
    """Of the process that answers, of the database, and of the work in the background."""

    async def work(tx: Tx) -> tuple[DatabaseFacts, Round | None, Round | None]:
        return await database_facts(tx), await last_round(tx, Task.SWEEP), await last_round(tx, Task.FIGURES)

    facts, swept, figures = await books.database.run(work)
    # The book is read when it's first needed, which takes a while.
    book = await asyncio.to_thread(lambda: books.desk.pricing.book)
    connected, idle = books.database.connections
    return HealthAnswer(
        as_of=clock.now(),
        version=__version__,
        started_at=_started_at,
        workers=books.settings.workers,
        pool=PoolAnswer(open=connected, idle=idle),
        newest_migration=_newest_migration,
        last_sweep_at=swept and swept.as_of,
        figures_as_of=figures and figures.as_of,
        catalog_version=(await books.catalog()).version,
        price_book=book.version,
        database=DatabaseAnswer.of(facts),
    )
