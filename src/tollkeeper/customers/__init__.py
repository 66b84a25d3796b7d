"""Who pays, who uses, who may call: customers, their members, and API keys."""

from tollkeeper.customers.customers import InUse, get_customer, list_customers, upsert_customer
from tollkeeper.customers.directory import Directory
from tollkeeper.customers.keys import KeyRing, create_key, find_key, list_keys, revoke_key, touch_key
from tollkeeper.customers.members import get_member, list_members, upsert_member
from tollkeeper.customers.model import ApiKey, Customer, CustomerChanges, Member, Scope, customer_id_of

__all__ = [
    "ApiKey",
    "Customer",
    "CustomerChanges",
    "Directory",
    "InUse",
    "KeyRing",
    "Member",
    "Scope",
    "create_key",
    "customer_id_of",
    "find_key",
    "get_customer",
    "get_member",
    "list_customers",
    "list_keys",
    "list_members",
    "revoke_key",
    "touch_key",
    "upsert_customer",
    "upsert_member",
]
