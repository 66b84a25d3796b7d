"""Which prices begin and end when a file is applied: pure decisions over what is stored and what the file says.

The past is never touched. A file describes one scope's prices (for one meter: everyone's, a plan's, a customer's) so:

- an entry without `from` is the price that holds now; if it differs from the one in force, it begins now;
- an entry with a `from` to come begins then, and whatever holds now goes on until then;
- an entry with a `from` in the past is a record: it must say what is stored;
- a scope without entries has no price from now on, and what was scheduled for it is withdrawn.

A scope that never had a price has no past to protect: its entry without `from` holds for all time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tollkeeper.catalog.model import NoPrice, Price, PriceHistory, Withdrawn
from tollkeeper.catalog.prices import PriceEntry, Scope, starting

Row = Price | NoPrice | Withdrawn
"""What one row of the table `prices` says."""

_ADVICE = "Without `from` this price begins when the catalog is applied."
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Step:
    """One row to be added, and the price that it replaces or ends."""

    row: Row
    before: Price | None


def histories(rows: Iterable[Row]) -> dict[Scope, PriceHistory]:
    """What holds when, from rows in the order of their versions: for the same instant the latest one counts."""
    latest: dict[Scope, dict[datetime, Row]] = {}
    for row in rows:
        latest.setdefault(Scope.of(row), {})[row.effective_from] = row
    found: dict[Scope, PriceHistory] = {}
    for scope, by_start in latest.items():
        kept = [row for _, row in sorted(by_start.items()) if not isinstance(row, Withdrawn)]
        if kept:
            found[scope] = PriceHistory(tuple(row.effective_from for row in kept), tuple(kept))
    return found


def steps(
    scope: Scope,
    entries: Sequence[PriceEntry],
    history: PriceHistory | None,
    now: datetime,
    refuse: Callable[[str, str], None],
) -> list[Step]:
    """The rows to add for one scope. `refuse` takes the key and the fault of an entry that would change the past."""
    if history is None:
        return _first_prices(entries)
    present = history.at(now)
    if not entries:
        ended = (
            [Step(NoPrice(scope.meter, scope.customer or None, now, scope.plan or None), present)] if present else []
        )
        return [*ended, *_to_come([], history, now, None)]
    begun = [entry for entry in entries if entry.price.effective_from <= now]
    found: list[Step] = []
    if begun and begun[-1].starts is not None:
        _compare_past(begun, history, now, refuse)
    elif begun and not _same(begun[-1].price, present):
        found.append(Step(starting(begun[-1].price, now), present))
        present = begun[-1].price
    return [*found, *_to_come(entries[len(begun) :], history, now, present)]


def _first_prices(entries: Sequence[PriceEntry]) -> list[Step]:
    found: list[Step] = []
    before: Price | None = None
    for entry in entries:
        if not _same(entry.price, before):
            found.append(Step(entry.price, before))
            before = entry.price
    return found


def _compare_past(
    begun: Sequence[PriceEntry], history: PriceHistory, now: datetime, refuse: Callable[[str, str], None]
) -> None:
    """Refuse what differs from the stored past: entries in order, the last of which has begun and has a `from`."""
    first_dated = next(entry.price.effective_from for entry in begun if entry.starts is not None)
    for entry in begun:
        start = first_dated - _INSTANT if entry.starts is None else entry.price.effective_from
        if _same(entry.price, history.at(start)):
            continue
        if entry.starts is None:
            message = f"The price before {moment(first_dated)} can't be another one now: history does not change."
            refuse(entry.key, f"{message} Take this one out; the price in force needs no `from`.")
        else:
            message = f"`from` lies in the past, and another price, or none, held at {moment(start)}:"
            refuse(f"{entry.key}.from", f"{message} history does not change. {_ADVICE}")
    last = begun[-1]
    if not _same(last.price, history.at(now)):
        message = "`from` lies in the past, and another price has replaced this one since: history does not change."
        refuse(f"{last.key}.from", f"{message} {_ADVICE}")


def _to_come(
    entries: Sequence[PriceEntry], history: PriceHistory, now: datetime, present: Price | None
) -> Iterator[Step]:
    """Bring what is scheduled after `now` in line with `entries`."""
    wanted: dict[datetime, Step] = {}
    before = present
    for entry in entries:
        if not _same(entry.price, before):
            wanted[entry.price.effective_from] = Step(entry.price, before)
            before = entry.price
    stored = {row.effective_from: row for row in history.prices if row.effective_from > now}
    for start in sorted(wanted.keys() | stored.keys()):
        old = stored.get(start)
        scheduled = old if isinstance(old, Price) else None
        if start not in wanted:
            one = history.prices[0]
            yield Step(Withdrawn(one.meter, one.customer, start, one.plan), scheduled)
        elif not _same(wanted[start].row, scheduled):
            yield Step(wanted[start].row, scheduled or wanted[start].before)


def _same(price: Row, other: Price | None) -> bool:
    """Whether both charge the same."""
    return isinstance(price, Price) and other is not None and price.content() == other.content()


def moment(instant: datetime) -> str:
    """ "2026-12-01 00:00 UTC", with seconds where there are any."""
    utc = instant.astimezone(UTC)
    return f"{utc:%Y-%m-%d %H:%M:%S} UTC" if utc.second else f"{utc:%Y-%m-%d %H:%M} UTC"
