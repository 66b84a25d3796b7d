"""Sending an answer: at once, in pieces, cut off, or never."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from starlette.types import Receive, Scope, Send

from tollkeeper.simulator.model import Reply
from tollkeeper.simulator.script import Step

_LONGEST_SILENCE_SECONDS = 900


class Delivery:
    """An ASGI response that may break off: when it returns before the body is complete, the server hangs up."""

    def __init__(self, reply: Reply, step: Step, headers: Mapping[str, str], *, ending: bytes | None = None) -> None:
        self._reply = reply
        self._step = step
        self._ending = ending
        self._headers = headers
        self.when_sent: Callable[[], None] = lambda: None
        """Called when all of it went out to a client that was still there."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        if self._step.timeout:
            await asyncio.wait_for(_gone(receive), _LONGEST_SILENCE_SECONDS)
            return
        content = self._reply.content
        streamed = isinstance(content, list)
        pieces: list[bytes] = content if isinstance(content, list) else [content]
        await send({"type": "http.response.start", "status": 200, "headers": self._raw_headers(pieces, streamed)})
        if (least := self._step.abort_after_chunks) is not None:
            pieces = pieces[: least if streamed else 0]
        for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            await asyncio.sleep(self._step.chunk_delay_ms / 1000)
        if least is not None and self._ending is None:
            # An empty piece sends the headers, which the server holds back until there is some of the body.
            await send({"type": "http.response.body", "body": b"", "more_body": True})
            return
        if least is not None and self._ending is not None:
            await send({"type": "http.response.body", "body": self._ending, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
        if least is None:
            self.when_sent()

    def _raw_headers(self, pieces: list[bytes], streamed: bool) -> list[tuple[bytes, bytes]]:
        media_type = "text/event-stream; charset=utf-8" if streamed else self._reply.media_type
        headers = {"content-type": media_type, **self._headers}
        if not streamed:
            headers["content-length"] = str(len(pieces[0]))
        return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]


async def _gone(receive: Receive) -> None:
    """Wait until the client has closed the connection, or the server is stopping."""
    message: dict[str, Any] = {}
    while message.get("type") != "http.disconnect":
        message = dict(await receive())
