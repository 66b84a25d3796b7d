"""The way in for people who open the server's address in a browser."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse

router = APIRouter()


@router.get("/", include_in_schema=False)
async def to_documentation(request: Request) -> RedirectResponse:
    """Answers with the way to the documentation."""
    return RedirectResponse(f"{request.scope.get('root_path', '')}/docs")
