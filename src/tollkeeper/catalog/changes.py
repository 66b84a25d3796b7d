"""What applying a file would change, in words."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from tollkeeper.catalog.attribution import AttributionRule
from tollkeeper.catalog.declarations import Declarations
from tollkeeper.catalog.model import Meter, NoPrice, Price, Unit
from tollkeeper.catalog.plans import (
    Funding,
    Limit,
    MeterGroup,
    Pack,
    Plan,
    RecurringGrant,
    TopUpOffer,
    UnitFunding,
)
from tollkeeper.catalog.prices import Scope
from tollkeeper.catalog.timeline import Step, moment
from tollkeeper.catalog.words import grant_in_words, limit_in_words, offer_in_words, pack_in_words, price_in_words
from tollkeeper.clock import BEGINNING
from tollkeeper.money import plain


class ChangeKind(StrEnum):
    """What happens to the subject."""

    ADD = "add"
    CHANGE = "change"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between the catalog in force and a file."""

    kind: ChangeKind
    subject: str
    """ "price cv_parse", "price cv_parse for acme", "limit daily in plan basic", "currency"."""
    text: str
    """ "cv_parse: 0.50 USD per CV → 0.60 USD per CV from 2026-12-01 00:00 UTC"."""
    effective_from: datetime | None = None
    """For prices: when the change begins; None for what holds for all time, and for everything else."""

    def as_dict(self) -> dict[str, Any]:
        """As it stands in JSON."""
        since = None if self.effective_from is None else self.effective_from.isoformat()
        return {"kind": self.kind.value, "subject": self.subject, "text": self.text, "effective_from": since}


_AsInFile = Limit | RecurringGrant | UnitFunding | TopUpOffer | Pack | AttributionRule
Told = Unit | Meter | MeterGroup | Plan | _AsInFile
"""What is declared under a name of its own."""


def declaration_changes(old: Declarations, new: Declarations, *, first: bool) -> Iterator[Change]:
    """What changes in all that isn't a price; for the `first` catalog the currency is new."""
    if first:
        yield Change(ChangeKind.ADD, "currency", f"currency: {new.currency}")
    elif old.currency != new.currency:
        yield Change(ChangeKind.CHANGE, "currency", f"currency: {old.currency} → {new.currency}")
    # What a plan has goes with the plan: that it's removed needs saying once.
    before, after = dict(_told(old, new.plans)), dict(_told(new, new.plans))
    for subject, item in after.items():
        if subject not in before:
            yield Change(ChangeKind.ADD, subject, f"{subject}: {_introduced(item)}")
        elif moved := _moved(_table(before[subject]), _table(item)):
            yield Change(ChangeKind.CHANGE, subject, f"{subject}: {moved}")
    for subject in (subject for subject in before if subject not in after):
        yield Change(ChangeKind.REMOVE, subject, f"{subject}: removed")
    if old.default_plan != new.default_plan:
        kind = ChangeKind.CHANGE if old.default_plan and new.default_plan else ChangeKind.ADD
        kind = kind if new.default_plan else ChangeKind.REMOVE
        text = f"default plan: {_shown(old.default_plan)} → {_shown(new.default_plan)}"
        yield Change(kind, "default plan", text)
    was, will = old.attribution.classes, new.attribution.classes
    if was != will:
        kind = ChangeKind.ADD if not was else ChangeKind.CHANGE if will else ChangeKind.REMOVE
        text = f"attribution by tokens for a request: {_shown(was)} → {_shown(will)}"
        yield Change(kind, "attribution by tokens", text)


