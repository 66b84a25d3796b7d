"""Replay: quarantined items go through the gate again, after what was wrong with them has been mended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tollkeeper.db import Tx
from tollkeeper.events import (
    EventIn,
    Quarantined,
    QuarantineStatus,
    Refused,
    Status,
    lock_quarantined,
    read_lines,
    resolve_quarantined,
)
from tollkeeper.gate.model import Recorded, Result
from tollkeeper.gate.record import Desk, record

_TAKEN = (Status.ACCEPTED, Status.DUPLICATE)


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of one quarantined item."""

    quarantine_id: UUID
    result: Result


async def replay(
    tx: Tx, desk: Desk, quarantine_ids: Sequence[UUID], *, now: datetime, by: str
) -> tuple[list[Replayed], Recorded | None]:
    """Send the open ones among these items through the gate again; those still refused stay open."""
    waiting = await lock_quarantined(tx, quarantine_ids)
    if not waiting:
        return [], None
    # An event without a time happened when it first arrived, not when it's replayed.
    arrived = [item.first_seen_at for item in waiting]
    recorded = await record(tx, desk, _read(waiting), now=now, by=by, careful=True, arrived=arrived)
    found = [Replayed(item.quarantine_id, result) for item, result in zip(waiting, recorded.results, strict=True)]
    taken = [one.quarantine_id for one in found if one.result.status in _TAKEN]
    await resolve_quarantined(tx, taken, QuarantineStatus.REPLAYED, now=now, by=by, note=None)
    for one in found:
        again = one.result.quarantine_id
        if again is not None and again != one.quarantine_id:
            # It's readable now, so it has another text, and waits under another id.
            note = f"waits as {again}"
            await resolve_quarantined(tx, [one.quarantine_id], QuarantineStatus.REPLAYED, now=now, by=by, note=note)
    return found, recorded


def _read(waiting: Sequence[Quarantined]) -> list[EventIn | Refused]:
    return read_lines([item.item.encode() for item in waiting])
