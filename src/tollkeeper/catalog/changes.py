"""What applying a file would change, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from tollkeeper.catalog.declarations import Declarations
from tollkeeper.catalog.model import Meter, NoPrice, Price, Unit
from tollkeeper.catalog.prices import Scope
from tollkeeper.catalog.timeline import Step, moment
from tollkeeper.catalog.words import price_in_words
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
    """ "price cv_parse", "price cv_parse for acme", "meter cv_parse", "unit interview_credit", "currency"."""
    text: str
    """ "cv_parse: 0.50 USD per CV → 0.60 USD per CV from 2026-12-01 00:00 UTC"."""
    effective_from: datetime | None = None
    """For prices: when the change begins; None for what holds for all time, and for everything else."""

    def as_dict(self) -> dict[str, Any]:
        """As it stands in JSON."""
        since = None if self.effective_from is None else self.effective_from.isoformat()
        return {"kind": self.kind.value, "subject": self.subject, "text": self.text, "effective_from": since}


def declaration_changes(old: Declarations, new: Declarations, *, first: bool) -> Iterator[Change]:
    """What changes in the currency, the units and the meters; for the `first` catalog the currency is new."""
    if first:
        yield Change(ChangeKind.ADD, "currency", f"currency: {new.currency}")
    elif old.currency != new.currency:
        yield Change(ChangeKind.CHANGE, "currency", f"currency: {old.currency} → {new.currency}")
    yield from _differences("unit", old.units, new.units)
    yield from _differences("meter", old.meters, new.meters)


def _differences(noun: str, old: Mapping[str, Unit | Meter], new: Mapping[str, Unit | Meter]) -> Iterator[Change]:
    for key in (key for key in new if key not in old):
        yield Change(ChangeKind.ADD, f"{noun} {key}", f"{noun} {key}: {_introduced(new[key])}")
    for key in old:
        if key not in new:
            yield Change(ChangeKind.REMOVE, f"{noun} {key}", f"{noun} {key}: removed")
        elif old[key] != new[key]:
            yield Change(ChangeKind.CHANGE, f"{noun} {key}", f"{noun} {key}: {_moved(old[key], new[key])}")


def _introduced(item: Unit | Meter) -> str:
    if isinstance(item, Unit):
        return f"{item.name}, {item.decimals} decimals"
    return f"{item.name}, {item.aggregation} of {item.unit}"


def _moved(old: Unit | Meter, new: Unit | Meter) -> str:
    """ "minimum none → 1, dimensions job → job, candidate"."""
    pairs = [(field.name, getattr(old, field.name), getattr(new, field.name)) for field in fields(old)]
    return ", ".join(f"{name} {_shown(was)} → {_shown(will)}" for name, was, will in pairs if was != will)


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(str(item) for item in value) or "none"
    if isinstance(value, Decimal):
        return plain(value)
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
        after = "the price for everyone" if scope.customer else "no price; its usage is recorded as unpriced"
        return Change(ChangeKind.REMOVE, subject, f"{scope.words}: {before} → {after}{_since(since, now)}", since)
    text = f"{scope.words}: {before} from {moment(row.effective_from)} is withdrawn before it begins"
    return Change(ChangeKind.REMOVE, subject, text, since)


def _since(instant: datetime | None, now: datetime) -> str:
    if instant is None:
        return ""
    return " from now on" if instant == now else f" from {moment(instant)}"
