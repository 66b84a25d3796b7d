"""What commands work on: the settings, and a database that is up and migrated."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import psycopg
import pydantic
import typer

from tollkeeper.cli.options import Options
from tollkeeper.db import Database, Tx, embedded, migrate
from tollkeeper.errors import DatabaseUnavailable, InvalidInput
from tollkeeper.settings import Settings

T = TypeVar("T")


def wants_json(ctx: typer.Context) -> bool:
    """Whether --json was given."""
    return _options(ctx).as_json


def settings_for(ctx: typer.Context, **given: Any) -> Settings:
    """The settings: what was given on the line, else in the environment. Raises InvalidInput `invalid_settings`."""
    options = _options(ctx)
    given |= {"data": options.data, "database_url": options.database_url}
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except pydantic.ValidationError as error:
        faults = "; ".join(f"{each['loc'][0]}: {each['msg']}" for each in error.errors())
        raise InvalidInput("invalid_settings", f"The settings can't be used. {faults}.") from None


@contextmanager
def migrated_database(settings: Settings) -> Iterator[str]:
    """The URL of a database that is up to date: the one that is set, else the embedded server's, started if need be.

    Raises DatabaseUnavailable and EmbeddedServerFailed.
    """
    if settings.database_url is not None:
        migrate_now(settings.database_url)
        yield settings.database_url
        return
    with embedded.start(settings.data) as server:
        migrate_now(server.url)
        yield server.url


def migrate_now(url: str) -> list[str]:
    """Bring the database up to date; the names of the migrations that were applied.

    Raises DatabaseUnavailable, `migration_failed` for what the database itself refuses.
    """
    try:
        return [f"{migration.version:04} {migration.name}" for migration in migrate(url)]
    except psycopg.Error as error:
        raise DatabaseUnavailable("migration_failed", f"The database can't be brought up to date: {error}") from error


def run(ctx: typer.Context, work: Callable[[Database], Awaitable[T]]) -> T:
    """The result of `work` on the database."""

    async def open_and_work(url: str) -> T:
        async with Database(url, pool_size=2) as database:
            return await work(database)

    settings = settings_for(ctx)
    created = None if wants_json(ctx) else _to_be_created(settings)
    with migrated_database(settings) as url:
        if created is not None:
            # Who has mistyped the folder's name wonders otherwise where everything has gone.
            sys.stderr.write(f"New database in {created}.\n")
        return asyncio.run(open_and_work(url))


def run_transaction(ctx: typer.Context, work: Callable[[Tx], Awaitable[T]], customer_id: UUID | None = None) -> T:
    """The result of `work` in one transaction, which sees all customers or only the one that is given."""
    return run(ctx, lambda database: database.run(work, customer_id))


def _to_be_created(settings: Settings) -> Path | None:
    """The embedded server's data folder, if there's no database in it yet."""
    if settings.database_url is not None:
        return None
    data = (settings.data or embedded.default_data_dir()).expanduser().resolve()
    return None if (data / "pg").exists() else data


def _options(ctx: typer.Context) -> Options:
    return ctx.find_root().obj
