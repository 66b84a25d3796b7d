"""prompt_caching: what prompts would have cost, had as much of them come from the provider's cache as once did.

How much of its prompts repeats is nowhere recorded, so nothing is assumed but what the customer's own usage has shown:
the mix of the meter's best day, of tokens read from the cache, written to it, and neither; where the meter never read
anything from it, that of the customer's best other meter. What is written to the cache is paid for in that mix, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import TypeVar

from tollkeeper.clock import local_slot
from tollkeeper.db import Tx
from tollkeeper.money import ZERO, add, allocate, amount_in_words, grouped, multiply, plain, sum_of
from tollkeeper.providers import PriceBook, Unit
from tollkeeper.rating import Step
from tollkeeper.suggestions.bill import Bill, Costs, by_price
from tollkeeper.suggestions.calls import CallGroup
from tollkeeper.suggestions.case import Case
from tollkeeper.suggestions.following import savings_of
from tollkeeper.suggestions.model import Kind, Suggestion
from tollkeeper.suggestions.words import counted, percent_of

LEAST_CALLS = 10
"""A day, or another meter, with fewer calls is no measure: one lucky call makes a share of nearly all."""

CAUTION = (
    "Providers cache what prompts begin alike with, for some minutes or hours. Put what repeats first; whether as much "
    "repeats every day, only trying shows."
)
_WRITES = (
    Unit.CACHE_WRITE_TOKENS,
    Unit.CACHE_WRITE_5M_TOKENS,
    Unit.CACHE_WRITE_30M_TOKENS,
    Unit.CACHE_WRITE_1H_TOKENS,
    Unit.CACHE_WRITE_12H_TOKENS,
)
_PROMPT: tuple[Unit, ...] = (Unit.INPUT_TOKENS, Unit.CACHED_INPUT_TOKENS, *_WRITES)
"""Text of prompts, which a cache may hold."""


_P = TypeVar("_P")


@dataclass(slots=True)
class _Mix:
    """Tokens of prompts by unit, and the calls that they are of."""

    calls: int = 0
    tokens: dict[str, Decimal] = field(default_factory=dict)

    def put(self, group: CallGroup) -> None:
        self.calls += group.calls
        for unit in _PROMPT:
            if quantity := group.quantities.get(unit):
                self.tokens[unit] = add(self.tokens.get(unit, ZERO), quantity)

    @property
    def whole(self) -> Decimal:
        return sum_of(self.tokens.values())

    @property
    def cached(self) -> Decimal:
        return self.tokens.get(Unit.CACHED_INPUT_TOKENS, ZERO)

    def beats(self, other: _Mix) -> bool:
        """Whether more of its prompts came from the cache. Multiplied crosswise: a quotient would be rounded."""
        return multiply(self.cached, other.whole) > multiply(other.cached, self.whole)

    def of(self, whole: Decimal) -> dict[str, Decimal]:
        """So many tokens in this mix, in whole tokens."""
        shares = allocate(whole, [*self.tokens.values()], 0)
        return {unit: tokens for unit, tokens in zip(self.tokens, shares, strict=True) if tokens}

    def words(self) -> str:
        """ "60 % of 1,000,000 prompt tokens came from the cache"."""
        share = grouped(percent_of(self.cached, self.whole))
        return f"{share} % of {grouped(self.whole)} prompt tokens came from the cache"

    def figures(self) -> dict[str, str]:
        own = {"calls": str(self.calls), "prompt_tokens": plain(self.whole)}
        return own | {str(unit): plain(tokens) for unit, tokens in sorted(self.tokens.items())}


@dataclass(frozen=True, slots=True)
class _Best:
    """The mix that could be reached, and where it was."""

    mix: _Mix
    name: str
    place: str


async def prompt_caching(tx: Tx, case: Case) -> list[Suggestion]:
    """For each meter and model, what the mix of its own best day would have saved."""
    by_model: dict[tuple[str, str], list[CallGroup]] = {}
    for group in await case.calls_by_day(tx):
        if any(group.quantities.get(unit) for unit in _PROMPT):
            by_model.setdefault((group.provider, group.model), []).append(group)
    found: list[Suggestion] = []
    for groups in by_model.values():
        for meter in sorted({group.meter for group in groups}):
            advised = _advise(case, meter, groups)
            found += [advised] if advised is not None else []
    return found


def _advise(case: Case, meter: str, groups: Sequence[CallGroup]) -> Suggestion | None:
    own = [group for group in groups if group.meter == meter]
    present = _mix(own)
    best = _best_day(case, own) if present.cached else _best_meter(case, meter, groups)
    if best is None or not best.mix.beats(present):
        return None
    now, then = _bills(case, own, best.mix)
    savings, told = savings_of(case, [_costs(case, some, best.mix) for some in by_price(own, lambda one: one)])
    provider, model = own[0].provider, own[0].model
    return Suggestion(
        kind=Kind.PROMPT_CACHING,
        subject={"provider": provider, "model": model, "meter": meter},
        text=f"Prompts of {case.name_of(meter)} to {model}: with as much from the cache as {best.place}, they would "
        f"have cost {amount_in_words(savings[0].amount, case.catalog.currency)} less.",
        savings=savings,
        steps=(
            Step("cached", f"{case.name_of(meter)}, {model}: {present.words()}", present.figures()),
            Step(best.name, f"The best that it has been, {best.place}: {best.mix.words()}", best.mix.figures()),
            *now.steps("now_price", f"{model} now"),
            Step("now", f"These prompts cost {amount_in_words(now.total, now.currency)}", {"cost": plain(now.total)}),
            *then.steps("instead_price", f"{model} with that share"),
            Step(
                "instead",
                f"With that share: {amount_in_words(then.total, then.currency)}",
                {"cost": plain(then.total)},
            ),
            *told,
        ),
        caution=CAUTION,
    )


def _costs(case: Case, groups: Sequence[CallGroup], best: _Mix) -> Costs:
    """What those of one price cost, and would in the best mix."""
    bills = (_bills(case, some, best) for some in (groups, [group for group in groups if group.charged]))
    (now, then), (charged_now, charged_then) = ((now.exact, then.exact) for now, then in bills)
    return Costs(groups[0].meter, groups[0].price, now, then, charged_now, charged_then)


def _bills(case: Case, groups: Iterable[CallGroup], best: _Mix) -> tuple[Bill, Bill]:
    """What the groups' prompts cost, and would in the best mix."""
    now, then = Bill(case.catalog.currency), Bill(case.catalog.currency)
    for group in groups:
        _price(case.book, group, best, now, then)
    return now, then


