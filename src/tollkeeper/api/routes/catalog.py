"""The catalog: what is in force, what a new one would change, and every version that was applied."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Path, Request

from tollkeeper.api.auth import Admin, Reader, caller
from tollkeeper.api.bodies import Answer, JsonObject
from tollkeeper.api.books import OpenBooks
from tollkeeper.api.paging import Cursor, Limit, Page, key_behind, page
from tollkeeper.catalog import Applied, ChangeKind, Proposal, apply, as_document, history, propose, show
from tollkeeper.customers import used_plans
from tollkeeper.db import Tx
from tollkeeper.errors import InvalidInput, MalformedBody
from tollkeeper.events import used_meters
from tollkeeper.rating import models_with

router = APIRouter(prefix="/v1/catalog", tags=["catalog"])


class CatalogAnswer(Answer):
    """The catalog in force, with the prices that begin later."""

    version: int
    currency: str
    units: list[JsonObject]
    meters: list[JsonObject]
    groups: list[JsonObject]
    prices: list[JsonObject]
    """Those for everyone and for single customers."""
    limits: list[JsonObject]
    funding: JsonObject
    customer_funding: dict[str, JsonObject]
    default_plan: str | None
    plans: list[JsonObject]
    """Each with its own prices, limits, recurring grants and funding."""
    attribution: JsonObject
    """Which meter a provider's cost belongs to, where events didn't bring their calls."""
    top_ups: list[JsonObject]
    """The amounts that customers may buy, by unit of value."""
    packs: list[JsonObject]
    """What they may buy in fixed sizes."""


class ChangeAnswer(Answer):
    """One difference."""

    kind: ChangeKind
    subject: str
    text: str
    effective_from: datetime | None


class PlanAnswer(Answer):
    """What a catalog would change. No changes: it's the one in force."""

    version: int
    changes: list[ChangeAnswer]
    warnings: list[str]


class VersionAnswer(Answer):
    """A version that was applied."""

    version: int
    applied_at: datetime
    applied_by: str
    summary: list[ChangeAnswer]


class VersionWithSourceAnswer(VersionAnswer):
    """A version, and the text that was applied."""

    source: str


class _SourceBody(msgspec.Struct, forbid_unknown_fields=True):
    source: str


async def _read_source(request: Request) -> str:
    """The catalog's text: the body itself, or the field `source` of a JSON body."""
    body = await request.body()
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        if kind == "application/json":
            return msgspec.json.decode(body, type=_SourceBody).source
        if kind in ("application/toml", "text/plain"):
            return body.decode()
    except msgspec.ValidationError:
        told = "The JSON body must be an object with the catalog's text in `source`, and nothing else."
        raise InvalidInput("invalid_request", told, field="source") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedBody("malformed_body", f"The body can't be read: {error}.") from None
    told = "Send the catalog as application/toml, or as application/json."
    raise InvalidInput("unsupported_media_type", told, field="content-type")


Source = Annotated[str, Depends(_read_source)]
_SOURCE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/toml": {"schema": {"type": "string", "examples": ['currency = "USD"']}},
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["source"],
                    "additionalProperties": False,
                    "properties": {"source": {"type": "string", "description": "The catalog as TOML."}},
                }
            },
        },
    }
}


@router.get("", summary="Show the catalog in force")
async def show_current(books: OpenBooks, _: Reader) -> CatalogAnswer:
    """What it declares, the prices that hold now, and those that are scheduled. Version 0 is the empty catalog."""
    return CatalogAnswer(**as_document(await books.catalog()))


@router.put("", summary="Apply a catalog", openapi_extra=_SOURCE)
async def put(books: OpenBooks, key: Admin, source: Source) -> PlanAnswer:
    """Makes the text the next version; all of it or, where anything is wrong, nothing. Repeating it changes nothing."""

    async def work(tx: Tx) -> Applied:
        models = models_with(books.settings.margin_percent)
        return await apply(tx, source, models=models, used_meters=used_meters, used_plans=used_plans, by=caller(key))

    applied = await books.database.run(work)
    return _answer(applied.proposal, applied.version)


@router.post("/plan", summary="See what a catalog would change", openapi_extra=_SOURCE)
async def show_plan(books: OpenBooks, _: Reader, source: Source) -> PlanAnswer:
    """Changes nothing. `version` is the one that the text was compared with."""

    async def work(tx: Tx) -> Proposal:
        models = models_with(books.settings.margin_percent)
        return await propose(tx, source, models=models, used_meters=used_meters, used_plans=used_plans)

    found = await books.database.run(work)
    return _answer(found, found.version)


@router.get("/history", summary="List the catalog's versions")
async def show_history(books: OpenBooks, _: Reader, limit: Limit = 100, cursor: Cursor = None) -> Page[VersionAnswer]:
    """Newest first: what changed, when, and by whom."""
    after = key_behind(cursor)
    versions = await books.database.run(history)
    rest = [each for each in versions if after is None or _sort_key(each.version) < after]
    return page(rest, limit, VersionAnswer.of, lambda version: (_sort_key(version.version),))


@router.get("/history/{version}", summary="Show a version of the catalog")
async def show_version(
    books: OpenBooks, _: Reader, version: Annotated[int, Path(ge=1, le=2**31 - 1)]
) -> VersionWithSourceAnswer:
    """The version, with the text that was applied."""
    return VersionWithSourceAnswer.of(await books.database.run(lambda tx: show(tx, version)))


def _answer(found: Proposal, version: int) -> PlanAnswer:
    changes = [ChangeAnswer.of(change) for change in found.changes]
    return PlanAnswer(version=version, changes=changes, warnings=[*found.warnings])


def _sort_key(version: int) -> str:
    return f"{version:010}"
