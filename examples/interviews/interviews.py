"""An interview takes a credit: held before the model is asked, taken when it's there, given back when it fails."""

import sqlite3
from contextlib import suppress
from typing import Any, Literal

from fastapi import APIRouter
from openai import OpenAI
from pydantic import BaseModel, Field

from examples.interviews.people import User
from examples.interviews.store import store, toll
from tollkeeper.errors import NotFound, TollError, TollkeeperUnreachable

model = toll.wrap(OpenAI(timeout=60, max_retries=1))
routes = APIRouter()


class Wanted(BaseModel):
    """What is to be created. The page chooses the id, so that pressing twice creates one, and costs one."""

    id: str = Field(pattern=r"^[0-9a-f-]{36}$")
    position: str = Field(min_length=2, max_length=120, pattern=r"\S")
    description: str = Field("", max_length=5000)
    kind: Literal["technical", "behavioral", "experience", "problem solving", "leadership"]
    minutes: Literal[15, 30, 45, 60]


class Questions(BaseModel):
    """What the model answers."""

    questions: list[str] = Field(min_length=3)


@routes.post("/api/interviews", status_code=201)
def create(user: User, wanted: Wanted) -> dict[str, Any]:
    """Create it. Without a credit it's refused before the model is asked; what fails or dies after that is free."""
    id, team, member, about = wanted.id, user["team"], user["email"], wanted.model_dump(include={"position", "minutes"})
    with store() as db:
        row = [id, team, member, wanted.position, wanted.kind, wanted.minutes]
        db.execute("insert into interviews (id, team, member, position, kind, minutes) values (?, ?, ?, ?, ?, ?)", row)
    asked = {"id": id, "customer": team, "member": member, "dimensions": {"kind": wanted.kind}, "metadata": about}
    try:
        with toll.operation("interview", **asked, expires_in=300) as operation:
            operation.quantity = 0  # so much is there as yet
            keep(id, "questions", ask(wanted).model_dump_json())
            operation.quantity = 1
    except BaseException as error:
        keep(id, "state", "refused" if isinstance(error, TollError) else "failed")
        raise
    keep(id, "state", "created")
    return {"id": id, "charged": operation.charge}  # None: Tollkeeper went away; the SDK sends it later


def ask(wanted: Wanted) -> Questions:
    """Have the model write the questions. What it answers in another form is a failure."""
    task = f"Write questions for a job interview. Kind: {wanted.kind}. Length: {wanted.minutes} minutes."
    position = f"{wanted.position}\n{wanted.description}"
    messages: Any = [{"role": "system", "content": task}, {"role": "user", "content": position}]
    answer = model.chat.completions.parse(model="gpt-4o-mini", messages=messages, response_format=Questions)
    return Questions.model_validate(answer.choices[0].message.parsed)


def keep(id: str, column: Literal["state", "questions"], value: str) -> None:
    """Note how it stands."""
    with store() as db:
        db.execute(f"update interviews set {column} = ? where id = ?", [value, id])


@routes.get("/api/interviews")
def listed(user: User) -> list[dict[str, Any]]:
    """The team's interviews, newest first."""
    with store() as db:
        found = db.execute("select * from history where team = ? limit 200", [user["team"]]).fetchall()
    return [{**interview, "state": fate(interview)} for interview in found]


def fate(interview: sqlite3.Row) -> str:
    """How it stands. If its process has died, Tollkeeper knows: it's there if its credit was taken, and only then."""
    state = interview["state"]
    if state == "creating":
        with suppress(NotFound, TollkeeperUnreachable):
            hold = toll.get_hold(interview["id"], customer=interview["team"])
            state = state if hold.state == "open" else "created" if hold.charged else "failed"
            keep(interview["id"], "state", state)
    return state
