"""The prices of a catalog file.

Of everyone under [prices], of a plan under [plans.<key>.prices], of one customer under [customers.<key>.prices].
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from tollkeeper.catalog.declarations import Declarations
from tollkeeper.catalog.known import read_unit
from tollkeeper.catalog.lines import join
from tollkeeper.catalog.model import ADDITIVE, ChargeModel, Meter, NoPrice, Price, Terms, Withdrawn
from tollkeeper.catalog.problems import did_you_mean, nearest
from tollkeeper.catalog.table import KEY, Table
from tollkeeper.clock import BEGINNING, Period
from tollkeeper.customers.model import KEY_LENGTH, is_key
from tollkeeper.ids import content_id
from tollkeeper.money import HUNDRED, ZERO, is_currency

PRICE_KEYS = frozenset({"model", "unit", "period", "included", "discount_percent", "maximum", "from"})
"""The keys that every price may have; the others are its charge model's."""

Models = Mapping[str, ChargeModel]
"""The charge models by name."""

_NO_ID = UUID(int=0)
_FIRST_YEAR, _LAST_YEAR = 1970, 9000


@dataclass(frozen=True, slots=True, order=True)
class Scope:
    """Whom a series of prices is for: the usage of one meter, by one customer, by those on a plan, or by everyone."""

    meter: str
    customer: str = ""
    plan: str = ""

    @classmethod
    def of(cls, price: Price | NoPrice | Withdrawn) -> Scope:
        """The scope that `price` belongs to."""
        return cls(price.meter, price.customer or "", price.plan or "")

    @property
    def general(self) -> bool:
        """Whether it's everyone's."""
        return not self.customer and not self.plan

    @property
    def words(self) -> str:
        """ "cv_parse", "cv_parse for acme", "cv_parse in plan basic"."""
        return self.meter + (f" for {self.customer}" if self.customer else f" in plan {self.plan}" if self.plan else "")

    def row_id(self, kind: str, start: datetime, *content: str) -> UUID:
        """The id of a row of prices, which follows from all that it says."""
        # Last, and only where there is one: prices of everyone and of customers have had their ids before plans came.
        plan = (self.plan,) if self.plan else ()
        return content_id(kind, self.meter, self.customer, start.astimezone(UTC).isoformat(), *content, *plan)


@dataclass(frozen=True, slots=True)
class PriceEntry:
    """One price as the file states it."""

    key: str
    """Its path in the file."""
    starts: datetime | None
    """Its `from`, with the offset it was written in; None where it has none."""
    price: Price
    """As it would be if it began then, or had always been there."""

    @property
    def scope(self) -> Scope:
        """Whom it is for."""
        return Scope.of(self.price)


def starting(price: Price, at: datetime) -> Price:
    """`price` from `at` on, with the id that follows from its content and from `at`.

    So the same content from the same instant is one price, in however many versions it stands, also when it is
    scheduled, withdrawn and scheduled again. One that was in force and comes back after another, or after none, begins
    at another instant (its old `from` is refused by then): it has another id, and its running totals begin at zero.
    """
    content = json.dumps(price.content(), sort_keys=True, separators=(",", ":"))
    return replace(price, price_id=Scope.of(price).row_id("price", at, content), effective_from=at.astimezone(UTC))


def read_prices(root: Table, declared: Declarations, models: Models) -> list[PriceEntry]:
    """The prices of a file; what can't be used is left out, and noted."""
    return [
        entry for scope, holder in _scopes(root, declared.meters) for entry in _entries(scope, holder, declared, models)
    ]


def _scopes(root: Table, meters: Mapping[str, Meter]) -> Iterator[tuple[Scope, Table]]:
    """Each table that holds the price, or the prices, of a scope under the meter's key."""
    yield from _priced(root, "", "", meters)
    for plan, table in root.tables("plans"):
        if KEY.fullmatch(plan):
            yield from _priced(table, "", plan, meters)
    for customer, table in root.tables("customers"):
        if is_key(customer):
            yield from _priced(table, customer, "", meters)
            table.elsewhere("funding")
            table.finish()
        else:
            message = f"must have 1 to {KEY_LENGTH} visible characters, and no blanks around them."
            table.refuse_all(f"A customer's key {message}")


