"""A company of the recruiting example, as tests act for it; files as candidates send them; and an app whose Tollkeeper
can be away."""

from __future__ import annotations

import io
import os
import re
import socket
import sqlite3
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
from docx import Document
from examples.running import Running
from examples.running.children import Child, ended, own_port
from examples.running.manifest import ROOT
from fpdf import FPDF
from playwright.sync_api import Locator, Page
from psycopg.rows import dict_row
from tests.examples.conftest import SignIn, asked_at_once

SAMPLES = ROOT / "examples" / "recruiting" / "samples"

CV = {"prompt_tokens": 120_000, "completion_tokens": 15_000, "total_tokens": 135_000}
QUESTIONS = {
    "prompt_tokens": 2000,
    "completion_tokens": 400,
    "total_tokens": 2400,
    "prompt_tokens_details": {"cached_tokens": 800},
}
VOICE = {
    "total_tokens": 15_000,
    "input_tokens": 10_000,
    "output_tokens": 5000,
    "input_token_details": {"audio_tokens": 10_000},
    "output_token_details": {"audio_tokens": 5000},
}
INTERVIEW = {"prompt_tokens": 200_000, "completion_tokens": 100_000, "total_tokens": 300_000}
"""What the document's examples cost: $0.45, $0.008 and $1.50."""


def charge_of(usage: dict[str, Any]) -> Decimal:
    """gpt-4o: $2.50 a million tokens read, $1.25 from the cache, $10 written; and 25 % on top."""
    cached = Decimal(usage.get("prompt_tokens_details", {}).get("cached_tokens", 0))
    million = Decimal(1_000_000)
    read = (usage["prompt_tokens"] - cached) * Decimal("2.50") / million + cached * Decimal("1.25") / million
    return (read + usage["completion_tokens"] * Decimal(10) / million) * Decimal("1.25")


def a_pdf(*lines: str) -> bytes:
    """A PDF with these lines."""
    pdf = FPDF()
    pdf.add_page()
    pdf.set_font("Helvetica", size=12)
    for line in lines:
        pdf.cell(0, 8, line, new_x="LMARGIN", new_y="NEXT")
    return bytes(pdf.output())


def a_docx(*lines: str) -> bytes:
    """A DOCX with these paragraphs."""
    document = Document()
    for line in lines:
        document.add_paragraph(line)
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def unreadable() -> list[tuple[bytes, int, str]]:
    """Files without a text that could be had, with the status and a part of the reason that they're refused with."""
    scan = FPDF()
    scan.add_page()
    scan.line(10, 10, 100, 100)
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("word/document.xml", b"\0" * 60_000_000)
    return [
        (b"GIF89a", 422, "Only PDF and DOCX"),
        (a_pdf("Somebody")[:300], 422, "Only PDF and DOCX"),
        (bomb.getvalue(), 422, "Only PDF and DOCX"),
        (bytes(scan.output()), 422, "no text"),
        (b"%PDF" + b"\0" * 5_000_000, 413, "larger than 5 MB"),
    ]


def billing(page: Page, running: Running, query: str = "?tab=usage") -> None:
    """Go to the company's billing page."""
    page.goto(f"{running.url}/dashboard/settings/billing{query}")


def card(page: Page, meter: str) -> Locator:
    """A meter's card on it."""
    return page.locator("toll-usage [part=card]").filter(has_text=meter)


def minutes_ago(running: Running, application: str, minutes: str, *, database: Path | None = None) -> None:
    """Let an interview that is under way have begun so long ago."""
    began = int(time.time() * 1000 - float(minutes) * 60_000)
    file = database or running.data / "app" / "recruiting.sqlite"
    with closing(sqlite3.connect(file)) as opened, opened:
        changed = opened.execute("update applications set started_at = ? where id = ?", [began, application])
        assert changed.rowcount == 1


def sql(running: Running, query: str, *values: Any) -> list[dict[str, Any]]:
    """What somebody who reads with SQL finds."""
    with psycopg.connect(running.database_url, row_factory=dict_row) as connection:
        return connection.execute(query, values).fetchall()  # type: ignore[arg-type]


