"""Connections and transactions.

Every transaction says whose rows it may see. `database.transaction()` is the operator's and sees all customers;
`database.transaction(customer_id)` sees that customer's rows alone: row-level security is the second wall behind the
`where customer_id = …` of each query. A connection outside a transaction sees no customer row at all.
"""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Generic, Self, TypeVar
from uuid import UUID

import anyio
import psycopg
from psycopg import AsyncConnection, AsyncCursor, errors
from psycopg.conninfo import make_conninfo
from psycopg.rows import AsyncRowFactory, RowMaker, class_row, scalar_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from tollkeeper.db.hints import CHANNEL, Hints, Touched, touched_in
from tollkeeper.db.queries import Queries
from tollkeeper.errors import DatabaseUnavailable

T = TypeVar("T")

_queries = Queries(__package__ or "")

APP_ROLE = "tollkeeper_app"
"""The role that all work runs under. It can't edit postings or events, and row-level security binds it."""

READER_ROLE = "tollkeeper_reader"
"""The role that may read the views of the schema `reports`, and nothing else."""
# Compiling a query costs more than these short ones take. A year of a large customer's usage is thought to be more than
# fits, and would be sorted by text instead of hashed, which takes twice as long.
_OPTIONS = f"-c role={APP_ROLE} -c timezone=UTC -c jit=off -c hash_mem_multiplier=4"

LISTENER = "tollkeeper listener"
"""The application name of the connection that `hear` uses."""

# Nothing is ever sent on it: that the other side is gone shows by this alone.
_KEPT_ALIVE = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
_SILENCE_SECONDS = 1.0

_ATTEMPTS = 8
_RETRIED = (errors.DeadlockDetected, errors.SerializationFailure, errors.UniqueViolation)
"""Lost races. A unique key is violated only by an event that another transaction has stored meanwhile, or before."""
_BROKEN = (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout)


Locked = errors.LockNotAvailable
"""Raised where a transaction with `patience` has waited longer than that for a lock."""


class Again(Exception):
    """Raised within a transaction to have it rolled back and run anew: another one has changed what it had read."""


class Asked(Generic[T]):
    """A query that was sent; in a pipeline its rows are on their way while others are sent."""

    def __init__(self, cursor: AsyncCursor[T]) -> None:
        self._cursor = cursor

    async def all(self) -> list[T]:
        """Its rows, once they're here."""
        return await self._cursor.fetchall()


def _made_of(kind: type[T]) -> AsyncRowFactory[T]:
    """As the driver's `class_row`, but faster where the query's columns are the class's fields, in their order."""
    fields = getattr(kind, "__match_args__", ())

    def factory(cursor: AsyncCursor[Any]) -> RowMaker[T]:
        columns = cursor.description
        if columns is None or tuple(column.name for column in columns) != fields:
            return class_row(kind)(cursor)
        return lambda values: kind(*values)

    return factory


