"""Ask each kind of adviser, and put what would have saved most first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import timedelta
from decimal import Decimal

from tollkeeper.db import Tx
from tollkeeper.errors import InvalidInput
from tollkeeper.suggestions.batch import batch
from tollkeeper.suggestions.case import Case
from tollkeeper.suggestions.cheaper_model import cheaper_model
from tollkeeper.suggestions.cheaper_plan import cheaper_plan
from tollkeeper.suggestions.model import Kind, Suggestion
from tollkeeper.suggestions.prompt_caching import prompt_caching
from tollkeeper.suggestions.unused_plan import unused_plan

Adviser = Callable[[Tx, Case], Awaitable[list[Suggestion]]]

ADVISERS: Mapping[Kind, Adviser] = {
    Kind.CHEAPER_MODEL: cheaper_model,
    Kind.PROMPT_CACHING: prompt_caching,
    Kind.BATCH: batch,
    Kind.UNUSED_PLAN: unused_plan,
    Kind.CHEAPER_PLAN: cheaper_plan,
}
"""Every kind, in the order in which those that save the same are shown. A new one is a file, and a line here."""

LONGEST = timedelta(days=366)


async def suggest(tx: Tx, case: Case, kinds: Collection[Kind] = tuple(Kind)) -> list[Suggestion]:
    """What the customer, or the operator, could save, and then what went unused: of each, those in the catalog's
    currency first, the largest on top.

    Nothing is suggested without a figure that is more than 0. Give it a snapshot. Raises
    InvalidInput `invalid_range` for a span of more than 366 days.
    """
    if case.span.end - case.span.start > LONGEST:
        raise InvalidInput("invalid_range", "Suggestions look at 366 days at most.", field="from")
    found = [one for kind, advise in ADVISERS.items() if kind in kinds for one in await advise(tx, case)]
    found = [one for one in found if one.figure.amount > 0]
    return sorted(found, key=lambda one: _place(one, case.catalog.currency))


def _place(one: Suggestion, currency: str) -> tuple[bool, bool, Decimal]:
    return one.unused is not None, one.figure.unit != currency, one.figure.amount.copy_negate()
