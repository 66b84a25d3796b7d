"""An assistant that takes orders for restaurants, and charges each of them for what it uses."""

import mimetypes
import os
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import msgspec
from examples.ordering import analytics, assistant, businesses
from fastapi import Body, Depends, FastAPI, Form, Query, Request, Response, UploadFile
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from openai import OpenAI, OpenAIError
from starlette.middleware.sessions import SessionMiddleware
from starlette.staticfiles import StaticFiles

from tollkeeper import Tollkeeper
from tollkeeper.errors import InvalidInput, NotFound, ProviderUnavailable, TollError, Unauthorized

PAGES = Path(__file__).parent / "pages"
TOLLKEEPER = os.environ["TOLLKEEPER_URL"]
POLICY = (
    "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; img-src 'self' data:; "
    f"style-src 'self'; script-src 'self' {TOLLKEEPER}; connect-src 'self' {TOLLKEEPER}"
)

app = FastAPI(title="Order taking")
app.add_middleware(SessionMiddleware, secret_key=os.environ["EXAMPLE_SECRET"], session_cookie="ordering")
app.mount("/pages", StaticFiles(directory=PAGES))
toll = Tollkeeper()
client = toll.wrap(OpenAI())


def exact(data: Any) -> Response:
    """Decimals as JSON numbers with all their digits: on their way through a float they could lose some."""
    body = msgspec.json.Encoder(decimal_format="number").encode({"success": True, "data": data})
    return Response(body, media_type="application/json")


def signed_in(request: Request) -> businesses.Business:
    """Who is signed in: from the signed cookie, never from what a request says."""
    if "business" not in request.session:
        raise Unauthorized("not_signed_in", "Sign in first.")
    return businesses.Business(*request.session["business"])


SignedIn = Annotated[businesses.Business, Depends(signed_in)]
Message = Annotated[str, Body(min_length=1, max_length=4000)]
Text = Annotated[str, Form(max_length=200)]


@app.exception_handler(TollError)
@app.exception_handler(OpenAIError)
def refused(_: Request, error: Any) -> Response:
    """What can't be done, and why: before it has cost anything, where the plan doesn't allow it."""
    if isinstance(error, OpenAIError):
        error = ProviderUnavailable("model_unavailable", "The assistant can't answer now. Please try again.")
    return JSONResponse({"success": False, "code": error.code, "detail": error.detail}, error.status)


@app.post("/api/agents/order-taking/chat")
def chat(business: SignedIn, message: Message, session: Annotated[str, Body(alias="sessionId")] = "") -> Response:
    """One completion is one API call, understanding an order is one AI query; both are reserved before it's made."""
    session = session[:200] or str(uuid4())
    conversation = [*businesses.conversation(business.id, session), {"role": "user", "content": message}]
    query_for, call_for = {"query_type": "order_taking"}, {"operation": "chat_completion"}
    with (
        toll.operation("ai_query", customer=business.id, dimensions=query_for, estimate=[]) as query,
        toll.operation("api_call", customer=business.id, dimensions=call_for) as call,
    ):
        call.metadata = {**call_for, "model": assistant.MODEL, "sessionId": session}
        found = assistant.answer(client, business.name, conversation)
        turn, tokens = found.choices[0].message.parsed or assistant.REFUSED, found.usage and found.usage.total_tokens
        call.metadata = {**call.metadata, "model": found.model, "tokens": tokens, "intent": turn.intent}
        query.metadata = {"queryType": "order_taking", "complexity": turn.complexity, "tokens": tokens}
    businesses.said(business.id, session, message, turn.reply)
    return exact({"reply": turn.reply, "intent": turn.intent, "sessionId": session})


