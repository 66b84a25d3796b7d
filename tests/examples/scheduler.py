"""What the tests of the interview scheduler share: people with credits, payments, and a second process of the app."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
from examples.running import Running
from examples.running.children import own_port
from itsdangerous import TimestampSigner, URLSafeTimedSerializer
from playwright.sync_api import Page, expect
from psycopg import sql

ROOT = Path(__file__).parents[2]
PASSWORD = "correct horse battery"


class Person:
    """Somebody with an account, over HTTP."""

    def __init__(self, running: Running, name: str, url: str | None = None) -> None:
        self.running = running
        self.name = name
        self.email = f"{name}-{uuid4().hex[:8]}@example.com"
        self.http = httpx.Client(base_url=url or running.url, timeout=60, trust_env=False)

    def sign_up(self) -> Person:
        """A new account."""
        form = {"email": self.email, "name": self.name, "password": PASSWORD, "timezone": "Europe/Berlin"}
        answer = self.http.post("/sign-up", data=form)
        assert answer.status_code == 204, answer.text
        return self

    def sign_up_at_once(self) -> None:
        """Four times at once: that's one account and one customer."""
        form = {"email": self.email, "name": self.name, "password": PASSWORD}
        with ThreadPoolExecutor(4) as threads:
            answers = list(threads.map(lambda _: self.http.post("/sign-up", data=form).status_code, range(4)))
        assert sorted(answers) == [204, 409, 409, 409]
        made = self.toll("GET", f"/v1/customers?search={self.name}")["data"]
        assert [one["key"] for one in made] == [self.team]

    @property
    def team(self) -> str:
        """The key of the team that it works in."""
        return self.http.get("/api/team").json()["team"]

    def toll(self, method: str, path: str, **options: Any) -> Any:
        """What Tollkeeper answers to the app's key."""
        headers = {"Authorization": f"Bearer {self.running.key}"}
        url = self.running.tollkeeper_url + path
        answer = httpx.request(method, url, headers=headers, timeout=30, trust_env=False, **options)
        assert answer.is_success, answer.text
        return answer.json()

    def given(self, credits: int) -> Person:
        """With so many credits that the operator gave."""
        self.toll("POST", f"/v1/customers/{self.team}/grants", json={"amount": credits, "unit": "interview_credit"})
        return self

    @property
    def credits(self) -> tuple[str, str]:
        """Available, and held."""
        wallets = self.toll("GET", f"/v1/customers/{self.team}/balance")["wallets"]
        return (wallets[0]["available"], wallets[0]["held"]) if wallets else ("0", "0")

    def portal(self, method: str, path: str, **options: Any) -> httpx.Response:
        """What Tollkeeper answers to this person's browser."""
        headers = {"Authorization": f"Bearer {self.http.get('/billing-token').json()['token']}"}
        url = f"{self.running.tollkeeper_url}/v1{path}"
        return httpx.request(method, url, headers=headers, timeout=30, trust_env=False, **options)

    def buy(self, amount: int = 5, pack: str | None = None) -> dict[str, Any]:
        """A top-up that waits to be paid."""
        asked = {"unit": "interview_credit", "amount": str(amount)} if pack is None else {"pack": pack}
        return self.portal("POST", "/portal/top-ups", json=asked).raise_for_status().json()

    def told(self, top_up: dict[str, Any], payment: str, amount: str) -> dict[str, str]:
        """What the processor says when it was paid."""
        about = {"payment": payment.rpartition("/")[2], "state": "paid", "amount": amount, "currency": "USD"}
        return about | {"top_up": top_up["id"], "customer": self.team}

    def check_out(self, top_up: dict[str, Any]) -> str:
        """The address of a new payment for it."""
        return self.http.post(f"/api/checkout/{top_up['id']}").raise_for_status().json()["url"]

    def pay(self, payment: str, state: str = "paid") -> None:
        """End the payment on the processor's page."""
        assert self.http.post(payment, data={"state": state}).headers["location"] == "/billing"

    def create(self, **fields: Any) -> httpx.Response:
        """An interview, if it can be."""
        wanted = {"id": str(uuid4()), "position": "Toll keeper", "kind": "technical", "minutes": 30}
        return self.http.post("/api/interviews", json=wanted | fields)

    @property
    def states(self) -> list[str]:
        """How the team's interviews stand, newest first."""
        return [each["state"] for each in self.http.get("/api/interviews").json()]


