"""Who the demo's customers are, and which of them made which request.

The trace knows neither customers nor models, so the demo assigns them, the same ones in every run: BLAKE2b of a purpose
and the row's number is read as a fraction of 1, and that fraction falls into one of the shares. No random numbers.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from itertools import accumulate


@dataclass(frozen=True, slots=True)
class Company:
    """A customer of the demo."""

    key: str
    name: str
    timezone: str


@dataclass(frozen=True, slots=True)
class Role:
    """Who made a request, for what, with which model."""

    company: Company
    member: str
    job: str
    model: str


_NAMES = {
    "America/New_York": "Meridian, Tidewater, Copperleaf, Granite Row, Halfmoon, Ironwood, Juniper, Kestrel",
    "Asia/Kolkata": "Lanternfish, Banyan, Monsoon, Saffron, Teakwood, Peacock, Jasmine, Lotus",
    "Europe/Berlin": "Brightline, Nordlicht, Bergwerk, Elbe Works, Falkenhof, Gletscher, Havel, Inselbahn",
    "UTC": "Plainsong, Axiom, Cobalt, Datum, Ember, Fathom, Gossamer, Hinge",
    "Australia/Sydney": "Waratah, Billabong, Currawong, Driftwood, Eucalypt, Firetail, Galah, Newcomer",
}


def _companies() -> list[Company]:
    """One of each zone in turn, so that large and small customers are in all of them."""
    columns = [[(name, timezone) for name in names.split(", ")] for timezone, names in _NAMES.items()]
    rows = zip(*columns, strict=True)
    return [Company(name.lower().replace(" ", "-"), name, timezone) for row in rows for name, timezone in row]


COMPANIES: tuple[Company, ...] = tuple(_companies())
TIERED, INCLUDED, RECRUITER, LATE = (
    next(company for company in COMPANIES if company.key == key)
    for key in ("meridian", "lanternfish", "brightline", "newcomer")
)
"""With a graduated price; with an included quantity; with the recruiting job; and the one that is created too late."""

PREPAID = Company("paperclip", "Paperclip", "America/New_York")
TEAM = Company("switchboard", "Switchboard", "Asia/Kolkata")
REVIEWER = Company("quillmark", "Quillmark", "Europe/Berlin")
"""Beside those of the trace: one with credits, one whose members have a daily limit, one that calls AI models."""
CALLER = "cleo"
"""The member of TEAM who uses up the limit."""

MEMBERS = ("ana", "bo")
_JOBS = ("support-chat", "search-answers", "summaries", "drafting")
_MODELS = ("large-3", "small-3")

_SENDERS = tuple(company for company in COMPANIES if company is not LATE)
# Like most products' customers: the first makes eight times as many requests as the last.
_SENDER_SHARES = tuple(1000 // (rank + 6) for rank in range(len(_SENDERS)))


def role_of(row: int) -> Role:
    """Who made the request in this row of the trace. Each job uses one model."""
    job = _pick("job", row, (5, 3, 2, 1))
    return Role(
        company=_SENDERS[_pick("customer", row, _SENDER_SHARES)],
        member=MEMBERS[_pick("member", row, (3, 1))],
        job=_JOBS[job],
        model=_MODELS[job % 2],
    )


def _pick(purpose: str, row: int, shares: tuple[int, ...]) -> int:
    """The index of the share that the row falls into."""
    edges = _edges(shares)
    fraction = int.from_bytes(blake2b(f"{purpose} {row}".encode(), digest_size=8).digest())
    return bisect_right(edges, fraction * edges[-1] >> 64)


@cache
def _edges(shares: tuple[int, ...]) -> Sequence[int]:
    return tuple(accumulate(shares))
