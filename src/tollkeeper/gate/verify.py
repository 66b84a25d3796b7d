"""Verify: whether the books agree with themselves. The sums are taken anew from the events, in SQL of its own.

- Every unit's debits and credits sum to zero over the whole ledger.
- The charges and costs of the events are the postings, by customer, transaction and unit.
- The events are the rollups, by customer, local day or hour, and series; digests are the days that they sum up.
- Every running total is the sum of its events, and the price of that total is the sum of their charges (rule 2).
- The events cost what their provider calls cost.
- Wallets, grants, burns, entries and postings agree; open holds are what wallets, totals and limits keep for them.
- What reconciliations found is what the house has booked.
- What the console lists of a customer is the rollup by day.
- The counters of limits are the usage that they have counted.
- Nothing refers to something that isn't there.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from tollkeeper import clock
from tollkeeper.calls import CALL_CHECKS, ROLLUP_CHECKS
from tollkeeper.catalog import Aggregation, Catalog, Price, price_by_id
from tollkeeper.clock import offset_spans, zone
from tollkeeper.customers import Directory, list_customers
from tollkeeper.db import Kept, Queries, Tx, array
from tollkeeper.events import DIGEST_CHECKS
from tollkeeper.gate.standing import Standing, stand
from tollkeeper.ledger import HOUSE, receivables, unbalanced_units
from tollkeeper.limits import Draw, looks_of, miscounts
from tollkeeper.money import ZERO, plain
from tollkeeper.rating import MODELS, price_of_running_total
from tollkeeper.wallets import WALLET_CHECKS, list_wallets

_queries = Queries(__package__ or "")

_PAGE = 1000

MOST_DIFFERENCES = 100
"""Differences listed for each check."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Two figures that should be the same."""

    customer: str
    place: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class Check:
    """One question, and where the answer was no."""

    name: str
    question: str
    differences: list[Difference]


@dataclass(frozen=True, slots=True)
class Size:
    """How much was compared."""

    customers: int
    events: int
    postings: int
    usage_days: int
    usage_hours: int
    running_totals: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of `verify`."""

    size: Size
    checks: list[Check]

    @property
    def passed(self) -> bool:
        """Whether there's no difference at all."""
        return not any(check.differences for check in self.checks)


@dataclass(frozen=True, slots=True)
class _UsedZone:
    timezone: str
    first: datetime | None
    last: datetime | None


@dataclass(frozen=True, slots=True)
class _Total:
    customer: str
    price_id: UUID
    period_start: datetime
    value: Decimal
    billed: Decimal
    charge: Decimal
    unpriced: int


_CHECKS = (
    ("postings", "Do the charges and costs of the events equal the postings?", _queries.verify_postings),
    ("days", "Do the events equal the rollup by day?", _queries.verify_days),
    ("hours", "Do the events equal the rollup by hour?", _queries.verify_hours),
    *DIGEST_CHECKS,
    ("holds", "Do wallets, running totals and limits keep what the open holds say?", _queries.verify_holds),
    *WALLET_CHECKS,
    ("figures", "Does what the console lists equal the rollup by day?", _queries.verify_figures),
    ("variance", "Is what reconciliations found what the house has booked?", _queries.verify_variance),
    *CALL_CHECKS,
    *ROLLUP_CHECKS,
    ("orphans", "Does everything refer to something that exists?", _queries.verify_orphans),
)


async def verify(
    tx: Tx, catalog: Catalog, now: datetime | None = None, *, also: Sequence[tuple[str, str, bytes]] = ()
) -> Verdict:
    """Compare everything; give it a snapshot, so that usage that arrives meanwhile isn't taken for a difference.

    `also` are the checks of later stages: name, question, and a query that takes `limit` and gives Differences.
    """
    now = now or clock.now()
    size = await tx.one(Size, _queries.count_books)
    if size is None:
        raise AssertionError("count(*) gave no row")
    unbalanced = [Difference("all", unit, "0", plain(difference)) for unit, difference in await unbalanced_units(tx)]
    checks = [Check("balance", "Do debits and credits sum to zero in every unit?", unbalanced)]
    params = {"limit": MOST_DIFFERENCES, "house": HOUSE} | await _offsets(tx)
    for name, question, query in (*_CHECKS, *also):
        checks.append(Check(name, question, await tx.all(Difference, query, params)))
    question = "Does the price of every running total equal the sum of its charges?"
    checks.append(Check("totals", question, await _totals(tx, catalog)))
    counters, ceilings = await _under_tills(tx, catalog, now)
    checks.append(Check("limits", "Do the counters of limits equal the usage that they count?", counters))
    checks.append(Check("ceilings", "Do wallets know what is owed, where a credit ceiling must hold?", ceilings))
    return Verdict(size, checks)


