"""Who may call: a bearer key whose scopes allow the route, or the console's cookie in its place."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from tollkeeper.api.books import Books, OpenBooks
from tollkeeper.api.console import COOKIE, CSRF_HEADER, check_genuine, session_of
from tollkeeper.customers import ApiKey, Scope
from tollkeeper.errors import Forbidden, Unauthorized

_bearer = HTTPBearer(
    auto_error=False,
    scheme_name="ApiKey",
    description="A key from `tollkeeper keys create`, sent as `Authorization: Bearer toll_…`.",
)
CONSOLE_COOKIE = APIKeyCookie(
    name=COOKIE,
    auto_error=False,
    scheme_name="ConsoleSession",
    description="The cookie of the operator's console, from `POST /v1/console/session`. Beside it the header "
    f"`{CSRF_HEADER}` must hold that answer's `csrf`.",
)


class Require:
    """A dependency that lets a call in when its key has the scope, and hands the key on.

    Without a key, the console's cookie stands in for the one that was signed in with.

    Raises Unauthorized `missing_key`, `unknown_key` or `console_session_ended`, and Forbidden `scope_missing` or
    `csrf_failed`.
    """

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    async def __call__(
        self,
        request: Request,
        books: OpenBooks,
        credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
        cookie: Annotated[str | None, Security(CONSOLE_COOKIE)],
    ) -> ApiKey:
        if credentials is not None:
            key = await _key_of(books, credentials.credentials)
        elif cookie and "authorization" not in request.headers:
            check_genuine(request)
            key = await _key_signed_in(request, books)
        else:
            raise Unauthorized("missing_key", "Send an API key in the header `Authorization: Bearer toll_…`.")
        if not key.allows(self.scope):
            raise Forbidden(
                "scope_missing", f"The key {key.prefix}… lacks the scope {self.scope!r}.", scope=self.scope.value
            )
        return key


async def _key_of(books: Books, secret: str) -> ApiKey:
    key = books.keyring.recall(secret) or await books.database.run(lambda tx: books.keyring.verify(tx, secret))
    if key is None:
        raise Unauthorized("unknown_key", "There is no such API key, or it was revoked.")
    return key


async def _key_signed_in(request: Request, books: Books) -> ApiKey:
    session = await session_of(request, books)
    if session is None:
        raise AssertionError("there is a cookie")
    return session.key


Reader = Annotated[ApiKey, Depends(Require(Scope.READ))]
Writer = Annotated[ApiKey, Depends(Require(Scope.WRITE))]
Admin = Annotated[ApiKey, Depends(Require(Scope.ADMIN))]


def caller(key: ApiKey) -> str:
    """The key, as the ledger, grants and holds name who did something."""
    return f"{key.name} (key {key.prefix}…)"
