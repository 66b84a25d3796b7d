"""Provider calls: what each call of an event costs, and each of them stored once."""

from tollkeeper.calls.explain import cost_steps, elsewhere, quantity_in_words
from tollkeeper.calls.family import Family, FamilyCall
from tollkeeper.calls.model import Caller, CallFilter, CallKey, NewCall, OpenCall, StoredCall
from tollkeeper.calls.price import BOOK_CURRENCY, Pricing, call_id_of, cost_of, told_calls
from tollkeeper.calls.rollup import add_calls
from tollkeeper.calls.store import (
    calls_of_event,
    family_calls,
    find_calls,
    list_calls,
    list_open_calls,
    store_calls,
)
from tollkeeper.calls.tokens import Tokens, tokens_in
from tollkeeper.calls.verify import CALL_CHECKS, ROLLUP_CHECKS

__all__ = [
    "BOOK_CURRENCY",
    "CALL_CHECKS",
    "ROLLUP_CHECKS",
    "CallFilter",
    "CallKey",
    "Caller",
    "Family",
    "FamilyCall",
    "NewCall",
    "OpenCall",
    "Pricing",
    "StoredCall",
    "Tokens",
    "add_calls",
    "call_id_of",
    "calls_of_event",
    "cost_of",
    "cost_steps",
    "elsewhere",
    "family_calls",
    "find_calls",
    "list_calls",
    "list_open_calls",
    "quantity_in_words",
    "store_calls",
    "tokens_in",
    "told_calls",
]
