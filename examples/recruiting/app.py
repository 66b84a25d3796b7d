"""A recruiting product. CVs are parsed, questions written and interviews held, each billed through Tollkeeper."""

import hashlib
import json
import logging
import os
import re
import secrets
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import Body, Depends, FastAPI, Form, HTTPException, Request, Response, UploadFile
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from openai import OpenAI, OpenAIError
from pydantic import ValidationError, conlist, create_model
from starlette.middleware.sessions import SessionMiddleware

from examples.recruiting.reading import MOST_BYTES, Assessment, Resume, text_of
from tollkeeper.client import Operation, Tollkeeper
from tollkeeper.errors import TollError, TollkeeperUnreachable

PAGES, TABLES = Path(__file__).parent / "pages", Path(__file__).with_name("tables.sql").read_text(encoding="utf-8")
URL, MODEL = os.environ["TOLLKEEPER_URL"], os.environ.get("OPENAI_MODEL", "gpt-4o")
POLICY = f"default-src 'none'; style-src 'self'; img-src data:; script-src 'self' {URL}; connect-src 'self' {URL}"
PLANNED = {"quantity": 15, "expires_in": 4 * 3600}  # minutes that are reserved for an interview, and for how long

toll = Tollkeeper(on_outage="allow")  # nobody waits for the billing: what can't be sent now is in its journal
ai = toll.wrap(OpenAI(max_retries=1, timeout=60))
app = FastAPI(title="Recruiting", openapi_url=None)
app.mount("/pages", StaticFiles(directory=PAGES))
app.add_middleware(SessionMiddleware, secret_key=os.environ["EXAMPLE_SECRET"], session_cookie="recruiting")
Text = Annotated[str, Form(min_length=1, max_length=20_000)]
Status, Quality = Annotated[Literal["started", "completed"], Body()], Annotated[Literal["HD", "SD"], Body()]
Said = Annotated[tuple[str, ...], Body(max_length=50)]
JobId, Id = Annotated[str, Body()], Annotated[str | None, Body(max_length=100)]
Number = Annotated[int, Body(alias="numberOfQuestions", ge=1, le=50)]


def rows(sql: str, **values: Any) -> list[dict[str, Any]]:
    """What a statement returns; what it changes is stored then."""
    with closing(sqlite3.connect(f"{os.environ['EXAMPLE_DATA']}/recruiting.sqlite", timeout=10)) as database, database:
        database.row_factory = sqlite3.Row
        database.executescript(TABLES)
        return [dict(row) for row in database.execute(sql, values)]


@contextmanager
def turn(what: str) -> Iterator[str]:
    """Be the only one who does it, in any process (one that takes ten minutes has died). A name for this time."""
    sql = "insert into turns values (:what, :now + 600) on conflict do update set ends = :now + 600 where ends < :now"
    mine = rows(f"{sql} returning *", what=what, now=time.time())
    if not mine:
        raise HTTPException(409, "This is being done already.")
    try:
        yield f"{what}:{secrets.token_hex(4)}"
    finally:
        rows("delete from turns where what = :what and ends = :ends", **mine[0])


def signed_in(request: Request) -> str:
    """The company that is signed in: who pays follows from this, and never from what a browser says."""
    if company := request.session.get("company"):
        return company
    raise HTTPException(401, "Sign in first.")


Company = Annotated[str, Depends(signed_in)]


def one(view: Literal["jobs", "openings", "reached"], id: str, company: str | None = None) -> dict[str, Any]:
    """A job, or an application with its job; its id is a candidate's key. Of another company's there's nothing: 404."""
    for found in rows(f"select * from {view} where id = :id", id=id):
        if company in (None, found["company"]):
            return found
    raise HTTPException(404, "This isn't there, or not any more.")


def ask(form: type[Any], task: str, text: str) -> tuple[Any, Any]:
    """The model's answer in that form, None if there's none; and its usage, None if it doesn't say."""
    messages: Any = [{"role": "system", "content": task}, {"role": "user", "content": text}]
    with suppress(ValidationError, OpenAIError):
        answer = ai.chat.completions.parse(model=MODEL, messages=messages, response_format=form)
        return answer.choices[0].message.parsed, answer.usage
    return None, None


def tracked(what: str, done: Operation) -> dict[str, Any]:
    """What was charged, and by what; None where Tollkeeper is away, and is told later."""
    told = "⚠️ Failed to record now, and sent later"
    with suppress(TollError):
        event = toll.get_event(done.id, customer=done.customer)
        told = f"Billing tracked: {event.charge} USD ({'fallback' if event.estimated else 'real'}, cost {event.cost})"
    logging.getLogger("uvicorn").info("[%s] %s", what, told)
    return {"event": done.id, "charge": done.charge}


