"""What the billing page shows beside the replayed usage, once every figure has been checked; and the way to it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from demo.cast import RECRUITER
from demo.client import Client
from demo.events import Event

PLAN = "growth"
CREDIT = "interview_credit"

_DAY = timedelta(days=1)
_WEEKS = 4
_POSITIONS = {"backend-engineer": 3, "data-analyst": 2, "product-designer": 2, "support-lead": 1}
"""The positions that the recruiting customer fills, and how many CVs come for each on a weekday."""


def furnish(client: Client) -> None:
    """Give the recruiting customer a plan, credits of which some expire soon, and four weeks of recruiting."""
    now = datetime.now(UTC).replace(microsecond=0)
    client.put_plan(RECRUITER.key, PLAN)
    for grant in _grants(now):
        client.grant(RECRUITER.key, grant)
    client.report([*_four_weeks(now)])


def _grants(now: datetime) -> list[dict[str, str]]:
    common = {"unit": CREDIT}
    return [
        common | {"id": "order-2001", "amount": "40", "kind": "paid", "reference": "order-2001"},
        common | {"id": "welcome", "amount": "5", "kind": "promotional", "expires_at": (now + 12 * _DAY).isoformat()},
    ]


def _four_weeks(now: datetime) -> Iterator[Event]:
    """CVs on weekdays, fewer at the weekend; one in three leads to questions, one in five to an interview."""
    number = 0
    for days in range(7 * _WEEKS, 0, -1):
        day = now - days * _DAY
        for job, cvs in _POSITIONS.items():
            for cv in range(cvs if day.weekday() < 5 else cvs // 2):
                number += 1
                yield from _candidate(number, job, day + timedelta(minutes=47 * cv + 11 * len(job)))


def _candidate(number: int, job: str, time: datetime) -> Iterator[Event]:
    candidate = f"applicant-{number}"
    yield _event(f"{candidate}-cv", "cv_parse", "1", job, candidate, time)
    if number % 3 == 0:
        tokens = str(1800 + 37 * (number % 50))
        yield _event(f"{candidate}-questions", "question_tokens", tokens, job, None, time + timedelta(minutes=9))
    if number % 5 == 0:
        minutes = f"{12 + number % 17}.{number % 10}"
        yield _event(f"{candidate}-talk", "interview_minute", minutes, job, candidate, time + timedelta(hours=2))


def _event(name: str, meter: str, quantity: str, job: str, candidate: str | None, time: datetime) -> Event:
    """One event of the recruiting customer."""
    return {
        "id": name,
        "customer": RECRUITER.key,
        "meter": meter,
        "quantity": quantity,
        "time": time.isoformat(),
        "member": "ana" if len(name) % 3 else "bo",
        "dimensions": {"job": job} | ({"candidate": candidate} if candidate else {}),
    }
