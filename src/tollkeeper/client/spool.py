"""The spool: what was used and isn't confirmed yet, in one SQLite file that outlives every process (`spool.sql`).

    operations   those that have begun and not ended, each with what its event will say
    calls        provider calls that are under way, or that an open operation has made
    outbox       events, settlements, releases and doubts on their way to Tollkeeper; refused ones stay, apart
    unassigned   how many calls nobody was named for

A call is written when it's sent and when it's answered, before the caller sees the answer. SQLite's WAL keeps what is
committed through kill -9; a power cut may take the last moment with it. Prompts and answers are never written.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from tollkeeper import clock
from tollkeeper.client.alive import Living
from tollkeeper.client.reading import dumps

_log = logging.getLogger("tollkeeper")

_BUSY_SECONDS = 10.0
_ATTEMPTS = 200
_LEASE_SECONDS = 30.0

_sql = dict(
    re.findall(
        r"^-- name: (\w+)\n(.*?)(?=^-- name: |\Z)",
        files("tollkeeper.client").joinpath("spool.sql").read_text(encoding="utf-8"),
        re.MULTILINE | re.DOTALL,
    )
)


def default_path() -> Path:
    """`TOLLKEEPER_SPOOL`, else a file in the user's state folder."""
    if given := os.environ.get("TOLLKEEPER_SPOOL"):
        return Path(given).expanduser()
    if sys.platform == "win32":
        folder = Path(os.environ.get("LOCALAPPDATA") or "~/AppData/Local")
    else:
        folder = Path(os.environ.get("XDG_STATE_HOME") or "~/.local/state")
    return folder.expanduser() / "tollkeeper" / "spool.sqlite"


@dataclass(frozen=True, slots=True)
class Entry:
    """Something on its way to Tollkeeper: an event, a report (an event without a time), a settle, release or doubt."""

    entry: int
    target: str
    kind: str
    customer: str
    id: str
    """The event's id; of a release or doubt, the hold's."""
    body: dict[str, Any]
    state: str = "waiting"
    attempts: int = 0
    due: float = 0
    error: str | None = None
    created: float = 0


@dataclass(frozen=True, slots=True)
class OpenOperation:
    """An operation that has begun and not ended."""

    operation: int
    target: str
    event: dict[str, Any]
    hold: str
    ask: dict[str, Any]
    """The request for the hold: repeating it makes sure that it isn't on its way."""
    touched: float


@dataclass(frozen=True, slots=True)
class NotedCall:
    """A provider call as the journal has it: `state` is sent, streaming, billed or doubt."""

    state: str
    call: dict[str, Any]
    touched: float
    row: int = 0
    target: str = ""
    event: dict[str, Any] | None = None


def _now() -> float:
    return clock.now().timestamp()


def _text(value: Mapping[str, Any] | None) -> str | None:
    return None if value is None else dumps(value).decode()


