"""Refuses a body that is too large: before reading it where its length is announced, else as soon as it is."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tollkeeper.api.problems import problem
from tollkeeper.errors import BodyTooLarge


class BodyLimit:
    """No request body gets beyond `most` bytes."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        self.app = app
        self.most = most
        self.detail = f"A request body may have at most {most} bytes."

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        if _announced_length(scope) > self.most:
            refusal = problem(
                BodyTooLarge("body_too_large", self.detail), scope["state"]["request_id"], {"Connection": "close"}
            )
            return await refusal(scope, receive, send)
        return await self.app(scope, self._counting(receive), send)

    def _counting(self, receive: Receive) -> Receive:
        received = 0

        async def receive_counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.most:
                # FastAPI passes an HTTPException on from its reading of a body; others it takes for a parsing error.
                raise HTTPException(413, self.detail)
            return message

        return receive_counted


def _announced_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0
