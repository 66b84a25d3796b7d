"""Alerts: what a person or a product should hear of, such as a limit that is nearly used."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import ConfigDict

from tollkeeper.api.auth import Reader
from tollkeeper.api.bodies import Answer
from tollkeeper.api.books import Books, OpenBooks
from tollkeeper.api.paging import Cursor, Limit, Page, key_behind, page, uuid_in
from tollkeeper.customers import customer_id_of, get_customer
from tollkeeper.db import PublishedFact, Tx, list_facts
from tollkeeper.gate import TOPICS

Shown = TypeVar("Shown")

router = APIRouter(prefix="/v1/alerts", tags=["alerts"])


class AlertAnswer(Answer):
    """An alert; each topic adds fields of its own."""

    model_config = ConfigDict(extra="allow")

    id: UUID
    customer: str
    topic: str
    created_at: datetime


def alert_answer(fact: PublishedFact) -> AlertAnswer:
    """The fact, as it's shown."""
    own = {"id": fact.fact_id, "customer": fact.customer, "topic": fact.topic, "created_at": fact.created_at}
    return AlertAnswer(**fact.body | own)


async def page_of_alerts(
    books: Books,
    key: str | None,
    topics: Collection[str],
    answer: Callable[[PublishedFact], Shown],
    limit: int,
    cursor: str | None,
) -> Page[Shown]:
    """A page of alerts about these topics, newest first: a customer's, or everybody's."""
    before = key_behind(cursor)

    async def work(tx: Tx) -> list[PublishedFact]:
        customer_id = None if key is None else (await get_customer(tx, key)).customer_id
        behind = None if before is None else uuid_in(before)
        return await list_facts(tx, customer_id, topics=topics, before=behind, limit=limit + 1)

    found = await books.database.run(work, None if key is None else customer_id_of(key))
    return page(found, limit, answer, lambda last: (str(last.fact_id),))


@router.get("", summary="List alerts")
async def list_alerts(
    books: OpenBooks,
    _: Reader,
    customer: Annotated[str | None, Query(description="Only this customer's.")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[AlertAnswer]:
    """Thresholds of limits, low and exhausted balances, expiring grants, unpriced calls; newest first."""
    return await page_of_alerts(books, customer, TOPICS, alert_answer, limit, cursor)
