"""What `verify` asks of prepaid value: whether wallets, grants, burns, history and ledger say the same.

Each query takes `limit` and gives rows of customer, place, expected and found, one for each difference.
"""

from __future__ import annotations

from tollkeeper.wallets.store import queries

WALLET_CHECKS: tuple[tuple[str, str, bytes], ...] = (
    ("wallets", "Does every wallet hold what remains of its grants?", queries.verify_balances),
    ("wallet history", "Do the entries of every wallet end at its balance, and sum to it?", queries.verify_history),
    ("grants", "Is what was spent of every grant what events took from it?", queries.verify_spent),
    ("burns", "Is what events took from grants what was posted, in every transaction?", queries.verify_burns),
    ("prepaid", "Does the account `wallet` owe what remains of all grants?", queries.verify_ledger),
)
"""Name, question, query."""