class Spool:
    """The open file. Where it can't be used, everything goes on in memory, and the log says so."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._guard = threading.RLock()
        self._living: Living | None = None
        self._slot = 0
        try:
            self._db = self._opened()
        except (OSError, sqlite3.Error) as error:
            self._db = self._in_memory(error)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._after_fork)

    def _opened(self) -> sqlite3.Connection:
        if self.path is None:
            return self._in_memory(None)
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self.path.exists():
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        if self._living is None:
            self._living = Living(self.path.with_name(self.path.name + ".locks"))
        self._slot = self._living.claim()
        db = sqlite3.connect(self.path, _BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        for _ in range(_ATTEMPTS):
            try:
                return self._prepared(db)
            except sqlite3.OperationalError as error:
                # Several processes that make the file at once don't wait for each other in all of this.
                if "locked" not in str(error):
                    raise
                time.sleep(_BUSY_SECONDS / _ATTEMPTS)
        return self._prepared(db)

    def _in_memory(self, error: Exception | None) -> sqlite3.Connection:
        if error is not None:
            told = "The spool %s can't be used, so usage that isn't sent yet is lost if this process dies: %s"
            _log.error(told, self.path, error)
        self.path = None
        self._slot = 0
        return self._prepared(sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False))

    def _prepared(self, db: sqlite3.Connection) -> sqlite3.Connection:
        db.row_factory = sqlite3.Row
        db.execute("pragma journal_mode = wal")
        db.execute("pragma synchronous = normal")
        db.executescript(_sql["schema"])
        db.execute(_sql["enter"], {"slot": self._slot, "pid": os.getpid(), "now": _now()})
        return db

    def _after_fork(self) -> None:
        """A child gets its own connection and slot. The parent's must not be closed here: that could harm its locks."""
        _PARENTS.append(self._db)
        self._guard = threading.RLock()
        try:
            self._db = self._opened()
        except (OSError, sqlite3.Error) as error:
            self._db = self._in_memory(error)

    @contextmanager
    def together(self) -> Iterator[None]:
        """Everything inside is written, or nothing. One within another is part of it."""
        with self._guard:
            if self._db.in_transaction:
                yield
                return
            self._run("begin immediate")
            try:
                yield
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("rollback")
                raise
            if self._db.in_transaction:
                self._db.execute("commit")

    def _run(self, statement: str, values: Mapping[str, Any] | None = None) -> sqlite3.Cursor:
        try:
            return self._db.execute(statement, values or {})
        except sqlite3.Error as error:
            if self.path is None:
                raise
            self._db = self._in_memory(error)
            return self._db.execute(statement, values or {})

    def write(self, name: str, **values: Any) -> int:
        """Run a named statement; the id of the row that it inserted, if it did."""
        with self._guard:
            return self._run(_sql[name], {"now": _now(), "slot": self._slot, **values}).lastrowid or 0

    def changed(self, name: str, **values: Any) -> bool:
        """Run a named statement; whether it changed a row."""
        with self._guard:
            return self._run(_sql[name], {"now": _now(), **values}).rowcount > 0

    def rows(self, name: str, **values: Any) -> list[dict[str, Any]]:
        """The rows of a named query."""
        with self._guard:
            return [dict(row) for row in self._run(_sql[name], {"now": _now(), **values}).fetchall()]

    def scalar(self, name: str, **values: Any) -> Any:
        """The one value of a named query."""
        with self._guard:
            return self._run(_sql[name], values).fetchone()[0]

    # Operations and their calls

    def begin(self, target: str, event: Mapping[str, Any], ask: Mapping[str, Any]) -> int:
        """Note that an operation begins, what its event will say, and how its hold is asked for."""
        return self.write("open_operation", target=target, event=_text(event), hold=ask["id"], ask=_text(ask))

    def change(self, operation: int, event: Mapping[str, Any], ask: Mapping[str, Any]) -> None:
        """Note what it will say now."""
        self.write("change_operation", operation=operation, event=_text(event), hold=ask["id"], ask=_text(ask))

    def end(
        self,
        operation: int,
        target: str,
        entry: tuple[str, str, str, Mapping[str, Any]] | None,
        *,
        leased: bool = True,
    ) -> int:
        """Note what is to be sent of it, as (kind, customer, id, body), and forget its journal."""
        with self.together():
            self.write("close_operation", operation=operation)
            self.write("forget_calls", operation=operation)
            return 0 if entry is None else self.put(target, *entry, leased=leased)

    def note_call(
        self,
        target: str,
        state: str,
        call: Mapping[str, Any],
        *,
        operation: int | None = None,
        event: Mapping[str, Any] | None = None,
    ) -> int:
        """Note a provider call: of an operation, or with what the event of its own will say."""
        text = _text(call)
        return self.write("add_call", operation=operation, target=target, state=state, call=text, event=_text(event))

    def change_call(self, row: int, state: str, call: Mapping[str, Any]) -> None:
        """Note how the call stands."""
        self.write("change_call", row=row, state=state, call=_text(call))

    # The outbox

    def put(
        self, target: str, kind: str, customer: str, id: str, body: Mapping[str, Any], *, leased: bool = False
    ) -> int:
        """Write an entry. A leased one isn't sent by others for a while: the writer sends it at once."""
        due = _now() + (_LEASE_SECONDS if leased else 0)
        return self.write("put", target=target, kind=kind, customer=customer, id=id, body=_text(body), due=due)

    def due(self, target: str, limit: int) -> list[Entry]:
        """Entries to be sent now, leased to the caller."""
        with self.together():
            found = [_entry(row) for row in self.rows("due", target=target, limit=limit)]
            return [each for each in found if self.changed("lease", entry=each.entry, due=_now() + _LEASE_SECONDS)]

    def again(self, entry: int, seconds: float, error: str, *, counts: bool = False) -> None:
        """Send it again, but not before so many seconds have passed. `counts`: the server has seen this attempt."""
        self.write("again", entry=entry, due=_now() + seconds, error=error, more=int(counts))

    def turn(self, entry: Entry) -> None:
        """Keep the entry as it is given: it has to be sent as something else."""
        self.write("turn_into", entry=entry.entry, kind=entry.kind, id=entry.id, body=_text(entry.body))

    def entries(self) -> list[Entry]:
        """Everything in the outbox."""
        return [_entry(row) for row in self.rows("entries")]

    # What the dead have left

    def dead(self) -> list[int]:
        """The slots of processes that have ended without leaving."""
        living = self._living
        if living is None:
            return []
        found = [row["slot"] for row in self.rows("processes")]
        return [slot for slot in found if slot != self._slot and not living.is_alive(slot)]

    def operations_of(self, slot: int) -> list[OpenOperation]:
        """The open operations of a process."""
        found = self.rows("operations_of", slot=slot)
        return [OpenOperation(**row | {name: json.loads(row[name]) for name in ("event", "ask")}) for row in found]

    def calls_of(self, operation: int) -> list[NotedCall]:
        """The calls of an operation, in the order in which they began."""
        return [
            NotedCall(**row | {"call": json.loads(row["call"])}) for row in self.rows("calls_of", operation=operation)
        ]

    def lone_calls_of(self, slot: int) -> list[NotedCall]:
        """The calls of a process that belong to no operation."""
        found = self.rows("lone_calls_of", slot=slot)
        return [NotedCall(**row | {"call": json.loads(row["call"]), "event": _json(row["event"])}) for row in found]

    def leave(self) -> None:
        """This process ends in order; whatever it has left open is taken over by others all the same."""
        with self._guard:
            if self.path is not None and not self._run(_sql["busy"], {"slot": self._slot}).fetchone()[0]:
                self.write("leave")


def _json(text: str | None) -> dict[str, Any] | None:
    return None if text is None else json.loads(text)


def _entry(row: dict[str, Any]) -> Entry:
    return Entry(**row | {"body": json.loads(row["body"])})


_PARENTS: list[sqlite3.Connection] = []
"""Connections that a fork has left to us; never closed."""

_OPEN: dict[Path, Spool] = {}
_OPENING = threading.Lock()


def open_spool(path: Path | None = None) -> Spool:
    """The spool in this file; a process has each file open once."""
    resolved = (path or default_path()).expanduser().resolve()
    with _OPENING:
        if resolved not in _OPEN:
            _OPEN[resolved] = Spool(resolved)
        return _OPEN[resolved]