def values_in(answer: Any) -> Iterator[Any]:
    """All values of a JSON answer, however deep they stand."""
    if isinstance(answer, dict | list):
        for inner in answer.values() if isinstance(answer, dict) else answer:
            yield from values_in(inner)
    else:
        yield answer


class Company:
    """Signed in at the app; what was billed since then can be asked for."""

    def __init__(self, running: Running, sign_in: SignIn, name: str, *, url: str | None = None) -> None:
        self.running = running
        self.name = re.sub(r"[^a-z0-9]+", "-", name.lower())[-60:].strip("-")
        self.key = self.name
        self.http = sign_in(running, name=self.name)
        if url is not None:
            self.http.base_url = url
            assert self.http.post("/sign-in", data={"name": self.name}).is_redirect
        self._bills = len(self._all_bills())

    def job(self, title: str, description: str) -> str:
        return self._good(self.http.post("/api/jobs", data={"title": title, "description": description}))["id"]

    def jobs(self) -> list[dict[str, Any]]:
        return self._good(self.http.get("/api/jobs"))["jobs"]

    def applications(self, job: str) -> list[dict[str, Any]]:
        return next(each["applications"] for each in self.jobs() if each["id"] == job)

    def apply(self, job: str) -> str:
        fields = {"name": "Somebody", "email": "somebody@mail.example"}
        return self._good(self.http.post(f"/api/jobs/{job}/applications", data=fields))["id"]

    def upload(self, application: str, file: bytes) -> httpx.Response:
        return self.http.post("/api/resumes/parse", data={"applicationId": application}, files={"file": ("cv", file)})

    def parse(self, application: str, file: bytes) -> dict[str, Any]:
        return self._good(self.upload(application, file))

    def questions(self, job: str, number: int) -> dict[str, Any]:
        wanted = {"jobId": job, "numberOfQuestions": number}
        return self._good(self.http.post("/api/ai/generate-questions", json=wanted))

    def status(self, application: str, status: str, **more: Any) -> httpx.Response:
        return self.http.post(f"/api/applications/{application}/interview-status", json={"status": status, **more})

    def interview(self, application: str, minutes: str, **more: Any) -> dict[str, Any]:
        """An interview that lasts so long."""
        self._good(self.status(application, "started"))
        minutes_ago(self.running, application, minutes)
        return self._good(self.status(application, "completed", **more))

    def simulate(self, **step: Any) -> None:
        """How the provider answers next."""
        answer = httpx.post(f"{self.running.simulator_url}/_simulator/script", json=step, trust_env=False)
        assert answer.is_success, answer.text

    def bills(self) -> list[dict[str, Any]]:
        """What the provider has billed since this company signed in."""
        return self._all_bills()[self._bills :]

    def _all_bills(self) -> list[dict[str, Any]]:
        return httpx.get(f"{self.running.simulator_url}/_simulator/bills", trust_env=False).json()["bills"]

    def toll(self, method: str, path: str, **options: Any) -> Any:
        """What Tollkeeper answers to the app's key."""
        headers = {"Authorization": f"Bearer {self.running.key}"}
        answer = httpx.request(
            method, self.running.tollkeeper_url + path, headers=headers, timeout=30, trust_env=False, **options
        )
        return self._good(answer)

    def use(self, meter: str, quantity: str) -> None:
        """Usage from elsewhere."""
        event = {"id": str(uuid4()), "customer": self.key, "meter": meter, "quantity": quantity}
        assert self.toll("POST", "/v1/events", json=event)["accepted"] == 1

    def usage(self, **params: Any) -> list[dict[str, Any]]:
        return self.toll("GET", "/v1/usage", params={"customer": self.key, **params})["rows"]

    def charge(self, meter: str) -> Decimal:
        """What a meter's usage was charged in all."""
        return sum((Decimal(row["charge"]) for row in self.usage(meter=meter)), Decimal())

    def events(self, meter: str) -> list[dict[str, Any]]:
        return self.toll("GET", "/v1/events", params={"customer": self.key, "meter": meter})["data"]

    def _good(self, answer: httpx.Response) -> Any:
        assert answer.is_success, answer.text
        return answer.json()


