"""The double-entry ledger: accounts, postings, balances."""

from tollkeeper.ledger.charges import Charges, post_charges
from tollkeeper.ledger.model import Account, Balance, Entry, Kind
from tollkeeper.ledger.store import balances, get_transaction, list_postings, unbalanced_units

__all__ = [
    "Account",
    "Balance",
    "Charges",
    "Entry",
    "Kind",
    "balances",
    "get_transaction",
    "list_postings",
    "post_charges",
    "unbalanced_units",
]
