"""The SDK: `Tollkeeper`, `AsyncTollkeeper`, `wrap`, `operation`. Imports nothing of the engine."""

from tollkeeper.client.operation import Operation
from tollkeeper.client.results import (
    SPOOLED,
    Balance,
    Check,
    Customer,
    Estimate,
    Event,
    Explanation,
    Grant,
    Hold,
    Recorded,
    Replayed,
    Saving,
    Settled,
    Suggestion,
    Suggestions,
    Usage,
)
from tollkeeper.client.sdk import AsyncTollkeeper, Tollkeeper
from tollkeeper.client.spool import Spool, default_path, open_spool
from tollkeeper.errors import InsufficientCredits, LimitExceeded, TollError, TollkeeperUnreachable

__all__ = [
    "SPOOLED",
    "AsyncTollkeeper",
    "Balance",
    "Check",
    "Customer",
    "Estimate",
    "Event",
    "Explanation",
    "Grant",
    "Hold",
    "InsufficientCredits",
    "LimitExceeded",
    "Operation",
    "Recorded",
    "Replayed",
    "Saving",
    "Settled",
    "Spool",
    "Suggestion",
    "Suggestions",
    "TollError",
    "Tollkeeper",
    "TollkeeperUnreachable",
    "Usage",
    "default_path",
    "open_spool",
]
