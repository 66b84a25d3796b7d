"""What stands before the first request: a database, up to date; API keys; the catalog; the example's views."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx
import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from examples.running.children import ExampleFailed
from examples.running.manifest import Example
from tollkeeper.customers import Scope, create_key, find_key
from tollkeeper.db import READER_ROLE, Database, Tx, embedded, migrate


@dataclass(frozen=True, slots=True)
class Secrets:
    """What an example keeps from one start to the next."""

    key: str
    """The app's key: read and write."""
    admin_key: str
    """For the console."""
    signing: str
    """What the app signs cookies with."""


@contextmanager
def own_database(example: Example, data: Path) -> Iterator[str]:
    """The URL of the example's database in the embedded server, which all examples share."""
    name = f"example_{example.name}"
    with embedded.start(data / "postgresql") as server:
        with psycopg.connect(server.url, autocommit=True) as connection:
            if not connection.execute("select 1 from pg_database where datname = %s", [name]).fetchone():
                connection.execute(sql.SQL("create database {} template template0").format(sql.Identifier(name)))
        yield make_conninfo(server.url, dbname=name)


def open_books(database_url: str, file: Path) -> Secrets:
    """Bring the database up to date; the secrets that are in the file, or new ones where its keys are not valid."""
    migrate(database_url)
    kept = Secrets(**json.loads(file.read_text(encoding="utf-8"))) if file.exists() else None
    # In a thread, since the caller may be running an event loop.
    with ThreadPoolExecutor(1) as thread:
        found = thread.submit(lambda: asyncio.run(_keys(database_url, kept))).result()
    if found != kept:
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as opened:
            json.dump(asdict(found), opened)
    return found


async def _keys(database_url: str, kept: Secrets | None) -> Secrets:
    async def find_or_create(tx: Tx) -> Secrets:
        if kept is not None and await find_key(tx, kept.key) and await find_key(tx, kept.admin_key):
            return kept
        _, key = await create_key(tx, "the app", [Scope.READ, Scope.WRITE])
        _, admin_key = await create_key(tx, "the console", [Scope.ADMIN])
        return Secrets(key, admin_key, secrets.token_urlsafe(32))

    async with Database(database_url, pool_size=1) as database:
        return await database.run(find_or_create)


def apply_catalog(tollkeeper_url: str, admin_key: str, file: Path) -> None:
    """Make that catalog the one in force. Raises ExampleFailed."""
    answer = httpx.put(
        f"{tollkeeper_url}/v1/catalog",
        content=file.read_bytes(),
        headers={"Authorization": f"Bearer {admin_key}", "Content-Type": "application/toml"},
        timeout=60,
        trust_env=False,
    )
    if answer.is_error:
        raise ExampleFailed(f"Tollkeeper doesn't take the catalog {file}: {answer.text}")


def make_views(database_url: str, name: str, file: Path) -> None:
    """Make the example's views anew, in a schema of its name. Raises ExampleFailed."""
    schema = sql.Identifier(name)
    with psycopg.connect(database_url) as connection:
        try:
            connection.execute(sql.SQL("drop schema if exists {} cascade").format(schema))
            connection.execute(sql.SQL("create schema {}").format(schema))
            connection.execute(sql.SQL("set local search_path to {}").format(schema))
            connection.execute(file.read_bytes())
            reader = sql.Identifier(READER_ROLE)
            connection.execute(sql.SQL("grant usage on schema {} to {}").format(schema, reader))
            connection.execute(sql.SQL("grant select on all tables in schema {} to {}").format(schema, reader))
        except psycopg.Error as error:
            raise ExampleFailed(f"The views in {file} can't be made: {error}") from error
