"""Who is signed in, and for which team: that one is Tollkeeper's customer, and the e-mail address is its member."""

import hashlib
import os
import secrets
import sqlite3
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from itsdangerous import URLSafeTimedSerializer

from examples.interviews.store import store, toll
from tollkeeper.errors import Unauthorized

invitations = URLSafeTimedSerializer(os.environ["EXAMPLE_SECRET"], salt="invitation")
hashed = partial(hashlib.scrypt, n=2**14, r=8, p=1)
routes = APIRouter()


def signed_in(request: Request) -> sqlite3.Row:
    """Who the cookie says. Nothing else in a request decides who pays."""
    with store() as db:
        if found := db.execute("select * from people where email = ?", [request.session.get("user")]).fetchone():
            return found
    raise Unauthorized("not_signed_in", "Nobody is signed in.")


User = Annotated[sqlite3.Row, Depends(signed_in)]
Text = Annotated[str, Form(min_length=1, max_length=100)]
Password = Annotated[str, Form(min_length=8, max_length=200)]


@routes.post("/sign-up", status_code=204)
def sign_up(request: Request, email: Text, name: Text, password: Password, timezone: Text = "UTC") -> None:
    """A new account, with a team of its own that follows from the address, and has no credits: nobody is given any."""
    team, salt = f"team-{hashlib.sha256(email.encode()).hexdigest()[:32]}", secrets.token_bytes(16)
    row = [email, name, salt, hashed(password.encode(), salt=salt), team, team]
    with store() as db:
        if db.execute("select 1 from users where email = ?", [email]).fetchone():
            raise sqlite3.IntegrityError(email)
        toll.put_customer(team, name=f"{name}'s team", timezone=timezone)  # if it can't be, there's no account
        toll.put_member(team, email, name=name)
        db.execute("insert into teams values (?, ?)", [team, f"{name}'s team"])  # from here on others can't write
        db.execute("insert into users values (?, ?, ?, ?, ?, ?)", row)
    request.session["user"] = email


@routes.post("/sign-in", status_code=204)
def sign_in(request: Request, email: Text, password: Password) -> None:
    """An account that is there. It takes as long to say that there's none."""
    with store() as db:
        salt, kept = db.execute("select salt, password from users where email = ?", [email]).fetchone() or (b"", b"")
    if not secrets.compare_digest(hashed(password.encode(), salt=salt), kept):
        raise Unauthorized("wrong_password", "There is no account with this e-mail address and this password.")
    request.session["user"] = email


@routes.post("/sign-out", status_code=204)
def sign_out(request: Request) -> None:
    """Nobody is signed in any more."""
    request.session.clear()


@routes.get("/api/team")
def team(user: User) -> dict[str, Any]:
    """The team, who is in it, and what lets others join it for a week."""
    with store() as db:
        members = db.execute("select email, name from users where team = ? order by name", [user["team"]]).fetchall()
    link = f"{os.environ['EXAMPLE_URL']}/join/{invitations.dumps(user['team'])}"
    return {**user, "members": [dict(member) for member in members], "invitation": link}


@routes.post("/api/team", status_code=204)
def move(user: User, invitation: Annotated[str, Form()] = "") -> None:
    """Work in the team that the invitation is to, at its expense; or again in one's own, which has kept its credits."""
    joined = invitations.loads(invitation, max_age=7 * 24 * 3600) if invitation else user["own"]
    toll.put_member(joined, user["email"], name=user["name"])
    with store() as db:
        db.execute("update users set team = ? where email = ?", [joined, user["email"]])