async def _offsets(tx: Tx) -> dict[str, list[Any]]:
    """The offsets of the customers' zones over the time of all events, as columns."""
    columns: dict[str, list[Any]] = {"zone": [], "start": [], "end": [], "offset": []}
    for used in await tx.all(_UsedZone, _queries.used_zones):
        if used.first is None or used.last is None:
            continue
        # A day more on each side, so that the first span's start is no event's hour.
        tz, day = zone(used.timezone), timedelta(days=1)
        for span in offset_spans(tz, used.first - day, used.last + day):
            columns["zone"].append(used.timezone)
            columns["start"].append(span.start)
            columns["end"].append(span.end)
            columns["offset"].append(span.offset)
    return columns


async def _under_tills(tx: Tx, catalog: Catalog, now: datetime) -> tuple[list[Difference], list[Difference]]:
    """The counters of limits in the windows that hold `now`, and what wallets say is owed.

    Of customers whose till is in line with where they stand: what others have is made up for when they're next met.
    """
    found: list[Difference] = []
    looks: list[Draw] = []
    keys: dict[str, str] = {}
    after: str | None = None
    while page := await list_customers(tx, after=after, limit=_PAGE):
        after = page[-1].key
        epochs = {Kept.CUSTOMERS.value: 0}
        known = await Directory().resolve(tx, epochs, [customer.key for customer in page], written=False)
        standings = {
            str(customer.customer_id): stand(catalog, customer, known.agreement(customer.customer_id), now)
            for customer in page
        }
        signed = await _signatures(tx, standings)
        for key, standing in standings.items():
            if signed.get(key) == standing.signature:
                keys[key] = standing.customer.key
                looks += looks_of(key, standing.customer.zone, standing.limits, member="anyone", at=now)
        found += await _owed(tx, [standings[key] for key in standings if key in keys])
    miscounted = [
        Difference(
            keys[one.customer_id],
            f"limit {one.limit}{f' of {one.member}' if one.member else ''}, from {one.window_start.isoformat()}",
            plain(one.expected),
            plain(one.found),
        )
        for one in await miscounts(tx, looks, now)
    ]
    return miscounted[:MOST_DIFFERENCES], found[:MOST_DIFFERENCES]


async def _signatures(tx: Tx, customer_ids: Collection[str]) -> dict[str, UUID | None]:
    cursor = await tx.execute(_queries.signatures, {"customer_ids": array(sorted(customer_ids))})
    return dict(await cursor.fetchall())


async def _owed(tx: Tx, standings: Sequence[Standing]) -> list[Difference]:
    """Where a wallet under a ceiling says something else is owed than the ledger does."""
    bounded = {str(one.customer.customer_id): one for one in standings if one.has_ceiling}
    if not bounded:
        return []
    expected = await receivables(tx, sorted(bounded))
    found: list[Difference] = []
    for key, standing in bounded.items():
        for wallet in await list_wallets(tx, key):
            owed = expected.get(wallet.key, ZERO)
            if standing.source(wallet.unit).credit_ceiling is not None and owed != wallet.owed:
                place = f"wallet {wallet.unit}, owed"
                found.append(Difference(standing.customer.key, place, plain(owed), plain(wallet.owed)))
    return found


async def _totals(tx: Tx, catalog: Catalog) -> list[Difference]:
    prices: dict[UUID, Price | None] = {}
    found: list[Difference] = []
    rows = await tx.all(_Total, _queries.verify_totals)
    for row in rows:
        if row.price_id not in prices:
            prices[row.price_id] = await price_by_id(tx, row.price_id, MODELS)
        price = prices[row.price_id]
        if price is not None:
            found += _compare(row, price, catalog)
        if len(found) >= MOST_DIFFERENCES:
            break
    return found


def _compare(row: _Total, price: Price, catalog: Catalog) -> list[Difference]:
    place = f"{price.meter}, period from {row.period_start.isoformat()}"
    found: list[Difference] = []
    expected = price_of_running_total(price, row.value)
    if expected != row.charge:
        found.append(Difference(row.customer, f"{place}: charges", plain(expected), plain(row.charge)))
    meter = catalog.meters.get(price.meter)
    additive = meter is not None and meter.aggregation in (Aggregation.SUM, Aggregation.COUNT)
    if additive and MODELS[price.model].cumulative and row.value != row.billed:
        found.append(Difference(row.customer, f"{place}: quantity", plain(row.billed), plain(row.value)))
    return found
