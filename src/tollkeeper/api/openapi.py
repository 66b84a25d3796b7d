"""The OpenAPI document: what FastAPI derives from the routes, plus the errors that each route can answer."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from tollkeeper import __version__
from tollkeeper.api.holds import HOLD_SCHEMAS
from tollkeeper.api.problems import MEDIA_TYPE
from tollkeeper.api.routes.events import INGEST_SCHEMAS
from tollkeeper.api.routes.grants import GRANT_SCHEMAS
from tollkeeper.api.routes.limits import LIMIT_SCHEMAS
from tollkeeper.api.routes.top_ups import TOP_UP_SCHEMAS

TITLE = "Tollkeeper"
DESCRIPTION = """\
Reports usage, prices it exactly when it happens, books it in a double-entry ledger, and shows it; and says beforehand
whether an operation may begin.

- **Keys**: each call carries `Authorization: Bearer toll_…`. A key has one or more of the scopes `read`, `write` and
  `admin`; `admin` includes the others. In a browser, the operator's console calls with a cookie instead.
- **Numbers**: amounts and quantities are exact decimals and travel as strings.
- **Times**: RFC 3339; answers are in UTC.
- **Lists**: pages of `limit` items; `next_cursor` asks for the next page.
- **Errors**: RFC 9457 problem documents. Programs look at `code`, people at `detail`; `instance` is the request id.
- **Retries**: every write may be repeated safely after a lost answer or a 503, except `POST /v1/keys` and
  `POST /v1/portal-sessions`: they would make another key or session.
- **Keys in paths** are percent-encoded: the customer `a/b` is `/v1/customers/a%2Fb`.
"""
TAGS = [
    {"name": "events", "description": "Report usage, look at it, and see why an event cost what it did."},
    {"name": "holds", "description": "Before an operation: may it begin, and what will it cost? And what came of it."},
    {"name": "usage", "description": "Usage, charges and balances, summed up."},
    {
        "name": "costs",
        "description": "What AI providers take for the usage, call by call, and what is left of the charges.",
    },
    {"name": "prepaid", "description": "Grants of prepaid value, and what became of them."},
    {"name": "top-ups", "description": "What customers buy ahead, and how it ends."},
    {"name": "limits", "description": "Caps on usage and spend."},
    {"name": "plans", "description": "Which plan a customer is on."},
    {"name": "alerts", "description": "What somebody should hear of."},
    {"name": "customers", "description": "Who pays, and the members inside them."},
    {"name": "reconciliations", "description": "What AI providers report, compared with what was booked."},
    {"name": "catalog", "description": "What is counted and what it costs: versions, never edited."},
    {"name": "quarantine", "description": "Events that were refused: look at them, replay or discard them."},
    {"name": "keys", "description": "Who may call this API."},
    {"name": "console", "description": "The operator's console: signing in, and looking at all customers at once."},
    {"name": "portal sessions", "description": "Who may look at a customer's billing page, and until when."},
    {
        "name": "portal",
        "description": "What a customer's billing page reads and does, with a portal token.",
    },
    {"name": "operation", "description": "For load balancers and monitoring; no key needed."},
]
PROBLEM = {
    "type": "object",
    "title": "Problem",
    "description": "An RFC 9457 problem document. Some codes add fields of their own.",
    "required": ["type", "title", "status", "code", "detail", "instance"],
    "properties": {
        "type": {"type": "string", "const": "about:blank"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "What happened; stable."},
        "detail": {"type": "string", "description": "What happened, for people."},
        "field": {"type": "string", "description": "Which input the problem lies in."},
        "instance": {"type": "string", "description": "The request id, also in the header X-Request-Id."},
    },
}
_MEANINGS = {
    400: "The URL or the body can't be read.",
    401: "No key or portal token, an unknown one, or one that is over.",
    403: "The key's scopes, or the portal session's permissions, don't allow this.",
    404: "What was asked for doesn't exist.",
    409: "The present state forbids it.",
    413: "The body is too large.",
    422: "A value can't be accepted.",
    500: "Tollkeeper failed unexpectedly.",
    503: "The database can't be reached; repeat the call.",
}


_VALIDATION_ERROR = "HTTPValidationError"


class Tollkeeper(FastAPI):
    """FastAPI with an OpenAPI document that tells the whole truth about errors."""

    def openapi(self) -> dict[str, Any]:
        """The document; made once."""
        if self.openapi_schema is None:
            document = super().openapi()
            document["info"]["version"] = __version__
            _document_problems(document)
        return super().openapi()


def _document_problems(document: dict[str, Any]) -> None:
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in (_VALIDATION_ERROR, "ValidationError"):  # FastAPI's own, which we never answer with
        schemas.pop(name, None)
    schemas["Problem"] = PROBLEM
    schemas |= INGEST_SCHEMAS | HOLD_SCHEMAS | GRANT_SCHEMAS | LIMIT_SCHEMAS | TOP_UP_SCHEMAS
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    components["responses"] = {
        f"Problem{status}": {"description": meaning, "content": content} for status, meaning in _MEANINGS.items()
    }
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            responses = operation["responses"]
            if _VALIDATION_ERROR in str(responses.get("422")):
                del responses["422"]
            for status in _possible_problems(path, method, operation):
                # A route's own description says more.
                responses.setdefault(str(status), {"$ref": f"#/components/responses/Problem{status}"})


def _possible_problems(path: str, method: str, operation: dict[str, Any]) -> list[int]:
    """What a route can answer follows from what it takes, so no route has to list it."""
    found = [400, 500, 503]
    if "security" in operation:
        found += [401, 403]
    of_customer = any(each["name"] == "customer" for each in operation.get("parameters", ()))
    if "{" in path or of_customer or path.startswith("/v1/portal/"):
        found += [404]
    if method in ("put", "post"):
        found += [409]
    if "requestBody" in operation:
        found += [413]
    if "parameters" in operation or "requestBody" in operation:
        found += [422]
    return sorted(found)
