"""Limits: caps on usage and spend, counted by windows, open holds included."""

from tollkeeper.limits.alerts import LIMIT_THRESHOLD, fact_of
from tollkeeper.limits.counters import Counters
from tollkeeper.limits.draws import counter_id_of, draws_of, looks_of
from tollkeeper.limits.load import Loading, ask_counters, load_counters, write_counters
from tollkeeper.limits.model import Claim, Crossing, Draw, Exceeded, LimitState, claims_of
from tollkeeper.limits.states import AskedStates, ask_states, read_states
from tollkeeper.limits.store import forget_old, mark_stale
from tollkeeper.limits.verify import Miscount, miscounts
from tollkeeper.limits.windows import window_at, window_of

__all__ = [
    "LIMIT_THRESHOLD",
    "AskedStates",
    "Claim",
    "Counters",
    "Crossing",
    "Draw",
    "Exceeded",
    "LimitState",
    "Loading",
    "Miscount",
    "ask_counters",
    "ask_states",
    "claims_of",
    "counter_id_of",
    "draws_of",
    "fact_of",
    "forget_old",
    "load_counters",
    "looks_of",
    "mark_stale",
    "miscounts",
    "read_states",
    "window_at",
    "window_of",
    "write_counters",
]