class Tx:
    """An open transaction. Domain functions take it first, and never commit."""

    def __init__(self, connection: AsyncConnection[Any], *, pipelined: bool = False) -> None:
        self.connection = connection
        self.touched = Touched()
        """Whose figures it changes, as far as it has said so."""
        self._pipelined = pipelined

    def touches(self, customer_ids: Iterable[UUID | str]) -> None:
        """Say that the figures of these customers change: whoever looks at them learns of it after the commit."""
        self.touched.customers.update(map(str, customer_ids))

    def touches_everyone(self) -> None:
        """Say that something changes that may concern every customer."""
        self.touched.everyone = True

    async def execute(self, query: bytes, params: Mapping[str, Any] | None = None) -> AsyncCursor[Any]:
        """Run a query; the cursor's `rowcount` tells how many rows it changed."""
        return await self.connection.execute(query, params)

    async def all(self, row: type[T], query: bytes, params: Mapping[str, Any] | None = None) -> list[T]:
        """All rows of a query, each as a `row`, whose fields are the query's columns."""
        async with self.connection.cursor(row_factory=_made_of(row)) as cursor:
            await cursor.execute(query, params)
            return await cursor.fetchall()

    async def ask(self, row: type[T], query: bytes, params: Mapping[str, Any] | None = None) -> Asked[T]:
        """Send a query; read its rows later, so that several share one round trip in `pipelined` transactions."""
        cursor = self.connection.cursor(row_factory=_made_of(row))
        return Asked(await cursor.execute(query, params))

    async def one(self, row: type[T], query: bytes, params: Mapping[str, Any] | None = None) -> T | None:
        """The first row of a query, or None."""
        async with self.connection.cursor(row_factory=_made_of(row)) as cursor:
            await cursor.execute(query, params)
            return await cursor.fetchone()

    async def scalars(self, query: bytes, params: Mapping[str, Any] | None = None) -> list[Any]:
        """The first column of all rows."""
        async with self.connection.cursor(row_factory=scalar_row) as cursor:
            await cursor.execute(query, params)
            return await cursor.fetchall()

    async def scalar(self, query: bytes, params: Mapping[str, Any] | None = None) -> Any:
        """The first column of the first row, or None."""
        values = await self.scalars(query, params)
        return values[0] if values else None

    @asynccontextmanager
    async def together(self) -> AsyncIterator[None]:
        """Send the statements inside without waiting for each answer: one round trip instead of many."""
        if self._pipelined:
            yield
            return
        async with self.connection.pipeline():
            # Not one within another: the driver waits for ever where an inner one ends with much still to be sent.
            self._pipelined = True
            try:
                yield
            finally:
                self._pipelined = False


