"""show and history: catalogs as they were applied."""

from __future__ import annotations

from tollkeeper.catalog.store import Version, VersionWithSource, latest_version, one_version, versions
from tollkeeper.db import Tx
from tollkeeper.errors import NotFound


async def show(tx: Tx, version: int | None = None) -> VersionWithSource:
    """The version in force, or the one with that number, with its text; `declared(text)` gives its meters.

    Raises NotFound `catalog_version_not_found`, also before any catalog was applied.
    """
    found = await (latest_version(tx) if version is None else one_version(tx, version))
    if found is not None:
        return found
    detail = "No catalog was applied yet." if version is None else f"The catalog has no version {version}."
    raise NotFound("catalog_version_not_found", detail, field="version")


async def history(tx: Tx) -> list[Version]:
    """All versions, newest first: what changed, when, and by whom."""
    return await versions(tx)
