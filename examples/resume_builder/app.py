"""A résumé builder: PDFs become résumés, a model writes their summaries, and each user has a plan, limits and a bill.

`make example-resume-builder` runs it. What the model does, and how it's metered, is in `ai.py`.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, replace
from decimal import Decimal
from html import escape
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

from fastapi import Body, Depends, FastAPI, Form, HTTPException, Request, Response, UploadFile
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from openai import OpenAIError
from pydantic import ValidationError
from starlette.middleware.sessions import SessionMiddleware

from examples.resume_builder import accounts, ai
from examples.resume_builder.ai import toll
from tollkeeper.errors import TollError

PAGES, MOST_BYTES = Path(__file__).parent / "pages", 5_000_000
# What widgets need of a page's policy: their script, and to talk to where it came from.
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
    f"frame-ancestors 'none'; script-src 'self' {toll.target}; connect-src 'self' {toll.target}"
)
app = FastAPI(title="Resume builder")
app.add_middleware(SessionMiddleware, secret_key=os.environ["EXAMPLE_SECRET"], session_cookie="resume_builder")
app.mount("/assets", StaticFiles(directory=PAGES / "assets"))


def page(name: str, status: int = 200, problem: str = "") -> HTMLResponse:
    """A page, with Tollkeeper's address in it."""
    html = (PAGES / f"{name}.html").read_text(encoding="utf-8")
    html = html.replace("{tollkeeper}", toll.target).replace("{problem}", escape(problem))
    return HTMLResponse(html, status, {"Content-Security-Policy": POLICY, "Cache-Control": "no-store"})


def signed_in(request: Request) -> str:
    """Who is signed in, and so which customer it is: by the session, never by what the browser says."""
    if (user := request.session.get("user")) is None:
        raise HTTPException(401, "Sign in first.")
    return user


User = Annotated[str, Depends(signed_in)]
Text = Annotated[str, Form(min_length=1, max_length=200)]


@app.post("/sign-up")
def sign_up(request: Request, name: Text, email: Text, password: Text, timezone: Text = "UTC") -> Response:
    """A new user is a new customer, on the free plan. Days and months are those of their time zone."""
    user = accounts.sign_up(email, password, lambda id: toll.put_customer(id, name=name, timezone=timezone))
    return begin(request, user) if user else page("sign-in", 409, "This address has an account: sign in.")


@app.post("/sign-in")
def sign_in(request: Request, email: Text, password: Text) -> Response:
    """Begin a session."""
    user = accounts.sign_in(email, password)
    return begin(request, user) if user else page("sign-in", 401, "The address or the password isn't right.")


@app.post("/sign-out")
def sign_out(request: Request) -> Response:
    """End the session."""
    request.session.clear()
    return RedirectResponse("/", 303)


def begin(request: Request, user: str) -> Response:
    """A session of this user, and the way in."""
    request.session.update(user=user)
    return RedirectResponse("/", 303)


@app.post("/api/ai/parse-pdf", status_code=201)
def parse_pdf(user: User, file: UploadFile) -> dict[str, Any]:
    """A résumé out of a PDF; refused before the model is asked where a limit leaves no room for it."""
    if len(pdf := file.file.read(MOST_BYTES + 1)) > MOST_BYTES:
        raise HTTPException(413, "The file is larger than 5 MB.")
    id, title = str(uuid4()), (file.filename or "Résumé")[:100]
    found = ai.ask("pdf_parsing", user, f"parse:{id}", title, ai.READ, ai.text_of(pdf), "gpt-4o-mini", ai.Resume)
    return accounts.keep(user, {"id": id, "title": title, "content": found.model_dump(), "summary": None})


@app.post("/api/ai/generate-summary")
def generate_summary(user: User, resume: Annotated[str, Body()], model: Annotated[ai.Model, Body()]) -> dict[str, Any]:
    """A summary of one of the user's résumés; refused beforehand likewise."""
    if not (found := accounts.resumes(user, resume)):
        raise HTTPException(404, "There is no such résumé.")
    text, id = json.dumps(found[0]["content"], ensure_ascii=False), f"summary:{uuid4()}"
    said = ai.ask("summary", user, id, found[0]["title"], ai.WRITE, text, model, ai.Summary)
    return accounts.keep(user, {**found[0], "summary": said.summary})


@app.get("/api/resumes")
def resumes(user: User) -> list[dict[str, Any]]:
    """The user's résumés, the newest first."""
    return accounts.resumes(user)


@app.get("/api/ai/usage-stats")
def usage_stats(user: User) -> Response:
    """Lifetime usage, this month with limits, percentages and warnings, and the plan: Tollkeeper's figures."""
    found, limits = toll.overview(user), toll.limits(user)
    month = asdict(found.period) | used(found.tokens, found.spent)
    month["limits"] = {each.limit: asdict(each) for each in limits}
    month["warnings"] = [asdict(each) for each in found.warnings]
    return exact({"lifetime": used(found.total_tokens, found.total_spent), "month": month, "plan": asdict(found.plan)})


def used(tokens: Any, spent: Any) -> dict[str, Any]:
    """Tokens, what they cost, and how often the model was asked."""
    cost = next((each.amount for each in spent if each.unit == "USD"), Decimal())
    return {"tokens": tokens.total, "cost": cost, "unit": "USD", "operations": tokens.calls}


@app.get("/api/billing/suggestions")
def suggestions(user: User) -> Response:
    """What would have been charged less in the last 30 days, each with its arithmetic."""
    # It tells costs, which users see as they pay just these. With a margin, the operator saves another sum: hidden.
    told = [(asdict(each), each.savings[0], each.savings[-1]) for each in toll.suggestions(user).data if each.savings]
    return exact([one | {"savings": [asdict(own)]} for one, top, own in told if own == replace(top, whom="customer")])


def exact(value: Any) -> Response:
    """JSON whose numbers are texts, so that every digit gets there; times as ISO 8601."""
    told = json.dumps(value, default=lambda each: f"{each:f}" if isinstance(each, Decimal) else each.isoformat())
    return Response(told, media_type="application/json")


@app.get("/billing-token")
def billing_token(user: User) -> dict[str, str]:
    """What the widgets ask for: a session of this customer alone, which may look, and choose a plan."""
    return {"token": toll.portal_session(user, permissions=("read", "change_plan"), expires_in=900).token}


@app.get("/")
@app.get("/billing")
def pages(request: Request) -> Response:
    """The workspace and the billing page; for whoever isn't signed in, the way in."""
    return page(request.url.path.strip("/") or "workspace" if "user" in request.session else "sign-in")


@app.exception_handler(TollError)
def refused(_: Request, error: TollError) -> Response:
    """A refusal says which limit, how much of it is used, and when it begins anew. All else is ours to mend."""
    return JSONResponse(error.as_dict(), error.status if error.status in (402, 403, 422, 429) else 503)


@app.exception_handler(OpenAIError)
@app.exception_handler(ValidationError)
def no_answer(_: Request, __: Exception) -> Response:
    """The model was asked, and is at fault."""
    return JSONResponse({"code": "no_answer", "detail": "The model gave no usable answer; try again."}, 502)
