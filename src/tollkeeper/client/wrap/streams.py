"""Streams that are watched: the caller keeps the package's own stream object, and only what it iterates is looked at.

The stream's iterator is replaced by one that passes everything on. How it ends shows in four ways: it comes to its end,
it raises, its response is closed, or nobody has the object any more.
"""

from __future__ import annotations

import json
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from tollkeeper.client.wrap.watch import Watch

_MOST_BYTES = 32 * 1024 * 1024
_READ = "_content"
"""Where httpx keeps a body that has been read."""


def attach(stream: Any, watch: Watch) -> None:
    """Have the stream report to the watch."""
    watch.attached = True
    items = stream._iterator
    stream._iterator = _aobserved(items, watch) if hasattr(items, "__anext__") else _observed(items, watch)
    on_close(stream.response, lambda: None if watch.iterating else watch.abandoned())
    weakref.finalize(stream, watch.dropped).atexit = False


def _observed(items: Any, watch: Watch) -> Iterator[Any]:
    try:
        while True:
            watch.iterating = True
            try:
                item = next(items, watch)
            finally:
                watch.iterating = False
            if item is watch:
                break
            if watch.chunk(item):
                yield item
        watch.ended()
    except GeneratorExit:
        watch.iterating = True  # its response is closed now, which isn't the caller's doing
        watch.dropped()
        raise
    except BaseException as error:
        watch.failed(error)
        raise
    finally:
        items.close()


async def _aobserved(items: Any, watch: Watch) -> AsyncIterator[Any]:
    try:
        while True:
            watch.iterating = True
            try:
                item = await anext(items, watch)
            finally:
                watch.iterating = False
            if item is watch:
                break
            if watch.chunk(item):
                yield item
        watch.ended()
    except GeneratorExit:
        watch.iterating = True  # its response is closed now, which isn't the caller's doing
        watch.dropped()
        raise
    except BaseException as error:
        watch.failed(error)
        raise
    finally:
        await items.aclose()


def on_close(response: Any, then: Callable[[], object]) -> None:
    """Call `then` whenever the HTTP response is closed, by whomever."""
    # Not bound methods: a response that refers to itself would live until the garbage collector comes.
    kind, known = type(response), weakref.ref(response)

    def close() -> None:
        if (found := known()) is not None:
            kind.close(found)
        then()

    async def aclose() -> None:
        if (found := known()) is not None:
            await kind.aclose(found)
        then()

    response.close = close
    response.aclose = aclose


def observe_body(response: Any, watch: Watch) -> None:
    """Look at the body as the caller reads it, whichever way; a body that has been read is looked at now."""
    if hasattr(response, _READ):
        _body(response.content, response, watch)
        return
    kind, known, parts = type(response), weakref.ref(response), _Parts()

    def iter_bytes(chunk_size: int | None = None) -> Iterator[bytes]:
        found = known()
        for data in kind.iter_bytes(found, chunk_size):
            parts.add(data)
            yield data
        _body(parts.joined(), found, watch)

    async def aiter_bytes(chunk_size: int | None = None) -> AsyncIterator[bytes]:
        found = known()
        async for data in kind.aiter_bytes(found, chunk_size):
            parts.add(data)
            yield data
        _body(parts.joined(), found, watch)

    def closed() -> None:
        if not watch.attached:
            _body(parts.joined(), known(), watch)
            watch.abandoned()

    response.iter_bytes = iter_bytes
    response.aiter_bytes = aiter_bytes
    on_close(response, closed)


class _Parts:
    """What has come of a body; of a very large one only the beginning."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def add(self, data: bytes) -> None:
        if self._size < _MOST_BYTES:
            self._parts.append(data)
            self._size += len(data)

    def joined(self) -> bytes:
        return b"".join(self._parts)


def _body(data: bytes, response: Any, watch: Watch) -> None:
    if watch.over or watch.attached or not data:
        return
    if "event-stream" in (response.headers.get("content-type", "") if response is not None else ""):
        for line in data.splitlines():
            if line.startswith(b"data:") and (item := _json(line[5:])) is not None:
                watch.chunk(item)
        watch.ended()
    else:
        watch.whole(_json(data))


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return None
