"""Prices, limits and grants as people say them: "0.002 USD per 1,000 tokens, first 100 per month included"."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tollkeeper.catalog.model import ADDITIVE, Catalog, Meter, Price, Unit
from tollkeeper.catalog.plans import Lifetime, Limit, LimitBy, LimitMode, LimitPeriod, Pack, RecurringGrant, TopUpOffer
from tollkeeper.money import amount_in_words, grouped, plain

_Table = Mapping[str, Any]
_UNBENT = re.compile(r"[kKMGTP]i?B|min|[kcm]m|kg|ml|kWh")
_WORD = re.compile(r"[A-Za-z]{2}$")
"""What ends so may be an English word."""


def price_in_words(price: Price, meter: Meter | None = None) -> str:
    """The whole price, as one phrase; `meter` says what is counted.

    A charge model that has no phrase in `_PHRASES` is told by its name and its canonical table.
    """
    units = _units_of(price, meter, None)
    parts = [_rate_in_words(price, units)]
    if price.included:
        parts.append(f"first {grouped(price.included)} {units.period} included")
    return ", ".join([*parts, *_reductions(price, units)])


def price_for_customers(price: Price, meter: Meter, unit: Unit | None, *, by_cost: bool) -> str:
    """The price as those who pay read it: "1,000 calls per month included, then 0.01 USD per call".

    `unit` is the declared credit that is charged; it's told by its name. Of a price that goes `by_cost` they learn
    neither what the operator pays nor its margin.
    """
    units = _units_of(price, meter, unit)
    rate = "by the AI models used" if by_cost else _rate_in_words(price, units)
    if price.included:
        rate = f"{units.quantity(plain(price.included))} {units.period} included, then {rate}"
    return ", ".join([rate, *_reductions(price, units)])


def _units_of(price: Price, meter: Meter | None, unit: Unit | None) -> _Units:
    gauged = meter is not None and meter.aggregation not in ADDITIVE
    return _Units(price.unit, meter.unit if meter else "unit", f"per {price.period}", gauged, unit)


def _rate_in_words(price: Price, units: _Units) -> str:
    say, terms = _PHRASES.get(price.model), price.terms.as_table()
    return say(terms, units) if say else _any_model(price.model, terms)


def _reductions(price: Price, units: _Units) -> list[str]:
    parts = [f"{plain(price.discount_percent)} % off"] if price.discount_percent else []
    if price.maximum is not None:
        parts.append(f"at most {units.value(plain(price.maximum))} {units.period}")
    return parts


def limit_in_words(limit: Limit) -> str:
    """ "10,000 of tokens per day for each member, hard", "50.00 USD of api_call in any hour, soft, switched off"."""
    cap = amount_in_words(limit.cap, limit.unit) if limit.unit else grouped(limit.cap)
    counted = limit.group or ", ".join(limit.meters)
    of = f" of {counted}" if counted else ""
    within = "in any hour" if limit.per is LimitPeriod.ROLLING_HOUR else f"per {limit.per}"
    own = ", ".join(f"{member} {grouped(most)}" for member, most in sorted(limit.member_caps.items()))
    each = f" for each member{f' ({own})' if own else ''}" if limit.by is LimitBy.MEMBER else ""
    return f"{cap}{of} {within}{each}, {limit.mode}{'' if limit.enabled else ', switched off'}"


def limit_for_customers(limit: Limit, catalog: Catalog) -> str:
    """ "10,000 tokens per day", "10,000 per day (AI tokens)", "50.00 USD per month for each member, a warning only"."""
    what = f" ({_counted_by_name(limit, catalog)})" if limit.meters else ""
    if limit.unit:
        cap = amount_by_name(limit.cap, limit.unit, catalog.units.get(limit.unit))
    elif limit.group is None and len(limit.meters) == 1 and limit.meters[0] in catalog.meters:
        cap, what = f"{grouped(limit.cap)} {plural(catalog.meters[limit.meters[0]].unit)}", ""
    else:
        cap = grouped(limit.cap)
    within = "in any hour" if limit.per is LimitPeriod.ROLLING_HOUR else f"per {limit.per}"
    each = " for each member" if limit.by is LimitBy.MEMBER else ""
    return f"{cap} {within}{each}{what}{', a warning only' if limit.mode is LimitMode.SOFT else ''}"


def _counted_by_name(limit: Limit, catalog: Catalog) -> str:
    if limit.group is not None and limit.group in catalog.groups:
        return catalog.groups[limit.group].name
    return ", ".join(catalog.meters[key].name if key in catalog.meters else key for key in limit.meters)


def grant_in_words(grant: RecurringGrant) -> str:
    """ "10 interview_credit every month, promotional; what is left lapses"."""
    amount = amount_in_words(grant.amount, grant.unit)
    return f"{amount} every {grant.every}, {grant.kind}; {_left_over(grant, None)}"


def grant_for_customers(grant: RecurringGrant, unit: Unit | None) -> str:
    """ "10 interview credits every month; what is left lapses"."""
    return f"{amount_by_name(grant.amount, grant.unit, unit)} every {grant.every}; {_left_over(grant, unit)}"


def _left_over(grant: RecurringGrant, unit: Unit | None) -> str:
    if grant.most_rolled is None:
        return "what is left goes over"
    if grant.most_rolled:
        return f"at most {amount_by_name(grant.most_rolled, grant.unit, unit)} of what is left goes over"
    return "what is left lapses"


def amount_by_name(amount: Decimal, key: str, unit: Unit | None) -> str:
    """The amount with the name of its unit, where it's a declared one: "1 interview credit", "3 interview credits"."""
    if unit is None:
        return amount_in_words(amount, key)
    name = f"{unit.name[0].lower()}{unit.name[1:]}" if unit.name[1:2].islower() else unit.name
    return f"{grouped(amount)} {name if amount == 1 else plural(name)}"


