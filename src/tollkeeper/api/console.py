"""The console's cookie at the door: what a browser must bring for it to stand in for a key, and how often it may guess.

The cookie alone is never enough: a browser sends it along with whatever another page makes it ask for. Beside it the
header `X-Toll-CSRF` must come, whose value only the console's own pages can read, and if the browser says where the
request was made, that must be here.
"""

from __future__ import annotations

from datetime import datetime
from secrets import compare_digest
from typing import Annotated

from fastapi import Depends, Request, Response

from tollkeeper.api.attempts import Attempts
from tollkeeper.api.books import Books
from tollkeeper.customers import ConsoleSession, SessionRing, csrf_of
from tollkeeper.errors import Forbidden, Unauthorized

COOKIE = "toll_console"
CSRF_HEADER = "X-Toll-CSRF"

MOST_ATTEMPTS = 10
"""Wrong keys that one address may send within any minute."""

_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


class Console:
    """What one process keeps of the console in memory."""

    def __init__(self) -> None:
        self.sessions = SessionRing()
        self.attempts = Attempts(MOST_ATTEMPTS)


async def _console(request: Request) -> Console:
    return request.app.state.console


OpenConsole = Annotated[Console, Depends(_console)]
"""Declares a route's parameter that receives the Console."""


async def session_of(request: Request, books: Books) -> ConsoleSession | None:
    """The session of the request's cookie, or None where it has no cookie. Whether it's genuine is asked elsewhere.

    Raises Unauthorized `console_session_ended`.
    """
    token = request.cookies.get(COOKIE)
    if not token:
        return None
    ring: SessionRing = request.app.state.console.sessions
    found = ring.recall(token) or await books.database.run(lambda tx: ring.verify(tx, token))
    if found is None:
        raise Unauthorized("console_session_ended", "Nobody is signed in any more; sign in again.")
    return found


def check_genuine(request: Request) -> None:
    """That the request was made by the console's own page. Raises Forbidden `csrf_failed`."""
    check_origin(request)
    given = request.headers.get(CSRF_HEADER, "")
    if not compare_digest(given.encode(errors="replace"), csrf_of(request.cookies.get(COOKIE, "")).encode()):
        raise Forbidden("csrf_failed", f"With the cookie, the header {CSRF_HEADER} must hold the session's `csrf`.")


def check_origin(request: Request) -> None:
    """That no page from elsewhere has made the browser ask. Raises Forbidden `csrf_failed`."""
    origin = request.headers.get("origin")
    # Browsers that send Sec-Fetch-Site send it with every request; `none` is the user, by the address bar.
    site = request.headers.get("sec-fetch-site", "same-origin")
    foreign = origin is not None and _origin(origin) not in _own_origins(request)
    if foreign or site not in ("same-origin", "none"):
        raise Forbidden("csrf_failed", "The request was made by a page from elsewhere.")


def _own_origins(request: Request) -> set[str]:
    # Behind a proxy, uvicorn takes the scheme from X-Forwarded-Proto.
    own = {_origin(f"{request.url.scheme}://{request.headers.get('host', '')}")}
    public: str | None = request.app.state.books.settings.public_url
    if public is not None:
        scheme, _, rest = public.partition("://")
        own.add(_origin(f"{scheme}://{rest.partition('/')[0]}"))
    return own


def _origin(text: str) -> str:
    text = text.lower()
    return text.removesuffix(_DEFAULT_PORTS.get(text.partition(":")[0], "\0"))


def set_cookie(request: Request, response: Response, token: str, expires_at: datetime) -> None:
    """Have the browser keep the token where no script can read it, for this site's own pages alone."""
    response.set_cookie(
        COOKIE,
        token,
        expires=expires_at,
        path="/",
        httponly=True,
        samesite="strict",
        secure=_is_secure(request),
    )


def drop_cookie(request: Request, response: Response) -> None:
    """Have the browser forget the token."""
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict", secure=_is_secure(request))


def _is_secure(request: Request) -> bool:
    """Whether the browser came by https. It says so itself where a proxy doesn't, or isn't believed."""
    return request.url.scheme == "https" or request.headers.get("origin", "").startswith("https://")
