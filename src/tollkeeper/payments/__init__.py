"""Payments: what customers buy ahead, from the choice to the money."""

from tollkeeper.payments.end import Unpaid, end
from tollkeeper.payments.model import TopUp, TopUpState, Wanted
from tollkeeper.payments.pay import pay, same_payment, unknown_top_up
from tollkeeper.payments.processors import NONE, PROCESSORS, Checkout, Processor, is_test, processor_for
from tollkeeper.payments.start import MOST_GIVEN_UP, MOST_PENDING, OPEN_FOR, start
from tollkeeper.payments.store import TOP_UP_CHECKS, find_top_up, list_top_ups, note_checkout

__all__ = [
    "MOST_GIVEN_UP",
    "MOST_PENDING",
    "NONE",
    "OPEN_FOR",
    "PROCESSORS",
    "TOP_UP_CHECKS",
    "Checkout",
    "Processor",
    "TopUp",
    "TopUpState",
    "Unpaid",
    "Wanted",
    "end",
    "find_top_up",
    "is_test",
    "list_top_ups",
    "note_checkout",
    "pay",
    "processor_for",
    "same_payment",
    "start",
    "unknown_top_up",
]
