"""The routes of pages and files. Every path below a page is the page: what it shows, it reads from its address."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from tollkeeper.errors import NotFound, PagesNotBuilt
from tollkeeper.settings import Settings
from tollkeeper.web.files import File, Files
from tollkeeper.web.headers import ASK_AGAIN, FOR_YEARS, NONE, file_headers, page_headers

_READ = ["GET", "HEAD"]
_EMBEDDED = ("tollkeeper.js", "billing-page.js")
"""What a product's own pages load, under names that never change."""
_REFERENCE = "docs"
"""The API reference: Swagger UI writes HTML as text, React's own, and Markdown that DOMPurify has cleaned."""
_NOT_BUILT = "The pages of this installation aren't built. Build them with `make web`, or install Tollkeeper's wheel."
_NOT_BUILT_PAGE = f"""\
<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Not built</title>
<h1>The pages aren't built</h1>
<p>{_NOT_BUILT.replace("`make web`", "<code>make web</code>")}</p>
<p>pages_not_built</p>
</html>
"""


def pages(settings: Settings, files: Files) -> APIRouter:
    """The routes, on these files."""
    router = APIRouter(include_in_schema=False)
    framed_by = {
        "billing": settings.frame_ancestors,
        "gallery": settings.frame_ancestors,
        "console": NONE,
        _REFERENCE: NONE,
    }

    async def page(request: Request) -> Response:
        name = request.url.path.split("/")[1]
        found = files.find(f"{name}.html")
        headers = page_headers(framed_by[name], trusted_types=name != _REFERENCE)
        return _not_built(request, headers) if found is None else _sent(request, found, headers)

    async def widgets(request: Request) -> Response:
        headers = file_headers(embedded=True) | {"Cache-Control": ASK_AGAIN}
        if (found := files.find(request.url.path[1:])) is None:
            raise _problem()
        return _sent(request, found, headers)

    async def asset(request: Request, name: str) -> Response:
        if (found := files.find(f"assets/{name}")) is None:
            raise NotFound("not_found", "There is nothing at this path.")
        return _sent(request, found, file_headers() | {"Cache-Control": FOR_YEARS})

    for name in framed_by:
        router.add_api_route(f"/{name}", page, methods=_READ)
        router.add_api_route(f"/{name}/{{rest:path}}", page, methods=_READ)
    for name in _EMBEDDED:
        router.add_api_route(f"/{name}", widgets, methods=_READ)
    router.add_api_route("/assets/{name}", asset, methods=_READ)
    return router


def _sent(request: Request, file: File, headers: dict[str, str]) -> Response:
    """The file, or that the browser has it."""
    headers = headers | {"ETag": file.etag}
    if file.compressed is not None:
        headers["Vary"] = "Accept-Encoding"
    if file.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    content = file.content
    if file.compressed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        content, headers["Content-Encoding"] = file.compressed, "gzip"
    return Response(content, headers=headers, media_type=file.media_type)


def _problem() -> PagesNotBuilt:
    return PagesNotBuilt("pages_not_built", _NOT_BUILT)


def _not_built(request: Request, headers: dict[str, str]) -> Response:
    """Says how to build them: to people as a page, to programs as a problem."""
    if "text/html" not in request.headers.get("accept", ""):
        raise _problem()
    return Response(_NOT_BUILT_PAGE, 503, headers, media_type="text/html; charset=utf-8")