class Wire:
    """The way to a server, which can be cut: then nobody listens at its address."""

    def __init__(self, to: str) -> None:
        host, _, port = to.removeprefix("http://").partition(":")
        self._to = (host, int(port))
        self._port = own_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self._listener: socket.socket | None = None
        self._ends: list[socket.socket] = []
        self.mend()

    def mend(self) -> None:
        """From here on it leads to the server."""
        self._listener = socket.create_server(("127.0.0.1", self._port))
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def cut(self) -> None:
        """From here on, and for whoever speaks now, nobody is there."""
        assert self._listener is not None
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # or the thread that waits would accept one more
        for each in (self._listener, *self._ends):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self._ends.clear()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                here, _ = listener.accept()
                there = socket.create_connection(self._to)
                self._ends += [here, there]
                for one, other in ((here, there), (there, here)):
                    threading.Thread(target=_pass_on, args=(one, other), daemon=True).start()


def _pass_on(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while data := one.recv(65536):
            other.sendall(data)
    with suppress(OSError):
        other.shutdown(socket.SHUT_WR)


@contextmanager
def app_behind(wire: Wire, running: Running, folder: Path) -> Iterator[str]:
    """Another process of the app, with data of its own, which reaches Tollkeeper by the wire."""
    url = f"http://127.0.0.1:{own_port()}"
    told = {
        "TOLLKEEPER_URL": wire.url,
        "TOLLKEEPER_API_KEY": running.key,
        "TOLLKEEPER_SPOOL": str(folder / "journal.sqlite"),
        "OPENAI_BASE_URL": f"{running.simulator_url}/v1",
        "OPENAI_API_KEY": "sk-proj-example-1",
        "EXAMPLE_DATA": str(folder),
        "EXAMPLE_SECRET": "a secret of the tests",
        "WELCOME_CREDIT": "25.00",
    }
    line = ("uvicorn", "examples.recruiting.app:app", "--port", url.rpartition(":")[2])
    with ended(Child("The app", line, at=url, log=folder / "log", folder=ROOT, environment=os.environ | told)) as child:
        child.wait_for("/sign-in")
        yield url


def assert_questions_that_fail_are_free(company: Company) -> None:
    job = company.job("Baker", "x" * 200)
    company.simulate(content="No.")
    failed = company.http.post("/api/ai/generate-questions", json={"jobId": job, "numberOfQuestions": 3})
    assert (failed.status_code, company.charge("question_tokens")) == (502, 0)
    (event,) = company.events("question_tokens")
    assert (event["quantity"], float(event["cost"]) > 0) == ("0", True)


def assert_done_once(company: Company) -> None:
    """Four at once are one call and one charge; so is what comes again."""
    job = company.job("Cook", "x" * 200)
    application = company.apply(job)
    assert company.status(application, "started").status_code == 200
    minutes_ago(company.running, application, "5")
    a, b = a_pdf("A", "Skills", "Python"), a_pdf("B", "Skills", "SQL")
    form = {"jobId": job, "numberOfQuestions": 3, "requestId": "r1"}
    works = {
        "interview_minute": lambda _: company.status(application, "completed"),
        "cv_parse": lambda _: company.upload(application, a),
        "question_tokens": lambda _: company.http.post("/api/ai/generate-questions", json=form),
    }
    for count, (meter, work) in enumerate(works.items(), 1):
        company.simulate(until_released=True)
        answers = asked_at_once(company.running, work, range(4), refused=3)
        assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409], meter
        again = work(0)
        assert again.status_code == (409 if meter == "interview_minute" else 200), again.text
        assert (len(company.bills()), len(company.events(meter))) == (count, 1), meter
    charged = company.charge("cv_parse")
    company.parse(application, b)
    twice = company.charge("cv_parse")
    assert company.parse(application, a)["billing"] is None
    assert company.applications(job)[0]["resume"].find("Python") > 0
    assert (charged > 0, twice > charged, company.charge("cv_parse")) == (True, True, twice)
    assert len(company.bills()) == 4
    company.questions(job, 3)  # another request, another generation
    assert len(company.events("question_tokens")) == 2
