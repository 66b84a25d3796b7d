"""Reconciliation: what AI providers report, compared with the calls that were booked."""

from tollkeeper.reconciliation.book import findings_of
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
from tollkeeper.reconciliation.readers import Access, access_of
from tollkeeper.reconciliation.reconcile import DayCompared, Read, Rules, keep, reconcile_day
from tollkeeper.reconciliation.reports import ReportKind, Stretch
from tollkeeper.reconciliation.run import Ran, Way, access_for, reconcile_all, reconcile_reads, rules_of, try_reads
from tollkeeper.reconciliation.sides import Rates
from tollkeeper.reconciliation.store import (
    Booked,
    GivenShare,
    Wanted,
    booked_totals,
    find_days,
    get_reconciliation,
    last_read,
    list_reconciliations,
    shares_of,
)

__all__ = [
    "Access",
    "Allocate",
    "Booked",
    "Comparison",
    "Day",
    "DayCompared",
    "Finding",
    "GivenShare",
    "Grain",
    "Origin",
    "Ours",
    "Part",
    "Ran",
    "Rates",
    "Read",
    "Reconciliation",
    "ReportKind",
    "Rules",
    "Stretch",
    "Theirs",
    "Wanted",
    "Way",
    "access_for",
    "access_of",
    "asked_stretches",
    "booked_totals",
    "due_stretches",
    "find_days",
    "findings_of",
    "get_reconciliation",
    "keep",
    "last_read",
    "list_reconciliations",
    "reconcile_all",
    "reconcile_day",
    "reconcile_reads",
    "rules_of",
    "shares_of",
    "try_reads",
]
