"""The server of `bench.empty` that can profile itself: a first POST begins, a second one ends and answers the figures.

So what the start of the server takes isn't among them.
"""

from __future__ import annotations

import cProfile
import io
import pstats

from fastapi import APIRouter, Request, Response

from bench import empty
from tollkeeper.api import routes
from tollkeeper.api.auth import Admin

PATH = "/v1/bench/profile"

router = APIRouter()
_under_way: list[cProfile.Profile] = []


@router.post(PATH, response_class=Response)
async def profile(request: Request, key: Admin, sort: str = "tottime", lines: int = 25) -> Response:
    """Begin, or end and tell."""
    if not _under_way:
        _under_way.append(cProfile.Profile())
        _under_way[0].enable()
        return Response()
    ended = _under_way.pop()
    ended.disable()
    told = io.StringIO()
    pstats.Stats(ended, stream=told).strip_dirs().sort_stats(sort).print_stats(lines)
    return Response(told.getvalue(), media_type="text/plain")


routes.ROUTERS = (*routes.ROUTERS, router)

if __name__ == "__main__":
    empty.main()
