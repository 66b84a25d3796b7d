"""What is compared, and what comes out: values without I/O. README.md explains the words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from tollkeeper.catalog import TokenClass
from tollkeeper.ids import content_id
from tollkeeper.money import ONE, ZERO, price_of, subtract, sum_of


class Finding(StrEnum):
    """What a part of a difference means, and what the whole of it mostly is."""

    MATCH = "match"
    """Their figures are ours."""
    MISSING_HERE = "missing_here"
    """They report more than we have: aborted streams, retries within an SDK, other programs with the same key."""
    EXTRA_HERE = "extra_here"
    """We have more than they report: they haven't counted it yet, or it was recorded twice, or under another key."""
    PRICE_GAP = "price_gap"
    """The same usage, and they ask for another price: the price book is wrong, or there is a discount."""


class Allocate(StrEnum):
    """What becomes of a price gap."""

    NONE = "none"
    """It stays in the variance: the operator's gain or loss."""
    PRICE_GAP = "price_gap"
    """It is spread over the calls that it is about."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where usage comes from, as one side tells it."""

    model: str
    """A model; or, where none is involved or told, what is billed: a unit, an endpoint, a line item."""
    project: str | None = None
    api_key: str | None = None


@dataclass(frozen=True, slots=True)
class Bucket:
    """A stretch of time that a provider adds up: a UTC day, or a minute."""

    provider: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Grain:
    """What is compared as one: a provider's bucket of one model, project and API key.

    A project or key that is None is unknown on one side at least, so all of them are compared together.
    """

    bucket: Bucket
    origin: Origin

    @property
    def grain_id(self) -> UUID:
        """Follows from what the grain is."""
        bucket, origin = self.bucket, self.origin
        times = bucket.start.isoformat(), bucket.end.isoformat()
        told = [text for one in (origin.project, origin.api_key) for text in (("-", "") if one is None else ("+", one))]
        return content_id("grain", bucket.provider, *times, origin.model, *told)


@dataclass(frozen=True, slots=True)
class OurSum:
    """Something that our calls of one origin and kind add up to: `what` says what (queries.sql)."""

    what: str
    model: str
    project: str | None
    api_key: str | None
    kind: str
    unit: str | None
    calls: int
    quantity: Decimal
    cost: Decimal


@dataclass(slots=True)
class Ours:
    """What we have in a grain."""

    requests: int = 0
    """Calls with known usage and known cost: their quantities are `quantities` and their cost is `cost`."""
    quantities: dict[str, Decimal] = field(default_factory=dict)
    cost: Decimal = ZERO
    priced: dict[str, tuple[Decimal, Decimal]] = field(default_factory=dict)
    """By unit, how much of it the price book has priced, and for how much: exact, before rounding."""
    priced_cost: Decimal = ZERO
    """What the calls that the book has priced cost now, with all that was added to them since."""
    vague_requests: int = 0
    """Calls whose usage was guessed, or is unknown, or whose cost is."""
    vague_cost: Decimal = ZERO
    """What those cost so far: as guessed, as the product said, or as earlier reports told."""

    waiting_cost: Decimal = ZERO
    """What of both isn't booked yet: an event's cost is unknown while one of its calls is unpriced."""

    @property
    def whole_cost(self) -> Decimal:
        """All that is booked for the grain."""
        return subtract(sum_of((self.cost, self.vague_cost)), self.waiting_cost)


