"""What a plan warns of: consequences that its author may not expect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, time

from tollkeeper.catalog.check import Draft
from tollkeeper.catalog.model import Price, PriceHistory
from tollkeeper.catalog.prices import Models, Scope
from tollkeeper.catalog.timeline import Step
from tollkeeper.clock import BEGINNING, calendar_period

_STARTED_ANEW = {"graduated": "tiers", "volume": "tiers", "package": "packages"}


def warnings_of(
    draft: Draft, found: Sequence[tuple[Scope, Step]], stored: Mapping[Scope, PriceHistory], models: Models
) -> Iterator[str]:
    """The warnings for `draft`, of which `found` is new."""
    written = {(entry.scope, entry.price.effective_from): entry.starts for entry in draft.prices}
    for scope, step in found:
        starts = written.get((scope, step.row.effective_from))
        yield from _starts_anew(scope, step, starts, models)
        if scope.customer and step.row.effective_from == BEGINNING and Scope(scope.meter) in stored:
            yield (
                f"The price {scope.words} holds for all time, so usage of the past that is reported from now on is "
                "charged by it too; give `from` to avoid it."
            )
    priced = {entry.scope.meter for entry in draft.prices}
    for meter in draft.declared.meters:
        if meter not in priced:
            yield f"{meter} has no price: its usage is recorded, and stays unpriced."


def _starts_anew(scope: Scope, step: Step, starts: datetime | None, models: Models) -> Iterator[str]:
    """Running totals belong to a price, so those of a changed one begin at zero."""
    price = step.row
    if step.before is None or not isinstance(price, Price) or _begins_period(price, starts):
        return
    anew: list[str] = []
    if models[price.model].cumulative and price.model != "unit":
        anew.append(_STARTED_ANEW.get(price.model, "the running total"))
    if price.included:
        anew.append("included quantity")
    if price.maximum is not None:
        anew.append("the maximum")
    if anew:
        parts = " and ".join([", ".join(anew[:-1]), anew[-1]]) if len(anew) > 1 else anew[0]
        start = "start" if parts.endswith("s") or len(anew) > 1 else "starts"
        yield (
            f"{parts[0].upper()}{parts[1:]} of {scope.words} {start} anew with this price; "
            f"give `from` the start of a {price.period} to avoid it."
        )


def _begins_period(price: Price, starts: datetime | None) -> bool:
    """Whether the price begins with a period, in the offset that its `from` was written in."""
    if starts is None or starts.timetz().replace(tzinfo=None) != time.min:
        return False
    return calendar_period(starts.date(), price.period)[0] == starts.date()
