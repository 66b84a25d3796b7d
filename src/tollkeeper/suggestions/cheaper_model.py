"""cheaper_model: what the same tokens would have cost with the next smaller model of the family."""

from __future__ import annotations

from collections.abc import Sequence

from tollkeeper.db import Tx
from tollkeeper.money import amount_in_words, plain, sum_of
from tollkeeper.providers import Sibling, smaller_ones
from tollkeeper.rating import Step
from tollkeeper.suggestions.bill import bill_of, costs_of, priced_groups
from tollkeeper.suggestions.calls import CallGroup
from tollkeeper.suggestions.case import Case
from tollkeeper.suggestions.following import savings_of
from tollkeeper.suggestions.model import Kind, Suggestion
from tollkeeper.suggestions.words import counted

CAUTION = (
    "A smaller model answers differently, and may write more or less. Try on cases of your own whether its quality is "
    "enough."
)


async def cheaper_model(tx: Tx, case: Case) -> list[Suggestion]:
    """For each model that was called, its next smaller sibling that would have cost less."""
    by_model: dict[tuple[str, str], list[CallGroup]] = {}
    for group in await case.calls(tx):
        by_model.setdefault((group.provider, group.model), []).append(group)
    found: list[Suggestion] = []
    for (provider, model), groups in by_model.items():
        advised = (_advise(case, sibling, model, groups) for sibling in smaller_ones(provider, model))
        found += [one for one in advised if one is not None and one.figure.amount > 0][:1]
    return found


def _advise(case: Case, sibling: Sibling, model: str, groups: Sequence[CallGroup]) -> Suggestion | None:
    """None where the book has no price of the smaller model for what was used."""
    currency = case.catalog.currency
    priced = priced_groups(groups, case.book, sibling.smaller)
    if not priced:
        return None
    costs, bill = costs_of(priced, currency), bill_of(priced, currency)
    savings, told = savings_of(case, costs)
    calls, now = sum(group.calls for group, _ in priced), sum_of(group.cost for group, _ in priced)
    provider = groups[0].provider
    booked = f"{model} of {provider}: {counted(calls, 'call')} cost {amount_in_words(now, currency)}"
    instead = f"The same tokens with {sibling.smaller}: {amount_in_words(bill.total, currency)}"
    return Suggestion(
        kind=Kind.CHEAPER_MODEL,
        subject={"provider": provider, "model": model, "instead": sibling.smaller},
        text=f"{sibling.smaller} instead of {model}: what {counted(calls, 'call')} used would have cost "
        f"{amount_in_words(savings[0].amount, currency)} less.",
        savings=savings,
        steps=(
            Step("now", booked, {"calls": str(calls), "cost": plain(now)}),
            *bill.steps("instead_price", sibling.smaller),
            Step("instead", instead, {"cost": plain(bill.total)}),
            *told,
        ),
        caution=CAUTION,
    )