def _price(book: PriceBook, group: CallGroup, best: _Mix, now: Bill, then: Bill) -> None:
    """What the group's prompts cost, and would in the best mix; what has no price in either is left out of both."""
    own = _mix([group])
    mixed = best.of(own.whole) if best.beats(own) else own.tokens
    rows = {unit: book.row(group.facts(), unit) for unit in own.tokens.keys() | mixed.keys()}
    for bill, tokens in ((now, own.tokens), (then, mixed)):
        for unit, quantity in tokens.items():
            if all(rows.values()) and (row := rows[unit]) is not None:
                bill.put(unit, quantity, row, group.rate)


def _best_day(case: Case, groups: Iterable[CallGroup]) -> _Best | None:
    """The day with the largest share from the cache."""
    first = local_slot(case.span.start, case.customer.zone).day
    best = _best_of(groups, lambda group: group.day)
    if best is None:
        return None
    day, mix = best
    named = (first + timedelta(days=day - 1)).isoformat()
    return _Best(mix, "best_day", f"on {named}, a day with {counted(mix.calls, 'call')}")


def _best_meter(case: Case, meter: str, groups: Iterable[CallGroup]) -> _Best | None:
    """The other meter of the same model with the largest share from the cache."""
    best = _best_of((group for group in groups if group.meter != meter), lambda group: group.meter)
    return best and _Best(best[1], "best_meter", f"for {case.name_of(best[0])}, with {counted(best[1].calls, 'call')}")


def _best_of(groups: Iterable[CallGroup], part: Callable[[CallGroup], _P]) -> tuple[_P, _Mix] | None:
    """The part of the calls with the largest share from the cache; None where none has enough calls, or any share."""
    mixes: dict[_P, _Mix] = {}
    for group in groups:
        mixes.setdefault(part(group), _Mix()).put(group)
    best: tuple[_P, _Mix] | None = None
    for place, mix in mixes.items():
        if mix.calls >= LEAST_CALLS and mix.cached and (best is None or mix.beats(best[1])):
            best = place, mix
    return best


def _mix(groups: Iterable[CallGroup]) -> _Mix:
    mix = _Mix()
    for group in groups:
        mix.put(group)
    return mix
