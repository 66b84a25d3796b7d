"""Asking a provider for a report: page after page, again when it's busy, and with its errors in our words."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from tollkeeper import clock
from tollkeeper.errors import ProviderRefused, ProviderUnavailable

ATTEMPTS = 5
LONGEST_WAIT_SECONDS = 60
"""A provider that wants us to wait longer is unavailable for now."""

_TIMEOUT = 60
_BUSY = frozenset({408, 429})
_SCOPES = re.compile(r"Missing scopes: ([\w.,: -]+?)\.(?:\s|$)")

Parameters = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Provider:
    """How a provider is asked, and what to tell an operator whose key it refuses."""

    name: str
    headers: Mapping[str, str]
    """The key among them: never printed."""
    keys_page: str
    """Where an admin key is made."""
    variable: str
    """What it's set by."""

    def __repr__(self) -> str:
        return f"Provider({self.name})"


async def results(
    client: httpx.AsyncClient, provider: Provider, url: str, parameters: Parameters
) -> AsyncIterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Each result of a report with its bucket, over all pages. Numbers are exact: int or Decimal.

    Raises ProviderRefused `admin_key_refused` or `admin_key_lacks_scope`, ProviderUnavailable `provider_unavailable`
    after several attempts, or `report_unreadable`.
    """
    page: str | None = None
    while True:
        found = await _ask(client, provider, url, [*parameters, *([("page", page)] if page else [])])
        for bucket in _listed(provider, found, "data"):
            for result in _listed(provider, bucket, "results"):
                yield bucket, result
        following = found.get("next_page")
        if not found.get("has_more") or following is None:
            return
        if following == page:
            raise _unreadable(provider, "Its next page is the one that was just read.")
        page = str(following)


async def _ask(client: httpx.AsyncClient, provider: Provider, url: str, parameters: Parameters) -> dict[str, Any]:
    attempt = 1
    while True:
        why, wait = "it can't be reached", None
        try:
            answer = await client.get(url, params=list(parameters), headers=dict(provider.headers), timeout=_TIMEOUT)
        except httpx.TransportError as error:
            why += f" ({type(error).__name__})"
        else:
            if answer.status_code not in _BUSY and answer.status_code < 500:
                return _body(provider, answer)
            why, wait = f"it answered {answer.status_code}", _retry_after(answer)
        wait = 2 ** (attempt - 2) if wait is None else wait  # half a second, one, two, four
        if attempt == ATTEMPTS or wait > LONGEST_WAIT_SECONDS:
            told = f"{provider.name} gives no report now: {why}, at attempt {attempt}. The next run reads it."
            raise ProviderUnavailable("provider_unavailable", told)
        await asyncio.sleep(wait)
        attempt += 1


def _retry_after(answer: httpx.Response) -> int | None:
    """The seconds that the provider asks us to wait: a number, or a date."""
    text = answer.headers.get("retry-after", "").strip()
    if text.isdecimal():
        return int(text)
    try:
        until = parsedate_to_datetime(text)
        return max(-((clock.now() - until) // timedelta(seconds=1)), 0)
    except (ValueError, TypeError):
        return None


def _body(provider: Provider, answer: httpx.Response) -> dict[str, Any]:
    if answer.status_code in (401, 403):
        raise _refused(provider, answer)
    try:
        found = json.loads(answer.text, parse_float=Decimal)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise _unreadable(provider, f"It answered {answer.status_code} with something else than a JSON object.")
    if answer.status_code != 200:
        raise _unreadable(provider, f"It answered {answer.status_code}: {_message(found)}")
    return found


def _refused(provider: Provider, answer: httpx.Response) -> ProviderRefused:
    hint = (
        f"Make an admin key at {provider.keys_page}, set {provider.variable} to it, and restart. A key for inference "
        "won't do."
    )
    if answer.status_code == 401:
        told = f"{provider.name} doesn't know this admin key, or it is a key for inference. {hint}"
        return ProviderRefused("admin_key_refused", told)
    scopes = _SCOPES.search(answer.text)
    lacks = f" (missing: {scopes[1]})" if scopes else ""
    told = f"{provider.name} doesn't let this key read the organisation's usage{lacks}. {hint}"
    return ProviderRefused("admin_key_lacks_scope", told)


def _message(found: Mapping[str, Any]) -> str:
    error = found.get("error")
    return str(error.get("message"))[:300] if isinstance(error, Mapping) else "no reason is given."


def _listed(provider: Provider, found: Any, name: str) -> list[dict[str, Any]]:
    items = found.get(name) if isinstance(found, Mapping) else None
    if not isinstance(items, list):
        raise _unreadable(provider, f"It has no list called {name}.")
    return items


def _unreadable(provider: Provider, why: str) -> ProviderUnavailable:
    return ProviderUnavailable("report_unreadable", f"{provider.name}'s report can't be read. {why}")


@contextmanager
def readable(name: str) -> Iterator[None]:
    """Within it, what a report has in another form than expected is an error of the provider's."""
    try:
        yield
    except (KeyError, ValueError, TypeError, AttributeError, ArithmeticError) as error:
        told = f"{name}'s report can't be read. {type(error).__name__}: {error}"
        raise ProviderUnavailable("report_unreadable", told) from error


def whole(value: Any) -> Decimal:
    """A number as reports have it: a JSON number, or its text; nothing is 0."""
    return Decimal(value if value is not None else 0)
