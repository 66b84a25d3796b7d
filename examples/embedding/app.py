"""A product's own pages, with Tollkeeper's widgets in their sidebar, and the billing page as one of them.

tollkeeper catalog apply examples/catalogs/interview-credits.toml
export TOLLKEEPER_API_KEY=$(tollkeeper keys create embedding --scope read --scope write)
uvicorn --app-dir examples/embedding app:app --port 8000
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import FileResponse, HTMLResponse

from tollkeeper import Tollkeeper
from tollkeeper.errors import InsufficientCredits

HERE = Path(__file__).parent
URL = os.environ.get("TOLLKEEPER_URL", "http://127.0.0.1:8377")
# What widgets need of a page's policy: their script, and to talk to where it came from.
POLICY = f"default-src 'none'; style-src 'self'; img-src data:; script-src 'self' {URL}; connect-src 'self' {URL}"
app = FastAPI()
toll = Tollkeeper()  # TOLLKEEPER_URL, TOLLKEEPER_API_KEY


def customer() -> str:
    """Who is logged in. Yours comes from the login's session, never from what the browser says."""
    toll.put_customer("acme", name="Acme Recruiting")
    return "acme"


LoggedIn = Annotated[str, Depends(customer)]


@app.get("/billing-token")
def billing_token(who: LoggedIn, response: Response) -> dict[str, str]:
    """What the widgets' `token-url` asks, at first and whenever a session has ended: this one may also buy credits."""
    session = toll.portal_session(who, permissions=["read", "top_up"], expires_in=900)
    response.headers["Cache-Control"] = "no-store"
    return {"token": session.token}


@app.post("/interviews")
def hold_an_interview(who: LoggedIn) -> Response:
    """What the product sells: refused before it begins where no credit is left."""
    try:
        with toll.operation("interview", customer=who):
            return Response(status_code=204)
    except InsufficientCredits as refused:
        return Response(refused.detail, 402)


@app.get("/")
@app.get("/settings/billing")
def page(request: Request) -> HTMLResponse:
    """A page, with Tollkeeper's address in it."""
    name = "billing" if request.url.path.endswith("billing") else "index"
    html = (HERE / f"{name}.html").read_text(encoding="utf-8")
    return HTMLResponse(html.replace("http://127.0.0.1:8377", URL), headers={"Content-Security-Policy": POLICY})


@app.get("/page.{kind}")
def file(kind: Literal["js", "css"]) -> FileResponse:
    """The page's own script and styles."""
    return FileResponse(HERE / f"page.{kind}")