class Meet:
    """Makes people's acquaintance; their connections are closed in the end."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._met: list[Person] = []

    def __call__(self, name: str, url: str | None = None) -> Person:
        """Somebody without an account yet. `url` is the app's, where it isn't the usual one."""
        self._met.append(Person(self._running, name, url))
        return self._met[-1]

    def close(self) -> None:
        """Close the connections of all."""
        for each in self._met:
            each.http.close()


def until(holds: Callable[[], Any], seconds: float = 20) -> None:
    """Wait for it."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it doesn't come to that"
        time.sleep(0.05)


def signed(
    running: Running, payment: dict[str, Any], *, at: float | None = None, key: str | None = None
) -> httpx.Response:
    """The app's answer to a call that is signed as the processor signs."""
    secret = key or json.loads((running.data / "secrets.json").read_text())["signing"]
    body, seconds = json.dumps(payment).encode(), int(at or time.time())
    made = hmac.new(
        hashlib.sha256(f"processor {secret}".encode()).digest(), f"{seconds}.".encode() + body, hashlib.sha256
    )
    headers = {"Processor-Signature": f"t={seconds},v1={made.hexdigest()}"}
    return httpx.post(f"{running.url}/api/billing/webhook", content=body, headers=headers, trust_env=False)


def simulate(running: Running, *steps: dict[str, Any]) -> None:
    """How the provider answers its next calls."""
    httpx.post(f"{running.simulator_url}/_simulator/reset", trust_env=False).raise_for_status()
    url = f"{running.simulator_url}/_simulator/script"
    httpx.post(url, json={"steps": list(steps)}, trust_env=False).raise_for_status()


def bills(running: Running) -> int:
    """How many calls the provider has billed since."""
    return len(httpx.get(f"{running.simulator_url}/_simulator/bills", trust_env=False).json()["bills"])


def read(running: Running, view: str, team: str) -> list[tuple[Any, ...]]:
    """What somebody who reads with SQL finds there: columns of a view, in their order."""
    with psycopg.connect(running.database_url) as connection:
        query = sql.SQL("select {} where team = %s order by 1, 2").format(sql.SQL(view))  # pyright: ignore[reportArgumentType]
        return connection.execute(query, [team]).fetchall()


def invitation(secret: str, team: str, days: float) -> str:
    """One that was made so many days ago."""

    class Earlier(TimestampSigner):
        def get_timestamp(self) -> int:
            return int(time.time() - days * 24 * 3600)

    made = URLSafeTimedSerializer(secret, salt="invitation", signer=Earlier)
    return str(made.dumps(team))


