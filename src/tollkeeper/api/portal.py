"""Who may look at a customer's billing page: a portal token, whose session names the customer and what it allows."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from tollkeeper.api.books import Books, OpenBooks
from tollkeeper.customers import Permission, PortalRing, PortalSession, customer_of_secret
from tollkeeper.errors import Forbidden, Unauthorized

_bearer = HTTPBearer(
    auto_error=False,
    scheme_name="PortalToken",
    description="A token from `POST /v1/portal-sessions`, sent as `Authorization: Bearer tollp_…`.",
)


async def verified_session(books: Books, ring: PortalRing, token: str) -> PortalSession:
    """The session that a token opens, as it was at most five seconds ago.

    Raises Unauthorized `portal_session_unknown`, `portal_session_revoked`, `portal_session_expired`.
    """
    customer_id = customer_of_secret(token)
    return ring.recall(token) or await books.database.run(lambda tx: ring.verify(tx, token), customer_id)


def ring_of(request: Request) -> PortalRing:
    """The sessions that this process has verified a moment ago."""
    return request.app.state.portal_ring


class Allow:
    """A dependency that lets a call in when its portal token has the permission, and hands the session on.

    Raises Unauthorized `portal_token_missing`, and as `verified_session`; Forbidden `portal_permission_missing`.
    """

    def __init__(self, permission: Permission) -> None:
        self.permission = permission

    async def __call__(
        self,
        request: Request,
        books: OpenBooks,
        credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
    ) -> PortalSession:
        if credentials is None:
            told = "Send a portal token in the header `Authorization: Bearer tollp_…`."
            raise Unauthorized("portal_token_missing", told)
        session = await verified_session(books, ring_of(request), credentials.credentials)
        if self.permission not in session.permissions:
            told = f"This session of the billing page doesn't allow {self.permission.value!r}."
            raise Forbidden("portal_permission_missing", told, permission=self.permission.value)
        return session


Portal = Annotated[PortalSession, Depends(Allow(Permission.READ))]
"""Declares a route's parameter that receives the session; all that the route shows is its customer's."""
MayTopUp = Annotated[PortalSession, Depends(Allow(Permission.TOP_UP))]
MayChangePlan = Annotated[PortalSession, Depends(Allow(Permission.CHANGE_PLAN))]
