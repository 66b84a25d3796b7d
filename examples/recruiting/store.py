"""The product's own data, in one SQLite file. What anything costs isn't among it: that's Tollkeeper's."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

FILE = Path(os.environ["EXAMPLE_DATA"]) / "recruiting.sqlite"
_TABLES = """
create table if not exists users (email text primary key, password text, company text, company_name text);
create table if not exists jobs (
  id text primary key, company text, title text, description text, questions text default '[]');
create table if not exists applications (
  id text primary key, company text, job text, name text, email text, file_id text, resume text, failures int default 0,
  interview text default 'invited', started_at int, completed_at int, assessment text);
"""


def rows(sql: str, **values: Any) -> list[dict[str, Any]]:
    """What a statement returns; its changes are stored when this returns."""
    with closing(sqlite3.connect(FILE, timeout=10)) as database, database:
        database.row_factory = sqlite3.Row
        return [dict(row) for row in database.execute(sql, values)]


def row(sql: str, **values: Any) -> dict[str, Any] | None:
    """The first of them."""
    return next(iter(rows(sql, **values)), None)


with closing(sqlite3.connect(FILE)) as _database:
    _database.executescript(_TABLES)
