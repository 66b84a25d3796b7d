"""What the server answers, as the SDK's callers get it. Amounts and quantities are exact decimals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

SPOOLED = "spooled"
"""The status of what Tollkeeper hasn't confirmed yet: it's in the spool, and will be sent."""


@dataclass(frozen=True, slots=True)
class Window:
    """A half-open interval."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """How a limit that counts the operation stands."""

    limit: str
    member: str | None
    per: str
    window: Window
    used: Decimal
    held: Decimal
    cap: Decimal
    remaining: Decimal | None = None
    mode: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    """Value reserved before an operation, in `unit`."""

    id: str
    customer: str
    meter: str
    member: str | None
    state: str
    quantity: Decimal
    amount: Decimal
    unit: str
    from_wallet: Decimal
    expires_at: datetime
    created_at: datetime
    ended_at: datetime | None
    charged: Decimal | None
    events: tuple[str, ...]
    note: str | None
    available: Decimal | None = None
    """What is left for other operations; only in the answer to a new hold."""
    limits: tuple[Standing, ...] = ()
    warnings: tuple[Standing, ...] = ()
    """Soft limits that it doesn't fit under."""


@dataclass(frozen=True, slots=True)
class Check:
    """That an operation might begin now; nothing is reserved for it."""

    allowed: bool
    amount: Decimal
    unit: str
    available: Decimal
    limits: tuple[Standing, ...]
    warnings: tuple[Standing, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """A line of arithmetic, in words and figures."""

    name: str
    text: str
    figures: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a planned operation would be charged now."""

    charge: Decimal
    unit: str
    steps: tuple[Step, ...]
    estimated: bool


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an event was refused."""

    code: str
    detail: str
    field: str | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of an event: `accepted`, `duplicate`, `conflict`, `rejected`, or `spooled`."""

    id: str | None
    status: str
    charge: Decimal | None = None
    unit: str | None = None
    error: Refusal | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a hold and of its events. `hold` is None where there was none, or nothing is confirmed yet."""

    hold: Hold | None
    results: tuple[Recorded, ...]
    notice: Refusal | None = None
    """That the hold had ended before."""

    @property
    def charge(self) -> Decimal | None:
        """What its events were charged; None while that isn't known."""
        charges = [one.charge for one in self.results]
        return None if not charges or None in charges else sum((each for each in charges if each), Decimal())

    @property
    def unit(self) -> str | None:
        """The unit of value of the charge."""
        return self.results[0].unit if self.results else None


@dataclass(frozen=True, slots=True)
class Wallet:
    """Prepaid value of one unit: `held` is reserved, `available` is left."""

    unit: str
    balance: Decimal
    held: Decimal
    available: Decimal


@dataclass(frozen=True, slots=True)
class Account:
    """An account of the ledger; what the customer owes is positive."""

    account: str
    unit: str
    balance: Decimal


@dataclass(frozen=True, slots=True)
class Balance:
    """All wallets and accounts of a customer."""

    customer: str
    as_of: datetime
    wallets: tuple[Wallet, ...]
    accounts: tuple[Account, ...]


@dataclass(frozen=True, slots=True)
class UsageRow:
    """What one meter came to in one window and group."""

    start: datetime
    end: datetime
    meter: str
    group: Mapping[str, str | None]
    events: int
    """Corrections and true-ups included."""
    quantity: Decimal
    charge: Decimal
    unit: str | None
    cost: Decimal
    unpriced: int
    uncosted: int
    estimated: int


@dataclass(frozen=True, slots=True)
class UsageTotal:
    """What all meters and groups of one window were charged in `unit`."""

    start: datetime
    end: datetime
    unit: str
    charge: Decimal


@dataclass(frozen=True, slots=True)
class Usage:
    """Usage from `start` to before `end`; windows without usage have no row."""

    customer: str
    start: datetime
    end: datetime
    window: str
    timezone: str
    rows: tuple[UsageRow, ...]
    totals: tuple[UsageTotal, ...] = ()


@dataclass(frozen=True, slots=True)
class Saving:
    """What the usage of a span would have come to less, for the `operator` or the `customer`."""

    whom: str
    amount: Decimal
    unit: str


@dataclass(frozen=True, slots=True)
class Worth:
    """What was given and went unused. Not a saving: without it, nothing would have come to less."""

    amount: Decimal
    unit: str


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One thing to do, and the arithmetic of what it would have saved, or of what went unused."""

    kind: str
    """`cheaper_model`, `prompt_caching`, `batch`, `unused_plan`, `cheaper_plan`."""
    subject: Mapping[str, str]
    """What it's about, by name: `provider`, `model`, `instead`, `meter`, `plan`, `grant`, as the kind has."""
    text: str
    caution: str | None
    """What the figures don't say."""
    savings: tuple[Saving, ...]
    """The first is what it's for. None where `unused` is the figure."""
    steps: tuple[Step, ...]
    unused: Worth | None = None
    """What the plan gave and nobody used, of `unused_plan`."""


@dataclass(frozen=True, slots=True)
class Suggestions:
    """What would have cost less from `start` to before `end`, the largest saving first, then what went unused.

    They don't add up.
    """

    customer: str
    start: datetime
    end: datetime
    as_of: datetime
    currency: str
    data: tuple[Suggestion, ...]


@dataclass(frozen=True, slots=True)
class Grant:
    """A lot of prepaid value."""

    id: str
    customer: str
    unit: str
    kind: str
    priority: int
    amount: Decimal
    remaining: Decimal
    spent: Decimal
    effective_at: datetime
    expires_at: datetime | None
    state: str
    reference: str | None
    note: str | None


@dataclass(frozen=True, slots=True)
class Customer:
    """Who pays."""

    key: str
    name: str
    currency: str
    timezone: str
    metadata: Mapping[str, Any]
    created_at: datetime
    archived_at: datetime | None
    suspended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Event:
    """A usage event as it is stored."""

    id: str
    customer: str
    meter: str
    quantity: Decimal
    billed: Decimal
    charge: Decimal | None
    unit: str | None
    estimated: bool
    """Whether the charge goes by a fallback price; of a guessed cost, `cost_source` is "estimate"."""
    cost: Decimal | None
    cost_source: str | None
    time: datetime
    recorded_at: datetime
    member: str | None
    dimensions: Mapping[str, str]
    amount: Decimal | None
    corrects: str | None
    corrected_by: tuple[str, ...]
    metadata: Mapping[str, Any] | None
    calls: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why an event cost what it did."""

    event: Event
    charge: Decimal | None
    unit: str | None
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of the spool's entries in one go."""

    sent: int = 0
    refused: int = 0
    waiting: int = 0
    taken_over: int = 0
    """Operations of processes that had died."""
    errors: tuple[str, ...] = field(default=())
