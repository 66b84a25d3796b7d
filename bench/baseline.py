"""The yardstick: a plain COPY of the stored events into a table like `events`, with its unique index alone."""

from __future__ import annotations

import time
from threading import Barrier, Thread

import psycopg

_ROWS_IN_CHUNK = 1000


def copy_rate(url: str, rows: int, *, connections: int = 1) -> float:
    """Rows per second of a COPY of `rows` stored events, in the order of their arrival, by `connections` at once."""
    with psycopg.connect(url, autocommit=True) as connection:
        chunks = _chunks(connection, rows)
        connection.execute("create table bench_copy (like events)")
        connection.execute("alter table bench_copy add primary key (customer_id, event_id)")
        connection.execute("checkpoint")
        try:
            return _timed(url, chunks, connections)
        finally:
            connection.execute("drop table bench_copy")


def _chunks(connection: psycopg.Connection, rows: int) -> list[bytes]:
    """The rows as text, a thousand in a piece. Those of one batch stand in the order of their ids, as they came."""
    query = (
        f"copy (select * from (select * from events limit {rows}) e order by recorded_at, transaction_id, "
        "substring(event_id from '[0-9]+$')) to stdout"
    )
    lines: list[bytes] = []
    with connection.cursor() as cursor, cursor.copy(query) as copy:
        lines.extend(bytes(row) for row in copy)
    return [b"".join(lines[i : i + _ROWS_IN_CHUNK]) for i in range(0, len(lines), _ROWS_IN_CHUNK)]


def _timed(url: str, chunks: list[bytes], connections: int) -> float:
    barrier = Barrier(connections + 1)

    def load(part: list[bytes]) -> None:
        with psycopg.connect(url) as connection, connection.cursor() as cursor:
            barrier.wait()
            with cursor.copy("copy bench_copy from stdin") as copy:
                for chunk in part:
                    copy.write(chunk)

    threads = [Thread(target=load, args=(chunks[i::connections],)) for i in range(connections)]
    for thread in threads:
        thread.start()
    barrier.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    return sum(chunk.count(b"\n") for chunk in chunks) / (time.perf_counter() - began)