@dataclass(slots=True)
class Theirs:
    """What the provider reports of a grain."""

    requests: int | None = None
    quantities: dict[str, Decimal] | None = None
    """None: no usage is reported of what they bill, only money."""
    money: Decimal | None = None
    """In the catalog's currency, at most 12 decimals. None: they haven't said yet what the day costs."""
    asked: dict[str, Decimal] = field(default_factory=dict)
    """How much of it is for which unit; empty where the bill doesn't tell of all of it."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the difference between their money and our cost; the parts sum to it exactly."""

    finding: Finding
    unit: str | None
    """The unit that it is about; None for a price gap, and for what can't be told by unit."""
    ours: Decimal | None
    theirs: Decimal | None
    """How much of the unit each side has."""
    amount: Decimal
    """Their money minus our cost, as far as it is this part's."""
    because: str
    """The arithmetic, as a sentence."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A grain, what each side has, and why that differs."""

    ours: Ours
    theirs: Theirs
    finding: Finding
    difference: Decimal | None
    """Their money minus our cost; None while they haven't said what the day costs."""
    parts: tuple[Part, ...]
    theirs_of_vague: Decimal | None
    """What they ask for all that our known calls don't explain; None while that isn't known. Never below 0."""

    @property
    def price_gap(self) -> Decimal:
        """The part of the difference that is about prices alone."""
        return sum_of(part.amount for part in self.parts if part.finding is Finding.PRICE_GAP)


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """A comparison as it was booked: one revision of a grain."""

    reconciliation_id: UUID
    grain_id: UUID
    revision: int
    provider: str
    start: datetime
    end: datetime
    model: str
    project: str | None
    api_key: str | None
    our_requests: int
    vague_requests: int
    their_requests: int | None
    units: list[dict[str, Any]]
    """[{unit, ours, theirs}], as texts; null where a side doesn't tell."""
    our_cost: Decimal
    their_money: Decimal | None
    unit: str
    """The currency of both."""
    finding: str
    difference: Decimal | None
    parts: list[dict[str, Any]]
    """As `Part`, as texts."""
    booked: Decimal
    """What stands in the account `variance` for the grain after this revision; debits are positive."""
    change: Decimal
    """What this revision has posted of it."""
    compared_at: datetime
    compared_by: str


class Reason(StrEnum):
    """Why a call or event gets a share of a grain's cost."""

    ESTIMATE = "estimate"
    """Its usage was guessed."""
    UNPRICED = "unpriced"
    """Its cost isn't known."""
    ATTRIBUTION = "attribution"
    """It told of no call, and its meter is what the grain is attributed to."""
    PRICE_GAP = "price_gap"
    """Its price isn't what the provider asks."""


@dataclass(frozen=True, slots=True)
class Member:
    """A call, or an event that told of none, that a grain's cost may belong to."""

    customer_id: str
    customer: str
    event_id: str
    """The event that a true-up corrects."""
    call_id: str
    """Empty for an event that told of no call."""
    cost: Decimal
    """What is booked for it now, as far as this grain is concerned."""
    tokens: Decimal
    """How much it used of all units together, as far as that is known."""
    billed: Decimal
    """What its event is billed for."""
    reason: Reason


@dataclass(frozen=True, slots=True)
class KnownMinute:
    """What our known calls of one origin used in one minute."""

    minute: datetime
    model: str
    project: str | None
    api_key: str | None
    calls: int
    tokens: Decimal


@dataclass(frozen=True, slots=True)
class Unexplained:
    """Tokens and requests in one bucket, beyond those of our known calls."""

    tokens: Decimal
    requests: int

    @property
    def token_class(self) -> TokenClass:
        """What so many tokens for a request were probably used for."""
        return TokenClass.of(self.tokens if self.requests < 1 else price_of(self.tokens, ONE, Decimal(self.requests)))


@dataclass(frozen=True, slots=True)
class Day:
    """How far a provider's UTC day is settled."""

    provider: str
    start: datetime
    reads: int
    stable_reads: int
    """How many reads in a row have found what the one before had found."""
    last_read_at: datetime
    closed_at: datetime | None
    """Since when it has been taken for final; None: it may still grow."""
    reopened: int
    """How often it has grown after it had been closed."""


def as_units(ours: Mapping[str, Decimal], theirs: Mapping[str, Decimal] | None) -> list[tuple[str, Decimal, Decimal]]:
    """Unit, ours, theirs: every unit that either side has."""
    other = theirs or {}
    return [(unit, ours.get(unit, ZERO), other.get(unit, ZERO)) for unit in sorted({*ours, *other})]
