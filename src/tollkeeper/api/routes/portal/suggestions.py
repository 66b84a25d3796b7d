"""What would have been charged less: another plan, and what a plan gives that goes unused."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter
from pydantic import Field

from tollkeeper.api.bodies import Amount, Answer
from tollkeeper.api.books import OpenBooks
from tollkeeper.api.portal import Portal
from tollkeeper.api.routes.events import StepAnswer
from tollkeeper.api.routes.portal.bodies import PREFIX, TAG
from tollkeeper.api.routes.suggestions import AskedFrom, AskedTo, WorthAnswer, suggestions_of
from tollkeeper.suggestions import Kind, Suggestion, Whom

router = APIRouter(prefix=PREFIX, tags=[TAG])

KINDS = (Kind.UNUSED_PLAN, Kind.CHEAPER_PLAN)
"""Those about charges alone. The others' arithmetic is what the operator pays."""


class PortalSavingAnswer(Answer):
    """What would have been charged less."""

    amount: Amount
    unit: str


class PortalSuggestionAnswer(Answer):
    """One thing to do, and the arithmetic of what the customer would have been charged less, or of what went unused."""

    kind: Kind
    subject: dict[str, str] = Field(description="What it's about, by name: `plan`, `instead`, `meter`, `grant`.")
    text: str
    caution: str | None
    saving: PortalSavingAnswer | None = Field(description="Null where `unused` is the figure.")
    unused: WorthAnswer | None = Field(description="What the plan gave and nobody used; not a saving.")
    steps: list[StepAnswer]


class PortalSuggestionsAnswer(Answer):
    """Suggestions from the usage in [start, end), the largest saving first, then what went unused."""

    start: datetime
    end: datetime
    as_of: datetime
    data: list[PortalSuggestionAnswer]


@router.get("/suggestions", summary="Suggest a plan")
async def show_suggestions(
    books: OpenBooks, session: Portal, start: AskedFrom = None, end: AskedTo = None
) -> PortalSuggestionsAnswer:
    """On which plan the session's customer would have been charged less, and what of its own goes unused."""
    case, found, as_of = await suggestions_of(books, session.customer, start, end, KINDS)
    data = [_answer(one) for one in found if one.unused or one.savings[0].whom is Whom.CUSTOMER]
    return PortalSuggestionsAnswer(start=case.span.start, end=case.span.end, as_of=as_of, data=data)


def _answer(found: Suggestion) -> PortalSuggestionAnswer:
    return PortalSuggestionAnswer(
        kind=found.kind,
        subject={**found.subject},
        text=found.text,
        caution=found.caution,
        saving=PortalSavingAnswer.of(found.savings[0]) if found.savings else None,
        unused=WorthAnswer.of(found.unused) if found.unused else None,
        steps=[StepAnswer.of(step) for step in found.steps],
    )
