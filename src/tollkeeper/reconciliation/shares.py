"""Sharing out what a provider asks: to whom a grain's cost belongs that our known calls don't explain. Pure.

    what they ask beyond our known calls
      → calls whose usage was guessed (aborted streams, holds that expired), as far as requests are left for them
      → calls without a cost (no usage, or no price)
      → events that told of no call, by attribution
      → the rest is missing here, and stays in the variance

Everything is shared by weight with the largest remainder, so the shares sum exactly, and each part of a cost is given
once: two operations in the same minute share that minute's cost. What comes out are targets; that a share was given
before, in whole or in part, is the caller's to subtract.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal

from tollkeeper.catalog import Attribution, TokenClass
from tollkeeper.money import CHARGE_DECIMALS, ONE, ZERO, add, allocate, subtract, sum_of
from tollkeeper.providers import undated
from tollkeeper.reconciliation.model import Comparison, Member, Origin, Reason, Unexplained


@dataclass(frozen=True, slots=True)
class Share:
    """What a member is to cost in the end."""

    member: Member
    target: Decimal

    @property
    def change(self) -> Decimal:
        """What is to be added to its cost."""
        return subtract(self.target, self.member.cost)


@dataclass(frozen=True, slots=True)
class Shared:
    """What became of the part of a grain's cost that known calls don't explain."""

    shares: list[Share]
    left: Decimal
    """What is left for events that told of no call; else it's missing here."""


def share_calls(
    comparison: Comparison, members: Sequence[Member], *, told: Decimal = ZERO, silent: bool = False
) -> Shared:
    """The targets of calls whose usage is guessed or whose cost is unknown.

    `told` is what other calls cost whose usage isn't known: it isn't shared out. `silent`: events wait for what is
    left.
    """
    theirs = comparison.theirs
    if comparison.theirs_of_vague is None or not (theirs.money or theirs.quantities or theirs.requests):
        return Shared([], ZERO)  # They tell nothing of this grain: nobody knows.
    whole = max(ZERO, subtract(comparison.theirs_of_vague, told))
    guessed = [one for one in members if one.reason is Reason.ESTIMATE]
    unpriced = [one for one in members if one.reason is Reason.UNPRICED]
    requests = None if theirs.requests is None else theirs.requests - comparison.ours.requests
    for_guessed = _for_guessed(whole, guessed, requests, alone=not unpriced and not silent)
    rest = subtract(whole, for_guessed)
    for_unpriced = _for_unpriced(rest, unpriced, comparison, silent=silent)
    shares = _by_weight(for_guessed, guessed, [one.cost for one in guessed])
    shares += _by_weight(for_unpriced, unpriced, _weights(unpriced))
    return Shared(shares, subtract(rest, for_unpriced))


def _for_guessed(whole: Decimal, guessed: Sequence[Member], requests: int | None, *, alone: bool) -> Decimal:
    """Of the requests that we don't know exactly, theirs are as many as there are guesses; by the average."""
    if not guessed:
        return ZERO
    if requests is not None and requests > 0:
        return _part(whole, len(guessed), requests)
    return whole if alone else min(whole, sum_of(one.cost for one in guessed))


def _for_unpriced(whole: Decimal, unpriced: Sequence[Member], comparison: Comparison, *, silent: bool) -> Decimal:
    """By tokens, where all of them tell theirs, or else by requests; all of it where neither can be compared."""
    if not unpriced:
        return ZERO
    if all(one.tokens for one in unpriced):
        theirs = sum_of((comparison.theirs.quantities or {}).values())
        left = subtract(theirs, sum_of(comparison.ours.quantities.values()))
        used = sum_of(one.tokens for one in unpriced)
        return allocate(whole, [used, subtract(left, used)], CHARGE_DECIMALS)[0] if left > used else whole
    requests = comparison.theirs.requests
    if requests is not None and not silent:
        return _part(whole, len(unpriced), requests - comparison.ours.requests)
    return whole


def _part(whole: Decimal, some: int, of: int) -> Decimal:
    """The part of `some` of `of` that are all alike."""
    return whole if of <= some else allocate(whole, [Decimal(some), Decimal(of - some)], CHARGE_DECIMALS)[0]


def _weights(members: Sequence[Member]) -> list[Decimal]:
    """Their tokens where all of them tell; else what their events are billed for; else all alike."""
    for name in ("tokens", "billed"):
        weights = [getattr(one, name) for one in members]
        if all(weight > 0 for weight in weights):
            return weights
    return [ONE] * len(members)


def _by_weight(total: Decimal, members: Sequence[Member], weights: Sequence[Decimal]) -> list[Share]:
    if not members:
        return []
    usable = [max(ZERO, weight) for weight in weights]
    given = allocate(total, usable if any(usable) else [ONE] * len(usable), CHARGE_DECIMALS)
    return [Share(member, target) for member, target in zip(members, given, strict=True)]


def share_silent(total: Decimal, members: Sequence[Member]) -> list[Share]:
    """The targets of events that told of no call: by what they're billed for."""
    return _by_weight(total, members, _weights(members))


def share_gap(gap: Decimal, members: Sequence[Member], given: Sequence[Decimal]) -> list[Share]:
    """The targets of known calls, their price gap included: by what they cost without it.

    `gap` is the whole of it, and `given` what each member has got of it before, within its cost.
    """
    bare = [subtract(one.cost, part) for one, part in zip(members, given, strict=True)]
    weights = [max(ZERO, cost) for cost in bare]
    if not any(weights):
        return [Share(one, cost) for one, cost in zip(members, bare, strict=True)]
    # One that is below zero can't be given back more than there is.
    parts = allocate(max(gap, sum_of(weights).copy_negate()), weights, CHARGE_DECIMALS)
    return [Share(one, add(cost, part)) for one, cost, part in zip(members, bare, parts, strict=True)]


def meter_of(provider: str, origin: Origin, attribution: Attribution) -> str | None:
    """The meter that a grain is attributed to by the most specific rule that fits it, if there is one."""
    fitting = [
        (len(rule.conditions), rule.meter)
        for rule in attribution.rules.values()
        if rule.provider == provider
        and rule.project in (None, origin.project)
        and rule.api_key in (None, origin.api_key)
        and rule.model in (None, origin.model, undated(origin.model))
    ]
    return max(fitting, key=lambda found: found[0])[1] if fitting else None


def by_class(found: Collection[Unexplained]) -> dict[TokenClass, Decimal]:
    """The tokens that are unexplained, by the class of their requests; the last resort where no rule fits."""
    weights = {each: sum_of(one.tokens for one in found if one.token_class is each) for each in TokenClass}
    return {each: tokens for each, tokens in weights.items() if tokens > 0}


def split(total: Decimal, weights: Sequence[Decimal]) -> list[Decimal]:
    """Parts of a cost by weight; they sum to it."""
    return allocate(total, weights, CHARGE_DECIMALS) if weights else []
