"""The gate, where usage meets money: record usage, and explain what it cost."""

from tollkeeper.gate.explain import explain_event
from tollkeeper.gate.model import Explanation, Failure, Recorded, Result
from tollkeeper.gate.record import Desk, record

__all__ = ["Desk", "Explanation", "Failure", "Recorded", "Result", "explain_event", "record"]
