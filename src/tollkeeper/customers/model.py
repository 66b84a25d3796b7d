"""Who pays, who uses, and who may call: immutable values and the rules that their texts meet. No I/O."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from tollkeeper import clock, money
from tollkeeper.errors import InvalidInput
from tollkeeper.ids import content_id

KEY_LENGTH = 200
NAME_LENGTH = 500
METADATA_BYTES = 16 * 1024

# Control characters, and halves of surrogate pairs: the latter aren't text, and PostgreSQL takes no NUL.
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
# An escaped NUL in JSON: \u0000 after an even number of backslashes.
_NUL_IN_JSON = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


@lru_cache(maxsize=200_000)
def customer_id_of(key: str) -> UUID:
    """The id of the customer that the operator knows by `key`. It follows from the key, so nothing is looked up."""
    return content_id("customer", key)


@dataclass(frozen=True, slots=True)
class Customer:
    """Who pays. `key` is the operator's own name for it; days and periods are cut in `timezone`."""

    customer_id: UUID
    key: str
    name: str
    currency: str
    timezone: str
    metadata: Mapping[str, Any]
    created_at: datetime
    updated_at: datetime
    archived_at: datetime | None
    suspended_at: datetime | None = None
    """Since when it may begin nothing new; usage that has happened is still taken."""

    @property
    def zone(self) -> ZoneInfo:
        """The time zone itself."""
        return clock.zone(self.timezone)


@dataclass(frozen=True, slots=True)
class CustomerChanges:
    """What to set on a customer. None leaves a field as it is; `metadata` replaces the whole object."""

    name: str | None = None
    currency: str | None = None
    timezone: str | None = None
    metadata: Mapping[str, Any] | None = None
    archived: bool | None = None
    suspended: bool | None = None

    def check(self) -> None:
        """Raises InvalidInput: `invalid_name`, `name_too_long`, `unknown_currency`, `unknown_timezone`,
        `invalid_metadata`, `metadata_too_large`.
        """
        if self.name is not None:
            check_text(self.name, "name", NAME_LENGTH)
        if self.currency is not None:
            check_currency(self.currency)
        if self.timezone is not None:
            clock.zone(self.timezone)
        if self.metadata is not None:
            metadata_json(self.metadata)


@dataclass(frozen=True, slots=True)
class Member:
    """A person or an agent inside a customer, whose usage is told apart. `key` is unique within the customer."""

    customer_id: UUID
    key: str
    name: str
    metadata: Mapping[str, Any]
    created_at: datetime
    updated_at: datetime
    archived_at: datetime | None


class Scope(StrEnum):
    """What an API key may be used for."""

    ADMIN = "admin"
    """Everything, including what the other scopes allow."""
    WRITE = "write"
    """Report usage and change customers. It doesn't include reading: a product that only reports needs no more."""
    READ = "read"
    """Read everything, change nothing."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key to the API, without its secret: only the secret's first characters, `prefix`, are kept for recognition."""

    key_id: UUID
    name: str
    prefix: str
    scopes: frozenset[Scope]
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None

    def __post_init__(self) -> None:
        # PostgreSQL hands over a list of texts.
        object.__setattr__(self, "scopes", frozenset(map(Scope, self.scopes)))

    def allows(self, scope: Scope) -> bool:
        """Whether the key may be used for `scope`."""
        return scope in self.scopes or Scope.ADMIN in self.scopes


@dataclass(frozen=True, slots=True)
class ConsoleSession:
    """A session that goes on until `expires_at`, unless it's ended or its key is revoked before."""

    key: ApiKey
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session and its key, as one row."""

    key_id: UUID
    name: str
    prefix: str
    scopes: Collection[Scope]
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime

    @property
    def session(self) -> ConsoleSession:
        """The two, apart."""
        scopes = frozenset(self.scopes)
        key = ApiKey(self.key_id, self.name, self.prefix, scopes, self.created_at, self.last_used_at, None)
        return ConsoleSession(key, self.expires_at)


class Permission(StrEnum):
    """What may be done on a customer's billing page."""

    READ = "read"
    """Look at the page. Every session may."""
    TOP_UP = "top_up"
    """Buy prepaid value."""
    CHANGE_PLAN = "change_plan"
    """Go on another plan."""


