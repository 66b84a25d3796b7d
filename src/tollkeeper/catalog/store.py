"""The catalog's tables: versions and prices, both only ever added to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from tollkeeper.catalog.model import NoPrice, Price, Withdrawn
from tollkeeper.catalog.prices import Models, Scope
from tollkeeper.catalog.timeline import Row
from tollkeeper.clock import Period
from tollkeeper.db import Queries, Tx

_queries = Queries(__package__ or "")


@dataclass(frozen=True, slots=True)
class Version:
    """One catalog that was applied."""

    version: int
    applied_at: datetime
    applied_by: str
    summary: list[dict[str, Any]]
    """Its changes, as Change.as_dict gives them."""


@dataclass(frozen=True, slots=True)
class VersionWithSource(Version):
    """A version, and the text that was applied."""

    source: str


@dataclass(frozen=True, slots=True)
class _PriceRow:
    price_id: UUID
    version: int
    meter: str
    customer_key: str | None
    plan: str | None
    effective_from: datetime
    kind: str
    content: dict[str, Any] | None


async def latest_version(tx: Tx) -> VersionWithSource | None:
    """The version in force, or None before the first."""
    return await tx.one(VersionWithSource, _queries.latest_version)


async def one_version(tx: Tx, version: int) -> VersionWithSource | None:
    """The version with that number."""
    return await tx.one(VersionWithSource, _queries.one_version, {"version": version})


async def versions(tx: Tx) -> list[Version]:
    """All versions, newest first."""
    return await tx.all(Version, _queries.versions)


async def price_rows(tx: Tx, models: Models) -> list[Row]:
    """What all rows of prices say, in the order of their versions."""
    return [_read(row, models) for row in await tx.all(_PriceRow, _queries.price_rows)]


async def price_by_id(tx: Tx, price_id: UUID, models: Models) -> Price | None:
    """The price that was ever applied under this id, whether or not it still holds."""
    row = await tx.one(_PriceRow, _queries.price_row, {"price_id": price_id})
    return None if row is None else _price(row, row.content or {}, models)


async def insert_version(
    tx: Tx, version: int, source: str, *, at: datetime, by: str, summary: list[dict[str, Any]], declared: dict[str, Any]
) -> None:
    """Add a version; `declared` is what it declares, for who reads with SQL."""
    checksum = sha256(source.encode()).hexdigest()
    values = {"version": version, "source": source, "checksum": checksum, "applied_at": at, "applied_by": by}
    tx.touches_everyone()
    await tx.execute(_queries.insert_version, values | {"summary": Jsonb(summary), "declared": Jsonb(declared)})


async def declare(tx: Tx, version: int, declared: dict[str, Any]) -> None:
    """Have a version tell that it declares this, for who reads with SQL; nothing is written where it does already."""
    await tx.execute(_queries.declare, {"version": version, "declared": Jsonb(declared)})


async def insert_prices(tx: Tx, version: int, rows: Iterable[Row]) -> None:
    """Add what `version` says about prices."""
    await tx.execute(_queries.insert_prices, {"version": version, "rows": Jsonb([_written(row) for row in rows])})


def _written(row: Row) -> dict[str, Any]:
    kind = _kind(row)
    if isinstance(row, Price):
        price_id, content = row.price_id, row.content()
    else:
        price_id, content = Scope.of(row).row_id(kind, row.effective_from), None
    return {
        "price_id": str(price_id),
        "meter": row.meter,
        "customer_key": row.customer,
        "plan": row.plan,
        "effective_from": row.effective_from.astimezone(UTC).isoformat(),
        "kind": kind,
        "content": content,
    }


def _kind(row: Row) -> str:
    if isinstance(row, Price):
        return "price"
    return "none" if isinstance(row, NoPrice) else "withdrawn"


def _read(row: _PriceRow, models: Models) -> Row:
    if row.content is not None:
        return _price(row, row.content, models)
    kind = NoPrice if row.kind == "none" else Withdrawn
    return kind(row.meter, row.customer_key, row.effective_from, row.plan)


def _price(row: _PriceRow, content: Mapping[str, Any], models: Models) -> Price:
    """A stored price. It was accepted once, so a model that refuses it now is a fault of this Tollkeeper."""
    faults: list[str] = []
    terms = models[content["model"]].parse(content["terms"], problem=lambda key, text: faults.append(f"{key}: {text}"))
    if terms is None:
        raise ValueError(f"the stored price {row.price_id} of {row.meter} can't be read: {'; '.join(faults)}")
    return Price(
        price_id=row.price_id,
        meter=row.meter,
        customer=row.customer_key,
        effective_from=row.effective_from,
        unit=content["unit"],
        model=content["model"],
        terms=terms,
        period=Period(content["period"]),
        included=Decimal(content["included"]),
        discount_percent=Decimal(content["discount_percent"]),
        maximum=None if content["maximum"] is None else Decimal(content["maximum"]),
        plan=row.plan,
    )
