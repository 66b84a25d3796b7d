"""Bodies that msgspec decodes: numbers keep every digit, whether they come as JSON numbers or as strings.

They are told what is wrong in the words in which events are: the codes and fields of docs/reference/events.md.
"""

from __future__ import annotations

import re
from typing import Any, TypeVar

import msgspec
from fastapi import Request

from tollkeeper.errors import InvalidInput, MalformedBody
from tollkeeper.events import Reason, read_body

T = TypeVar("T")

KEY_LENGTH = 200

_CODES = {"expires_in": "invalid_expiry", "events": "invalid_settlement"}
"""Where a code isn't simply `invalid_<field>`."""
_UNREADABLE = ("invalid_json", "invalid_utf8")

IDEMPOTENCY_KEY: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Serves as the id where the body has none.",
    "schema": {"type": "string", "minLength": 1, "maxLength": KEY_LENGTH},
}
"""The header as the OpenAPI document has it."""


async def exact_body(request: Request, decoder: msgspec.json.Decoder[T]) -> T:
    """The body as `decoder` reads it.

    Raises MalformedBody `empty_body`, `invalid_json` and `invalid_utf8`, and InvalidInput with the code of the field.
    """
    body = await request.body()
    found = read_body(decoder, body)
    if not isinstance(found, Reason):
        return found
    if not body.strip():
        raise MalformedBody("empty_body", "The body is empty; send a JSON object.")
    raise _error(found)


def _error(reason: Reason) -> InvalidInput:
    if reason.code in _UNREADABLE:
        return MalformedBody(reason.code, reason.detail)
    if reason.code != "invalid_event":
        return InvalidInput(reason.code, reason.detail, field=reason.field)
    if reason.field is None:
        return InvalidInput("invalid_request", "The body must be a JSON object.")
    # A field that events don't have.
    field = re.split(r"[.\[]", reason.field)[0]
    if field in _CODES:
        return InvalidInput(_CODES[field], reason.detail, field=reason.field)
    return InvalidInput(f"invalid_{field}", reason.detail, field=reason.field)


def idempotency_key(request: Request) -> str | None:
    """The id in the header `Idempotency-Key`, if there is one. Raises InvalidInput `invalid_id`, `id_too_long`."""
    key = request.headers.get("idempotency-key")
    if key is None:
        return None
    if not key:
        raise InvalidInput("invalid_id", "The header Idempotency-Key is empty.", field="id")
    if len(key) > KEY_LENGTH:
        raise InvalidInput("id_too_long", f"An id has at most {KEY_LENGTH} characters.", field="id")
    return key


def described(components: str, description: str) -> dict[str, Any]:
    """An answer that msgspec encodes, as the OpenAPI document has it."""
    schema = {"$ref": f"#/components/schemas/{components}"}
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def body_of(components: str, *parameters: dict[str, Any]) -> dict[str, Any]:
    """A body that msgspec decodes, and further parameters, as the OpenAPI document has them."""
    schema = {"$ref": f"#/components/schemas/{components}"}
    body = {"required": True, "content": {"application/json": {"schema": schema}}}
    return {"requestBody": body} | ({"parameters": [*parameters]} if parameters else {})


def schemas_of(*types: type) -> dict[str, Any]:
    """The schemas of these bodies and of what they're made of."""
    return msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")[1]
