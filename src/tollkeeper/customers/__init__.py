"""Who pays, who uses, who may call or look: customers, their members, API keys, portal sessions."""

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
    Customer,
    CustomerChanges,
    Member,
    Permission,
    PortalSession,
    Scope,
    customer_id_of,
    is_key,
)
from tollkeeper.customers.portal import (
    LINK_SECONDS,
    SESSION_SECONDS,
    Opened,
    PortalRing,
    customer_of_secret,
    exchange_link,
    list_sessions,
    open_session,
    revoke_session,
)
from tollkeeper.customers.store import SessionId, ask_revoked

__all__ = [
    "LINK_SECONDS",
    "NO_AGREEMENT",
    "SESSION_SECONDS",
    "Agreement",
    "ApiKey",
    "Customer",
    "CustomerChanges",
    "Directory",
    "InUse",
    "KeyRing",
    "Known",
    "Member",
    "Opened",
    "OwnLimit",
    "Permission",
    "PlanChange",
    "PlanDecision",
    "PortalRing",
    "PortalSession",
    "Scope",
    "SessionId",
    "agreement_of",
    "ask_revoked",
    "assign_plan",
    "create_key",
    "customer_id_of",
    "customer_of_secret",
    "drop_limit",
    "exchange_link",
    "find_key",
    "get_customer",
    "get_member",
    "is_key",
    "list_customers",
    "list_keys",
    "list_limits",
    "list_members",
    "list_sessions",
    "open_session",
    "plan_history",
    "revoke_key",
    "revoke_session",
    "set_limit",
    "touch_key",
    "upsert_customer",
    "upsert_member",
    "used_plans",
]