class Database:
    """A pool of connections to one operator's books."""

    def __init__(self, url: str, *, pool_size: int = 16) -> None:
        self.url = url
        self._conninfo = make_conninfo(url, options=_OPTIONS, application_name="tollkeeper")
        self._conninfo_of_listener = make_conninfo(self._conninfo, application_name=LISTENER, **_KEPT_ALIVE)
        self._pool = AsyncConnectionPool(
            self._conninfo,
            min_size=min(2, pool_size),
            max_size=pool_size,
            timeout=10,
            kwargs={"autocommit": True, "prepare_threshold": 2},
            open=False,
            name="tollkeeper",
        )
        self._hints = Hints(self._tell)

    async def open(self) -> Self:
        """Connect. Raises DatabaseUnavailable."""
        with _as_unavailable():
            await self._pool.open(wait=True, timeout=10)
        return self

    async def close(self) -> None:
        """Close all connections, after others were told of what has changed."""
        await self._hints.close()
        await self._pool.close()

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def connections(self) -> tuple[int, int]:
        """How many connections are open, and how many of them are idle."""
        stats = self._pool.get_stats()
        return stats.get("pool_size", 0), stats.get("pool_available", 0)

    @asynccontextmanager
    async def transaction(
        self,
        customer_id: UUID | None = None,
        *,
        snapshot: bool = False,
        pipelined: bool = False,
        patience: int | None = None,
    ) -> AsyncIterator[Tx]:
        """A transaction that sees one customer's rows, or, without `customer_id`, all of them.

        As a `snapshot` it only reads, and all its queries see the database as it was at the first one. In a `pipelined`
        one nothing is waited for but rows that are read: the beginning goes out with the first query, and the last
        writes with the commit. An error of a statement is raised by a later one, at the latest by the commit. With
        `patience` it waits at most so many milliseconds for any lock, and raises `Locked` then.

        Raises DatabaseUnavailable where no connection can be had or it breaks. Where that happens during the commit,
        the outcome is unknown; every write of Tollkeeper may be repeated safely.
        """
        entering = (*_enter(customer_id, snapshot), *_waiting(patience))
        with _as_unavailable():
            async with self._pool.connection() as connection, _undone_on_error(connection, pipelined=pipelined):
                if pipelined:
                    async with connection.pipeline(), _closed_when_cancelled(connection):
                        for statement in entering:
                            await connection.execute(statement)
                        tx = Tx(connection, pipelined=True)
                        yield tx
                        await connection.execute(b"commit")
                else:
                    # One round trip, and no parameters: a UUID's text needs no quoting.
                    await connection.execute(b"; ".join(entering))
                    tx = Tx(connection)
                    yield tx
                    await connection.execute(b"commit")
        if tx.touched:
            self._hints.gather(tx.touched)

    async def _tell(self, payloads: Sequence[str]) -> None:
        with _as_unavailable():
            async with self._pool.connection() as connection:
                await connection.execute(_queries.tell_changed, {"channel": CHANNEL, "payloads": [*payloads]})

    async def hear(self) -> AsyncGenerator[Touched, None]:
        """What any process changes, from the first answer on, which is empty; and an empty one each second.

        On a connection of its own. Raises DatabaseUnavailable when that breaks; what is sent until it's there again is
        missed.
        """
        with _as_unavailable():
            connection = await AsyncConnection.connect(self._conninfo_of_listener, autocommit=True)
            async with connection:
                await connection.execute(f"listen {CHANNEL}".encode())
                yield Touched()
                while True:
                    heard = [one.payload async for one in connection.notifies(timeout=_SILENCE_SECONDS, stop_after=1)]
                    yield touched_in(heard)

    @asynccontextmanager
    async def alone(self, task: str) -> AsyncIterator[bool]:
        """Whether nobody else, on any machine, is at this task until the end of the block.

        On a connection of its own and in no transaction, so that the task may wait for others than the database.
        Raises DatabaseUnavailable.
        """
        with _as_unavailable():
            connection = await AsyncConnection.connect(self._conninfo, autocommit=True)
        async with connection:
            cursor = await connection.execute(_queries.try_alone, {"task": task})
            row = await cursor.fetchone()
            yield row is not None and row[0]

    async def run(
        self,
        work: Callable[[Tx], Awaitable[T]],
        customer_id: UUID | None = None,
        *,
        pipelined: bool = False,
        patience: int | None = None,
    ) -> T:
        """The result of `work` in a transaction of its own, run anew when it loses a race (_RETRIED, Again)."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                async with self.transaction(customer_id, pipelined=pipelined, patience=patience) as tx:
                    return await work(tx)
            except (*_RETRIED, Again):
                if attempt == _ATTEMPTS:
                    raise DatabaseUnavailable(
                        "too_much_contention", f"The write lost {attempt} races for the same rows; repeat it."
                    ) from None
                await anyio.sleep(random.uniform(0, 0.01 * 2**attempt))
        raise AssertionError("unreachable")


@asynccontextmanager
async def _undone_on_error(connection: AsyncConnection[Any], *, pipelined: bool) -> AsyncIterator[None]:
    """Roll back what is done inside, should it fail."""
    try:
        async with _closed_when_cancelled(connection):
            yield
    except BaseException:
        if not connection.closed:
            with suppress(psycopg.Error):
                if pipelined:
                    # After an error the server has skipped what the pipeline had prepared, and only the driver's own
                    # rollback makes it forget those statements: all that it had prepared.
                    await connection.rollback()
                else:
                    await connection.execute(b"rollback")
        raise


@asynccontextmanager
async def _closed_when_cancelled(connection: AsyncConnection[Any]) -> AsyncIterator[None]:
    """Close the connection where the work inside is cancelled; the pool replaces it.

    Answers that were on their way are lost then, and a pipeline that waits for them may wait for ever, or never end:
    the connection would refuse whatever comes next.
    """
    try:
        yield
    except BaseException as error:
        if not isinstance(error, Exception):
            await connection.close()
        raise


def _enter(customer_id: UUID | None, snapshot: bool) -> tuple[bytes, bytes]:
    begin = b"begin isolation level repeatable read read only" if snapshot else b"begin"
    if customer_id is None:
        return begin, b"set local tollkeeper.scope = 'operator'"
    return begin, f"set local tollkeeper.customer_id = '{customer_id}'".encode()


def _waiting(patience: int | None) -> tuple[bytes, ...]:
    return () if patience is None else (f"set local lock_timeout = {patience}".encode(),)


class _as_unavailable:  # noqa: N801
    """Turns a lost connection into DatabaseUnavailable."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        retried = isinstance(error, (*_RETRIED, Locked))
        if isinstance(error, _BROKEN) and not retried:
            raise DatabaseUnavailable("database_unavailable", f"The database can't be reached: {error}") from error
