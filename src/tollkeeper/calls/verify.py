"""Verify: what is asked of the calls, in SQL of its own; `gate.verify` runs it."""

from __future__ import annotations

from tollkeeper.db import Queries

_queries = Queries(__package__ or "")

CALL_CHECKS = (
    ("costs", "Do events, with their corrections, cost what their provider calls cost?", _queries.verify_costs),
    ("calls", "Do provider calls belong to events, and adjust calls of the same event?", _queries.verify_calls),
)
"""Name, question, and the query whose rows are the differences."""

ROLLUP_CHECKS = (
    ("models", "Do the rollups by model equal the provider calls and their events?", _queries.verify_rollups),
)
"""The same, of a query that needs the offsets of the customers' zones."""
