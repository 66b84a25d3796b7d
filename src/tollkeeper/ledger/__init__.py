"""The double-entry ledger: accounts, postings, balances."""

from tollkeeper.ledger.charges import Batch
from tollkeeper.ledger.model import Account, Balance, Entry, Kind, Posting
from tollkeeper.ledger.store import balances, get_transaction, list_postings, post, unbalanced_units

__all__ = [
    "Account",
    "Balance",
    "Batch",
    "Entry",
    "Kind",
    "Posting",
    "balances",
    "get_transaction",
    "list_postings",
    "post",
    "unbalanced_units",
]