@app.post("/api/resumes/parse")
def parse_resume(request: Request, applicationId: Text, file: UploadFile) -> dict[str, Any]:
    """A CV as a structured résumé. It's refused before the model is asked, and charged once, when it's parsed."""
    applied, content = one("reached", applicationId, request.session.get("company")), file.file.read(MOST_BYTES + 1)
    text, file_id = text_of(content), hashlib.sha256(content).hexdigest()[:16]
    about = {"job_title": applied["title"], "file_id": file_id, "file_size_kb": round(len(content) / 1024)}
    whose = {"job": applied["job"], "candidate": applied["id"]}
    with turn(f"cv:{applied['id']}:{file_id}") as name:
        this, billing = {"id": applied["id"], "file": file_id}, None
        if not rows("select 1 from resumes where application = :id and file_id = :file", **this):
            with toll.operation("cv_parse", customer=applied["company"], id=name, dimensions=whose) as parsing:
                parsing.quantity = 0  # so much is parsed as yet
                resume, _ = ask(Resume, "Read the CV. Answer with what it says, and invent nothing.", text)
                rate = 95 if resume and resume.skills else 80
                parsing.metadata = about | {"parse_successful": bool(resume), "success_rate": rate, "model": MODEL}
                if resume:
                    rows("insert into resumes values (:id, :file, :it)", it=resume.model_dump_json(), **this)
                    parsing.quantity = 1
            billing = tracked("Resume Parse", parsing)
        sql = "update applications set resume = r.resume from resumes r where id = :id and application = :id"
        for parsed in rows(f"{sql} and file_id = :file returning resume", **this):
            return {"resume": json.loads(parsed["resume"]), "billing": billing}
    raise HTTPException(502, "The CV couldn't be parsed. Try again.")


