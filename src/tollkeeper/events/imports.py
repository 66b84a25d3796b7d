"""Imports: how far each imported file has come, so that an import that was cut off goes on exactly where it stopped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from tollkeeper.db import Tx
from tollkeeper.errors import Conflict
from tollkeeper.events.store import queries


@dataclass(frozen=True, slots=True)
class Import:
    """How far one file has come. `import_id` follows from its content and from how its columns are read."""

    import_id: UUID
    file_name: str
    rows_done: int
    rows_accepted: int
    """Rows that are stored: by this import, or before it. All others of `rows_done` were refused."""
    started_at: datetime
    updated_at: datetime
    finished_at: datetime | None

    @property
    def rows_refused(self) -> int:
        """Rows that went to quarantine."""
        return self.rows_done - self.rows_accepted


async def start_import(tx: Tx, import_id: UUID, file_name: str, *, now: datetime, restart: bool = False) -> Import:
    """Where the import stands: at its first row if it's new, or if it's to `restart`."""
    params = {"import_id": import_id, "file_name": file_name, "now": now, "restart": restart}
    found = await tx.one(Import, queries.start_import, params)
    if found is None:
        raise AssertionError("an upsert gave no row")
    return found


async def advance_import(tx: Tx, import_: Import, *, rows: int, accepted: int, now: datetime) -> Import:
    """Note that `rows` more are done, `accepted` of which are stored. Belongs in the transaction that stores them.

    Raises Conflict `import_overtaken` where another process has gone on with the import meanwhile.
    """
    return await _moved(tx, queries.advance_import, import_, {"rows": rows, "accepted": accepted, "now": now})


async def finish_import(tx: Tx, import_: Import, *, now: datetime) -> Import:
    """Note that the file has no more rows. Raises Conflict `import_overtaken`."""
    return await _moved(tx, queries.finish_import, import_, {"now": now})


async def _moved(tx: Tx, query: bytes, import_: Import, params: Mapping[str, Any]) -> Import:
    standing = {"import_id": import_.import_id, "rows_done": import_.rows_done}
    found = await tx.one(Import, query, {**standing, **params})
    if found is None:
        told = f"Another process imports {import_.file_name} too; nothing was stored twice. Let that one go on."
        raise Conflict("import_overtaken", told)
    return found
