"""The gate, where usage meets money: authorize, record, settle, and explain what it cost."""

from tollkeeper.gate.alerts import CUSTOMER_TOPICS, TOP_UP_LATE, TOP_UP_PAID_AGAIN, TOPICS, alert_in_words
from tollkeeper.gate.authorize import Allowed, authorize
from tollkeeper.gate.change_hold import Changed, ChangeIn, Verb, change_holds
from tollkeeper.gate.choose_plan import MOST_CHOICES, choose_plan
from tollkeeper.gate.desk import Desk
from tollkeeper.gate.estimate import Estimated, estimate
from tollkeeper.gate.explain import explain_event
from tollkeeper.gate.holds import (
    Held,
    Hold,
    HoldIn,
    HoldOf,
    HoldState,
    ask_held,
    get_hold,
    held_at,
    held_now,
    in_use,
    list_holds,
)
from tollkeeper.gate.model import Explanation, Failure, Recorded, Result
from tollkeeper.gate.prepay import (
    AskedStanding,
    ask_standing,
    end_recurring_grant,
    give_grant,
    open_till,
    refresh,
    set_recurring_grant,
    void_grant,
    write_till,
)
from tollkeeper.gate.record import record
from tollkeeper.gate.replay import Replayed, replay
from tollkeeper.gate.reprice import Repriced, RepricedCall, reprice
from tollkeeper.gate.settle import Settled, SettleIn, Settlement, settle
from tollkeeper.gate.standing import PeriodEnd, Source, Standing, next_period, stand
from tollkeeper.gate.sweep import due_customers, sweep, warn_of_expiry
from tollkeeper.gate.till import Till, Tills
from tollkeeper.gate.true_up import CallChange, TrueUp, true_up
from tollkeeper.gate.verify import Verdict, verify

__all__ = [
    "CUSTOMER_TOPICS",
    "MOST_CHOICES",
    "TOPICS",
    "TOP_UP_LATE",
    "TOP_UP_PAID_AGAIN",
    "Allowed",
    "AskedStanding",
    "CallChange",
    "ChangeIn",
    "Changed",
    "Desk",
    "Estimated",
    "Explanation",
    "Failure",
    "Held",
    "Hold",
    "HoldIn",
    "HoldOf",
    "HoldState",
    "PeriodEnd",
    "Recorded",
    "Replayed",
    "Repriced",
    "RepricedCall",
    "Result",
    "SettleIn",
    "Settled",
    "Settlement",
    "Source",
    "Standing",
    "Till",
    "Tills",
    "TrueUp",
    "Verb",
    "Verdict",
    "alert_in_words",
    "ask_held",
    "ask_standing",
    "authorize",
    "change_holds",
    "choose_plan",
    "due_customers",
    "end_recurring_grant",
    "estimate",
    "explain_event",
    "get_hold",
    "give_grant",
    "held_at",
    "held_now",
    "in_use",
    "list_holds",
    "next_period",
    "open_till",
    "record",
    "refresh",
    "replay",
    "reprice",
    "set_recurring_grant",
    "settle",
    "stand",
    "sweep",
    "true_up",
    "verify",
    "void_grant",
    "warn_of_expiry",
    "write_till",
]
