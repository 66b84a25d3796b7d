"""What the demo does, step by step, through the API."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

from demo.cast import COMPANIES, LATE, MEMBERS, RECRUITER, TIERED
from demo.client import Client
from demo.compare import Answers, Figure, figures_of, mismatches
from demo.events import JOB, Event, event_into_next_tier, late_event, recruiting_events, trace_events
from demo.expect import FIRST_TIER, JOB_TOTAL, expect
from demo.gate import refuse_interviews, use_up_limit
from demo.models import call_models
from demo.report import Report, money
from demo.server import Server
from demo.trace import SPAN, Request, read_trace

_CATALOG = Path(__file__).with_name("catalog.toml")
_DATE_IN_CATALOG = "2000-01-01T00:00:00Z"
_BATCH = 1000
_SHARE_SENT_TWICE = 100
"""One batch in so many, and at least one, is sent again."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What every step needs: the server, and the 30 days that the usage falls into."""

    server: Server
    client: Client
    report: Report
    requests: list[Request]
    end: datetime

    @property
    def start(self) -> datetime:
        """The time of the first request."""
        return self.end - SPAN

    @property
    def halfway(self) -> datetime:
        """When output tokens get cheaper."""
        return self.end - SPAN / 2


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the demo came to."""

    good: bool
    """Whether every figure came out and the books agree with themselves."""
    explained: str
    """The id of the event whose charge was explained."""


def play(server: Server, client: Client, report: Report) -> Outcome:
    """Run the whole demo."""
    end = datetime.now(UTC).replace(microsecond=0)
    stage = Stage(server, client, report, read_trace(end), end)
    expectation = expect(stage.requests, stage.halfway)
    _set_up(stage)
    figures = [*_report_usage(stage), *_run_recruiting(stage), *_mend_refused(stage)]
    answers = {company.key: _ask(stage, company.key) for company in COMPANIES}
    for company in COMPANIES:
        figures += figures_of(company, expectation[company.key], answers[company.key])
    report.customers(expectation, {key: answer.balance.get("receivable", "0") for key, answer in answers.items()})
    explained = event_into_next_tier(stage.requests, FIRST_TIER)
    report.explanation(client.explanation(TIERED.key, explained))
    report.title("Refused before it costs money")
    figures += [*refuse_interviews(client, report), *use_up_limit(client, report)]
    report.title("AI calls, priced from their own answers, and compared with the bill")
    figures += call_models(server, client, report)
    verified = _verify(stage)
    report.verdict(figures)
    return Outcome(verified and not mismatches(figures), explained)


def _set_up(stage: Stage) -> None:
    source = _CATALOG.read_text().replace(_DATE_IN_CATALOG, stage.halfway.strftime("%Y-%m-%dT%H:%M:%SZ"))
    version = stage.client.put_catalog(source)["version"]
    for company in COMPANIES:
        if company is not LATE:
            stage.client.put_customer(company.key, name=company.name, timezone=company.timezone)
            for member in MEMBERS:
                stage.client.put_member(company.key, member)
    zones = {company.timezone for company in COMPANIES}
    stage.report.step(
        "catalog", f"demo/catalog.toml applied as version {version}; output gets cheaper half way through"
    )
    stage.report.step("customers", f"{len(COMPANIES) - 1} in {len(zones)} time zones, each with {len(MEMBERS)} members")


def _report_usage(stage: Stage) -> list[Figure]:
    """Send the trace, then a share of it again."""
    events = list(trace_events(stage.requests))
    batches = [events[i : i + _BATCH] for i in range(0, len(events), _BATCH)]
    stage.report.step(
        "usage", f"{len(stage.requests):,} real requests, two events each, times stretched over {SPAN.days} days"
    )
    accepted, seconds = _send(stage, batches)
    told = f"{accepted:,} events accepted, {len(events) / seconds:,.0f} a second, in batches of {_BATCH:,}"
    stage.report.step("sent", told)
    again = batches[::_SHARE_SENT_TWICE]
    answers = [stage.client.report(batch) for batch in again]
    duplicates = sum(answer["duplicates"] for answer in answers)
    accepted_again = sum(answer["accepted"] for answer in answers)
    stage.report.step("sent again", f"{duplicates:,} events: {duplicates:,} duplicates, {accepted_again} accepted")
    return [
        Figure("all", "events accepted", Fraction(len(events)), Fraction(accepted)),
        Figure("all", "duplicates", Fraction(sum(map(len, again))), Fraction(duplicates)),
        Figure("all", "accepted twice", Fraction(0), Fraction(accepted_again)),
    ]


def _send(stage: Stage, batches: list[list[Event]]) -> tuple[int, float]:
    """Send the batches one after the other: how many events were accepted, and in how many seconds."""
    accepted, began = 0, time.perf_counter()
    with stage.report.progress(sum(map(len, batches))) as advance:
        for batch in batches:
            accepted += stage.client.report(batch)["accepted"]
            advance(len(batch))
    return accepted, time.perf_counter() - began


def _run_recruiting(stage: Stage) -> list[Figure]:
    """One position of the recruiting customer, read back as its own line."""
    events = recruiting_events(stage.end)
    stage.client.report(events)
    rows = stage.client.usage(RECRUITER.key, stage.start, stage.end, group_by="job")
    charges = {row["meter"]: Fraction(row["charge"]) for row in rows if row["group"]["job"] == JOB}
    total = sum(charges.values(), Fraction(0))
    parts = " + ".join(f"{meter} {money(charge, 2)}" for meter, charge in charges.items())
    stage.report.step("one job", f"{JOB}: {parts} = {money(total, 2)} USD")
    return [Figure(RECRUITER.key, f"usage by job: {JOB}", JOB_TOTAL, total)]


def _mend_refused(stage: Stage) -> list[Figure]:
    """Usage that comes before its customer waits in quarantine; once the customer is there, it's replayed."""
    answer = stage.client.report([late_event(stage.end)])
    (refused,) = answer["results"]
    stage.report.step("refused", f"{refused['error']['code']}: {refused['error']['detail']} It waits in quarantine.")
    stage.client.put_customer(LATE.key, name=LATE.name, timezone=LATE.timezone)
    replayed = stage.client.replay(refused["quarantine_id"])
    stage.report.step(
        "replayed", f"customer created, event {replayed['status']}: charged {replayed['charge']} {replayed['unit']}"
    )
    return [
        Figure("all", "events refused", Fraction(1), Fraction(answer["rejected"])),
        Figure(LATE.key, "charge when replayed", Fraction(3), Fraction(replayed["charge"] or 0)),
    ]


def _ask(stage: Stage, customer: str) -> Answers:
    """Everything that the server says about a customer's usage and debt."""
    end = stage.end + timedelta(seconds=1)  # the last request comes at the end itself, which intervals leave out
    return Answers(
        total=stage.client.usage(customer, stage.start, end),
        days=stage.client.usage(customer, stage.start, end, window="day"),
        overview=stage.client.overview(customer),
        balance=stage.client.balance(customer),
    )


def _verify(stage: Stage) -> bool:
    """Let Tollkeeper check its own books."""
    done = stage.server.command("verify")
    stage.report.verification(done.stdout or done.stderr, passed=done.returncode == 0)
    return done.returncode == 0
