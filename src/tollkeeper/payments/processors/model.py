"""What a payment processor must be. Each has a file of its own here, and a line in the registry (`__init__.py`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from tollkeeper.payments.model import TopUp


@dataclass(frozen=True, slots=True)
class Checkout:
    """Where the customer pays, and what the payment is called there."""

    url: str | None = None
    reference: str | None = None


class Processor(Protocol):
    """Takes money from customers. Making one of bad settings raises InvalidInput `invalid_settings`."""

    @property
    def name(self) -> str:
        """How the setting `payments` calls it."""
        ...

    async def begin(self, top_up: TopUp) -> Checkout:
        """Get ready to be paid for the top-up. Not within a transaction; for the same top-up again the same."""
        ...