def _told(declared: Declarations, plans: Collection[str]) -> Iterator[tuple[str, Told]]:
    """All that is declared, each with how it's called; of plans that aren't in `plans` only themselves."""
    for noun, items in (("unit", declared.units), ("meter", declared.meters), ("group", declared.groups)):
        yield from ((f"{noun} {key}", item) for key, item in items.items())
    yield from _settings(declared.funding, declared.limits, "")
    yield from ((f"top-ups of {unit}", offer) for unit, offer in declared.top_ups.items())
    yield from ((f"pack {key}", pack) for key, pack in declared.packs.items())
    for key, plan in declared.plans.items():
        yield f"plan {key}", plan
        if key in plans:
            yield from _settings(plan.funding, plan.limits, f" in plan {key}")
            yield from ((f"grant {name} in plan {key}", grant) for name, grant in plan.grants.items())
    for customer, funding in declared.customer_funding.items():
        yield from _settings(funding, {}, f" for {customer}")
    yield from ((f"attribution {name}", rule) for name, rule in declared.attribution.rules.items())


def _settings(funding: Funding, limits: Mapping[str, Limit], where: str) -> Iterator[tuple[str, Told]]:
    ways = {"funding": funding.general} | {f"funding of {unit}": own for unit, own in funding.units.items()}
    yield from ((f"{noun}{where}", way) for noun, way in ways.items() if way != UnitFunding())
    yield from ((f"limit {name}{where}", limit) for name, limit in limits.items())


def _introduced(item: Told) -> str:
    match item:
        case Unit():
            return f"{item.name}, {item.decimals} decimals"
        case Meter():
            return f"{item.name}, {item.aggregation} of {item.unit}"
        case MeterGroup():
            return f"{item.name}, of {', '.join(item.meters)}"
        case Plan():
            return item.name if item.listed else f"{item.name}, not offered to customers"
        case Limit():
            return limit_in_words(item)
        case RecurringGrant():
            return grant_in_words(item)
        case TopUpOffer():
            return offer_in_words(item)
        case Pack():
            return pack_in_words(item)
        case UnitFunding() | AttributionRule():
            return ", ".join(f"{key} {value}" for key, value in item.as_terms().items())


def _table(item: Told) -> dict[str, object]:
    """What is compared: for what has them, the keys of the file."""
    if isinstance(item, _AsInFile):
        return item.as_terms()
    if isinstance(item, Plan):
        return {"name": item.name, "description": item.description, "listed": item.listed}
    return {field.name: getattr(item, field.name) for field in fields(item)}


def _moved(old: Mapping[str, object], new: Mapping[str, object]) -> str:
    """ "minimum none → 1, dimensions job → job, candidate"; nothing where nothing differs."""
    pairs = [(name, old.get(name), new.get(name)) for name in {**old, **new}]
    return ", ".join(f"{name} {_shown(was)} → {_shown(will)}" for name, was, will in pairs if was != will)


def _shown(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {item}" for key, item in value.items()) or "none"
    if isinstance(value, tuple | list):
        return ", ".join(str(item) for item in value) or "none"
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return "none" if value is None else str(value)


def price_change(scope: Scope, step: Step, now: datetime, meter: Meter | None) -> Change:
    """What `step` changes. `meter` is the one that is counted, before or after the change."""
    row, subject = step.row, f"price {scope.words}"
    before = price_in_words(step.before, meter) if step.before else "no price"
    since = None if row.effective_from == BEGINNING else row.effective_from
    if isinstance(row, Price):
        after = price_in_words(row, meter)
        told = f"{before} → {after}" if step.before else after
        kind = ChangeKind.CHANGE if step.before else ChangeKind.ADD
        return Change(kind, subject, f"{scope.words}: {told}{_since(since, now)}", since)
    if isinstance(row, NoPrice):
        after = "the price for everyone" if not scope.general else "no price; its usage is recorded as unpriced"
        return Change(ChangeKind.REMOVE, subject, f"{scope.words}: {before} → {after}{_since(since, now)}", since)
    text = f"{scope.words}: {before} from {moment(row.effective_from)} is withdrawn before it begins"
    return Change(ChangeKind.REMOVE, subject, text, since)


def _since(instant: datetime | None, now: datetime) -> str:
    if instant is None:
        return ""
    return " from now on" if instant == now else f" from {moment(instant)}"
