"""What rating speaks of: what an event brings, what it is charged, how that is explained; what a charge model is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Generic, TypeVar

from tollkeeper.catalog.model import Terms
from tollkeeper.rating.words import Words

Report = Callable[[str, str], None]
"""Takes one problem of the catalog: the path of its key ("tiers[1].up_to"), and a sentence."""


@dataclass(frozen=True, slots=True)
class Measure:
    """What one event brings to its price."""

    quantity: Decimal
    """The billed quantity, after the meter's quantity rules; negative in a correction."""
    amount: Decimal | None = None
    """The value that the event carries, in the price's unit: what `percentage` and `dynamic` go by."""
    cost: Decimal | None = None
    """What the AI provider takes for it, in the price's unit; None while that isn't known, and for an event that was
    corrected down to nothing: the provider was paid, and the customer isn't charged for it."""


@dataclass(frozen=True, slots=True)
class Rated:
    """The charge of one event."""

    charge: Decimal | None
    """At most 12 decimals, negative when it gives back; None if it can't be priced yet (which is never 0)."""
    after: Decimal
    """The period's running total with this event in it."""
    estimated: bool = False
    """The charge stands in for one that isn't known yet."""


@dataclass(frozen=True, slots=True)
class Step:
    """One line of an explanation: `text` for people, the same numbers in `figures` for programs."""

    name: str
    text: str
    figures: dict[str, str]


TermsT = TypeVar("TermsT", bound=Terms)


class _Model(ABC, Generic[TermsT]):
    """What both kinds have: the part that the catalog sees (`catalog.model.ChargeModel`)."""

    name: str
    """How the catalog calls it: `model = "unit"`."""
    cumulative: bool
    """Whether it prices the quantity of a period (tiers, packages) or each event by itself."""
    needs_amount: bool = False
    """Whether every event must carry an amount."""
    by_cost: bool = False
    """Whether it goes by what the AI provider takes, so that it can charge nothing but the catalog's currency."""

    @abstractmethod
    def parse(self, table: Mapping[str, object], *, problem: Report) -> TermsT | None:
        """The terms in the model's own keys of the catalog; None after every problem was reported."""

    def trues_up(self, terms: TermsT) -> bool:
        """Whether a cost that becomes known, or another one, after the event was charged changes the charge."""
        return False


class Cumulative(_Model[TermsT]):
    """Prices the quantity of a whole period; the charge of an event is what it adds to that price."""

    cumulative = True
    linear: bool = False
    """Whether twice the quantity always costs twice as much. Such a price holds below zero too."""

    @abstractmethod
    def total(self, terms: TermsT, quantity: Decimal) -> Decimal:
        """The unrounded price of `quantity` ≥ 0; nothing costs nothing."""

    @abstractmethod
    def explain_total(self, terms: TermsT, quantity: Decimal, words: Words) -> list[Step]:
        """How `total` comes about."""

    def linear_rate(self, terms: TermsT) -> Decimal | None:
        """The price of one unit, if one exact decimal says everything."""
        return None


class PerEvent(_Model[TermsT]):
    """Prices each event by itself."""

    cumulative = False

    @abstractmethod
    def charge(self, terms: TermsT, measure: Measure) -> Decimal | None:
        """The unrounded price of one event; None if what it depends on isn't known."""

    @abstractmethod
    def explain(self, terms: TermsT, measure: Measure, words: Words) -> list[Step]:
        """How `charge` comes about."""

    def sees_nothing(self, measure: Measure) -> bool:
        """Whether the event has nothing that this model goes by. Such an event costs 0 whatever the terms say."""
        return not measure.quantity and not measure.amount and not (self.by_cost and measure.cost)

    def estimated(self, terms: TermsT, measure: Measure) -> bool:
        """Whether `charge` stands in for a price that isn't known yet."""
        return False
