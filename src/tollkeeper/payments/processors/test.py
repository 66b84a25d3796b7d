"""test: nobody pays anything. For development: the billing page itself says how a payment went."""

from __future__ import annotations

from tollkeeper.payments.model import TEST, TopUp
from tollkeeper.payments.processors.model import Checkout
from tollkeeper.settings import Settings


class TestPayments:
    """Gives whoever may top up as much as they like, so it must be switched on (`payments = test`)."""

    __test__ = False  # pytest takes classes with such a name for tests
    name = TEST

    def __init__(self, _: Settings) -> None:
        pass

    async def begin(self, top_up: TopUp) -> Checkout:
        """No checkout: `POST /v1/portal/top-ups/{id}/test-payment` ends it."""
        return Checkout(reference=f"test {top_up.top_up_id}")
