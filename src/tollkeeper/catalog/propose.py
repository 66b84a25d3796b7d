"""propose: what applying a file would change, and why it may not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Protocol

from tollkeeper.catalog.changes import Change, declaration_changes, price_change
from tollkeeper.catalog.check import Draft, check
from tollkeeper.catalog.declarations import NOTHING, Declarations, declared
from tollkeeper.catalog.model import Meter, Price, PriceHistory, Unit
from tollkeeper.catalog.prices import Models, Scope
from tollkeeper.catalog.problems import Problems
from tollkeeper.catalog.store import latest_version, price_rows
from tollkeeper.catalog.timeline import Row, Step, histories, steps
from tollkeeper.catalog.warn import Timeline, default_warnings, warnings_of
from tollkeeper.clock import now as present
from tollkeeper.db import Tx
from tollkeeper.money import plain

UsedMeters = Callable[[Tx], Awaitable[Collection[str]]]
"""Answers which meters have usage."""


class UsedPlans(Protocol):
    """Answers which plans customers are on at `now`, or from a date to come."""

    def __call__(self, tx: Tx, /, *, now: datetime) -> Awaitable[Collection[str]]:
        """The keys of the plans."""
        ...


_KEEPS = {
    "aggregation": "aggregation",
    "unique_by": "unique_by",
    "minimum": "minimum",
    "rounding": "round",
    "step": "step",
}
"""What a meter keeps once it has usage, by its key in the file. Corrections of old events are counted by it too."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """The difference between a file and the catalog in force."""

    version: int
    """The version that it was compared with; 0 before the first."""
    now: datetime
    """When what has no `from` would begin."""
    changes: tuple[Change, ...]
    warnings: tuple[str, ...]
    """What the changes mean that one may not expect, as sentences."""
    rows: tuple[Row, ...] = field(repr=False, default=())
    """The rows of prices that applying it adds."""

    @property
    def empty(self) -> bool:
        """Whether applying the file would change nothing."""
        return not self.changes


@dataclass(frozen=True, slots=True)
class _InForce:
    """What the file is compared with."""

    version: int
    declared: Declarations
    rows: list[Row]
    histories: Mapping[Scope, PriceHistory]
    applied_at: datetime | None


async def nobody_on_plans(_: Tx, /, *, now: datetime) -> Collection[str]:
    """The answer where no customer was ever put on a plan."""
    return ()


async def propose(
    tx: Tx,
    text: str,
    *,
    file: str | None = None,
    models: Models,
    used_meters: UsedMeters,
    used_plans: UsedPlans = nobody_on_plans,
    now: datetime | None = None,
) -> Proposal:
    """What applying `text` would change. Raises CatalogInvalid, also for what would change history."""
    return await compare(tx, check(text, file=file, models=models), models, used_meters, used_plans, now)


async def compare(
    tx: Tx, draft: Draft, models: Models, used_meters: UsedMeters, used_plans: UsedPlans, now: datetime | None
) -> Proposal:
    """The difference between `draft` and the catalog in force; without `now`, at the present instant."""
    stored = await _in_force(tx, models)
    moment = now or present()
    if stored.applied_at is not None:
        # The clocks of two machines differ. What begins now must begin after what the last apply began.
        moment = max(moment, stored.applied_at + timedelta(microseconds=1))
    used = await used_meters(tx) if stored.version else ()
    _refuse_lost_usage(draft, stored.declared, used)
    _refuse_lost_units(draft, stored)
    _refuse_lost_plans(draft, stored.declared, await used_plans(tx, now=moment) if stored.declared.plans else ())
    found = list(_price_steps(draft, stored.histories, moment))
    draft.problems.raise_if_any()
    meters = {**stored.declared.meters, **draft.declared.meters}
    changes = list(declaration_changes(stored.declared, draft.declared, first=stored.version == 0))
    changes += [price_change(scope, step, moment, meters.get(scope.meter)) for scope, step in found]
    rows = tuple(step.row for _, step in found)
    both = stored.declared.plans.keys() & draft.declared.plans.keys()
    timeline = Timeline(stored.histories, histories([*stored.rows, *rows]), meters, both, used, moment)
    return Proposal(
        version=stored.version,
        now=moment,
        changes=tuple(changes),
        warnings=(
            *default_warnings(stored.declared, draft.declared, used),
            *warnings_of(draft, found, timeline, models),
        ),
        rows=rows,
    )


async def _in_force(tx: Tx, models: Models) -> _InForce:
    latest = await latest_version(tx)
    if latest is None:
        return _InForce(0, NOTHING, [], {}, None)
    rows = await price_rows(tx, models)
    return _InForce(latest.version, declared(latest.source), rows, histories(rows), latest.applied_at)


def _price_steps(draft: Draft, stored: Mapping[Scope, PriceHistory], now: datetime) -> Iterator[tuple[Scope, Step]]:
    """The rows to add, scope by scope: everyone's in the order of the file, then what was taken out."""
    entries = {scope: list(group) for scope, group in groupby(draft.prices, key=lambda entry: entry.scope)}
    for scope in [*entries, *sorted(stored.keys() - entries.keys())]:
        for step in steps(scope, entries.get(scope, []), stored.get(scope), now, draft.problems.add):
            yield scope, step


