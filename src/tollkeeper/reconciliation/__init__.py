"""Reconciliation: what AI providers report, compared with the calls that were booked."""

from tollkeeper.reconciliation.days import asked_stretches, due_stretches
from tollkeeper.reconciliation.model import (
    Allocate,
    Comparison,
    Day,
    Finding,
    Grain,
    Origin,
    Ours,
    Part,
    Reconciliation,
    Theirs,
)
from tollkeeper.reconciliation.reconcile import DayCompared, Read, Rules, keep, reconcile_day
from tollkeeper.reconciliation.reports import ReportKind, Stretch
from tollkeeper.reconciliation.sides import Rates
from tollkeeper.reconciliation.store import Wanted, find_days, get_reconciliation, list_reconciliations

__all__ = [
    "Allocate",
    "Comparison",
    "Day",
    "DayCompared",
    "Finding",
    "Grain",
    "Origin",
    "Ours",
    "Part",
    "Rates",
    "Read",
    "Reconciliation",
    "ReportKind",
    "Rules",
    "Stretch",
    "Theirs",
    "Wanted",
    "asked_stretches",
    "due_stretches",
    "find_days",
    "get_reconciliation",
    "keep",
    "list_reconciliations",
    "reconcile_day",
]
