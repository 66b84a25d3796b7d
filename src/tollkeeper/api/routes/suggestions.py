"""What would have cost less: a cheaper model, the provider's cache, batches, another plan; each with its arithmetic."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, Field

from tollkeeper import clock
from tollkeeper.analytics import recent_range
from tollkeeper.api.auth import Reader
from tollkeeper.api.bodies import Amount, Answer
from tollkeeper.api.books import Books, OpenBooks
from tollkeeper.api.paths import CustomerKey
from tollkeeper.api.routes.events import StepAnswer
from tollkeeper.api.routes.limits import standing_of
from tollkeeper.customers import customer_id_of
from tollkeeper.suggestions import Case, Kind, Suggestion, Whom, suggest

router = APIRouter(prefix="/v1/customers/{key:key}/suggestions", tags=["costs"])

AskedFrom = Annotated[
    AwareDatetime | None, Query(alias="from", description="Start of the span; 30 days before `to` by default.")
]
AskedTo = Annotated[AwareDatetime | None, Query(alias="to", description="End of the span; now by default.")]


class SavingAnswer(Answer):
    """What the usage of the span would have come to less."""

    whom: Whom = Field(
        description="`operator`: less is paid to the AI provider. `customer`: the customer is charged less."
    )
    amount: Amount
    unit: str


class WorthAnswer(Answer):
    """What was given and went unused. Not a saving: without it, nothing would have come to less."""

    amount: Amount
    unit: str


class SuggestionAnswer(Answer):
    """One thing to do, and the arithmetic of what it would have saved, or of what went unused."""

    kind: Kind
    subject: dict[str, str] = Field(
        description="What it's about, by name: `provider`, `model`, `instead`, `meter`, `plan`, `grant`."
    )
    text: str
    caution: str | None = Field(description="What the figures don't say, such as that quality must be tried.")
    savings: list[SavingAnswer] = Field(
        description="Who saves how much; the first is what it's for. Empty where `unused` is the figure."
    )
    unused: WorthAnswer | None = Field(description="What the plan gave and nobody used, of `unused_plan`; else null.")
    steps: list[StepAnswer]


class SuggestionsAnswer(Answer):
    """Suggestions from the usage in [start, end), the largest saving first, then what went unused. They aren't to be
    added up.
    """

    customer: str
    start: datetime
    end: datetime
    as_of: datetime
    currency: str
    data: list[SuggestionAnswer]


@router.get("", summary="Suggest what would cost less")
async def show_suggestions(
    books: OpenBooks,
    _: Reader,
    key: CustomerKey,
    start: AskedFrom = None,
    end: AskedTo = None,
    kind: Annotated[list[Kind], Query(description="Only these kinds; all of them by default.")] = [],  # noqa: B006
) -> SuggestionsAnswer:
    """What would have cost less in the span, and what went unused, with the arithmetic of each figure."""
    case, found, as_of = await suggestions_of(books, key, start, end, kind or tuple(Kind))
    return SuggestionsAnswer(
        customer=key,
        start=case.span.start,
        end=case.span.end,
        as_of=as_of,
        currency=case.catalog.currency,
        data=[SuggestionAnswer.of(one) for one in found],
    )


async def suggestions_of(
    books: Books, key: str, start: datetime | None, end: datetime | None, kinds: Collection[Kind]
) -> tuple[Case, list[Suggestion], datetime]:
    """The suggestions of these kinds, with what was looked at, and when."""
    await books.refresh(key)
    as_of = clock.now()
    span = recent_range(start, end, as_of)
    async with books.database.transaction(customer_id_of(key), snapshot=True) as tx:
        standing, agreement = await standing_of(books, tx, key, as_of)
        case = Case(standing, agreement, span, books.desk.pricing.book)
        return case, await suggest(tx, case, kinds), as_of
