"""The product's own data, in one SQLite file. What anything costs isn't among it: that's Tollkeeper's."""

import os
import sqlite3
from contextlib import closing
from typing import Any

FILE = f"{os.environ['EXAMPLE_DATA']}/recruiting.sqlite"
_TABLES = """
create table if not exists jobs (
  id text primary key, company text, company_name text, title text, description text, questions text default '[]');
create table if not exists applications (
  id text primary key, company text, job text, name text, email text, file_id text, resume text, failures int default 0,
  interview text default 'invited', started_at int, assessment text);
"""


def rows(sql: str, **values: Any) -> list[dict[str, Any]]:
    """What a statement returns; what it changes is stored then."""
    with closing(sqlite3.connect(FILE, timeout=10)) as database, database:
        database.row_factory = sqlite3.Row
        database.executescript(_TABLES)
        return [dict(row) for row in database.execute(sql, values)]
