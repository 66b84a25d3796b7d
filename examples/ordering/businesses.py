"""What the product keeps itself: restaurants and their conversations. Nothing of billing."""

import os
import secrets
import sqlite3
from functools import partial
from hashlib import scrypt
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4
from zoneinfo import available_timezones

DATA = Path(os.environ["EXAMPLE_DATA"])
_hash = partial(scrypt, n=2**14, r=8, p=1)
_db = sqlite3.connect(DATA / "ordering.sqlite", isolation_level=None, check_same_thread=False)
_db.execute("create table if not exists businesses (id, name, timezone, email unique collate nocase, salt, password)")
_db.execute("create table if not exists messages (business, session, role, content)")
_db.execute("create index if not exists conversation on messages (business, session)")


class Business(NamedTuple):
    """A customer of this product; `id` is its key in Tollkeeper."""

    id: str
    name: str
    timezone: str


def enter(email: str, password: str, name: str, timezone: str) -> Business | None:
    """The business with that e-mail address and password; with a name, a new one if the address is."""
    if name:
        salt, zone = secrets.token_bytes(16), timezone if timezone in available_timezones() else "UTC"
        new = (str(uuid4()), name, zone, email, salt, _hash(password.encode(), salt=salt))
        _db.execute("insert into businesses values (?, ?, ?, ?, ?, ?) on conflict do nothing", new)
    row = _db.execute("select * from businesses where email = ?", [email]).fetchone()
    return Business(*row[:3]) if row and secrets.compare_digest(row[5], _hash(password.encode(), salt=row[4])) else None


def conversation(business: str, session: str) -> list[dict[str, str]]:
    """The latest messages of a business's conversation, as the model takes them."""
    latest = "select role, content from messages where business = ? and session = ? order by rowid desc limit 20"
    return [{"role": role, "content": text} for role, text in _db.execute(latest, [business, session]).fetchall()[::-1]]


def said(business: str, session: str, message: str, reply: str) -> None:
    """Add a message and its reply to a conversation."""
    rows = [(business, session, "user", message), (business, session, "assistant", reply)]
    _db.executemany("insert into messages values (?, ?, ?, ?)", rows)