@dataclass(frozen=True, slots=True)
class PortalSession:
    """A permission, until `expires_at`, to look at one customer's billing page. Its secrets aren't kept."""

    session_id: UUID
    customer_id: UUID
    customer: str
    """The customer's key."""
    permissions: frozenset[Permission]
    return_url: str | None
    """Where the page leads back to."""
    created_at: datetime
    created_by: str
    expires_at: datetime
    link_expires_at: datetime | None
    """Until when its link opens the page; None where the session itself came of a link."""
    opened_from: UUID | None
    """The session whose link was exchanged for this one; when that one is revoked, this one is."""
    revoked_at: datetime | None

    def __post_init__(self) -> None:
        # PostgreSQL hands over a list of texts.
        object.__setattr__(self, "permissions", frozenset(map(Permission, self.permissions)))


def is_key(text: str) -> bool:
    """Whether `text` can be the key of a customer or member."""
    return 0 < len(text) <= KEY_LENGTH and text == text.strip() and not _UNPRINTABLE.search(text)


def check_key(key: str, field: str) -> None:
    """Raises InvalidInput `invalid_<field>` or `<field>_too_long`, as it does for the same field of an event."""
    check_text(key, field, KEY_LENGTH)


def check_text(text: str, field: str, longest: int) -> None:
    """Text has 1 to `longest` characters, no control characters, and no white space at its ends.

    Its UTF-8 has 3 bytes for each of so many characters at most: a row of an index has no room for more.

    Raises InvalidInput `invalid_<field>` or `<field>_too_long`.
    """
    if len(text) > longest or len(text.encode(errors="surrogatepass")) > 3 * longest:
        told = f"The {field} may have {longest} characters, and {3 * longest} bytes of UTF-8."
        raise InvalidInput(f"{field}_too_long", told, field=field)
    if not text or text != text.strip() or _UNPRINTABLE.search(text):
        raise InvalidInput(
            f"invalid_{field}",
            f"The {field} must not be empty, begin or end with white space, or hold control characters.",
            field=field,
        )


def check_currency(code: str) -> None:
    """Raises InvalidInput `unknown_currency`."""
    if not money.is_currency(code):
        raise InvalidInput(
            "unknown_currency", f"{code!r} is not an ISO 4217 currency code such as USD.", field="currency"
        )


def metadata_json(metadata: Mapping[str, Any]) -> str:
    """The metadata as JSON text; equal objects give equal texts.

    Raises InvalidInput `invalid_metadata` or `metadata_too_large`.
    """
    try:
        text = json.dumps(dict(metadata), ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
        size = len(text.encode())
    except (TypeError, ValueError, RecursionError):
        text, size = "", 0
    if not text or _NUL_IN_JSON.search(text):
        raise InvalidInput(
            "invalid_metadata", "The metadata must be a JSON object without NUL characters.", field="metadata"
        )
    if size > METADATA_BYTES:
        raise InvalidInput(
            "metadata_too_large", f"The metadata takes {size} bytes; at most {METADATA_BYTES} fit.", field="metadata"
        )
    return text


def differences(
    present: Customer | Member,
    texts: Mapping[str, str | None],
    metadata: Mapping[str, Any] | None,
    archived: bool | None,
    at: datetime,
) -> dict[str, Any]:
    """The fields that would change, with their new values; None asks for no change. `at` is when archiving happens."""
    changed: dict[str, Any] = {
        field: text for field, text in texts.items() if text is not None and text != getattr(present, field)
    }
    # As text, because Python takes True and 1 for equal.
    if metadata is not None and metadata_json(metadata) != metadata_json(present.metadata):
        changed["metadata"] = metadata
    if archived is not None and archived != (present.archived_at is not None):
        changed["archived_at"] = at if archived else None
    return changed
