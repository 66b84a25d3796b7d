"""batch: what calls would have cost as batches, meter by meter, since nobody says which of them somebody waits for."""

from __future__ import annotations

from collections.abc import Sequence

from tollkeeper.db import Tx
from tollkeeper.money import amount_in_words, plain, sum_of
from tollkeeper.rating import Step
from tollkeeper.suggestions.bill import bill_of, costs_of, priced_groups
from tollkeeper.suggestions.calls import CallGroup
from tollkeeper.suggestions.case import Case
from tollkeeper.suggestions.following import savings_of
from tollkeeper.suggestions.model import Kind, Suggestion
from tollkeeper.suggestions.words import counted

CAUTION = (
    "A batch may take up to a day. This is for usage that nobody waits for: which meters those are, only you know."
)
_STANDARD = frozenset({"", "auto", "default", "standard", "on_demand"})


async def batch(tx: Tx, case: Case) -> list[Suggestion]:
    """For each meter, what its calls would have cost as batches, where the book has such a price."""
    by_meter: dict[str, list[CallGroup]] = {}
    for group in await case.calls(tx):
        if not group.batch and group.service_tier.lower() in _STANDARD:
            by_meter.setdefault(group.meter, []).append(group)
    advised = (_advise(case, meter, groups) for meter, groups in sorted(by_meter.items()))
    return [one for one in advised if one is not None]


def _advise(case: Case, meter: str, groups: Sequence[CallGroup]) -> Suggestion | None:
    currency = case.catalog.currency
    steps: list[Step] = []
    kept = []
    for model in sorted({group.model for group in groups}):
        priced = priced_groups([group for group in groups if group.model == model], case.book, batch=True)
        bill, now = bill_of(priced, currency), sum_of(group.cost for group, _ in priced)
        if bill.total >= now:
            continue
        kept += priced
        calls = sum(group.calls for group, _ in priced)
        told = f"{model}: {counted(calls, 'call')} cost {amount_in_words(now, currency)}"
        steps.append(Step("now", told, {"model": model, "calls": str(calls), "cost": plain(now)}))
        steps += bill.steps("instead_price", f"{model} in batches")
    if not kept:
        return None
    savings, told_savings = savings_of(case, costs_of(kept, currency))
    calls = sum(group.calls for group, _ in kept)
    return Suggestion(
        kind=Kind.BATCH,
        subject={"meter": meter},
        text=f"If nobody waits for {case.name_of(meter)}: its {counted(calls, 'call')} would have cost "
        f"{amount_in_words(savings[0].amount, currency)} less in batches.",
        savings=savings,
        steps=(*steps, *told_savings),
        caution=CAUTION,
    )
