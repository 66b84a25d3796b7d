"""How a request gets to Tollkeeper and its answer back: over HTTP, or within the process (`local.py`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import httpx

from tollkeeper import errors
from tollkeeper.client.reading import loads
from tollkeeper.errors import TollError, TollkeeperUnreachable

CONNECT_SECONDS = 2.0

Params = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of the server; `path` begins with /v1."""

    method: str
    path: str
    params: Params | None = None
    content: bytes | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said."""

    status: int
    content: bytes

    @property
    def body(self) -> Any:
        """The JSON."""
        return loads(self.content) if self.content else None


class NoAnswer(Exception):
    """The server wasn't reached, or broke off before its answer. If it was `sent`, nobody knows whether it's done."""

    def __init__(self, why: str, *, sent: bool = True) -> None:
        super().__init__(why)
        self.sent = sent


class Transport(Protocol):
    """Sends a request and waits for its answer. Raises NoAnswer. May be used by several threads."""

    def send(self, request: Request) -> Answer:
        """The answer, whatever its status."""
        ...

    def close(self) -> None:
        """Give up connections."""
        ...


class AsyncTransport(Protocol):
    """The same without blocking the event loop."""

    async def send(self, request: Request) -> Answer:
        """The answer, whatever its status."""
        ...

    async def close(self) -> None:
        """Give up connections."""
        ...


def _headers(api_key: str | None) -> dict[str, str]:
    own = {} if api_key is None else {"Authorization": f"Bearer {api_key}"}
    return own | {"Content-Type": "application/json"}


class HttpTransport:
    """Over HTTP, blocking."""

    def __init__(self, url: str, api_key: str | None, seconds: float) -> None:
        timeout = httpx.Timeout(seconds, connect=min(CONNECT_SECONDS, seconds))
        self._http = httpx.Client(base_url=url, headers=_headers(api_key), timeout=timeout)

    def send(self, request: Request) -> Answer:
        """The answer, whatever its status."""
        try:
            found = self._http.request(request.method, request.path, params=_params(request), content=request.content)
        except httpx.HTTPError as error:
            raise _no_answer(error) from error
        except RuntimeError as error:  # it was closed meanwhile
            raise NoAnswer(str(error), sent=False) from error
        return Answer(found.status_code, found.content)

    def close(self) -> None:
        """Give up connections."""
        self._http.close()


class AsyncHttpTransport:
    """Over HTTP, for an event loop."""

    def __init__(self, url: str, api_key: str | None, seconds: float) -> None:
        timeout = httpx.Timeout(seconds, connect=min(CONNECT_SECONDS, seconds))
        self._http = httpx.AsyncClient(base_url=url, headers=_headers(api_key), timeout=timeout)

    async def send(self, request: Request) -> Answer:
        """The answer, whatever its status."""
        try:
            found = await self._http.request(
                request.method, request.path, params=_params(request), content=request.content
            )
        except httpx.HTTPError as error:
            raise _no_answer(error) from error
        return Answer(found.status_code, found.content)

    async def close(self) -> None:
        """Give up connections."""
        await self._http.aclose()


def _params(request: Request) -> dict[str, str | list[str]] | None:
    if request.params is None:
        return None
    return {name: value if isinstance(value, str) else list(value) for name, value in request.params.items()}


_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


def _no_answer(error: httpx.HTTPError) -> NoAnswer:
    why = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return NoAnswer(why, sent=not isinstance(error, _NOT_SENT))


UNAVAILABLE = frozenset({500, 502, 503, 504})
"""Answers after which the same request may be sent again: it happened whole, or not at all."""

_KINDS: dict[str, type[TollError]] = {
    "insufficient_credits": errors.InsufficientCredits,
    "limit_exceeded": errors.LimitExceeded,
    "catalog_invalid": errors.CatalogInvalid,
}
_BY_STATUS: dict[int, type[TollError]] = {
    400: errors.MalformedBody,
    401: errors.Unauthorized,
    402: errors.InsufficientCredits,
    403: errors.Forbidden,
    404: errors.NotFound,
    409: errors.Conflict,
    413: errors.BodyTooLarge,
    422: errors.InvalidInput,
}
_DOCUMENT = {"type", "title", "status", "code", "detail", "field"}


def error_of(answer: Answer) -> TollError:
    """The error that a problem document tells; whatever else it has is in `extra`."""
    try:
        body = answer.body
    except ValueError:
        body = None
    if not isinstance(body, dict) or "code" not in body:
        told = f"The server answered {answer.status}, and it isn't Tollkeeper that speaks: check the URL."
        return TollkeeperUnreachable("unreachable", told)
    if answer.status in UNAVAILABLE:
        return TollkeeperUnreachable("unreachable", body.get("detail") or f"The server answered {answer.status}.")
    kind = _KINDS.get(body["code"]) or _BY_STATUS.get(answer.status, TollError)
    extra = {name: value for name, value in body.items() if name not in _DOCUMENT}
    return kind(body["code"], body.get("detail", ""), field=body.get("field"), **extra)
