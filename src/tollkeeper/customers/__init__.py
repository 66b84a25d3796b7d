"""Who pays, who uses, who may call: customers, their members, and API keys."""

from tollkeeper.customers.agree import (
    agreement_of,
    assign_plan,
    drop_limit,
    list_limits,
    plan_history,
    set_limit,
    used_plans,
)
from tollkeeper.customers.agreement import NO_AGREEMENT, Agreement, OwnLimit, PlanChange, PlanDecision
from tollkeeper.customers.customers import InUse, get_customer, list_customers, upsert_customer
from tollkeeper.customers.directory import Directory, Known
from tollkeeper.customers.keys import KeyRing, create_key, find_key, list_keys, revoke_key, touch_key
from tollkeeper.customers.members import get_member, list_members, upsert_member
from tollkeeper.customers.model import (
    ApiKey,
    ConsoleSession,
    Customer,
    CustomerChanges,
    Member,
    Scope,
    customer_id_of,
    is_key,
)
from tollkeeper.customers.sessions import SessionRing, csrf_of, find_session, sign_in, sign_out

__all__ = [
    "NO_AGREEMENT",
    "Agreement",
    "ApiKey",
    "ConsoleSession",
    "Customer",
    "CustomerChanges",
    "Directory",
    "InUse",
    "KeyRing",
    "Known",
    "Member",
    "OwnLimit",
    "PlanChange",
    "PlanDecision",
    "Scope",
    "SessionRing",
    "agreement_of",
    "assign_plan",
    "create_key",
    "csrf_of",
    "customer_id_of",
    "drop_limit",
    "find_key",
    "find_session",
    "get_customer",
    "get_member",
    "is_key",
    "list_customers",
    "list_keys",
    "list_limits",
    "list_members",
    "plan_history",
    "revoke_key",
    "set_limit",
    "sign_in",
    "sign_out",
    "touch_key",
    "upsert_customer",
    "upsert_member",
    "used_plans",
]
