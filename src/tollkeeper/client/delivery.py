"""What an entry of the spool says to Tollkeeper, and what the answer means for it. Does nothing itself: no I/O.

A delivery is a generator: it yields requests, is sent their answers, and returns the Outcome. So one description serves
the blocking client, the async one, and the thread in the background.
"""

from __future__ import annotations

import logging
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any
from urllib.parse import quote

from tollkeeper import clock
from tollkeeper.client.reading import dumps, read
from tollkeeper.client.results import SPOOLED, Recorded, Refusal, Settled
from tollkeeper.client.spool import Entry, Spool
from tollkeeper.client.transport import UNAVAILABLE, Answer, NoAnswer, Request, error_of
from tollkeeper.errors import TollError, TollkeeperUnreachable
from tollkeeper.ids import content_id

_log = logging.getLogger("tollkeeper")

Said = Answer | NoAnswer
Sending = Generator[Request, Any, "Outcome"]

_WORDS = {"settle": "operation", "report": "event", "doubt": "doubt about"}
_UNUSED_KEY = frozenset({401, 403})
_KEY_SECONDS = 60.0
_BACKOFF = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0)


class Fate(StrEnum):
    """What has become of an entry."""

    SENT = "sent"
    REFUSED = "refused"
    """For good: it's kept apart, and `tollkeeper spool list` shows it."""
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What has become of an entry, and what the server said about it."""

    fate: Fate
    settled: Settled
    error: TollError | None = None
    unreached: bool = False
    """There was no answer, or only that the server can't serve now."""


def backoff(attempts: int) -> float:
    """Seconds until the next attempt."""
    return _BACKOFF[min(attempts, len(_BACKOFF) - 1)]


def request_of(entry: Entry) -> Request:
    """The request that delivers the entry."""
    if entry.kind in ("event", "report"):
        return Request("POST", "/v1/events", content=dumps(_event_in(entry)))
    if entry.kind == "settle":
        body = {"customer": entry.customer, **entry.body["settlement"]}
        return Request("POST", f"/v1/holds/{_key(entry.body['hold'])}/settle", content=dumps(body))
    verb = "release" if entry.kind == "release" else "in-doubt"
    body = {"customer": entry.customer, "note": entry.body.get("note")}
    return Request("POST", f"/v1/holds/{_key(entry.id)}/{verb}", content=dumps(body))


def _key(text: str) -> str:
    return quote(text, safe="")


def deliver(spool: Spool, entry: Entry, *, keep: bool = True) -> Sending:
    """Send one entry, and note in the spool what has become of it. `keep`: also if it's refused for good."""
    if entry.kind == "report":
        return (yield from _report(spool, entry, keep=keep))
    said: Said = NoAnswer("")
    if (asked := entry.body.get("ask")) is not None:
        # The request for the hold may still be on its way to the server. Once it's repeated, that one changes nothing.
        said = yield Request("POST", "/v1/holds", content=dumps(asked))
    if asked is None or not (isinstance(said, NoAnswer) or said.status in UNAVAILABLE):
        said = yield request_of(entry)
    for turned in (_without_hold, _of_the_same) if keep else (_without_hold,):
        if (event := turned(entry, said)) is not None:
            entry = replace(entry, kind="event", id=event["id"], body=event)
            spool.turn(entry)
            said = yield request_of(entry)
    return _noted(spool, entry, judge(entry, said), keep=keep)


def _noted(spool: Spool, entry: Entry, outcome: Outcome, *, keep: bool) -> Outcome:
    if outcome.fate is Fate.REFUSED and not keep:
        spool.write("sent", entry=entry.entry)
    else:
        note(spool, entry, outcome)
    return outcome


