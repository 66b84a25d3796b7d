"""Signing in to the operator's console and out of it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response, Security
from pydantic import Field

from tollkeeper.api.auth import CONSOLE_COOKIE
from tollkeeper.api.bodies import Answer, Asked
from tollkeeper.api.books import OpenBooks
from tollkeeper.api.console import (
    COOKIE,
    OpenConsole,
    check_genuine,
    check_origin,
    drop_cookie,
    session_of,
    set_cookie,
)
from tollkeeper.api.problems import described_problem
from tollkeeper.customers import ConsoleSession, Scope, csrf_of, sign_in, sign_out
from tollkeeper.db import Tx
from tollkeeper.errors import Unauthorized

router = APIRouter(prefix="/v1/console/session", tags=["console"])


class SignIn(Asked):
    """Who signs in."""

    key: str = Field(max_length=200, description="The secret of a key with the scope `admin`.")


class SignedInKey(Answer):
    """The key that was signed in with."""

    name: str
    prefix: str
    scopes: list[Scope]


class SessionAnswer(Answer):
    """Who is signed in, and until when."""

    csrf: str = Field(description="Goes with each call, as the header `X-Toll-CSRF`.")
    key: SignedInKey
    expires_at: datetime


_REFUSED: dict[int | str, dict[str, Any]] = {
    401: described_problem("The key is unknown or revoked."),
    429: described_problem("Too many wrong keys; wait `Retry-After` seconds."),
}


@router.post("", summary="Sign in to the console", responses=_REFUSED)
async def begin(
    books: OpenBooks, console: OpenConsole, asked: SignIn, request: Request, response: Response
) -> SessionAnswer:
    """Answers with a cookie, which stands in for the key for 12 hours, or until it's revoked. A new one each time."""
    check_origin(request)
    earlier = request.cookies.get(COOKIE, "")

    async def work(tx: Tx) -> tuple[ConsoleSession, str]:
        signed_in = await sign_in(tx, asked.key)
        await sign_out(tx, earlier)
        return signed_in

    with console.attempts.counting(request, "unknown_key"):
        session, token = await books.database.run(work)
    console.sessions.forget(earlier)
    set_cookie(request, response, token, session.expires_at)
    return _answer(token, session, response)


@router.get("", summary="Show who is signed in")
async def show(
    books: OpenBooks, request: Request, response: Response, _: Annotated[str | None, Security(CONSOLE_COOKIE)]
) -> SessionAnswer:
    """What signing in answered, for a page that is loaded anew. It prolongs nothing."""
    check_origin(request)
    session = await session_of(request, books)
    if session is None:
        raise Unauthorized("console_session_missing", "Nobody is signed in.")
    return _answer(request.cookies[COOKIE], session, response)


@router.delete("", status_code=204, summary="Sign out of the console")
async def end(
    books: OpenBooks,
    console: OpenConsole,
    request: Request,
    response: Response,
    token: Annotated[str | None, Security(CONSOLE_COOKIE)],
) -> None:
    """The session is over, in other processes within five seconds. Repeating it changes nothing."""
    if not token:
        raise Unauthorized("console_session_missing", "Nobody is signed in.")
    check_genuine(request)
    await books.database.run(lambda tx: sign_out(tx, token))
    console.sessions.forget(token)
    drop_cookie(request, response)


def _answer(token: str, session: ConsoleSession, response: Response) -> SessionAnswer:
    response.headers["Cache-Control"] = "no-store"
    return SessionAnswer(csrf=csrf_of(token), key=SignedInKey.of(session.key), expires_at=session.expires_at)
