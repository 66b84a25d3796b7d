"""`tollkeeper` with one route more: a POST that does nothing, behind the same middleware and key check.

The yardstick of the gate is what the same server does with it. `python -m bench.empty serve …` is `tollkeeper serve …`
in everything else. Worker processes are spawned, so they import this module as the first one does.
"""

from __future__ import annotations

import os

from fastapi import APIRouter, Request, Response

from tollkeeper.api import routes
from tollkeeper.api.auth import Writer
from tollkeeper.api.books import OpenBooks
from tollkeeper.cli import main

PATH = "/v1/bench/empty"

router = APIRouter()


@router.post(PATH, response_class=Response)
async def empty(request: Request, books: OpenBooks, key: Writer) -> Response:
    """The body's length, and which process has answered: how the clients find out whom they're connected to."""
    body = await request.body()
    return Response(b'{"pid":%d,"length":%d}' % (os.getpid(), len(body)), media_type="application/json")


routes.ROUTERS = (*routes.ROUTERS, router)

if __name__ == "__main__":
    main()
