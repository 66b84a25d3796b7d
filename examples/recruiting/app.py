"""A recruiting product. CVs are parsed, questions written and interviews held, each billed through Tollkeeper."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import secrets
import time
from contextlib import suppress
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import Depends, FastAPI, Form, HTTPException, Request, Response, UploadFile
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from itsdangerous import BadSignature, Signer
from openai import OpenAI, OpenAIError
from openai.types import CompletionUsage
from pydantic import BaseModel, Field, ValidationError
from starlette.middleware.sessions import SessionMiddleware

from examples.recruiting.reading import MOST_BYTES, Assessment, Resume, Unreadable, questions, text_of
from examples.recruiting.store import row, rows
from tollkeeper import Operation, Tollkeeper
from tollkeeper.errors import InsufficientCredits, LimitExceeded, TollError, TollkeeperUnreachable

PAGES = Path(__file__).parent / "pages"
MODEL = os.environ.get("OPENAI_MODEL", "gpt-4o")
URL, SECRET = os.environ["TOLLKEEPER_URL"], os.environ["EXAMPLE_SECRET"]
POLICY = f"default-src 'none'; style-src 'self'; img-src data:; script-src 'self' {URL}; connect-src 'self' {URL}"
PLANNED = {"quantity": 15, "expires_in": 4 * 3600}  # minutes that are reserved for an interview, and for how long
TO_PARSE = "Read the CV. Answer with what it says, and invent nothing."
TO_ASK = "Write interview questions for the job that is described, from easy to demanding."
TO_ASSESS = "Assess the candidate's answers for this job: a score from 1 to 10, and two sentences."

logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
log = logging.getLogger("recruiting")
toll = Tollkeeper(on_outage="allow")  # nobody waits for the billing: what can't be sent now is in the journal
ai = toll.wrap(OpenAI(max_retries=1, timeout=60))
links = Signer(SECRET, salt="interview")
app = FastAPI(title="Recruiting", openapi_url=None)
app.mount("/pages", StaticFiles(directory=PAGES))
secure = os.environ["EXAMPLE_URL"].startswith("https:")
app.add_middleware(SessionMiddleware, secret_key=SECRET, session_cookie="recruiting", same_site="lax", https_only=secure)


class Account(BaseModel):
    email: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$", max_length=200)]
    password: Annotated[str, Field(min_length=8, max_length=200)]


class Company(Account):
    company: Annotated[str, Field(pattern=r"\w", max_length=100)]
    timezone: str | None = None


class Job(BaseModel):
    title: Annotated[str, Field(pattern=r"\w", max_length=100)]
    description: Annotated[str, Field(min_length=20, max_length=20_000)]


class Candidate(BaseModel):
    name: Annotated[str, Field(min_length=1, max_length=100)]
    email: Annotated[str, Field(max_length=200)]


class Questions(BaseModel):
    jobId: str
    numberOfQuestions: Annotated[int, Field(ge=1, le=50)] = 10


class Interview(BaseModel):
    status: Literal["started", "completed"]
    answers: Annotated[list[Annotated[str, Field(max_length=4000)]], Field(max_length=50)] = []
    videoQuality: Literal["HD", "SD"] = "HD"


def signed_in(request: Request) -> dict[str, Any]:
    """Who is signed in. Whose usage it is follows from this, never from what the browser says."""
    user = row("select * from users where email = :email", email=request.session.get("email"))
    if user is None:
        raise HTTPException(401, "Sign in first.")
    return user


SignedIn = Annotated[dict[str, Any], Depends(signed_in)]


def own_job(user: dict[str, Any], job: str) -> dict[str, Any]:
    """A job of the user's company; another company's doesn't exist."""
    if found := row("select * from jobs where id = :job and company = :company", job=job, company=user["company"]):
        return found
    raise HTTPException(404, "There is no such job.")


def own_application(request: Request, application: str) -> dict[str, Any]:
    """An application, for its candidate and for people of its company."""
    sql = "select a.*, j.title, j.description, j.questions from applications a join jobs j on j.id = a.job where a.id = :id"
    found, session = row(sql, id=application), request.session
    user = row("select company from users where email = :email", email=session.get("email"))
    if found and (session.get("application") == application or (user and user["company"] == found["company"])):
        return found
    raise HTTPException(404, "There is no such application.")


def ask(form: type[Any], task: str, text: str) -> tuple[Any, CompletionUsage | None]:
    """The model's answer in that form, None if it isn't; and its usage, if it says so."""
    messages: Any = [{"role": "system", "content": task}, {"role": "user", "content": text}]
    with suppress(ValidationError):
        answer = ai.chat.completions.parse(model=MODEL, messages=messages, response_format=form)
        return answer.choices[0].message.parsed, answer.usage
    return None, None


def tracked(what: str, done: Operation) -> dict[str, Any]:
    """Log what was charged, and say so. Without an answer of Tollkeeper it's sent later, and charged then."""
    if done.charge is None:
        log.warning("[%s] Tollkeeper is away: %s is in the journal, and charged when it's back", what, done.id)
    else:
        log.info("[%s] Billing tracked: %s is charged %s USD", what, done.id, done.charge)
    return {"event": done.id, "charge": done.charge}