def offer_in_words(offer: TopUpOffer) -> str:
    """ "5, 10 or 50 at 1.00 USD each; expires after 12 months"."""
    amounts = [grouped(amount) for amount in offer.amounts]
    some = " or ".join([*filter(None, [", ".join(amounts[:-1])]), *amounts[-1:]])
    each = "" if offer.currency == offer.unit else f" at {amount_in_words(offer.price, offer.currency)} each"
    return f"{some}{each}{_expiring(offer.expires_after)}"


def pack_in_words(pack: Pack) -> str:
    """ "Starter, 10 interview_credit + 2 for 9.00 USD; expires after 12 months"."""
    bonus = f" + {grouped(pack.bonus)}" if pack.bonus else ""
    what = f"{amount_in_words(pack.amount, pack.unit)}{bonus}"
    return f"{pack.name}, {what} for {amount_in_words(pack.price, pack.currency)}{_expiring(pack.expires_after)}"


def _expiring(expires_after: Lifetime | None) -> str:
    return "" if expires_after is None else f"; expires after {expires_after}"


def plural(unit: str) -> str:
    """The unit for more than one, as the pages have it: CVs, queries; GB, ms and tokens stay as they are."""
    if _UNBENT.fullmatch(unit) or unit.endswith("s") or not _WORD.search(unit):
        return unit
    if unit.endswith("y") and unit[-2] not in "aeiou":
        return f"{unit[:-1]}ies"
    return f"{unit}es" if unit.endswith(("x", "z", "ch", "sh")) else f"{unit}s"


