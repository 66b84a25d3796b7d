"""Decodes paths so that keys with any character can be routed, and refuses URLs that aren't UTF-8 or hold NUL."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from tollkeeper.api.paths import decoded, routed_path
from tollkeeper.api.problems import problem
from tollkeeper.errors import MalformedBody


class Urls:
    """Replaces the server's decoded path with `paths.routed_path`. URLs without a percent sign pass untouched."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        try:
            if b"%" in (raw := scope["raw_path"]):
                scope["path"] = routed_path(raw)
            if b"%" in (query := scope["query_string"]):
                decoded(query)
        except MalformedBody as error:
            return await problem(error, scope["state"]["request_id"])(scope, receive, send)
        return await self.app(scope, receive, send)
