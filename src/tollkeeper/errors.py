"""Every error that Tollkeeper raises on purpose, in one tree.

TollError                          has a code, an HTTP status, a sentence, sometimes a field
├── InvalidInput            422    a value that can't be accepted; `code` says which rule, `field` where
│   ├── MalformedBody       400    the request body can't be read at all
│   ├── BodyTooLarge        413    more bytes or items than the limit
│   └── UsageNotUnderstood  422    an AI provider's usage object that can't be read
├── Unauthorized            401    no key, an unknown key, or a revoked one
├── Forbidden               403    a valid key whose scopes don't allow the call
├── NotFound                404    customer, meter, event, key … that doesn't exist
├── InsufficientCredits     402    the wallet, and what may be owed, don't cover the operation
├── LimitExceeded           429    the operation doesn't fit under a hard limit
├── TooManyAttempts         429    somebody has tried too often in a short time
├── TooManyStreams          429    one session has too many live streams open
├── Conflict                409    the state forbids it: same id with other content, a locked attribute
├── CatalogInvalid          422    the catalog file has errors; `problems` lists each with line and key
├── PricesInvalid           422    the operator's price file has errors; `problems` lists each with line and key
├── ProviderRefused         502    an AI provider refuses the admin key that its reports need
├── ProviderUnavailable     503    an AI provider gives no report now, or none that can be read; safe to repeat
├── DatabaseUnavailable     503    no connection could be had, or it broke; safe to repeat
├── PagesNotBuilt           503    the installation has no built pages; says how to build them
├── TollkeeperUnreachable   503    the SDK gets no answer from the server; safe to repeat
└── EmbeddedServerFailed    503    the embedded PostgreSQL can't start; says why and what to do

Codes are part of the API: `docs/reference/errors.md` lists each one, and a test compares the two.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any


class TollError(Exception):
    """Something the caller can act on. `code` is stable, `detail` is for people, `field` names the input."""

    status = 500
    title = "Error"

    def __init__(self, code: str, detail: str, *, field: str | None = None, **extra: Any) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.field = field
        self.extra = extra

    def as_dict(self) -> dict[str, Any]:
        """The error as it stands in JSON: code, detail, and field where there is one."""
        body: dict[str, Any] = {"code": self.code, "detail": self.detail}
        if self.field is not None:
            body["field"] = self.field
        return body | self.extra


class InvalidInput(TollError):
    """A value that can't be accepted."""

    status = 422
    title = "Invalid input"


class MalformedBody(InvalidInput):
    """The request body can't be read: not JSON, not UTF-8, not the announced type."""

    status = 400
    title = "Malformed body"


class BodyTooLarge(InvalidInput):
    """More bytes or items than one request may carry."""

    status = 413
    title = "Body too large"


class UsageNotUnderstood(InvalidInput):
    """An AI provider's usage object that says nothing, or something that can't be."""

    title = "Usage not understood"


class Unauthorized(TollError):
    """No key, an unknown key, or a revoked one."""

    status = 401
    title = "Unauthorized"


class Forbidden(TollError):
    """The key's scopes don't allow the call, or the customer may not use anything now."""

    status = 403
    title = "Forbidden"


class InsufficientCredits(TollError):
    """The customer's wallet, and what it may owe, don't cover the operation."""

    status = 402
    title = "Payment required"

    @property
    def unit(self) -> str:
        """The unit of value that `needed` and `available` are in."""
        return self.extra["unit"]

    @property
    def needed(self) -> Decimal:
        """What the operation would have reserved."""
        return Decimal(str(self.extra["needed"]))

    @property
    def available(self) -> Decimal:
        """What the wallet has left, and the customer may owe."""
        return Decimal(str(self.extra["available"]))

    @property
    def top_up_url(self) -> str | None:
        """Where the customer can top up, if the catalog says."""
        return self.extra.get("top_up_url")


class LimitExceeded(TollError):
    """The operation doesn't fit under a hard limit."""

    status = 429
    title = "Limit exceeded"

    @property
    def limit(self) -> str:
        """The limit's name."""
        return self.extra["limit"]

    @property
    def cap(self) -> Decimal:
        """How much the limit allows in its window."""
        return Decimal(str(self.extra["cap"]))

    @property
    def used(self) -> Decimal:
        """How much of it is used."""
        return Decimal(str(self.extra["used"]))

    @property
    def held(self) -> Decimal:
        """How much of it open holds have reserved."""
        return Decimal(str(self.extra["held"]))

    @property
    def needed(self) -> Decimal:
        """How much the operation needs."""
        return Decimal(str(self.extra["needed"]))

    @property
    def resets_at(self) -> datetime | None:
        """When it fits if nothing else is used until then; None: it never does."""
        at = self.extra.get("resets_at")
        return datetime.fromisoformat(at) if isinstance(at, str) else at

    @property
    def retry_after(self) -> int | None:
        """The seconds until then."""
        return self.extra.get("retry_after")


class TooManyAttempts(TollError):
    """Somebody has tried too often in a short time; `retry_after` says how many seconds to wait."""

    status = 429
    title = "Too many attempts"


class TooManyStreams(TollError):
    """One portal session has too many live streams open."""

    status = 429
    title = "Too many streams"


class NotFound(TollError):
    """What was asked for doesn't exist."""

    status = 404
    title = "Not found"


class Conflict(TollError):
    """The present state forbids it."""

    status = 409
    title = "Conflict"


class CatalogInvalid(TollError):
    """The catalog has errors; every one is in `problems`, each with line, key and message."""

    status = 422
    title = "Catalog invalid"


class PricesInvalid(TollError):
    """The operator's price file has errors; every one is in `problems`, each with line, key and message."""

    status = 422
    title = "Prices invalid"


class ProviderRefused(TollError):
    """An AI provider refuses the admin key that its reports need; says where to get one."""

    status = 502
    title = "Provider refused"


class ProviderUnavailable(TollError):
    """An AI provider gives no report right now, or none that can be read."""

    status = 503
    title = "Provider unavailable"


class DatabaseUnavailable(TollError):
    """The database can't be reached right now; the call may be repeated safely."""

    status = 503
    title = "Database unavailable"


class PagesNotBuilt(TollError):
    """The installation has no built pages; says how to build them."""

    status = 503
    title = "Pages not built"


class TollkeeperUnreachable(TollError):
    """The SDK gets no answer from the server, or only that it can't serve now; the call may be repeated safely."""

    status = 503
    title = "Tollkeeper unreachable"


class EmbeddedServerFailed(TollError):
    """The embedded PostgreSQL server can't be started."""

    status = 503
    title = "Embedded server failed"
