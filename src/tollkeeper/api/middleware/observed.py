"""The outermost layer: every request has an id, is measured, logged in one line, and answered whatever happens."""

from __future__ import annotations

import re
from time import perf_counter

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars

from tollkeeper.api import metrics
from tollkeeper.api.problems import internal_error, problem
from tollkeeper.ids import new_id

_CLIENT_GONE = 499
_UNKNOWN_ROUTE = "(unknown)"
_QUIET_ROUTES = {"/healthz", "/readyz", "/metrics"}
"""Asked every few seconds by machines: logged at level debug."""
_ACCEPTED_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")

_log: structlog.stdlib.BoundLogger = structlog.get_logger("tollkeeper.access")


class Observed:
    """The access log holds the route's template, never the path, query, headers or body: they may hold secrets."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        bind_contextvars(request_id=request_id)
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request_id.encode())]
            await send(message)

        began = perf_counter()
        metrics.IN_FLIGHT.inc()
        try:
            await self.app(scope, receive, send_with_id)
        except Exception:
            _log.exception("request failed", method=scope["method"], route=_route_of(scope))
            if status:
                raise  # the answer has begun: only a broken connection can tell the caller now
            await problem(internal_error(), request_id)(scope, receive, send_with_id)
        finally:
            metrics.IN_FLIGHT.dec()
            _report(scope, status or _CLIENT_GONE, perf_counter() - began)


def _report(scope: Scope, status: int, seconds: float) -> None:
    method, route = scope["method"], _route_of(scope)
    metrics.observe(route, method, status, seconds)
    log = _log.debug if route in _QUIET_ROUTES else _log.info
    log("request", method=method, route=route, status=status, ms=round(seconds * 1000, 2))


def _route_of(scope: Scope) -> str:
    """The template of the route that took the request, such as /v1/customers/{key}."""
    if (route := scope.get("route")) is None and (endpoint := scope.get("endpoint")) is not None:
        # FastAPI's own pages, such as /docs, are plain routes, which don't note themselves in the scope.
        route = next((one for one in scope["app"].routes if getattr(one, "endpoint", None) is endpoint), None)
    return getattr(route, "path_format", None) or _UNKNOWN_ROUTE


def _request_id(scope: Scope) -> str:
    """The caller's own X-Request-Id where it's harmless in a log, else a new id."""
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _ACCEPTED_ID.fullmatch(value):
            return value.decode()
    return new_id().hex
