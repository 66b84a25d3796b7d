"""Who may call: a bearer key whose scopes allow the route."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from tollkeeper.api.books import OpenBooks
from tollkeeper.customers import ApiKey, Scope
from tollkeeper.errors import Forbidden, Unauthorized

_bearer = HTTPBearer(
    auto_error=False,
    scheme_name="ApiKey",
    description="A key from `tollkeeper keys create`, sent as `Authorization: Bearer toll_…`.",
)


class Require:
    """A dependency that lets a call in when its key has the scope, and hands the key on.

    Raises Unauthorized `missing_key` or `unknown_key`, and Forbidden `scope_missing`.
    """

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    async def __call__(
        self,
        request: Request,
        books: OpenBooks,
        credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
    ) -> ApiKey:
        if credentials is None:
            raise Unauthorized("missing_key", "Send an API key in the header `Authorization: Bearer toll_…`.")
        secret = credentials.credentials
        key = books.keyring.recall(secret) or await books.database.run(lambda tx: books.keyring.verify(tx, secret))
        if key is None:
            raise Unauthorized("unknown_key", "There is no such API key, or it was revoked.")
        if not key.allows(self.scope):
            raise Forbidden(
                "scope_missing", f"The key {key.prefix}… lacks the scope {self.scope!r}.", scope=self.scope.value
            )
        return key


Reader = Annotated[ApiKey, Depends(Require(Scope.READ))]
Writer = Annotated[ApiKey, Depends(Require(Scope.WRITE))]
Admin = Annotated[ApiKey, Depends(Require(Scope.ADMIN))]


def caller(key: ApiKey) -> str:
    """The key, as the ledger, grants and holds name who did something."""
    return f"{key.name} (key {key.prefix}…)"
