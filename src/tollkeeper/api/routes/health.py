"""For load balancers, process supervisors and monitoring: no key needed, and nothing about customers to see."""

from __future__ import annotations

from typing import Literal

import anyio
from fastapi import APIRouter, Response
from pydantic import BaseModel

from tollkeeper import __version__
from tollkeeper.api import metrics
from tollkeeper.api.books import Books, OpenBooks
from tollkeeper.db import Queries, migrations
from tollkeeper.errors import DatabaseUnavailable

router = APIRouter(tags=["operation"])

_PATIENCE_SECONDS = 2
_queries = Queries("tollkeeper.api")
_known = [migration.version for migration in migrations()]


class Health(BaseModel):
    """This process is alive."""

    status: Literal["ok"] = "ok"
    version: str = __version__


@router.get("/healthz", summary="Is the process alive?")
async def healthz() -> Health:
    """Always 200 as long as the process answers; whether it can work is `/readyz`'s to say."""
    return Health()


@router.get("/readyz", summary="Can the process work?")
async def readyz(books: OpenBooks) -> Health:
    """200 when the database answers and has the migrations of this version, else 503."""
    with anyio.move_on_after(_PATIENCE_SECONDS):
        await _check_migrations(books)
        return Health()
    raise DatabaseUnavailable("database_unavailable", f"The database didn't answer within {_PATIENCE_SECONDS} seconds.")


@router.get(
    "/metrics",
    summary="Prometheus metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def show_metrics(books: OpenBooks) -> Response:
    """Requests, their durations, live streams, and database connections, of all workers."""
    metrics.observe_connections(*books.database.connections)
    metrics.observe_feed(len(books.feed), books.feed.listening)
    return Response(metrics.exposition(), media_type="text/plain; version=0.0.4; charset=utf-8")


async def _check_migrations(books: Books) -> None:
    async with books.database.transaction() as tx:
        applied = await tx.scalars(_queries.applied_migrations)
    if applied != _known:
        raise DatabaseUnavailable(
            "migrations_pending",
            f"The database is at migration {applied[-1] if applied else 0}, this version needs {_known[-1]}; "
            "run `tollkeeper migrate`.",
        )