@dataclass(frozen=True, slots=True)
class _Units:
    charged: str
    counted: str
    period: str
    """ "per month": told wherever the price goes by the quantity of a period."""
    gauged: bool
    """Whether that holds under `unit` as well: the largest, latest or distinct count of a period is charged."""
    unit: Unit | None = None
    """What is charged, where it's told by its name."""

    def value(self, amount: str) -> str:
        """ "1.50 USD", "0.002 USD", "3 interview_credit": never fewer decimals than the currency has."""
        return amount_by_name(Decimal(amount), self.charged, self.unit)

    def quantity(self, number: str) -> str:
        """ "CV" for one, "1,000 tokens" for more."""
        return self.counted if number == "1" else f"{_number(number)} {plural(self.counted)}"

    def rate(self, table: Mapping[str, Any]) -> str:
        """ "0.002 USD per 1,000 tokens"."""
        return f"{self.value(table['amount'])} per {self.quantity(table.get('per', '1'))}"


def _number(text: str) -> str:
    return grouped(Decimal(text))


def _unit(terms: _Table, units: _Units) -> str:
    return f"{units.rate(terms)} {units.period}" if units.gauged else units.rate(terms)


def _package(terms: _Table, units: _Units) -> str:
    return f"{units.value(terms['amount'])} for each started {units.quantity(terms['size'])}, counted {units.period}"


def _graduated(terms: _Table, units: _Units) -> str:
    return f"in tiers {units.period}: {_tiers(terms, units)}"


def _volume(terms: _Table, units: _Units) -> str:
    return f"all of it by volume {units.period}: {_tiers(terms, units)}"


def _tiers(terms: _Table, units: _Units) -> str:
    lower, said = "", []
    for tier in terms["tiers"]:
        upper = _number(tier["up_to"]) if "up_to" in tier else ""
        extent = f"up to {upper}" if upper else (f"above {lower}" if lower else "any quantity")
        flat = f" + {units.value(tier['flat'])}" if "flat" in tier else ""
        said.append(f"{extent} at {units.rate(tier)}{flat}")
        lower = upper
    return "; ".join(said)


def _percentage(terms: _Table, units: _Units) -> str:
    fixed = f" + {units.value(terms['fixed'])}" if "fixed" in terms else ""
    return f"{_number(terms['percent'])} % of the amount{fixed}{_per_event_bounds(terms, units)}"


def _per_event_bounds(terms: _Table, units: _Units) -> str:
    bounds = [("event_minimum", "at least"), ("event_maximum", "at most")]
    return "".join(f", {word} {units.value(terms[key])} per event" for key, word in bounds if key in terms)


def _dynamic(terms: _Table, _: _Units) -> str:
    factor = f" × {_number(terms['multiplier'])}" if "multiplier" in terms else ""
    return f"the amount that each event carries{factor}"


def _cost_plus(terms: _Table, units: _Units) -> str:
    fixed = f" + {units.value(terms['fixed'])} per event" if "fixed" in terms else ""
    fallback = ""
    if "fallback" in terms:
        counted = "event" if terms.get("fallback_per") == "event" else units.counted
        fallback = f", {units.value(terms['fallback'])} per {counted} while the cost isn't known"
    stays = ", which stays when the cost turns out later" if terms.get("true_up") == "cost_only" else ""
    free = ", nothing for what isn't delivered" if terms.get("undelivered") == "free" else ""
    return f"cost + {_number(terms['margin_percent'])} %{fixed}{fallback}{stays}{free}"


def _any_model(model: str, terms: _Table) -> str:
    """A model without a phrase of its own: its name and its table."""
    return f"{model} ({', '.join(f'{key} {_plainly(value)}' for key, value in terms.items())})" if terms else model


def _plainly(value: object) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{key} {_plainly(item)}" for key, item in value.items())
    return "; ".join(_plainly(item) for item in value) if isinstance(value, list) else str(value)


_PHRASES: Mapping[str, Callable[[_Table, _Units], str]] = {
    "unit": _unit,
    "package": _package,
    "graduated": _graduated,
    "volume": _volume,
    "percentage": _percentage,
    "dynamic": _dynamic,
    "cost_plus": _cost_plus,
}
