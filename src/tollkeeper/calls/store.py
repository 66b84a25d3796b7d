"""The table of provider calls. One typed function for each query."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from tollkeeper.calls.family import FamilyCall
from tollkeeper.calls.model import Caller, CallFilter, CallKey, NewCall, OpenCall, StoredCall
from tollkeeper.db import Queries, Tx, array, text_array, word_array
from tollkeeper.money import plain

_queries = Queries(__package__ or "")


async def store_calls(tx: Tx, callers: Sequence[Caller], *, transaction_id: UUID, recorded_at: datetime) -> None:
    """Store the calls of events. Raises UniqueViolation where one of them is stored already."""
    rows = [(caller.event, call) for caller in callers for call in caller.calls]
    if not rows:
        return
    rows.sort(key=lambda row: (row[0].customer_id, row[1].provider, row[1].call_id))
    found = [call for _, call in rows]
    params = {
        "transaction_id": transaction_id,
        "recorded_at": recorded_at,
        "customer_id": word_array([event.customer_id for event, _ in rows]),
        "event_id": text_array([event.event.id for event, _ in rows]),
        "at": word_array([call.at.isoformat() for call in found]),
        "cost": array([call.cost for call in found]),
        "rate": array([call.rate for call in found]),
        "batch": array([call.batch for call in found]),
        "quantities": text_array([_quantities(call) for call in found]),
        "lines": text_array([_lines(call) for call in found]),
        "missing": text_array([_list(call.missing) for call in found]),
    }
    for name in ("provider", "call_id", "model", "project", "api_key", "service_tier", "region", "book"):
        params[name] = text_array([getattr(call, name) for call in found])
    params["cost_source"] = word_array([call.cost_source for call in found])
    params["adjusts"] = text_array([call.adjusts for call in found])
    await tx.execute(_queries.store_calls, params)


def _quantities(call: NewCall) -> str | None:
    if call.quantities is None:
        return None
    return _json({unit: plain(quantity) for unit, quantity in call.quantities.items()})


def _lines(call: NewCall) -> str | None:
    if not call.lines:
        return None
    numbers = ("quantity", "amount", "per")
    return _json(
        [
            {"unit": str(line.unit), "price_id": line.price_id} | {name: plain(getattr(line, name)) for name in numbers}
            for line in call.lines
        ]
    )


def _list(texts: Sequence[str]) -> str:
    return _json([str(text) for text in texts])


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


async def find_calls(tx: Tx, keys: Collection[CallKey]) -> dict[CallKey, FamilyCall]:
    """The stored ones among these calls, each with the event that it belongs to."""
    if not keys:
        return {}
    params = {
        "customer_id": array([key[0] for key in keys]),
        "provider": text_array([key[1] for key in keys]),
        "call_id": text_array([key[2] for key in keys]),
    }
    found = await tx.all(FamilyCall, _queries.find_calls, params)
    return {(call.customer_id, call.provider, call.call_id): call for call in found}


async def family_calls(tx: Tx, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], list[FamilyCall]]:
    """The calls of these (customer id, event id) and of all their corrections."""
    if not keys:
        return {}
    params = {"customer_id": array([key[0] for key in keys]), "event_id": text_array([key[1] for key in keys])}
    found: dict[tuple[str, str], list[FamilyCall]] = {}
    for call in await tx.all(FamilyCall, _queries.family_calls, params):
        found.setdefault((call.customer_id, call.event_id), []).append(call)
    return found


async def calls_of_event(tx: Tx, customer_id: UUID, event_id: str) -> list[StoredCall]:
    """The calls that one event has brought, in their order."""
    return await tx.all(StoredCall, _queries.calls_of_event, {"customer_id": customer_id, "event_id": event_id})


async def list_calls(
    tx: Tx, wanted: CallFilter, *, before: tuple[datetime, UUID, str, str] | None, limit: int
) -> list[StoredCall]:
    """A page of calls, newest first, going on before the one at (at, customer_id, provider, call_id) `before`."""
    params = {
        "customer_id": wanted.customer_id,
        "event_id": wanted.event_id,
        "provider": wanted.provider,
        "model": wanted.model,
        "unpriced": wanted.unpriced,
        "from": wanted.start,
        "to": wanted.end,
        "before": before[0] if before else None,
        "before_customer": before[1] if before else None,
        "before_provider": before[2] if before else None,
        "before_id": before[3] if before else None,
        "limit": limit,
    }
    return await tx.all(StoredCall, _queries.list_calls, params)


async def list_open_calls(
    tx: Tx, wanted: CallFilter, *, after: tuple[UUID, str, str] | None, limit: int
) -> list[OpenCall]:
    """Unpriced calls that nothing adjusts, by customer, going on behind (customer_id, provider, call_id) `after`."""
    params = {
        "customer_id": wanted.customer_id,
        "provider": wanted.provider,
        "model": wanted.model,
        "from": wanted.start,
        "to": wanted.end,
        "after_customer": after[0] if after else None,
        "after_provider": after[1] if after else None,
        "after_id": after[2] if after else None,
        "limit": limit,
    }
    return await tx.all(OpenCall, _queries.open_calls, params)