@app.post("/api/ai/generate-questions")
def generate_questions(company: Company, jobId: JobId, number: Number = 10, requestId: Id = None) -> Any:
    """Questions for a job. An estimate of their tokens is reserved; charged are those that the model reports."""
    with turn(f"questions:{jobId}") as name:
        job = one("jobs", jobId, company)
        if requestId and requestId == job["asked"]:  # it comes again, since the answer was lost
            return {"questions": json.loads(job["questions"]), "usage": None, "estimated": None, "billing": None}
        usage = {"prompt_tokens": (len(job["description"]) + 2) // 4 + number * 100, "completion_tokens": number * 50}
        by, guess = {"job": jobId, "tokens": "estimated"}, {"provider": "openai", "model": MODEL, "usage": usage}
        planned = {"id": name, "quantity": sum(usage.values()), "estimate": guess, "dimensions": by}
        with toll.operation("question_tokens", customer=company, **planned) as generation:
            generation.quantity = 0  # so much is written as yet
            form = create_model("Questions", questions=(conlist(str, min_length=number, max_length=number), ...))
            task = f"Write {number} interview questions for this job, from easy to demanding."
            written, reported = ask(form, task, f"{job['title']}\n{job['description']}")
            if reported:
                usage = {"prompt_tokens": reported.prompt_tokens, "completion_tokens": reported.completion_tokens}
                generation.dimensions = by | {"tokens": "reported"}
            about = {"job_title": job["title"], "model": MODEL, "tokens_estimated": not reported}
            generation.metadata = about | usage | {"question_count": number if written else 0}
            if written:
                sql = "update jobs set questions = :it, asked = :asked where id = :id"
                rows(sql, it=json.dumps(written.questions), asked=requestId, id=jobId)
                generation.quantity = sum(usage.values())
        billing = tracked("Question Generation", generation)
    if written is None:
        raise HTTPException(502, "No questions could be written. Try again.")
    return {"questions": written.questions, "usage": usage, "estimated": not reported, "billing": billing}


@app.post("/api/applications/{application}/interview-status")
def meet(request: Request, application: str, status: Status, answers: Said = (), videoQuality: Quality = "HD") -> Any:
    """An interview begins, if the company can pay for it; or it ends, and its minutes are charged in any case."""
    with turn(name := f"interview:{application}"):
        applied, now = one("reached", application, request.session.get("company")), time.time_ns() // 1_000_000
        asked, title = json.loads(applied["questions"]) or ["Tell us about yourself."], applied["title"]
        dimensions = {"job": applied["job"], "candidate": application}
        plan: dict[str, Any] = {"customer": applied["company"], "id": name, "dimensions": dimensions}
        if applied["interview"] not in (("started",) if status == "completed" else ("invited", "started")):
            raise HTTPException(409, "The interview is over, or hasn't begun.")
        if status == "started":
            with suppress(TollkeeperUnreachable):
                if applied["interview"] == "invited":
                    toll.hold("interview_minute", **plan, **PLANNED)
            sql = "update applications set interview = 'started', started_at = :now where id = :id"
            rows(f"{sql} and started_at is null", id=application, now=now)
            return {"title": title, "questions": asked}
        sql = "update applications set ended_at = coalesce(ended_at, :now) where id = :id returning"
        [lasted] = rows(f"{sql} printf('%.6f', (ended_at - started_at) / 60000.0) as minutes", id=application, now=now)
        about = {"job_title": title, "interview_id": name, "video_quality": videoQuality, "model": MODEL}
        about |= {"completed_questions": sum(bool(each.strip()) for each in answers), "total_questions": len(asked)}
        assessment = billing = None
        try:
            with toll.operation("interview_minute", **plan, **PLANNED) as interview:
                interview.quantity, interview.metadata = lasted["minutes"], about  # the meter rounds
                task = f"Assess a candidate's answers for this job: {title}\n{applied['description']}"
                assessment, _ = ask(Assessment, task, "\n\n".join(answers)[:40_000])
            billing = tracked("Interview", interview)
        except TollError:  # refused, because its reservation was over; but it has taken place, and is recorded
            toll.record("interview_minute", **plan, quantity=lasted["minutes"], metadata=about)
        sql = "update applications set interview = 'completed', assessment = :it where id = :id"
        rows(sql, it=assessment and assessment.model_dump_json(), id=application)
    return {"status": "completed", "billing": billing, **lasted}


@app.get("/billing-token")
def billing_token(company: Company, response: Response) -> dict[str, str]:
    """What the widgets ask for: a session of this company's billing page, and of no other's."""
    response.headers["Cache-Control"] = "no-store"
    return {"token": toll.portal_session(company, permissions=("read", "top_up"), expires_in=900).token}


@app.post("/sign-in")
def sign_in(request: Request, name: Annotated[str, Form(pattern=r"[A-Za-z0-9]", max_length=100)]) -> Response:
    """A name is enough here; your product has a login, and does the rest when a company signs up."""
    company = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    with suppress(TollkeeperUnreachable):
        toll.put_customer(company, name=name)
        toll.grant(company, os.environ["WELCOME_CREDIT"], id=f"welcome:{company}", kind="promotional")
    request.session.update(company=company, name=name)
    return RedirectResponse("/dashboard", 303)


@app.get("/api/jobs")
def jobs(request: Request, company: Company) -> dict[str, Any]:
    """The company's jobs, and who has applied."""
    found = rows("select * from jobs where company = :company order by rowid desc", company=company)
    for job in found:
        job["applications"] = rows("select * from applications where job = :job order by rowid desc", job=job["id"])
    return {"company": request.session["name"], "jobs": found}


@app.post("/api/jobs", status_code=201)
def create_job(request: Request, company: Company, title: Text, description: Text) -> dict[str, str]:
    """A new job, whose id can be read on the billing page."""
    job = f"{re.sub(r'[^a-z0-9]+', '-', title.lower()).strip('-')[:60]}-{secrets.token_hex(3)}"
    sql = "insert into jobs (id, company, company_name, title, description) values (:id, :company, :name, :title, :it)"
    values = {"id": job, "company": company, "name": request.session["name"], "title": title, "it": description}
    return rows(f"{sql} returning id", **values)[0]


@app.get("/api/jobs/{job}")
def opening(job: str) -> dict[str, str]:
    """What everybody sees of a job who knows it."""
    return {name: told for name, told in one("openings", job).items() if name != "company"}


@app.post("/api/jobs/{job}/applications", status_code=201)
def apply(job: str, name: Text, email: Text) -> dict[str, str]:
    """Somebody applies: open to all who know the job."""
    sql = "insert into applications (id, company, job, name, email) values (:id, :company, :job, :name, :email)"
    about = {"company": one("openings", job)["company"], "job": job, "name": name, "email": email}
    return rows(f"{sql} returning id", id=secrets.token_urlsafe(12), **about)[0]


def page(name: str) -> Response:
    """A page of the product, with Tollkeeper's address in it."""
    html = (PAGES / f"{name}.html").read_text(encoding="utf-8").replace("{tollkeeper}", URL)
    return HTMLResponse(html, headers={"Content-Security-Policy": POLICY})


app.add_api_route("/", lambda: RedirectResponse("/dashboard"))
for path in ("sign-in", "dashboard", "dashboard/jobs", "dashboard/settings/billing", "jobs", "interviews"):
    place = f"/{path}/{{id}}" if path.endswith("s") else f"/{path}"
    app.add_api_route(place, partial(page, path.replace("/", "-")))


@app.exception_handler(TollError)
def refused(request: Request, error: TollError) -> Response:
    """What can't be done now, and why. What a company has left isn't told to candidates."""
    told = error.detail if "company" in request.session else "The company can't do this now. Please tell it."
    return JSONResponse({"code": error.code, "detail": told}, error.status)
