"""Keeping what a provider reports: each row once for every time that it came out differently.

Reports grow for hours, so the same stretch of time is read again and again. A row that is equal changes nothing; one
that differs is a new revision; one that was there and is no longer reported is a revision of nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from tollkeeper.db import Tx
from tollkeeper.reconciliation.readers.model import CostRow, UsageRow
from tollkeeper.reconciliation.reports import Stretch, rows_of
from tollkeeper.reconciliation.store import insert_reports, latest_reports


async def keep_reports(
    tx: Tx, provider: str, read: Sequence[UsageRow] | Sequence[CostRow], stretch: Stretch, *, now: datetime
) -> set[datetime]:
    """Store what differs from what is known of the stretch; the starts of the buckets in which something does.

    Everything that the provider has to tell of the stretch must be in `read`. Under the provider's lock.
    """
    known = {row.report_id: (row, revision) for row, revision in await latest_reports(tx, provider, stretch)}
    fresh = rows_of(read, stretch)
    for report_id, (row, _) in known.items():
        if report_id not in fresh and not row.empty:
            fresh[report_id] = row.emptied()
    changed = [
        (row, known[report_id][1] + 1 if report_id in known else 1)
        for report_id, row in sorted(fresh.items())
        if report_id not in known or known[report_id][0] != row
    ]
    await insert_reports(tx, changed, now)
    return {row.bucket_start for row, _ in changed}