def _refuse_lost_usage(draft: Draft, old: Declarations, used: Collection[str]) -> None:
    """A meter that has usage keeps what gives the usage its meaning, and the currency what gives it to the costs."""
    if used and old.currency != draft.declared.currency:
        message = (
            f"There is usage, whose costs are in `{old.currency}`, so the catalog's currency can't be another one:"
        )
        advice = "Give each price that is to charge another currency a `unit` of its own."
        draft.problems.add("currency", f"{message} history does not change. {advice}")
    for key, meter in old.meters.items():
        if key in used:
            _refuse_change(meter, draft.declared.meters.get(key), draft.problems)


def _refuse_change(old: Meter, new: Meter | None, problems: Problems) -> None:
    path = f"meters.{old.key}"
    if new is None:
        message = f"`{old.key}` has usage, which would lose its meaning."
        problems.add(path, f"{message} Keep the meter, and take out its price instead.")
        return
    for name, key in _KEEPS.items():
        was = getattr(old, name)
        if was != getattr(new, name):
            stays = "stays away" if was is None else f"stays `{plain(was) if isinstance(was, Decimal) else was}`"
            message = f"`{old.key}` has usage, so its `{key}` {stays}: history does not change."
            problems.add(f"{path}.{key}", f"{message} Declare another meter instead.")


def _refuse_lost_plans(draft: Draft, old: Declarations, used: Collection[str]) -> None:
    for key in old.plans:
        if key in used and key not in draft.declared.plans:
            message = f"Customers are on `{key}`, now or from a date to come, so it can't be removed."
            draft.problems.add(f"plans.{key}", f"{message} Put them on another plan first.")


def _refuse_lost_units(draft: Draft, stored: _InForce) -> None:
    """A unit that was ever charged, or that wallets got from a plan or by a top-up, keeps its decimals."""
    charged = {row.unit for row in stored.rows if isinstance(row, Price)}
    granted = {grant.unit for plan in stored.declared.plans.values() for grant in plan.grants.values()}
    sold = {*stored.declared.top_ups, *(pack.unit for pack in stored.declared.packs.values())}
    for key, old in stored.declared.units.items():
        if key in charged:
            _refuse_unit(old, draft, f"Prices charge `{key}`, now or in the past")
        elif key in granted:
            _refuse_unit(old, draft, f"Plans grant `{key}`, so wallets may hold it")
        elif key in sold:
            _refuse_unit(old, draft, f"Customers can buy `{key}`, so wallets may hold it")


def _refuse_unit(old: Unit, draft: Draft, why: str) -> None:
    new = draft.declared.units.get(old.key)
    if new is None:
        draft.problems.add(f"units.{old.key}", f"{why}, so it can't be removed.")
    elif new.decimals != old.decimals:
        draft.problems.add(f"units.{old.key}.decimals", f"{why}, so its decimals stay {old.decimals}.")
