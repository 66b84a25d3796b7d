"""An interview scheduler. An interview takes one of its team's credits, and everything of credits is Tollkeeper's."""

import os
import sqlite3
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from itsdangerous import BadData
from openai import OpenAIError
from pydantic import ValidationError
from starlette.middleware.sessions import SessionMiddleware

from examples.interviews import billing, interviews, people, test_processor
from tollkeeper.errors import Conflict, DatabaseUnavailable, NotFound, ProviderUnavailable, TollError

TOLLKEEPER = os.environ["TOLLKEEPER_URL"]
PAGES = Path(__file__).parent / "pages"
OWN = "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
POLICY = f"{OWN}; script-src 'self' {TOLLKEEPER}; connect-src 'self' {TOLLKEEPER}"  # as widgets need
UNUSABLE = ProviderUnavailable("model_failed", "The AI model gave no answer that could be used.")
OURS: dict[type[Exception], TollError] = {
    sqlite3.Error: DatabaseUnavailable("store_failed", "The product's own database can't be reached."),
    sqlite3.IntegrityError: Conflict("exists_already", "That exists already."),
    BadData: NotFound("invitation_over", "This invitation isn't valid, or not any more."),
    OpenAIError: UNUSABLE,
    ValidationError: UNUSABLE,
}


async def told(request: Request, error: Exception) -> Response:
    """What went wrong, by its code; `pages/problems.js` has words for people, and says what they can do."""
    known = error if isinstance(error, TollError) else next(OURS[kind] for kind in type(error).mro() if kind in OURS)
    problem = {"status": known.status, "title": known.title, "code": known.code, "detail": known.detail}
    return JSONResponse(problem, known.status, media_type="application/problem+json")


app = FastAPI(openapi_url=None, exception_handlers={kind: told for kind in (TollError, *OURS)})
app.add_middleware(SessionMiddleware, secret_key=os.environ["EXAMPLE_SECRET"], session_cookie="interviews")
app.mount("/pages", StaticFiles(directory=PAGES))
app.mount("/test-processor", test_processor.app)
for part in (people, interviews, billing):
    app.include_router(part.routes)


@app.get("/{path:path}")
def page(path: str) -> HTMLResponse:
    """A page. What is on it comes by the other routes, for whoever is signed in."""
    name = next(it for it in (path.partition("/")[0] or "interviews", "nothing") if (PAGES / f"{it}.html").is_file())
    html = (PAGES / f"{name}.html").read_text(encoding="utf-8").replace("{tollkeeper}", TOLLKEEPER)
    return HTMLResponse(html, 404 if name == "nothing" else 200, headers={"Content-Security-Policy": POLICY})
