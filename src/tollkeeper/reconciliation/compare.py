"""Comparing: our quantities, their quantities, their money; and why their money isn't our cost. Pure.

    difference = money − cost
               = what they ask for usage that we don't have (or have and they don't)     quantity part
               + what they ask beyond our price for the usage that both have              price part

Usage that is extra here is worth what we have booked for it. Usage that is missing here is worth what they ask for it:
their money for a unit, where the bill is told by unit; else our average price in the grain, times one factor for all
units, which is their money over what all their usage would cost at our prices. So the price part is about the usage
that both have alone. It is what is left, and the parts sum to the difference to its last decimal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from tollkeeper.money import (
    EXACT,
    ONE,
    ZERO,
    add,
    amount_in_words,
    grouped,
    multiply,
    price_of,
    round_charge,
    subtract,
    sum_of,
)
from tollkeeper.providers.model import Unit
from tollkeeper.reconciliation.model import Comparison, Finding, Ours, Part, Theirs, as_units

_FOLDS: Mapping[str, str] = {
    Unit.REASONING_TOKENS: Unit.OUTPUT_TOKENS,
    Unit.OUTPUT_AUDIO_TOKENS: Unit.OUTPUT_TOKENS,
    Unit.OUTPUT_IMAGE_TOKENS: Unit.OUTPUT_TOKENS,
    Unit.CACHE_WRITE_5M_TOKENS: Unit.CACHE_WRITE_TOKENS,
    Unit.CACHE_WRITE_30M_TOKENS: Unit.CACHE_WRITE_TOKENS,
    Unit.CACHE_WRITE_1H_TOKENS: Unit.CACHE_WRITE_TOKENS,
    Unit.CACHE_WRITE_12H_TOKENS: Unit.CACHE_WRITE_TOKENS,
    Unit.CACHED_INPUT_AUDIO_TOKENS: Unit.CACHED_INPUT_TOKENS,
    Unit.CACHED_INPUT_IMAGE_TOKENS: Unit.CACHED_INPUT_TOKENS,
    Unit.INPUT_AUDIO_TOKENS: Unit.INPUT_TOKENS,
    Unit.INPUT_IMAGE_TOKENS: Unit.INPUT_TOKENS,
    Unit.INPUT_VIDEO_TOKENS: Unit.INPUT_TOKENS,
}
"""Units that a report may count within another one: none of OpenAI's tells reasoning from output."""


@dataclass(frozen=True, slots=True)
class _Valued:
    """How much they have more than we of a unit, and what that costs at our prices, if we know one."""

    unit: str
    ours: Decimal
    theirs: Decimal
    value: Decimal | None

    @property
    def more(self) -> Decimal:
        return subtract(self.theirs, self.ours)


def compare(ours: Ours, theirs: Theirs, *, currency: str, tolerance: Decimal = ZERO) -> Comparison:
    """Why their money for a grain isn't our cost. A difference of at most `tolerance` is a match, though it's booked.

    `currency` is for the sentences. The comparison's `ours` and `theirs` have the units that both sides tell apart.
    """
    ours, theirs = by_requests(*folded(ours, theirs))
    differing = _differing(ours, theirs)
    if theirs.money is None:
        return Comparison(ours, theirs, _by_quantity(differing), None, (), None)
    difference = subtract(theirs.money, ours.whole_cost)
    if theirs.quantities is None:
        missing, parts = _without_usage(ours, theirs.money, currency)
    else:
        parts = _as_billed(theirs, differing, currency) or _by_unit(ours, theirs.money, differing, currency)
        missing = sum_of(part.amount for part in parts)
    parts += _vague(ours, missing, currency)
    if ours.vague_cost and missing == ours.vague_cost:
        parts = []  # What they count beyond our known calls is what those of unknown usage were found to cost.
    parts += _waiting(ours, currency)
    gap = subtract(difference, sum_of(part.amount for part in parts))
    if gap:
        parts.append(_gap(ours, gap, currency))
    within = bool(tolerance) and difference.copy_abs() <= tolerance
    finding = Finding.MATCH if within else _mostly(parts)
    return Comparison(ours, theirs, finding, difference, tuple(parts), max(ZERO, missing))


