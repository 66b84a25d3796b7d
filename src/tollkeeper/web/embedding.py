"""Cross-origin requests: widgets in a product's own pages call the portal's routes from there.

Plain ASGI, around all other layers but the outermost, so that errors can be read there as well.
"""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ANY = "*"
_EXACT = {"/v1/portal-sessions/exchange", "/tollkeeper.js", "/billing-page.js"}
_BELOW = "/v1/portal/"
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key",
    "Access-Control-Max-Age": "7200",
}
_EXPOSED = {"Access-Control-Expose-Headers": "X-Next-Cursor, X-Request-Id, Retry-After"}


class Embedding:
    """Lets pages of `origins` read what widgets need, and nothing else. Never with cookies."""

    def __init__(self, app: ASGIApp, origins: str) -> None:
        self.app = app
        self._origins = frozenset(origins.replace(",", " ").split())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _is_embedded(scope["path"]):
            return await self.app(scope, receive, send)
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        allowed = self._allowed(origin)
        if scope["method"] == "OPTIONS" and origin and "access-control-request-method" in headers:
            answer = Response(status_code=204, headers=allowed | _PREFLIGHT)
            return await answer(scope, receive, send)

        own = [(name.encode(), value.encode()) for name, value in (allowed | _EXPOSED).items()]

        async def send_allowed(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *own]
            await send(message)

        return await self.app(scope, receive, send_allowed)

    def _allowed(self, origin: str | None) -> dict[str, str]:
        """The headers that say whether pages of `origin` may read the answer."""
        if _ANY in self._origins:
            return {"Access-Control-Allow-Origin": _ANY}
        if origin in self._origins:
            return {"Access-Control-Allow-Origin": origin or "", "Vary": "Origin"}
        return {"Vary": "Origin"}


def _is_embedded(path: str) -> bool:
    return path in _EXACT or path.startswith(_BELOW)
