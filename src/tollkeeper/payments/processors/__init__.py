"""Who takes the money: the registry of payment processors. Another one is a file here, and a line in `PROCESSORS`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tollkeeper.errors import InvalidInput
from tollkeeper.payments.model import TEST
from tollkeeper.payments.processors.link import LinkToCheckout
from tollkeeper.payments.processors.model import Checkout, Processor
from tollkeeper.payments.processors.test import TestPayments
from tollkeeper.settings import Settings

__all__ = ["NONE", "PROCESSORS", "Checkout", "Processor", "is_test", "processor_for"]

NONE = "none"
"""The setting under which customers can't buy anything themselves."""

PROCESSORS: Mapping[str, Callable[[Settings], Processor]] = {
    TEST: TestPayments,
    "link": LinkToCheckout,
}
"""By name, as the setting `payments` has it."""


def processor_for(settings: Settings) -> Processor | None:
    """The processor that is set, None if there's none. Raises InvalidInput `invalid_settings`."""
    if settings.payments == NONE:
        return None
    make = PROCESSORS.get(settings.payments)
    if make is None:
        known = ", ".join([NONE, *PROCESSORS])
        raise InvalidInput("invalid_settings", f"TOLLKEEPER_PAYMENTS must be one of {known}.")
    return make(settings)


def is_test(processor: Processor | None) -> bool:
    """Whether payments are only pretended."""
    return processor is not None and processor.name == TEST