def folded(ours: Ours, theirs: Theirs) -> tuple[Ours, Theirs]:
    """Both sides in units that both tell apart: what only one side counts apart goes into the wider unit."""
    if theirs.quantities is None:
        return ours, theirs
    narrow = [unit for unit in _FOLDS if bool(ours.quantities.get(unit)) != bool(theirs.quantities.get(unit))]
    if not narrow:
        return ours, theirs
    priced = dict(ours.priced)
    for unit in narrow:
        if (found := priced.pop(unit, None)) is not None:
            quantity, cost = priced.get(_FOLDS[unit], (ZERO, ZERO))
            priced[_FOLDS[unit]] = add(quantity, found[0]), add(cost, found[1])
    mine = replace(ours, quantities=_fold(ours.quantities, narrow), priced=priced)
    quantities, asked = _fold(theirs.quantities, narrow), _fold(theirs.asked, narrow)
    return mine, replace(theirs, quantities=quantities, asked=asked)


def by_requests(ours: Ours, theirs: Theirs) -> tuple[Ours, Theirs]:
    """Both sides as they are; or in requests, where a report counts in units of its own: images for a model whose price
    is by tokens.
    """
    told = theirs.quantities
    if not told or not ours.quantities or told.keys() & ours.quantities.keys():
        return ours, theirs
    if theirs.requests is None:
        return ours, replace(theirs, quantities=None)
    mine, other = ({Unit.REQUESTS.value: Decimal(count)} for count in (ours.requests, theirs.requests))
    whole = sum_of(cost for _, cost in ours.priced.values())
    priced = {Unit.REQUESTS.value: (Decimal(ours.requests), whole)} if ours.priced and ours.requests else {}
    return replace(ours, quantities=mine, priced=priced), replace(theirs, quantities=other)


def _fold(quantities: Mapping[str, Decimal], narrow: list[str]) -> dict[str, Decimal]:
    found = dict(quantities)
    for unit in narrow:
        if (quantity := found.pop(unit, None)) is not None:
            found[_FOLDS[unit]] = add(found.get(_FOLDS[unit], ZERO), quantity)
    return found


def _differing(ours: Ours, theirs: Theirs) -> list[_Valued]:
    if theirs.quantities is None:
        return []
    units = as_units(ours.quantities, theirs.quantities)
    return [_Valued(unit, mine, other, _value(ours, unit, mine, other)) for unit, mine, other in units if mine != other]


def _value(ours: Ours, unit: str, mine: Decimal, other: Decimal) -> Decimal | None:
    """What the difference costs at our average price of the unit; what was added to our costs later counts in."""
    quantity, cost = ours.priced.get(unit, (ZERO, ZERO))
    if not quantity:
        return None
    by_the_book = sum_of(each for _, each in ours.priced.values())
    factor = EXACT.divide(ours.priced_cost, by_the_book) if by_the_book else ONE
    return multiply(price_of(subtract(other, mine), cost, quantity), factor)


def _as_billed(theirs: Theirs, differing: list[_Valued], currency: str) -> list[Part]:
    """The quantity part, where the bill says of each unit what it costs; nothing where it doesn't."""
    told = theirs.quantities or {}
    missing = [one for one in differing if one.more > 0]
    if not missing or not theirs.asked.keys() <= told.keys() or any(one.unit not in theirs.asked for one in missing):
        return []
    amounts = [
        price_of(one.more, theirs.asked[one.unit], one.theirs) if one.more > 0 else one.value or ZERO
        for one in differing
    ]
    return [_part(one, round_charge(amount), currency) for one, amount in zip(differing, amounts, strict=True)]


def _by_unit(ours: Ours, money: Decimal, differing: list[_Valued], currency: str) -> list[Part]:
    """The quantity part, unit by unit: what is missing at what they ask, what is extra at what we have booked.

    Where we have no price for a unit, all that is left goes to it.
    """
    known = [one for one in differing if one.value is not None]
    unknown = [one for one in differing if one.value is None]
    missing = sum_of(one.value or ZERO for one in known if one.more > 0)
    extra = sum_of(one.value or ZERO for one in known if one.more < 0)
    shared = max(ZERO, round_charge(add(ours.cost, extra)))
    their_usage = add(shared, missing)
    parts = []
    for one in known:
        own = one.value or ZERO
        scaled = not unknown and one.more > 0 and their_usage
        parts.append(_part(one, round_charge(price_of(own, money, their_usage) if scaled else own), currency))
    left = subtract(subtract(money, ours.cost), sum_of(part.amount for part in parts))
    more = [one for one in unknown if one.more > 0]
    if left <= 0 or not more:
        return parts + [_part(one, ZERO, currency) for one in unknown]
    fewer = [_part(one, ZERO, currency) for one in unknown if one.more < 0]
    return [*parts, *fewer, _part(more[0], left, currency) if len(more) == 1 else _together(more, left, currency)]


