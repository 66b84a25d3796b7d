"""What the server answers about a customer as a whole: its page, plan, limits, members, and what it buys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar

from tollkeeper.client.results import Wallet, Window

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some items of a list. `next_cursor` asks for the next ones as `cursor`; None on the last page."""

    data: tuple[T, ...]
    next_cursor: str | None

    def __iter__(self) -> Iterator[T]:
        return iter(self.data)

    def __len__(self) -> int:
        return len(self.data)


@dataclass(frozen=True, slots=True)
class PortalSession:
    """A customer's way to its billing page. `token` and `url` can't be had again."""

    id: str
    customer: str
    permissions: tuple[str, ...]
    return_url: str | None
    created_at: datetime
    expires_at: datetime
    link_expires_at: datetime
    token: str = field(repr=False)
    """For widgets in your own pages."""
    url: str = field(repr=False)
    """Opens the hosted page, until `link_expires_at`."""


@dataclass(frozen=True, slots=True)
class Member:
    """A person or an agent inside a customer."""

    key: str
    name: str
    metadata: Mapping[str, Any]
    created_at: datetime
    archived_at: datetime | None


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit in force. What is used of it is None where it's each member's own, and no member was asked for."""

    limit: str
    name: str
    """What people call it."""
    meter: str | None
    group: str | None
    spend: str | None
    """The unit of value whose charges it counts; None: it counts quantities."""
    per: str
    by: str
    mode: str
    enabled: bool
    warn_at: tuple[Decimal, ...]
    """Percentages."""
    own: bool
    """Whether the customer has something of its own here."""
    member: str | None
    cap: Decimal
    member_caps: Mapping[str, Decimal]
    used: Decimal | None
    held: Decimal | None
    remaining: Decimal | None
    percent: Decimal | None
    """What of the cap is used, cut off after two decimals: 80 of 200 is 40. None where `used` is, or the cap is 0."""
    window: Window

    @property
    def warning(self) -> bool:
        """Whether one of its `warn_at` is reached."""
        return self.used is not None and any(self.used * 100 >= self.cap * each for each in self.warn_at)


@dataclass(frozen=True, slots=True)
class NextPlan:
    """The plan that begins next."""

    plan: str | None
    start: datetime = field(metadata={"name": "from"})


@dataclass(frozen=True, slots=True)
class PresentPlan:
    """The plan that a customer is on: `key` is None for none, `since` for ever."""

    key: str | None
    name: str | None
    since: datetime | None
    next: NextPlan | None


@dataclass(frozen=True, slots=True)
class PlanChange:
    """A change of plan as it was decided; one that was withdrawn never came into effect."""

    plan: str | None
    start: datetime = field(metadata={"name": "from"})
    decided_at: datetime
    decided_by: str
    withdrawn_at: datetime | None


@dataclass(frozen=True, slots=True)
class CustomerPlan:
    """The plan that a customer is on, the next one, and every change that was decided."""

    customer: str
    plan: str | None
    name: str | None
    since: datetime | None
    next: NextPlan | None
    history: tuple[PlanChange, ...]


@dataclass(frozen=True, slots=True)
class Spend:
    """An amount in one unit of value."""

    unit: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class MeterSpend:
    """One meter in a period; `unit` is the unit of value of `charge`, `meter_unit` what is counted."""

    meter: str
    name: str
    meter_unit: str
    quantity: Decimal
    events: int
    charge: Decimal
    unit: str | None
    cost: Decimal


@dataclass(frozen=True, slots=True)
class Tokens:
    """What AI models have read and written, and in how many calls."""

    input: Decimal
    output: Decimal
    total: Decimal
    calls: int


@dataclass(frozen=True, slots=True)
class Warned:
    """What a customer should know now, in a sentence; `unit` or `limit` says what it's about."""

    code: str
    detail: str
    unit: str | None
    limit: str | None


@dataclass(frozen=True, slots=True)
class Alert:
    """What somebody should hear of, such as a limit that is nearly used; `facts` are those of its topic."""

    id: str
    customer: str
    topic: str
    created_at: datetime
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Overview:
    """What a customer has, has used and owes; the period is a calendar month in its time zone."""

    customer: str
    name: str
    currency: str
    timezone: str
    as_of: datetime
    period: Window
    plan: PresentPlan
    wallets: tuple[Wallet, ...]
    owed: tuple[Spend, ...]
    spent: tuple[Spend, ...]
    """In this period."""
    total_spent: tuple[Spend, ...]
    meters: tuple[MeterSpend, ...]
    tokens: Tokens
    """In this period."""
    total_tokens: Tokens
    unpriced: int
    estimated: int
    limits: tuple[Limit, ...]
    warnings: tuple[Warned, ...]


@dataclass(frozen=True, slots=True)
class TopUp:
    """A purchase of prepaid value: it's paid at `checkout_url` as long as it's pending."""

    id: str
    customer: str
    state: str
    unit: str
    amount: Decimal
    bonus: Decimal
    price: Decimal
    currency: str
    pack: str | None
    checkout_url: str | None
    test: bool
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    grant_id: str | None
    reference: str | None
    late: str | None
    """How it had ended before the money came all the same."""


@dataclass(frozen=True, slots=True)
class WalletEntry:
    """A change of a wallet, and the balance that it left."""

    at: datetime
    unit: str
    kind: str
    grant: str | None
    amount: Decimal
    balance: Decimal
    booked_at: datetime


@dataclass(frozen=True, slots=True)
class Price:
    """A price in words: "0.50 USD per CV"."""

    meter: str
    plan: str | None
    words: str
    model: str


@dataclass(frozen=True, slots=True)
class LimitTerms:
    """A limit as the catalog has it."""

    key: str
    name: str
    """What people call it."""
    words: str
    cap: Decimal
    per: str


@dataclass(frozen=True, slots=True)
class GrantTerms:
    """Prepaid value that a plan gives each period."""

    name: str
    words: str
    unit: str
    amount: Decimal
    every: str


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan of the catalog. Customers choose one that is `listed` themselves."""

    key: str
    name: str
    description: str | None
    prices: tuple[Price, ...]
    limits: tuple[LimitTerms, ...]
    grants: tuple[GrantTerms, ...]
    listed: bool


@dataclass(frozen=True, slots=True)
class Pack:
    """What can be bought in a fixed size."""

    key: str
    name: str
    words: str
    unit: str
    amount: Decimal
    price: Decimal
    currency: str
    bonus: Decimal | None
    expires_after: str | None


@dataclass(frozen=True, slots=True)
class Catalog:
    """What is sold now."""

    version: int
    currency: str
    prices: tuple[Price, ...]
    limits: tuple[LimitTerms, ...]
    default_plan: str | None
    plans: tuple[Plan, ...]
    packs: tuple[Pack, ...]
