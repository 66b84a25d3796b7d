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
        self.when_last: Callable[[], None] = lambda: None
        """Called when the last of it goes out."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        if self._step.timeout:
            await asyncio.wait_for(_gone(receive), _LONGEST_SILENCE_SECONDS)
            return
        content = self._reply.content
        streamed = isinstance(content, list)
        pieces: list[bytes] = content if isinstance(content, list) else [content]
        await send({"type": "http.response.start", "status": 200, "headers": self._raw_headers(pieces, streamed)})
        most = self._step.abort_after_chunks
        for number, piece in enumerate(pieces if most is None else pieces[: most if streamed else 0], 1):
            if most is None and number == len(pieces):
                # Before the last piece: a client that has it may look at the bill at once.
                self.when_last()
            await send(_body(piece))
            await asyncio.sleep(self._step.chunk_delay_ms / 1000)
        if most is None:
            await send(_body(b"", more=False))
        elif streamed and self._ending is not None:
            await send(_body(self._ending))
            await send(_body(b"", more=False))
        else:
            # An empty piece sends the headers, which the server holds back until there is some of the body.
            await send(_body(b""))

    def _raw_headers(self, pieces: list[bytes], streamed: bool) -> list[tuple[bytes, bytes]]:
        media_type = "text/event-stream; charset=utf-8" if streamed else self._reply.media_type
        headers = {"content-type": media_type, **self._headers}
        if not streamed:
            headers["content-length"] = str(len(pieces[0]))
        return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]


def _body(data: bytes, *, more: bool = True) -> dict[str, Any]:
    return {"type": "http.response.body", "body": data, "more_body": more}


async def _gone(receive: Receive) -> None:
    """Wait until the client has closed the connection."""
    message: dict[str, Any] = {}
    while message.get("type") != "http.disconnect":
        message = dict(await receive())
