"""The Books that all requests of one process share."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from tollkeeper.books import Books, Stood

__all__ = ["Books", "OpenBooks", "Stood"]


async def _open_books(request: Request) -> Books:
    return request.app.state.books


OpenBooks = Annotated[Books, Depends(_open_books)]
"""Declares a route's parameter that receives the Books."""