def _together(more: list[_Valued], amount: Decimal, currency: str) -> Part:
    """Several units that we have no price for: which of them costs how much, nobody has told."""
    counts = ", ".join(f"{grouped(one.more)} {one.unit.replace('_', ' ')}" for one in more)
    told = f"They count {counts} more than we, at what they ask {amount_in_words(amount, currency)} together."
    return Part(Finding.MISSING_HERE, None, None, None, amount, told)


def _part(one: _Valued, amount: Decimal, currency: str) -> Part:
    more = one.more > 0
    unit = one.unit.replace("_", " ")
    counted = f"They count {grouped(one.theirs)} {unit}, we {grouped(one.ours)}"
    worth = amount_in_words(amount.copy_abs(), currency)
    if more:
        told = f"{counted}: {grouped(one.more)} more, at what they ask {worth}."
    else:
        told = f"{counted}: {grouped(one.more.copy_abs())} fewer, for which {worth} is booked."
    return Part(Finding.MISSING_HERE if more else Finding.EXTRA_HERE, one.unit, one.ours, one.theirs, amount, told)


def _without_usage(ours: Ours, money: Decimal, currency: str) -> tuple[Decimal, list[Part]]:
    """Where they bill without reporting usage, a difference can't be told by unit."""
    left = subtract(money, ours.cost)
    if not left:
        return ZERO, []
    finding = Finding.MISSING_HERE if left > 0 else Finding.EXTRA_HERE
    asked, known = amount_in_words(money, currency), amount_in_words(ours.cost, currency)
    told = f"They ask {asked} without reporting usage; our known calls cost {known}."
    return left, [Part(finding, None, None, None, left, told)]


def _vague(ours: Ours, missing: Decimal, currency: str) -> list[Part]:
    """What is booked already of that part, for calls whose usage isn't known."""
    if not ours.vague_cost:
        return []
    finding = Finding.MISSING_HERE if missing > ours.vague_cost else Finding.EXTRA_HERE
    booked = amount_in_words(ours.vague_cost, currency)
    told = f"{booked} of it is booked for calls and events whose usage isn't known exactly."
    return [Part(finding, None, None, None, ours.vague_cost.copy_negate(), told)]


def _waiting(ours: Ours, currency: str) -> list[Part]:
    """What our calls cost that isn't booked yet."""
    if not ours.waiting_cost:
        return []
    finding = Finding.MISSING_HERE if ours.waiting_cost > 0 else Finding.EXTRA_HERE
    cost = amount_in_words(ours.waiting_cost, currency)
    told = f"{cost} of our calls' cost isn't booked yet: other calls of their events are unpriced."
    return [Part(finding, None, None, None, ours.waiting_cost, told)]


def _gap(ours: Ours, gap: Decimal, currency: str) -> Part:
    cost, asked = amount_in_words(ours.cost, currency), amount_in_words(add(ours.cost, gap), currency)
    return Part(
        Finding.PRICE_GAP,
        None,
        None,
        None,
        gap,
        f"For the usage that both sides have they ask {asked}; we have {cost}.",
    )


def _by_quantity(differing: list[_Valued]) -> Finding:
    """What the quantities alone say."""
    if any(one.more > 0 for one in differing):
        return Finding.MISSING_HERE
    return Finding.EXTRA_HERE if differing else Finding.MATCH


def _mostly(parts: list[Part]) -> Finding:
    """The finding that the most money goes with; of equals the first of missing, extra, gap."""
    if not parts:
        return Finding.MATCH
    found = {part.finding for part in parts}
    order = [one for one in (Finding.MISSING_HERE, Finding.EXTRA_HERE, Finding.PRICE_GAP) if one in found]
    sums = {one: sum_of(part.amount for part in parts if part.finding is one).copy_abs() for one in order}
    return max(order, key=lambda one: sums[one])
