"""Migrations: plain SQL files, applied in order, each once, under a lock.

A file in `migrations/` is never edited after its release; a test compares the checksums with those that were applied.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files

import psycopg
from psycopg import sql

from tollkeeper.db.pool import APP_ROLE, READER_ROLE
from tollkeeper.db.queries import Queries
from tollkeeper.errors import DatabaseUnavailable

_LOCK = 0x746F6C6C  # "toll"
_OLDEST = 150000
_queries = Queries(__package__ or "")


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of `migrations/`."""

    version: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the text."""
        return sha256(self.text.encode()).hexdigest()


def migrations() -> list[Migration]:
    """All migrations, oldest first."""
    folder = files(__package__ or "").joinpath("migrations")
    found = [
        Migration(int(file.name[:4]), file.name[5:-4], file.read_text(encoding="utf-8"))
        for file in folder.iterdir()
        if file.name.endswith(".sql")
    ]
    return sorted(found, key=lambda migration: migration.version)


def migrate(url: str, *, upto: int | None = None) -> list[Migration]:
    """Bring the database at `url` up to date; the migrations that were applied now.

    Safe to call from many processes at once. Raises DatabaseUnavailable: `database_unavailable`,
    `database_too_old` (below PostgreSQL 15), `database_newer` (a later Tollkeeper has migrated it), and
    `migration_changed` (an applied file has another content now).
    """
    try:
        with psycopg.connect(
            url, autocommit=True, connect_timeout=10, application_name="tollkeeper migrate"
        ) as connection:
            return _migrate(connection, upto)
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable("database_unavailable", f"The database can't be reached: {error}") from error


def _migrate(connection: psycopg.Connection[tuple[object, ...]], upto: int | None) -> list[Migration]:
    if connection.info.server_version < _OLDEST:
        raise DatabaseUnavailable("database_too_old", "Tollkeeper needs PostgreSQL 15 or newer.")
    connection.execute(_queries.lock, {"key": _LOCK})
    try:
        connection.execute(_queries.create_schema_migrations)
        applied = {version: checksum for version, checksum in connection.execute(_queries.applied)}
        known = migrations()
        _check_history(applied, known)
        pending = [m for m in known if m.version not in applied and (upto is None or m.version <= upto)]
        if pending:
            _ensure_roles(connection)
        for migration in pending:
            with connection.transaction():
                connection.execute(migration.text.encode())
                connection.execute(
                    _queries.record_migration,
                    {"version": migration.version, "name": migration.name, "checksum": migration.checksum},
                )
        return pending
    finally:
        connection.execute(_queries.unlock, {"key": _LOCK})


def _check_history(applied: dict[object, object], known: list[Migration]) -> None:
    by_version = {migration.version: migration for migration in known}
    for version, checksum in applied.items():
        migration = by_version.get(version)  # type: ignore[arg-type]
        if migration is None:
            raise DatabaseUnavailable(
                "database_newer",
                f"The database has migration {version}, which this Tollkeeper doesn't know; upgrade it.",
            )
        if migration.checksum != checksum:
            raise DatabaseUnavailable(
                "migration_changed", f"Migration {version} ({migration.name}) was edited after it had been applied."
            )


def _ensure_roles(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Make what the migrations grant rights to, where it's missing, and join the role that all work runs as."""
    try:
        for role in (APP_ROLE, READER_ROLE):
            if not connection.execute(_queries.knows_role, {"role": role}).fetchone():
                _create_role(connection, role)
        if not connection.execute(_queries.is_member, {"role": APP_ROLE}).fetchone():
            connection.execute(sql.SQL("grant {} to current_user").format(sql.Identifier(APP_ROLE)))
    except psycopg.errors.InsufficientPrivilege as error:
        raise DatabaseUnavailable(
            "role_missing",
            f"The database user may not create roles; as an administrator run: create role {APP_ROLE} nologin; "
            f"grant {APP_ROLE} to <that user>; create role {READER_ROLE} nologin;",
        ) from error


def _create_role(connection: psycopg.Connection[tuple[object, ...]], role: str) -> None:
    """Roles belong to the whole server, so two databases may make it at once: the later one finds it there."""
    with suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
        connection.execute(sql.SQL("create role {} nologin").format(sql.Identifier(role)))
