"""A product of a few lines: whoever is signed in asks a model."""

from __future__ import annotations

import os
from typing import Annotated

from fastapi import Depends, FastAPI, Form, HTTPException, Request, Response
from openai import OpenAI
from starlette.middleware.sessions import SessionMiddleware

from tollkeeper import Tollkeeper

app = FastAPI()
app.add_middleware(SessionMiddleware, secret_key=os.environ["EXAMPLE_SECRET"])
toll = Tollkeeper()
model = toll.wrap(OpenAI())


def signed_in(request: Request) -> str:
    if (who := request.session.get("who")) is None:
        raise HTTPException(401)
    return who


@app.get("/")
def page() -> Response:
    return Response("<!doctype html><title>Smallest</title><h1>Ask</h1>", media_type="text/html")


@app.post("/sign-in")
def sign_in(request: Request, name: Annotated[str, Form()]) -> Response:
    request.session["who"] = name
    toll.put_customer(name, name=name.title())
    return Response(status_code=204)


@app.post("/ask")
def ask(who: Annotated[str, Depends(signed_in)], id: str) -> dict[str, str]:
    with toll.operation("question", customer=who, id=id) as operation:
        asked = [{"role": "user", "content": "Why?"}]
        model.chat.completions.create(model="gpt-5-mini", messages=asked)  # type: ignore[arg-type]
    return {"charge": str(operation.result and operation.result.charge)}