def _priced(holder: Table, customer: str, plan: str, meters: Mapping[str, Meter]) -> Iterator[tuple[Scope, Table]]:
    prices = holder.table("prices")
    for meter in prices.values:
        if meter in meters:
            yield Scope(meter, customer, plan), prices
        else:
            prices.refuse(join("", meter), f"No meter is called `{meter}`; {did_you_mean(meter, meters)}")


def _entries(scope: Scope, holder: Table, declared: Declarations, models: Models) -> Iterator[PriceEntry]:
    """The prices of one scope, in the order in which they begin."""
    keys: dict[datetime | None, str] = {}
    entries: list[PriceEntry] = []
    for table in holder.one_or_more(scope.meter):
        starts = _starts(table)
        misread = starts is None and "from" in table
        if starts in keys and not misread:
            which = "has no `from` either" if starts is None else "begins then too"
            table.refuse("from", f"`{keys[starts]}` {which}; of two prices one must begin later.")
        if not misread:
            keys.setdefault(starts, table.path)
        price = _price(table, scope, declared, models)
        if price is not None:
            entries.append(PriceEntry(table.path, starts, starting(price, starts or BEGINNING)))
    yield from sorted(entries, key=lambda entry: entry.price.effective_from)


def _price(table: Table, scope: Scope, declared: Declarations, models: Models) -> Price | None:
    """One price; None where its model or its terms can't be used."""
    period = table.choice("period", Period) or Period.MONTH
    included = table.number("included") or ZERO
    discount = table.number("discount_percent", most=HUNDRED) or ZERO
    maximum = table.number("maximum")
    unit = read_unit(table, "unit", declared)
    name = table.text("model")
    model = models.get(name)
    if model is None:
        if name:
            table.refuse("model", f"No charge model is called `{name}`; {did_you_mean(name, models)}")
        return None
    _refuse_mismatch(table, model, declared.meters[scope.meter], included=included)
    _refuse_exchange(table, model, unit, declared.currency)
    terms = _terms(table, model)
    if terms is None:
        return None
    return Price(
        price_id=_NO_ID,
        meter=scope.meter,
        customer=scope.customer or None,
        effective_from=BEGINNING,
        unit=unit,
        model=name,
        terms=terms,
        period=period,
        included=included,
        discount_percent=discount,
        maximum=maximum,
        plan=scope.plan or None,
    )


def _starts(table: Table) -> datetime | None:
    """The price's `from`. Only a time with an offset is one instant for everybody."""
    value = table.moment("from")
    if value is None:
        return None
    if not _FIRST_YEAR <= value.year <= _LAST_YEAR:
        table.refuse("from", f"`from` must lie in the years {_FIRST_YEAR} to {_LAST_YEAR}.")
        return None
    return value


def _refuse_mismatch(table: Table, model: ChargeModel, meter: Meter, *, included: Decimal) -> None:
    """What can't be had from a model that prices each event alone."""
    if model.cumulative:
        return
    if included:
        message = f"`{model.name}` prices each event by itself, so no quantity can be included."
        table.refuse("included", message)
    if meter.aggregation not in ADDITIVE:
        message = f"`{model.name}` prices each event by itself, and `{meter.key}` is a `{meter.aggregation}`"
        table.refuse("model", f"{message} over many of them.")


def _refuse_exchange(table: Table, model: ChargeModel, unit: str, currency: str) -> None:
    """A cost times a margin is still in the currency of the cost."""
    if model.by_cost and "unit" in table and unit != currency and is_currency(currency):
        message = (
            f"`{model.name}` charges what the provider takes, and costs are in the catalog's currency, `{currency}`;"
        )
        table.refuse("unit", f"{message} leave `unit` out.")


def _terms(table: Table, model: ChargeModel) -> Terms | None:
    """What the model makes of the keys that aren't every price's."""

    def problem(key: str, message: str) -> None:
        meant = nearest(key, PRICE_KEYS)
        hint = f" Did you mean `{meant}`?" if meant and not _knows(model, key) else ""
        table.refuse(key, message + hint)

    return model.parse({key: value for key, value in table.values.items() if key not in PRICE_KEYS}, problem=problem)


def _knows(model: ChargeModel, key: str) -> bool:
    """Whether the model has such a key: it has nothing against a plain number in it."""
    complaints: list[str] = []
    model.parse({key: "1"}, problem=lambda path, _: complaints.append(path))
    return key not in complaints