def report_of(event: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Kind and body of an event that the app reports. Without a time of its own it's sent without one, so that the app
    may repeat it; only where it can't have arrived, the time of now is put in."""
    if event.get("time") is not None or event.get("corrects") is not None:
        return "event", dict(event)
    return "report", {"event": dict(event), "at": clock.now()}


def _report(spool: Spool, entry: Entry, *, keep: bool) -> Sending:
    if keep:  # from the spool: it may have arrived before
        path = f"/v1/events/{_key(entry.id)}"
        said: Said = yield Request("GET", path, {"customer": entry.customer})
        if not isinstance(said, NoAnswer) and said.status == 200:
            found = said.body
            was = read(Recorded, {**found, "status": "duplicate"})
            return _noted(spool, entry, Outcome(Fate.SENT, Settled(None, (was,))), keep=keep)
        if isinstance(said, NoAnswer) or said.status != 404:
            return _noted(spool, entry, judge(entry, said), keep=True)
        entry = timed(spool, entry)
    said = yield request_of(entry)
    if isinstance(said, NoAnswer):
        missed(spool, entry, said)
    return _noted(spool, entry, judge(entry, said), keep=keep)


def timed(spool: Spool, entry: Entry) -> Entry:
    """The report as an event that happened then: it hasn't arrived before."""
    entry = replace(entry, kind="event", body={**entry.body["event"], "time": entry.body["at"]})
    spool.turn(entry)
    return entry


def missed(spool: Spool, entry: Entry, said: NoAnswer) -> None:
    """Note that an entry got no answer: a report that wasn't even sent can have its time."""
    if entry.kind == "report" and not said.sent:
        timed(spool, entry)


def _event_in(entry: Entry) -> dict[str, Any] | None:
    match entry.kind:
        case "event":
            return entry.body
        case "report":
            return entry.body["event"]
        case "settle":
            events = entry.body["settlement"].get("events", ())
            return events[0] if len(events) == 1 else None
    return None


def _without_hold(entry: Entry, said: Said) -> dict[str, Any] | None:
    """The event by itself, where its hold was never made, since Tollkeeper was away then."""
    unknown = not isinstance(said, NoAnswer) and said.status == 404 and error_of(said).code == "unknown_hold"
    return _event_in(entry) if entry.kind == "settle" and unknown else None


def _of_the_same(entry: Entry, said: Said) -> dict[str, Any] | None:
    """The calls alone, where the same operation was booked before: it's charged once, but these have cost as well."""
    event = _event_in(entry)
    if event is None or not event.get("calls") or event.get("corrects") or isinstance(said, NoAnswer):
        return None
    if said.status != 409 or error_of(said).code != "event_conflict":
        return None
    again = content_id(event["id"], *(str(call.get("response_id") or dumps(call)) for call in event["calls"]))
    return {
        "id": f"{event['id'][:180]}~{again.hex[:12]}",
        "customer": event["customer"],
        "meter": event["meter"],
        "corrects": event["id"],
        "quantity": 0,
        "calls": event["calls"],
    }


def judge(entry: Entry, said: Said) -> Outcome:
    """What the answer means for the entry."""
    waiting = Settled(None, (Recorded(entry.id, SPOOLED),))
    if isinstance(said, NoAnswer):
        return Outcome(Fate.WAITING, waiting, TollkeeperUnreachable("unreachable", str(said)), unreached=True)
    if said.status < 300:
        return Outcome(Fate.SENT, _settled(entry, said.body))
    error = error_of(said)
    if isinstance(error, TollkeeperUnreachable) or said.status in UNAVAILABLE:
        return Outcome(Fate.WAITING, waiting, error, unreached=True)
    if said.status in _UNUSED_KEY and error.code in ("missing_key", "unknown_key", "scope_missing"):
        return Outcome(Fate.WAITING, waiting, error)
    if entry.kind in ("release", "doubt") and error.code in ("unknown_hold", "hold_ended"):
        return Outcome(Fate.SENT, waiting)  # there's nothing to release
    if "results" in error.extra:
        return Outcome(Fate.REFUSED, _settled(entry, said.body), error)
    refusal = Refusal(error.code, error.detail, error.field)
    return Outcome(Fate.REFUSED, Settled(None, (Recorded(entry.id, "rejected", error=refusal),)), error)


def _settled(entry: Entry, body: Mapping[str, Any]) -> Settled:
    if entry.kind in ("release", "doubt"):
        return Settled(None, ())
    return read(Settled, {"hold": None, **body})


def note(spool: Spool, entry: Entry, outcome: Outcome) -> None:
    """Keep in the spool what has become of an entry, and tell it."""
    what = f"{_WORDS.get(entry.kind, entry.kind)} {entry.id} of {entry.customer}"
    if outcome.fate is Fate.SENT:
        spool.write("sent", entry=entry.entry)
        _tell(what, outcome.settled)
        return
    told = "" if outcome.error is None else f"{outcome.error.code}: {outcome.error.detail}"
    if outcome.fate is Fate.REFUSED:
        spool.write("refuse", entry=entry.entry, error=told)
        _log.error("[tollkeeper] Refused for good: %s (%s). `tollkeeper spool list` shows it.", what, told)
        return
    seconds = backoff(entry.attempts) if outcome.unreached else _KEY_SECONDS
    spool.again(entry.entry, seconds, told, counts=not outcome.unreached)
    if not outcome.unreached:
        _log.error("[tollkeeper] Not sent, as the API key isn't taken: %s (%s). It's kept.", what, told)


def _tell(what: str, settled: Settled) -> None:
    for one in settled.results:
        if one.status in ("accepted", "duplicate"):
            charged = "unpriced" if one.charge is None else f"charged {one.charge} {one.unit}"
            _log.info("[tollkeeper] Booked: %s, %s%s", what, charged, "" if one.status == "accepted" else " before")
    if settled.notice is not None:
        _log.warning("[tollkeeper] %s: %s", what, settled.notice.detail)


def deliver_events(spool: Spool, entries: Sequence[Entry], results: dict[int, Recorded] | None = None) -> Sending:
    """Send events together; each is judged by itself, into `results` by entry. The outcome is that of the request."""
    said = yield Request("POST", "/v1/events", content=dumps([_event_in(each) for each in entries]))
    if isinstance(said, NoAnswer) or said.status >= 300:
        outcome = judge(entries[0], said)
        for each in entries:
            if isinstance(said, NoAnswer):
                missed(spool, each, said)
            if outcome.fate is Fate.REFUSED:
                # A batch that is refused as a whole doesn't say who is to blame: from now on they go one by one.
                spool.again(each.entry, 0, "the batch was refused", counts=True)
            else:
                note(spool, each, outcome)
        return replace(outcome, fate=Fate.WAITING)
    for each, result in zip(entries, read(Settled, {"hold": None, **said.body}).results, strict=True):
        if results is not None:
            results[each.entry] = result
        note(spool, each, outcome_of(result))
    return Outcome(Fate.SENT, Settled(None, ()))


def outcome_of(result: Recorded) -> Outcome:
    """The fate of an event of a batch."""
    settled = Settled(None, (result,))
    if result.error is None:
        return Outcome(Fate.SENT, settled)
    return Outcome(Fate.REFUSED, settled, TollError(result.error.code, result.error.detail, field=result.error.field))