def code_of(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of a refusal."""
    return answer.status_code, answer.json()["code"]


class Line:
    """A line to a server that can be cut."""

    def __init__(self, url: str) -> None:
        host, port = url.removeprefix("http://").split(":")
        self._target = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._open: set[socket.socket] = set()
        self.is_cut = False
        self._flows = threading.Event()
        self._flows.set()
        self.waiting = False
        threading.Thread(target=self._serve, daemon=True).start()

    def cut(self) -> None:
        """Nothing comes through any more, nor what is under way."""
        self.is_cut = True
        for each in list(self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        """It's a line again."""
        self.is_cut = False

    def stall(self) -> None:
        """From here on, whoever speaks isn't answered, until it flows again. Lines that are open end."""
        self.waiting = False
        self._flows.clear()
        self.cut()
        self.mend()

    def flow(self) -> None:
        """Let all through again."""
        self._flows.set()

    def _serve(self) -> None:
        while True:
            near, _ = self._listener.accept()
            if self.is_cut:
                near.close()
                continue
            self.waiting = not self._flows.is_set()
            self._flows.wait(60)
            threading.Thread(
                target=self._join, args=(near, socket.create_connection(self._target)), daemon=True
            ).start()

    def _join(self, near: socket.socket, far: socket.socket) -> None:
        pair = {near: far, far: near}
        self._open |= pair.keys()
        with closing(near), closing(far), suppress(OSError):
            while True:
                for each in select.select(list(pair), [], [])[0]:
                    if not (data := each.recv(65536)):
                        return
                    pair[each].sendall(data)


class Process:
    """The app once more, with the same data and users, and a way to Tollkeeper of its own; it can be killed."""

    def __init__(self, running: Running, folder: Path) -> None:
        self.line = Line(running.tollkeeper_url)
        self._running = running
        self._folder = folder
        port = own_port()
        self.url = f"http://127.0.0.1:{port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        kept = json.loads((self._running.data / "secrets.json").read_text())
        told = {
            "TOLLKEEPER_URL": self.line.url,
            "TOLLKEEPER_API_KEY": kept["key"],
            "TOLLKEEPER_SPOOL": str(self._folder / "journal.sqlite"),
            "EXAMPLE_URL": self.url,
            "EXAMPLE_DATA": str(self._running.data / "app"),
            "EXAMPLE_SECRET": kept["signing"],
            "OPENAI_BASE_URL": f"{self._running.simulator_url}/v1",
            "OPENAI_API_KEY": "sk-proj-example-1",
        }
        line = [sys.executable, "-m", "uvicorn", "examples.interviews.app:app", "--port", self.url.rpartition(":")[2]]
        with (self._folder / "app.log").open("ab") as log:
            self._process = subprocess.Popen(line, cwd=ROOT, env=os.environ | told, stdout=log, stderr=log)
        until(self._answers, 60)

    def kill(self) -> None:
        """End it without a chance to say goodbye."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(30)
            self._process = None

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self._folder / "app.log").read_text()
        with suppress(httpx.HTTPError):
            return httpx.get(f"{self.url}/sign-in", trust_env=False).status_code == 200
        return False


@contextmanager
def another_process(running: Running, folder: Path) -> Iterator[Process]:
    """One, until the context ends."""
    process = Process(running, folder)
    process.start()
    try:
        yield process
    finally:
        process.kill()


def sign_up_in(page: Page, running: Running, name: str) -> str:
    """A new account, by hand; its e-mail address."""
    email = f"{name.lower()}-{uuid4().hex[:8]}@example.com"
    page.goto(running.url)
    page.get_by_role("link", name="Create an account").click()
    for label, text in {"Name": name, "E-mail": email, "Password": PASSWORD}.items():
        page.get_by_label(label).fill(text)
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("heading", name="Interviews")).to_be_visible()
    return email


def create_in(page: Page, position: str) -> None:
    """An interview, by hand."""
    page.get_by_label("Position").fill(position)
    page.get_by_label("What matters").fill("Counts every cart. Writes it into a long book. Sleeps well.")
    page.get_by_role("button", name="Create interview").click()


def refused_while_billing_is_away(meet: Meet, process: Process, dana: Person) -> None:
    """Nothing is created and nobody signs up; a payment is told when it's back, by a processor that began anew."""
    payment = dana.check_out(dana.buy())
    process.line.cut()
    dana.pay(payment)  # the processor goes on telling it
    assert code_of(dana.create()) == (503, "unreachable")
    late = {"email": "late@example.com", "name": "Late", "password": PASSWORD}
    assert code_of(meet("Late", process.url).http.post("/sign-up", data=late)) == (503, "unreachable")
    assert dana.states == ["created", "failed"]
    process.kill()  # with a payment that nobody has heard of
    process.start()
    process.line.mend()
    until(lambda: dana.credits == ("7", "0"))
    assert dana.create().status_code == 201
    assert meet("Late").http.post("/sign-up", data=late).status_code == 204
