"""Provider calls: what each call of an event costs, and each of them stored once."""

from tollkeeper.calls.explain import cost_steps, elsewhere
from tollkeeper.calls.family import Family, FamilyCall
from tollkeeper.calls.model import CallFilter, CallKey, NewCall, OpenCall, StoredCall
from tollkeeper.calls.price import Pricing, call_id_of, cost_of, told_calls
from tollkeeper.calls.store import (
    calls_of_event,
    family_calls,
    find_calls,
    list_calls,
    list_open_calls,
    store_calls,
)
from tollkeeper.calls.verify import CALL_CHECKS

__all__ = [
    "CALL_CHECKS",
    "CallFilter",
    "CallKey",
    "Family",
    "FamilyCall",
    "NewCall",
    "OpenCall",
    "Pricing",
    "StoredCall",
    "call_id_of",
    "calls_of_event",
    "cost_of",
    "cost_steps",
    "elsewhere",
    "family_calls",
    "find_calls",
    "list_calls",
    "list_open_calls",
    "store_calls",
    "told_calls",
]
