"""The double-entry ledger: accounts, postings, balances."""

from tollkeeper.ledger.charges import Charges, post_charges
from tollkeeper.ledger.model import CUSTOMER_KINDS, HOUSE, Account, Balance, Entry, Kind, Posting
from tollkeeper.ledger.post import post
from tollkeeper.ledger.store import balances, get_transaction, list_postings, receivables, unbalanced_units

__all__ = [
    "CUSTOMER_KINDS",
    "HOUSE",
    "Account",
    "Balance",
    "Charges",
    "Entry",
    "Kind",
    "Posting",
    "balances",
    "get_transaction",
    "list_postings",
    "post",
    "post_charges",
    "receivables",
    "unbalanced_units",
]
