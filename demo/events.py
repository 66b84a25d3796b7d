"""The usage events that the demo reports, as the API takes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from demo.cast import LATE, RECRUITER, TIERED, role_of
from demo.trace import Request

Event = dict[str, Any]

JOB = "backend-engineer"
"""The position that the recruiting customer fills."""


def input_id(row: int) -> str:
    """The id of the event for the input tokens of a row. A retry has the same id, so it's never charged twice."""
    return f"request-{row:05}-input"


def output_id(row: int) -> str:
    """The id of the event for the output tokens of a row."""
    return f"request-{row:05}-output"


def trace_events(requests: Iterable[Request]) -> Iterator[Event]:
    """Two events for each request: its input tokens and its output tokens."""
    for request in requests:
        role = role_of(request.row)
        common = {
            "customer": role.company.key,
            "time": request.time.isoformat(),
            "member": role.member,
            "dimensions": {"model": role.model, "job": role.job},
        }
        yield {"id": input_id(request.row), "meter": "input_tokens", "quantity": str(request.input_tokens), **common}
        yield {"id": output_id(request.row), "meter": "output_tokens", "quantity": str(request.output_tokens), **common}


def recruiting_events(end: datetime) -> list[Event]:
    """One position: 30 questions of about 5,000 tokens, ten CVs, five interviews of about a quarter of an hour."""
    questions = _job_event("questions", "question_tokens", "5000", end - timedelta(days=12)) | {
        "metadata": {"questions": 30}
    }
    cvs = [
        _job_event(f"cv-{i}", "cv_parse", "1", end - timedelta(days=10, hours=i), f"candidate-{i}")
        for i in range(1, 11)
    ]
    minutes = ("14.7", "15.3", "15", "15.2", "14.8")  # the meter rounds each to whole minutes: 15
    interviews = [
        _job_event(f"interview-{i}", "interview_minute", length, end - timedelta(days=6 - i), f"candidate-{i}")
        for i, length in enumerate(minutes, start=1)
    ]
    return [questions, *cvs, *interviews]


def _job_event(name: str, meter: str, quantity: str, time: datetime, candidate: str | None = None) -> Event:
    dimensions = {"job": JOB} | ({"candidate": candidate} if candidate else {})
    return {
        "id": f"{JOB}-{name}",
        "customer": RECRUITER.key,
        "meter": meter,
        "quantity": quantity,
        "time": time.isoformat(),
        "dimensions": dimensions,
    }


def late_event(end: datetime) -> Event:
    """Usage that arrives before its customer is created: a million input tokens."""
    return {
        "id": "first-of-newcomer",
        "customer": LATE.key,
        "meter": "input_tokens",
        "quantity": "1000000",
        "time": end.isoformat(),
    }


def event_into_next_tier(requests: Iterable[Request], edge: int) -> str:
    """The id of the tiered customer's output event that begins below the tier's upper edge and ends above it."""
    total = 0
    for request in requests:
        if role_of(request.row).company is TIERED:
            total += request.output_tokens
            if total > edge:
                return output_id(request.row)
    raise ValueError(f"the trace has no more than {total} output tokens of {TIERED.key}")
