"""A run: ask the provider, keep what it told, reconcile day by day; step by step, so that it may stop anywhere."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from tollkeeper.catalog import Catalog
from tollkeeper.db import Tx
from tollkeeper.errors import Conflict, InvalidInput, TollError
from tollkeeper.gate import Desk
from tollkeeper.reconciliation.days import asked_stretches, due_stretches
from tollkeeper.reconciliation.model import Allocate
from tollkeeper.reconciliation.readers import READERS, Access, Width, access_of
from tollkeeper.reconciliation.reconcile import DayCompared, Read, Rules, keep, reconcile_day
from tollkeeper.reconciliation.reports import MINUTE, ReportKind, Stretch
from tollkeeper.reconciliation.sides import Rates
from tollkeeper.reconciliation.store import last_read
from tollkeeper.settings import Settings

T = TypeVar("T")

KEYS = {
    "openai": ("TOLLKEEPER_OPENAI_ADMIN_KEY", "https://platform.openai.com/settings/organization/admin-keys"),
    "anthropic": ("TOLLKEEPER_ANTHROPIC_ADMIN_KEY", "https://platform.claude.com/settings/admin-keys"),
}
"""By provider, the variable that its admin key is set by, and where one is made."""


class Transact(Protocol):
    """Does work in a transaction of its own, as `Database.run`."""

    def __call__(self, work: Callable[[Tx], Awaitable[T]], /) -> Awaitable[T]:
        """The result of the work."""
        ...


@dataclass(frozen=True, slots=True)
class Ran:
    """What a run has found of a provider."""

    provider: str
    currency: str
    """Of all amounts: the catalog's."""
    days: Sequence[DayCompared]
    dry: bool
    """Whether nothing of it was kept or booked."""


class _Undone(Exception):
    """Ends the transaction of a dry run, which is rolled back with all that it has done."""


async def read_reports(provider: str, access: Access, stretches: Sequence[Stretch]) -> list[Read]:
    """What the provider reports of these stretches. Not within a transaction.

    Raises ProviderRefused and ProviderUnavailable.
    """
    read = READERS[provider]
    found: list[Read] = []
    for stretch in stretches:
        report = await read(
            access,
            stretch.start,
            stretch.end,
            width=Width.MINUTE if stretch.width == MINUTE else Width.DAY,
            usage=stretch.kind is ReportKind.USAGE,
            costs=stretch.kind is ReportKind.COST,
        )
        found.append(Read(stretch, report))
    return found


@dataclass(frozen=True, slots=True)
class Way:
    """How a run works: what every step of it needs."""

    transact: Transact
    desk: Desk
    rules: Rules
    now: datetime
    by: str
    dry: bool = False
    """Whether it's all to be undone."""


def access_for(settings: Settings, provider: str | None) -> dict[str, Access]:
    """The way to the reports of one provider, or of all that an admin key is set for.

    Raises InvalidInput `unknown_provider`, `no_admin_key`.
    """
    found = access_of(settings)
    if provider is None and found:
        return found
    if provider is not None and provider not in READERS:
        known = ", ".join(sorted(READERS))
        raise InvalidInput(
            "unknown_provider", f"Reports can't be read of {provider!r}; of these they can: {known}.", field="provider"
        )
    if provider is not None and provider in found:
        return {provider: found[provider]}
    wanted = [provider] if provider is not None else sorted(READERS)
    hints = " ".join(f"For {name}, set {KEYS[name][0]}: make one at {KEYS[name][1]}." for name in wanted)
    raise InvalidInput(
        "no_admin_key", f"Reports need an admin key, which isn't the key for inference. {hints}", field="provider"
    )


def rules_of(settings: Settings, catalog: Catalog, *, allocate: Allocate | None = None, close: bool = False) -> Rules:
    """The rules that the operator has set, in settings and in the catalog."""
    return Rules(
        rates=Rates(catalog.currency, settings.usd_rate),
        tolerance=settings.reconcile_tolerance,
        stable_reads=settings.reconcile_stable_reads,
        close=close,
        allocate=allocate or Allocate(settings.allocate),
        attribution=catalog.attribution,
    )


async def reconcile_all(
    way: Way,
    access: Mapping[str, Access],
    *,
    alone: bool,
    days: tuple[datetime, datetime] | None = None,
    rest: timedelta | None = None,
) -> list[Ran]:
    """Read and reconcile each provider; raises the first one's error when all of them have had their turn.

    Raises Conflict `reconciliation_running` unless it's `alone` at it.
    """
    if not alone:
        raise Conflict("reconciliation_running", "Another reconciliation is under way; wait until it's done.")
    stretches = due_stretches(way.now) if days is None else asked_stretches(*days)
    found: list[Ran] = []
    errors: list[TollError] = []
    for provider, key in access.items():
        try:
            if rest is not None and await _rests(way, provider, rest):
                continue
            reads = await read_reports(provider, key, stretches)
            found.append(await (try_reads if way.dry else reconcile_reads)(way, provider, reads))
        except TollError as error:
            errors.append(error)
    if errors:
        raise errors[0]
    return found


async def _rests(way: Way, provider: str, rest: timedelta) -> bool:
    """Whether another process has read the provider not long ago."""
    last = await way.transact(lambda tx: last_read(tx, provider))
    return last is not None and way.now - last < rest


async def reconcile_reads(way: Way, provider: str, reads: Sequence[Read]) -> Ran:
    """Keep what was read, then reconcile each day, in a transaction for each step."""
    days = await way.transact(lambda tx: keep(tx, provider, reads, way.rules, now=way.now))
    found = [await way.transact(_one_day(way, provider, start)) for start in days]
    return Ran(provider, way.rules.rates.currency, found, dry=False)


async def try_reads(way: Way, provider: str, reads: Sequence[Read]) -> Ran:
    """What `reconcile_reads` would come to: all of it is done in one transaction, which is rolled back."""
    found: list[DayCompared] = []

    async def work(tx: Tx) -> None:
        found.clear()
        for start in await keep(tx, provider, reads, way.rules, now=way.now):
            found.append(await _one_day(way, provider, start)(tx))
        raise _Undone

    with suppress(_Undone):
        await way.transact(work)
    return Ran(provider, way.rules.rates.currency, found, dry=True)


def _one_day(way: Way, provider: str, start: datetime) -> Callable[[Tx], Awaitable[DayCompared]]:
    return lambda tx: reconcile_day(tx, way.desk, provider, start, way.rules, now=way.now, by=way.by)
