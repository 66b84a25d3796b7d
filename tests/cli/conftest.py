"""Runs commands on a fresh database that has a catalog and customers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.cli.prepaid import CATALOG as PREPAID
from typer.testing import CliRunner

from tollkeeper.catalog import apply
from tollkeeper.cli import app
from tollkeeper.customers import CustomerChanges, upsert_customer
from tollkeeper.db import Database
from tollkeeper.events import has_usage, used_meters
from tollkeeper.rating import MODELS

CATALOG = """\
currency = "USD"
[meters.cv_parse]
unit = "CV"
dimensions = ["job", "model"]
[prices.cv_parse]
model = "unit"
amount = "0.50"
[meters.token]
unit = "token"
dimensions = ["model"]
[prices.token]
model = "graduated"
tiers = [{ up_to = 1000, amount = "0.01" }, { amount = "0.005" }]
"""


class Ran:
    """What a command has printed, and how it ended."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def error(self) -> str:
        """The code of the error that was told with --json."""
        return json.loads(self.err)["code"]


Toll = Callable[..., Ran]


@pytest.fixture
def toll(database_url: str) -> Toll:
    """Runs a command on a database with a catalog and the customers acme and globex."""
    asyncio.run(_furnish(database_url))

    def run(*line: object, stdin: bytes = b"") -> Ran:
        words = [*map(str, line), "--database-url", database_url]
        result = CliRunner().invoke(app, words, input=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Ran(result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture
def gate(toll: Toll, write: Callable[[str, str], Path]) -> Toll:
    """Runs a command on the same customers, and a catalog with credits, plans and limits."""
    applied = toll("catalog", "apply", write("prepaid.toml", PREPAID))
    assert applied.status == 0, applied.err
    return toll


async def _furnish(url: str) -> None:
    async with Database(url, pool_size=1) as database:
        await database.run(
            lambda tx: apply(tx, CATALOG, file="catalog.toml", models=MODELS, used_meters=used_meters, by="test")
        )
        for key, zone in (("acme", "America/New_York"), ("globex", "UTC")):
            changes = CustomerChanges(timezone=zone)
            await database.run(
                lambda tx, key=key, changes=changes: upsert_customer(
                    tx, key, changes, default_currency="USD", in_use=has_usage
                )
            )


@pytest.fixture
def owner(database_url: str) -> Callable[[str], Any]:
    """Runs a statement as the owner of the database, whom nothing holds back."""

    def execute(statement: str) -> Any:
        with psycopg.connect(database_url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else cursor.rowcount

    return execute


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str | bytes], Path]:
    """Writes a file."""

    def write(name: str, content: str | bytes) -> Path:
        file = tmp_path / name
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return file

    return write
