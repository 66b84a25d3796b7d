"""Where a customer stands: what its plan, the catalog and its own settings come to at an instant."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from urllib.parse import quote
from uuid import UUID

from tollkeeper.catalog import Catalog, Funding, Limit, Overage, Plan, UnitFunding, WhenExhausted, limit_of
from tollkeeper.clock import BEGINNING, END, Period, local_slot, period_of_day
from tollkeeper.customers import Agreement, Customer
from tollkeeper.errors import InvalidInput
from tollkeeper.gate.plan_grants import plan_grants
from tollkeeper.ids import content_id
from tollkeeper.limits import counter_id_of
from tollkeeper.money import is_currency
from tollkeeper.wallets import Recurrence

_MOST_KEPT = 200_000
_NOTHING = UnitFunding()


@dataclass(frozen=True, slots=True)
class Source:
    """Where the money for one unit of value comes from, with every setting decided."""

    when_exhausted: WhenExhausted
    credit_ceiling: Decimal | None
    settle_overage: Overage
    low_balance: Decimal | None
    top_up_url: str | None


@dataclass(frozen=True, slots=True)
class Standing:
    """What holds for one customer, until another plan begins."""

    catalog: Catalog
    customer: Customer
    plan: Plan | None
    plan_since: datetime | None
    """When the plan began; None: it's the catalog's default, and the customer was never on another."""
    limits: tuple[Limit, ...]
    recurrences: tuple[Recurrence, ...]
    fundings: tuple[Funding, ...]
    """The settings that apply, the nearest first: the customer's, the plan's, everyone's."""
    signature: UUID
    """What must be counted or granted along comes to: another signature means that something wasn't."""
    since: datetime
    until: datetime
    """It holds in [since, until): before and after, other plans do."""
    gated: bool
    """Whether recording must go through the till: something is counted, granted, or owed up to a ceiling."""

    @property
    def has_ceiling(self) -> bool:
        """Whether what is owed may be limited in some unit."""
        return bool(self.ceilings)

    @property
    def ceilings(self) -> list[str]:
        """The units with a credit ceiling of their own, and * for one that holds for all."""
        ways = [way for funding in self.fundings for way in (("*", funding.general), *funding.units.items())]
        return sorted({unit for unit, way in ways if way.credit_ceiling is not None})

    def source(self, unit: str) -> Source:
        """Where the money for `unit` comes from. A credit that can't be invoiced is refused unless told otherwise."""
        ways = [
            settings for funding in self.fundings for settings in (funding.units.get(unit, _NOTHING), funding.general)
        ]
        default = WhenExhausted.RECEIVABLE if is_currency(unit) else WhenExhausted.REFUSE
        return Source(
            when_exhausted=next((way.when_exhausted for way in ways if way.when_exhausted), default),
            credit_ceiling=next((way.credit_ceiling for way in ways if way.credit_ceiling is not None), None),
            settle_overage=next((way.settle_overage for way in ways if way.settle_overage), Overage.WALLET),
            low_balance=next((way.low_balance for way in ways if way.low_balance is not None), None),
            top_up_url=self._link(next((way.top_up_url for way in ways if way.top_up_url), None), unit),
        )

    def _link(self, template: str | None, unit: str) -> str | None:
        if template is None:
            return None
        return template.replace("{customer}", quote(self.customer.key, safe="")).replace("{unit}", quote(unit, safe=""))


class PeriodEnd:
    """Asks for a change of plan when the month is over."""


def next_period(customer: Customer, now: datetime) -> datetime:
    """When the customer's calendar month is over."""
    return period_of_day(local_slot(now, customer.zone).day, Period.MONTH, customer.zone).end


def stand(catalog: Catalog, customer: Customer, agreement: Agreement, now: datetime) -> Standing:
    """Where the customer stands at `now`."""
    change = agreement.change_at(now)
    plan = catalog.plans.get((change.plan if change else None) or catalog.default_plan or "")
    fundings = [catalog.customer_funding.get(customer.key), plan.funding if plan else None, catalog.funding]
    limits = _limits(catalog, plan, agreement)
    recurrences = plan_grants(catalog, customer, agreement)
    standing = Standing(
        catalog=catalog,
        customer=customer,
        plan=plan,
        plan_since=change.effective_from if change else None,
        limits=limits,
        recurrences=recurrences,
        fundings=tuple(funding for funding in fundings if funding is not None),
        signature=UUID(int=0),
        since=change.effective_from if change else BEGINNING,
        until=agreement.next_change(now) or END,
        gated=False,
    )
    # A plan that begins later is seen to in time: usage that is recorded as it begins must not miss its counters.
    later = any(change.effective_from > now and change.plan for change in agreement.plans)
    gated = bool(limits or recurrences or standing.has_ceiling or later)
    return replace(standing, signature=_signature(standing), gated=gated)


def _limits(catalog: Catalog, plan: Plan | None, agreement: Agreement) -> tuple[Limit, ...]:
    found = dict(catalog.limits) | dict(plan.limits if plan else {})
    for name, terms in agreement.limits.items():
        # A setting that the catalog has outgrown, for a meter that is gone, has nothing left to count.
        with suppress(InvalidInput):
            found[name] = limit_of(name, terms, found.get(name), catalog)
    return tuple(found[name] for name in sorted(found))


def _signature(standing: Standing) -> UUID:
    """The first half is of the recurring grants, the other one of what is counted and owed."""
    counters = sorted({str(counter_id_of(limit)) for limit in standing.limits})
    recurring = [
        f"{one.source} {one.anchor.isoformat()} {one.joins} {one.already} {one.rule}" for one in standing.recurrences
    ]
    granted, counted = content_id("granted", *recurring), content_id("counted", " ".join(standing.ceilings), *counters)
    return UUID(bytes=granted.bytes[:8] + counted.bytes[8:])


class Standings:
    """The standings of the catalog and customers that are in force."""

    def __init__(self) -> None:
        self._kept: dict[str, Standing] = {}
        self._epochs: Mapping[str, int] = {}

    def hold(self, epochs: Mapping[str, int]) -> None:
        """Forget everything if the catalog or a customer has changed."""
        if epochs != self._epochs or len(self._kept) > _MOST_KEPT:
            self._kept, self._epochs = {}, epochs

    def of(self, catalog: Catalog, customer: Customer, agreement: Agreement, now: datetime) -> Standing:
        """Where the customer stands at `now`."""
        found = self._kept.get(customer.key)
        if found is None or not found.since <= now < found.until:
            found = self._kept[customer.key] = stand(catalog, customer, agreement, now)
        return found