@app.post("/api/resumes/parse")
def parse_resume(request: Request, applicationId: Annotated[str, Form()], file: UploadFile) -> dict[str, Any]:
    """A CV as a structured résumé. It's refused before the model is asked, and costs nothing if it can't be parsed."""
    applied = own_application(request, applicationId)
    content = file.file.read(MOST_BYTES + 1)
    text, file_id = text_of(content), hashlib.sha256(content).hexdigest()[:16]
    if file_id == applied["file_id"]:
        return {"resume": json.loads(applied["resume"]), "billing": None}
    about = {"job_title": applied["title"], "file_id": file_id, "file_size_kb": round(len(content) / 1024), "model": MODEL}
    whose = {"customer": applied["company"], "dimensions": {"job": applied["job"], "candidate": applied["id"]}}
    with toll.operation("cv_parse", id=f"cv:{applied['id']}:{file_id}:{applied['failures']}", **whose) as parsing:
        resume, _ = ask(Resume, TO_PARSE, text)
        parsing.quantity = 1 if resume else 0
        rate = 95 if resume and resume.skills else 80
        parsing.metadata = about | {"parse_successful": resume is not None, "success_rate": rate}
    billing = tracked("Resume Parse", parsing)
    if resume is None:
        rows("update applications set failures = failures + 1 where id = :id", id=applied["id"])
        raise HTTPException(502, "The CV couldn't be parsed. Try again.")
    sql = "update applications set resume = :resume, file_id = :file_id where id = :id"
    rows(sql, resume=resume.model_dump_json(), file_id=file_id, id=applied["id"])
    return {"resume": resume, "billing": billing}


@app.post("/api/ai/generate-questions")
def generate_questions(user: SignedIn, wanted: Questions) -> dict[str, Any]:
    """Interview questions for a job. What is reserved is an estimate; what is charged are the tokens of the answer."""
    job = own_job(user, wanted.jobId)
    tokens = {"prompt_tokens": round(len(job["description"]) / 4) + wanted.numberOfQuestions * 100}
    tokens["completion_tokens"] = wanted.numberOfQuestions * 50
    whose = {"customer": user["company"], "member": user["email"]}
    estimate = {"provider": "openai", "model": MODEL, "usage": tokens}
    dimensions = {"job": job["id"], "tokens": "estimated"}
    operation = toll.operation(
        "question_tokens", quantity=sum(tokens.values()), estimate=estimate, dimensions=dimensions, **whose
    )
    with operation as generation:
        form = questions(wanted.numberOfQuestions)
        found, usage = ask(form, f"{TO_ASK} Write {wanted.numberOfQuestions}.", f"{job['title']}\n{job['description']}")
        if usage is not None:
            tokens = {"prompt_tokens": usage.prompt_tokens, "completion_tokens": usage.completion_tokens}
            generation.quantity, generation.dimensions = usage.total_tokens, dimensions | {"tokens": "reported"}
        written = found.questions if found else []
        if not written:
            generation.quantity = 0
        about = {"job_title": job["title"], "question_count": len(written), "model": MODEL}
        generation.metadata = about | tokens | {"tokens_estimated": usage is None}
    billing = tracked("Question Generation", generation)
    if not written:
        raise HTTPException(502, "No questions could be written. Try again.")
    rows("update jobs set questions = :questions where id = :id", questions=json.dumps(written), id=job["id"])
    return {"questions": written, "tokens": tokens, "estimated": usage is None, "billing": billing}


@app.post("/api/applications/{application_id}/interview-status")
def interview_status(request: Request, application_id: str, told: Interview) -> dict[str, Any]:
    """An interview begins, if the company can pay for one; or it ends, and its minutes are charged whatever comes."""
    applied = own_application(request, application_id)
    dimensions = {"job": applied["job"], "candidate": applied["id"]}
    plan: dict[str, Any] = {"customer": applied["company"], "id": f"interview:{applied['id']}", "dimensions": dimensions}
    now = time.time_ns() // 1_000_000
    if told.status == "started":
        if applied["started_at"] is None:
            with suppress(TollkeeperUnreachable):
                toll.hold("interview_minute", **plan, **PLANNED)
        sql = "update applications set interview = 'started', started_at = :now where id = :id and started_at is null"
        rows(sql, now=now, id=applied["id"])
        return {"status": "started"}
    if applied["started_at"] is None:
        raise HTTPException(409, "The interview hasn't begun.")
    if applied["completed_at"] is not None:
        return {"status": "completed", "billing": None}
    minutes = round(Decimal(now - applied["started_at"]) / 60_000, 6)  # the meter rounds them, and knows the least
    asked, answers = json.loads(applied["questions"]), [each for each in told.answers if each.strip()]
    about = {"job_title": applied["title"], "interview_id": f"interview:{applied['id']}", "video_quality": told.videoQuality}
    about |= {"completed_questions": len(answers), "total_questions": len(asked), "model": MODEL}
    assessment = None
    try:
        with toll.operation("interview_minute", **plan, **PLANNED) as interview:
            interview.quantity, interview.metadata = minutes, about
            said = "\n".join(f"{question}\n{answer}" for question, answer in zip(asked, told.answers, strict=False))
            with suppress(OpenAIError):  # the interview has taken place, with an assessment or without
                assessment, _ = ask(Assessment, TO_ASSESS, f"{applied['description']}\n\n{said}")
        billing = tracked("Interview", interview)
    except (InsufficientCredits, LimitExceeded):  # the hold's time was over: no assessment, but the minutes have been used
        recorded = toll.record("interview_minute", **plan, quantity=minutes, metadata=about)
        billing = {"event": recorded.id, "charge": recorded.charge}
    sql = "update applications set interview = 'completed', completed_at = :now, assessment = :assessment where id = :id"
    rows(sql, now=now, assessment=assessment and assessment.model_dump_json(), id=applied["id"])
    return {"status": "completed", "minutes": minutes, "billing": billing}


@app.get("/billing-token")
def billing_token(user: SignedIn, response: Response) -> dict[str, str]:
    """What the widgets ask for: a session of this company's billing page, and no other's."""
    response.headers["Cache-Control"] = "no-store"
    return {"token": toll.portal_session(user["company"], permissions=("read", "top_up"), expires_in=900).token}
