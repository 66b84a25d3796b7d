"""apply: a file becomes the next version of the catalog."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tollkeeper.catalog.check import check
from tollkeeper.catalog.plan import Plan, UsedMeters, compare
from tollkeeper.catalog.prices import Models
from tollkeeper.catalog.store import insert_prices, insert_version
from tollkeeper.db import Kept, Tx, bump_epoch


@dataclass(frozen=True, slots=True)
class Applied:
    """The version in force now, and what was changed to come to it."""

    version: int
    plan: Plan


async def apply(
    tx: Tx,
    text: str,
    *,
    file: str | None = None,
    models: Models,
    used_meters: UsedMeters,
    now: datetime | None = None,
    by: str,
) -> Applied:
    """Bring the catalog in force in line with `text`, on behalf of `by`; the same catalog again changes nothing.

    What has no `from` begins at `now`; without it, at the instant when no other catalog is being applied and no batch
    is being rated any more. Raises CatalogInvalid, and then nothing was changed.
    """
    draft = check(text, file=file, models=models)
    await bump_epoch(tx, Kept.CATALOG)
    plan = await compare(tx, draft, models, used_meters, now)
    if plan.empty:
        return Applied(plan.version, plan)
    version = plan.version + 1
    summary = [change.as_dict() for change in plan.changes]
    await insert_version(tx, version, text, at=plan.now, by=by, summary=summary)
    if plan.rows:
        await insert_prices(tx, version, plan.rows)
    return Applied(version, plan)