@app.post("/api/voice-to-text")
def hear(business: SignedIn, audio: UploadFile, session: Annotated[Text, Form(alias="sessionId")] = "") -> Response:
    """A recording becomes text. Its minutes are read from it, or else estimated, and marked so with the event."""
    sound, session = content(audio), session[:200] or str(uuid4())
    minutes, how = assistant.length_of(sound)
    about = {"operation": "voice_to_text", "audioSize": len(sound), "estimated": how == "estimated"}
    with toll.operation("voice_minute", customer=business.id, quantity=minutes, dimensions={"length": how}) as voice:
        voice.metadata = {**about, "sessionId": session}
        text = client.audio.transcriptions.create(model=assistant.LISTENER, file=(audio.filename, sound)).text
        voice.metadata = {**voice.metadata, "transcriptionLength": len(text)}
    return exact({"text": text, "minutes": minutes, "estimated": about["estimated"], "sessionId": session})


@app.post("/api/files")
def upload(business: SignedIn, file: UploadFile) -> Response:
    """A file is stored, if the plan has room for it: a menu, a picture, a price list."""
    stored, kind = content(file), mimetypes.guess_type(file.filename or "")[0] or "application/octet-stream"
    mb, groups = Decimal(len(stored)) / 1_000_000, {"file_type": kind}
    with toll.operation("storage_mb", customer=business.id, quantity=mb, dimensions=groups, estimate=[]) as storage:
        storage.metadata = {"fileType": kind, "size": len(stored), "operation": "file_upload"}
        (businesses.DATA / storage.id).write_bytes(stored)
    return exact({"id": storage.id, "name": file.filename, "type": kind, "size": len(stored), "megabytes": mb})


def content(file: UploadFile) -> bytes:
    """The bytes of an upload."""
    if not 0 < (file.size or 0) <= 25_000_000:  # what OpenAI takes of a recording
        raise InvalidInput("file_size", "A file can't be empty, nor have more than 25 MB.")
    return file.file.read()


@app.get("/api/dashboard-simple")
def dashboard(business: SignedIn) -> Response:
    """What the dashboard shows: this month, as of now."""
    used = analytics.billing_usage(toll, business)
    return exact({"businessId": business.id, "businessName": business.name, "billingUsage": used})


@app.get("/api/billing/analytics")
def billing_analytics(
    business: SignedIn,
    of: Annotated[str, Query(alias="businessId")],
    period: analytics.Period = "current_month",
    days: Annotated[int, Query(ge=1, le=365)] = 30,
) -> Response:
    """A month's usage, and the trend by day. Of other businesses there's nothing to be found."""
    if of != business.id:
        raise NotFound("unknown_business", f"There is no business {of!r}.")
    used = analytics.billing_usage(toll, business, period)
    return exact({"billingUsage": used, "trends": analytics.trends(toll, business, days)})


@app.get("/billing-token")
def billing_token(business: SignedIn) -> JSONResponse:
    """What the widgets ask for: a look at this business's billing alone, and the choice of its plan."""
    session = toll.portal_session(business.id, permissions=("read", "change_plan"), expires_in=900)
    return JSONResponse({"token": session.token}, headers={"Cache-Control": "no-store"})


@app.post("/sign-in")
def sign_in(request: Request, email: Text, password: Text, name: Text = "", timezone: Text = "UTC") -> Response:
    """Begin a session. With a name it's a new restaurant's, and Tollkeeper has a new customer, on the default plan."""
    found = businesses.enter(email, password, name, timezone)
    if found is None:
        return RedirectResponse("/sign-in?wrong", 303)
    toll.put_customer(found.id, name=found.name, timezone=found.timezone)
    request.session["business"] = found
    return RedirectResponse("/", 303)


@app.get("/")
@app.get("/billing")
@app.get("/sign-in")
def page(request: Request) -> Response:
    """The pages, with Tollkeeper's address in them. Sessions begin and end where one signs in."""
    name = request.url.path.strip("/") or "dashboard"
    if name == "sign-in":
        request.session.clear()
    elif "business" not in request.session:
        return RedirectResponse("/sign-in", 303)
    html = (PAGES / f"{name}.html").read_text(encoding="utf-8").replace("{tollkeeper}", TOLLKEEPER)
    return HTMLResponse(html, headers={"Content-Security-Policy": POLICY})
