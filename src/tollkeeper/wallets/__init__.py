"""Prepaid value: wallets, grants, what pays for usage, and what expires, recurs and rolls over."""

from tollkeeper.wallets.advance import advance, advance_all
from tollkeeper.wallets.burn import burn, payable
from tollkeeper.wallets.changes import Changes
from tollkeeper.wallets.give import NOTE_LENGTH, NewGrant, check_grant, give, grant_id_of, same_grant
from tollkeeper.wallets.give_back import Burned, ask_burned, give_back
from tollkeeper.wallets.lapse import lapse
from tollkeeper.wallets.load import AskedPurses, ask_purses, complete, find_grant, load_all_grants, read_purses
from tollkeeper.wallets.model import (
    Cover,
    EntryKind,
    GiveBack,
    Grant,
    GrantKind,
    GrantState,
    Recurrence,
    Wallet,
)
from tollkeeper.wallets.purse import Purse, open_purse
from tollkeeper.wallets.read import (
    EventBurn,
    Expiring,
    WalletEntry,
    ask_expiring,
    ask_wallets,
    balance_at,
    burns_of_event,
    due_wallets,
    expiring,
    get_grant,
    list_entries,
    list_grants,
    list_wallets,
)
from tollkeeper.wallets.recurring import OwnRecurring, end_recurring, put_recurring, recurring_grants
from tollkeeper.wallets.verify import WALLET_CHECKS
from tollkeeper.wallets.void import void

__all__ = [
    "NOTE_LENGTH",
    "WALLET_CHECKS",
    "AskedPurses",
    "Burned",
    "Changes",
    "Cover",
    "EntryKind",
    "EventBurn",
    "Expiring",
    "GiveBack",
    "Grant",
    "GrantKind",
    "GrantState",
    "NewGrant",
    "OwnRecurring",
    "Purse",
    "Recurrence",
    "Wallet",
    "WalletEntry",
    "advance",
    "advance_all",
    "ask_burned",
    "ask_expiring",
    "ask_purses",
    "ask_wallets",
    "balance_at",
    "burn",
    "burns_of_event",
    "check_grant",
    "complete",
    "due_wallets",
    "end_recurring",
    "expiring",
    "find_grant",
    "get_grant",
    "give",
    "give_back",
    "grant_id_of",
    "lapse",
    "list_entries",
    "list_grants",
    "list_wallets",
    "load_all_grants",
    "open_purse",
    "payable",
    "put_recurring",
    "read_purses",
    "recurring_grants",
    "same_grant",
    "void",
]
