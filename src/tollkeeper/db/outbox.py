"""The outbox: facts that others are to be told of, put down in the transaction that made them true."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from tollkeeper.db.arrays import array, text_array, word_array
from tollkeeper.db.pool import Asked, Tx
from tollkeeper.db.queries import Queries
from tollkeeper.ids import new_id
from tollkeeper.money import plain

_queries = Queries(__package__ or "")


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that has happened. `key` makes it the same fact as another one: each customer has it once."""

    customer_id: str
    topic: str
    key: str
    body: Mapping[str, Any]
    """JSON, in which decimals are strings."""


@dataclass(frozen=True, slots=True)
class PublishedFact:
    """A fact in the outbox."""

    customer_id: UUID
    customer: str
    """The customer's key."""
    fact_id: UUID
    topic: str
    body: dict[str, Any]
    created_at: datetime


async def publish(tx: Tx, facts: Collection[Fact], *, now: datetime) -> None:
    """Put the facts down, each at its first time only. No rows are fetched, so that it may share a round trip."""
    if not facts:
        return
    # Ids in the order of the facts, so that they're listed in it. Rows in key order, so that two transactions with the
    # same keys wait for each other instead of deadlocking.
    numbered = zip(facts, sorted(new_id() for _ in facts), strict=True)
    tx.touches(fact.customer_id for fact in facts)
    rows = sorted(numbered, key=lambda row: (row[0].customer_id, row[0].key))
    params = {
        "customer_id": word_array([fact.customer_id for fact, _ in rows]),
        "fact_id": array([fact_id for _, fact_id in rows]),
        "topic": text_array([fact.topic for fact, _ in rows]),
        "key": text_array([fact.key for fact, _ in rows]),
        "body": text_array([msgspec.json.encode(_json(fact.body)).decode() for fact, _ in rows]),
        "created_at": now,
    }
    await tx.execute(_queries.publish, params)


async def list_facts(
    tx: Tx,
    customer_id: UUID | None,
    *,
    topics: Collection[str] | None = None,
    before: UUID | None = None,
    limit: int,
) -> list[PublishedFact]:
    """Up to `limit` facts, newest first, going on behind the fact `before`; of all customers where none is named."""
    return await (await ask_facts(tx, customer_id, topics=topics, before=before, limit=limit)).all()


async def ask_facts(
    tx: Tx,
    customer_id: UUID | None,
    *,
    topics: Collection[str] | None = None,
    before: UUID | None = None,
    limit: int,
) -> Asked[PublishedFact]:
    """As `list_facts`, for those who have more to ask in the same round trip."""
    params = {
        "customer_id": customer_id,
        "topics": None if topics is None else sorted(topics),
        "before": before,
        "limit": limit,
    }
    return await tx.ask(PublishedFact, _queries.list_facts, params)


def _json(value: Any) -> Any:
    """The value with its decimals in plain digits: a Decimal of its own accord may write 1E+3."""
    match value:
        case Decimal():
            return plain(value)
        case Mapping():
            return {name: _json(each) for name, each in value.items()}
        case list() | tuple():
            return [_json(each) for each in value]
    return value
