"""What the operator's console shows of all customers at once."""

from tollkeeper.console.customers import list_figures
from tollkeeper.console.figures import Task, last_round, note_round, put_customer, refresh_figures, zones_in_use
from tollkeeper.console.model import (
    Amount,
    Behind,
    CustomerRow,
    DatabaseFacts,
    Listed,
    ListQuery,
    Ranked,
    Round,
    Sort,
    Span,
    Summary,
    UnpricedCalls,
    UnpricedUsage,
)
from tollkeeper.console.summary import database_facts, summary, unpriced

__all__ = [
    "Amount",
    "Behind",
    "CustomerRow",
    "DatabaseFacts",
    "ListQuery",
    "Listed",
    "Ranked",
    "Round",
    "Sort",
    "Span",
    "Summary",
    "Task",
    "UnpricedCalls",
    "UnpricedUsage",
    "database_facts",
    "last_round",
    "list_figures",
    "note_round",
    "put_customer",
    "refresh_figures",
    "summary",
    "unpriced",
    "zones_in_use",
]
