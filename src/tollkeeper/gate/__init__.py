"""The gate, where usage meets money: record usage, and explain what it cost."""

from tollkeeper.gate.explain import explain_event
from tollkeeper.gate.model import Explanation, Failure, Recorded, Result
from tollkeeper.gate.record import Desk, record
from tollkeeper.gate.replay import Replayed, replay
from tollkeeper.gate.verify import Verdict, verify

__all__ = [
    "Desk",
    "Explanation",
    "Failure",
    "Recorded",
    "Replayed",
    "Result",
    "Verdict",
    "explain_event",
    "record",
    "replay",
    "verify",
]
