"""apply: a file becomes the next version of the catalog. redeclare: what it says, for who reads with SQL."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tollkeeper.catalog.check import check
from tollkeeper.catalog.declarations import declared
from tollkeeper.catalog.document import declared_document
from tollkeeper.catalog.prices import Models
from tollkeeper.catalog.propose import Proposal, UsedMeters, UsedPlans, compare, nobody_on_plans
from tollkeeper.catalog.store import declare, insert_prices, insert_version, latest_version
from tollkeeper.db import Kept, Tx, bump_epoch


async def redeclare(tx: Tx) -> None:
    """Have the version in force tell the views of `reports` what this Tollkeeper reads in it.

    An older one, which applied it, may have told less, or nothing.
    """
    latest = await latest_version(tx)
    if latest is not None:
        await declare(tx, latest.version, declared_document(declared(latest.source)))


@dataclass(frozen=True, slots=True)
class Applied:
    """The version in force now, and what was changed to come to it."""

    version: int
    proposal: Proposal


async def apply(
    tx: Tx,
    text: str,
    *,
    file: str | None = None,
    models: Models,
    used_meters: UsedMeters,
    used_plans: UsedPlans = nobody_on_plans,
    now: datetime | None = None,
    by: str,
) -> Applied:
    """Bring the catalog in force in line with `text`, on behalf of `by`; the same catalog again changes nothing.

    What has no `from` begins at `now`; without it, at the instant when no other catalog is being applied and no batch
    is being rated any more. Raises CatalogInvalid, and then nothing was changed.
    """
    draft = check(text, file=file, models=models)
    await bump_epoch(tx, Kept.CATALOG)
    proposal = await compare(tx, draft, models, used_meters, used_plans, now)
    if proposal.empty:
        return Applied(proposal.version, proposal)
    version = proposal.version + 1
    summary = [change.as_dict() for change in proposal.changes]
    await insert_version(
        tx, version, text, at=proposal.now, by=by, summary=summary, declared=declared_document(draft.declared)
    )
    if proposal.rows:
        await insert_prices(tx, version, proposal.rows)
    return Applied(version, proposal)
