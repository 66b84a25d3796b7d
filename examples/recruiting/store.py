"""The product's own data, in one SQLite file. What anything costs isn't among it: that's Tollkeeper's."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from fastapi import HTTPException

FILE = f"{os.environ['EXAMPLE_DATA']}/recruiting.sqlite"
_TABLES = """
create table if not exists jobs (
  id text primary key, company text, company_name text, title text, description text, questions text default '[]',
  asked text);
create table if not exists applications (
  id text primary key, company text, job text, name text, email text, resume text, interview text default 'invited',
  started_at int, ended_at int, assessment text);
create table if not exists resumes (application text, file_id text, resume text, primary key (application, file_id));
create table if not exists turns (what text primary key, number int, ends int);
"""


def rows(sql: str, **values: Any) -> list[dict[str, Any]]:
    """What a statement returns; what it changes is stored then."""
    with closing(sqlite3.connect(FILE, timeout=10)) as database, database:
        database.row_factory = sqlite3.Row
        database.executescript(_TABLES)
        return [dict(row) for row in database.execute(sql, values)]


@contextmanager
def turn(what: str) -> Iterator[str]:
    """Be the only one who does it now, in any process; after ten minutes its process must be dead. Names this time."""
    sql = "insert into turns values (:what, 1, unixepoch() + 600) on conflict do update set number = number + 1,"
    mine = rows(f"{sql} ends = excluded.ends where ends < unixepoch() returning *", what=what)
    if not mine:
        raise HTTPException(409, "This is being done already.")
    try:
        yield f"{what}:{mine[0]['number']}"
    finally:
        rows("update turns set ends = 0 where what = :what and number = :number and ends = :ends", **mine[0])
