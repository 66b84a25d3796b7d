"""How PostgreSQL carries statements out, by plans that are made for any parameters: it keeps those of statements that
are asked again and again."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from unittest.mock import patch

from tollkeeper.db import Database, Tx, pool

Plan = dict[str, Any]

EXPLAINED = {
    "session_preload_libraries": "auto_explain",
    "auto_explain.log_min_duration": "0",
    "auto_explain.log_analyze": "on",
    "auto_explain.log_timing": "off",
    "auto_explain.log_format": "json",
    "client_min_messages": "log",
    "plan_cache_mode": "force_generic_plan",
}


@asynccontextmanager
async def explaining(url: str, **more: str) -> AsyncIterator[Database]:
    """The database, whose connections say how each statement was carried out; with `more` settings."""
    asked = " ".join(f"-c {name}={value}" for name, value in (EXPLAINED | more).items())
    with patch.object(pool, "_OPTIONS", f"{pool._OPTIONS} {asked}"):  # pyright: ignore[reportPrivateUsage]
        told = Database(url, pool_size=1)
    async with told:
        yield told


def plans_of(tx: Tx) -> list[Plan]:
    """The plans of the transaction's statements from here on; filled as they're carried out."""
    plans: list[Plan] = []
    tx.connection.add_notice_handler(lambda notice: plans.extend(_plan_in(notice.message_primary or "")))
    return plans


def rows_read(plans: Sequence[Plan], table: str) -> float:
    """How many of the table's rows were read, wanted or not."""
    assert plans, "the statements were explained"
    return sum(_rows(scan) for plan in plans for scan in scans_of(plan) if scan["Relation Name"] == table)


def scans_of(plan: Plan) -> Iterator[Plan]:
    """The parts of a plan that read a table."""
    if "Relation Name" in plan:
        yield plan
    for part in plan.get("Plans", ()):
        yield from scans_of(part)


def _plan_in(message: str) -> Iterator[Plan]:
    """The plan that a notice of auto_explain tells."""
    _, brace, told = message.partition("{")
    if brace:
        yield json.loads(brace + told)["Plan"]


def _rows(scan: Plan) -> float:
    removed = scan.get("Rows Removed by Filter", 0) + scan.get("Rows Removed by Index Recheck", 0)
    return (scan["Actual Rows"] + removed) * scan["Actual Loops"]
