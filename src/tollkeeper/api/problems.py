"""Errors as RFC 9457 problem documents: the only place that turns an exception into an answer.

`code` is what programs should look at (docs/reference/errors.md lists them all), `detail` is for people, `instance` is
the request id that the logs have too. `type` is about:blank: the code says it all.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import psycopg
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from tollkeeper.clock import in_utc
from tollkeeper.errors import BodyTooLarge, DatabaseUnavailable, InvalidInput, MalformedBody, NotFound, TollError

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = "1"

_MOST_ERRORS = 20
_UNSTORABLE = {None, "22021", "22P05"}
"""SQLSTATEs of text that PostgreSQL can't hold; None is the driver's own refusal of NUL."""

_log: structlog.stdlib.BoundLogger = structlog.get_logger("tollkeeper.api")


class MethodNotAllowed(TollError):
    """The path exists, but not with this method."""

    status = 405
    title = "Method not allowed"


class InternalError(TollError):
    """A defect of Tollkeeper. The answer says nothing about it; the log has the traceback."""

    status = 500
    title = "Internal error"


def internal_error() -> InternalError:
    """What a caller gets to know about an unexpected exception."""
    return InternalError("internal_error", "Tollkeeper failed unexpectedly; its log has more under this request id.")


def described_problem(when: str) -> dict[str, Any]:
    """How a route's documentation says when it answers with a problem of a status."""
    return {"description": when, "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}


def problem(error: TollError, request_id: str, headers: Mapping[str, str] | None = None) -> Response:
    """The answer to a call that failed with `error`."""
    body = {"type": "about:blank", "title": error.title, "status": error.status, "instance": request_id}
    # Text that came in may hold lone surrogates, which UTF-8 can't express.
    content = json.dumps(body | error.as_dict(), ensure_ascii=False, default=_text).encode(errors="replace")
    answer = Response(content, error.status, headers, media_type=MEDIA_TYPE)
    if error.status == 401:
        answer.headers["WWW-Authenticate"] = 'Bearer realm="tollkeeper"'
    if error.status == 503:
        answer.headers["Retry-After"] = RETRY_SECONDS
    elif error.status == 429 and (seconds := error.extra.get("retry_after")) is not None:
        answer.headers["Retry-After"] = str(seconds)
    return answer


def _text(value: object) -> str:
    return in_utc(value) if isinstance(value, datetime) else str(value)


def install(app: FastAPI) -> None:
    """Have every exception that can be told to the caller answered as a problem."""
    app.add_exception_handler(TollError, _toll_error)
    app.add_exception_handler(HTTPException, _http_exception)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(ClientDisconnect, _client_disconnect)
    app.add_exception_handler(psycopg.DataError, _data_error)
    app.add_exception_handler(UnicodeEncodeError, _unstorable_text)


def _answer(request: Request, error: TollError, headers: Mapping[str, str] | None = None) -> Response:
    return problem(error, request.state.request_id, headers)


async def _toll_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, TollError)
    if error.status >= 500:
        _log.warning("call failed", code=error.code, detail=error.detail)
    if error.code == "database_unavailable":  # the driver's words name hosts and users: they're for the log alone
        error = DatabaseUnavailable(error.code, "The database can't be reached right now; repeat the call.")
    return _answer(request, error)


async def _http_exception(request: Request, error: Exception) -> Response:
    """What the framework refuses by itself: unknown routes and methods, bodies that can't be read."""
    assert isinstance(error, HTTPException)
    match error.status_code:
        case 404:
            return _answer(request, NotFound("not_found", "There is nothing at this path."))
        case 405:
            told = MethodNotAllowed("method_not_allowed", f"This path doesn't take {request.method}.")
            return _answer(request, told, {"Allow": ", ".join(_methods_here(request))})
        case 413:
            return _answer(request, BodyTooLarge("body_too_large", error.detail))
        case status if status < 500:
            return _answer(request, MalformedBody("malformed_body", "The body can't be read."))
    raise error


def _methods_here(request: Request) -> list[str]:
    """All methods of the present path; the framework knows only those of the first route that it tried."""
    documented: dict[str, dict[str, Any]] = request.app.openapi()["paths"]
    path = request.scope["path"].split("/")
    fitting = [template for template in documented if _fits(template.split("/"), path)]
    if not fitting:
        return ["GET", "HEAD"]  # the document itself and its pages
    return sorted(method.upper() for method in documented[min(fitting, key=lambda template: template.count("{"))])


def _fits(template: list[str], path: list[str]) -> bool:
    return len(template) == len(path) and all(
        part.startswith("{") or part == given for part, given in zip(template, path, strict=True)
    )


async def _validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors = error.errors()
    if any(each["type"] == "json_invalid" for each in errors):
        reason = errors[0].get("ctx", {}).get("error", "it can't be parsed")
        return _answer(request, MalformedBody("malformed_body", f"The body isn't JSON: {reason}."))
    if isinstance(error.body, bytes) and errors[0]["loc"] == ("body",):
        hint = "The body must be sent with the header Content-Type: application/json."
        return _answer(request, InvalidInput("unsupported_media_type", hint, field="content-type"))
    found = [{"field": _field(each["loc"]), "detail": each["msg"]} for each in errors[:_MOST_ERRORS]]
    told = "; ".join(f"{each['field']}: {each['detail']}" for each in found)
    return _answer(request, InvalidInput("invalid_request", told, field=found[0]["field"], errors=found))


def _field(location: tuple[Any, ...]) -> str:
    """Where the bad value stands: `limit`, or `metadata.region` within a body."""
    where, *path = location
    return ".".join(str(part) for part in path) or str(where)


async def _client_disconnect(request: Request, _: Exception) -> Response:
    """Nobody will read this answer."""
    return _answer(request, MalformedBody("malformed_body", "The connection ended before the body did."))


async def _data_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, psycopg.DataError)
    if error.sqlstate not in _UNSTORABLE:
        raise error
    return await _unstorable_text(request, error)


async def _unstorable_text(request: Request, _: Exception) -> Response:
    """The last net for text that the routes' own checks have let through."""
    told = "A text holds a NUL character or half of a surrogate pair, which can't be stored."
    return _answer(request, InvalidInput("invalid_text", told))
