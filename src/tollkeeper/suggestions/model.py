"""What is suggested: a kind, what it's about, what it would have saved, and the arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from tollkeeper.rating import Step


class Kind(StrEnum):
    """What somebody could do."""

    CHEAPER_MODEL = "cheaper_model"
    """Have a smaller model of the same family do it."""
    PROMPT_CACHING = "prompt_caching"
    """Let the provider's cache read as much of the prompts as it has read before."""
    BATCH = "batch"
    """Send what nobody waits for as a batch."""
    UNUSED_PLAN = "unused_plan"
    """Leave a plan that gives more than is used."""
    CHEAPER_PLAN = "cheaper_plan"
    """Go on another plan."""


class Whom(StrEnum):
    """Who saves."""

    OPERATOR = "operator"
    """Less is paid to the AI provider."""
    CUSTOMER = "customer"
    """Less is charged."""


@dataclass(frozen=True, slots=True)
class Saving:
    """What the usage of the span would have come to less; always more than 0."""

    whom: Whom
    amount: Decimal
    unit: str


@dataclass(frozen=True, slots=True)
class Worth:
    """What was given and went unused: what it would have been charged, or the grant itself. More than 0, and no saving:
    without it, nothing would have come to less.
    """

    amount: Decimal
    unit: str


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One thing to do, with what it would have saved in the span, or what went unused."""

    kind: Kind
    subject: Mapping[str, str]
    """What it's about, by name: `provider`, `model`, `instead`, `meter`, `plan` ..."""
    text: str
    savings: tuple[Saving, ...]
    """The first is what it's for; what follows from it for others comes behind. None where `unused` is the figure."""
    steps: tuple[Step, ...]
    """The arithmetic, in words and figures."""
    caution: str | None = None
    """What the figures don't say, such as that quality must be tried."""

    unused: Worth | None = None
    """What went unused, where it isn't known what would have been saved."""

    @property
    def figure(self) -> Saving | Worth:
        """What it's for."""
        return self.unused or self.savings[0]
