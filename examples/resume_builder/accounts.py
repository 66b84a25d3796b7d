"""The product's own data: who has signed up, and their résumés. What they use and owe is Tollkeeper's."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

FILE = Path(os.environ["EXAMPLE_DATA"]) / "accounts.sqlite"
SCHEMA = """
create table if not exists users (id text primary key, email text unique collate nocase, password blob, salt blob);
create table if not exists resumes (id text primary key, user_id text, title text, content text, summary text);
"""
with closing(sqlite3.connect(FILE)) as _database:
    _database.executescript(SCHEMA)


def run(sql: str, *given: Any, also: Callable[[], object] = bool) -> list[Any]:
    """A statement's rows, in a transaction of its own. What `also` raises takes the statement back."""
    with closing(sqlite3.connect(FILE, timeout=30)) as database, database:
        database.row_factory = sqlite3.Row
        found = database.execute(sql, given).fetchall()
        also()
        return found


def sign_up(email: str, password: str, also: Callable[[str], object]) -> str | None:
    """The id of a new user; None where the address is taken. `also` makes the customer: there are both, or neither."""
    id, salt = secrets.token_hex(16), secrets.token_bytes(16)
    with suppress(sqlite3.IntegrityError):
        run("insert into users values (?, ?, ?, ?)", id, email, _hashed(password, salt), salt, also=lambda: also(id))
        return id
    return None


def sign_in(email: str, password: str) -> str | None:
    """Whose address and password these are. An unknown address takes as long as a wrong password."""
    found = run("select id, password, salt from users where email = ?", email)
    id, expected, salt = found[0] if found else (None, b"", b"nobody's")
    return id if hmac.compare_digest(_hashed(password, salt), expected) else None


def _hashed(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=2**14, r=8, p=1)


def keep(user: str, resume: dict[str, Any]) -> dict[str, Any]:
    """Keep a résumé: a new one, or what has become of it."""
    given = user, resume["id"], resume["title"], json.dumps(resume["content"]), resume["summary"]
    run("insert or replace into resumes (user_id, id, title, content, summary) values (?, ?, ?, ?, ?)", *given)
    return resume


def resumes(user: str, id: str | None = None) -> list[dict[str, Any]]:
    """The user's résumés, the newest first; or the one of this id, if it's theirs."""
    sql = "select id, title, content, summary from resumes where user_id = ? and id = ifnull(?, id) order by rowid desc"
    return [{**row, "content": json.loads(row["content"])} for row in run(sql, user, id)]
