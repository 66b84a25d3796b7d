"""Errors as the providers word them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse

from tollkeeper.simulator.model import Provider, Refused
from tollkeeper.simulator.script import Step

_OPENAI = {
    400: ("invalid_request_error", "Invalid request.", None),
    401: ("invalid_request_error", "Incorrect API key provided.", "invalid_api_key"),
    403: ("invalid_request_error", "You have insufficient permissions for this operation.", "missing_scope"),
    404: ("invalid_request_error", "The requested resource does not exist.", "not_found"),
    429: ("requests", "Rate limit reached for requests. Please try again later.", "rate_limit_exceeded"),
    500: ("server_error", "The server had an error while processing your request. Sorry about that!", None),
    503: ("server_error", "The engine is currently overloaded, please try again later.", None),
}
_ANTHROPIC = {
    400: ("invalid_request_error", "Invalid request."),
    401: ("authentication_error", "invalid x-api-key"),
    403: ("permission_error", "Your API key does not have permission to use the specified resource."),
    404: ("not_found_error", "Not found"),
    413: ("request_too_large", "Request exceeds the maximum size"),
    429: ("rate_limit_error", "Number of request tokens has exceeded your per-minute rate limit"),
    500: ("api_error", "Internal server error"),
    503: ("overloaded_error", "Overloaded"),
    529: ("overloaded_error", "Overloaded"),
}


def refused_by(step: Step, provider: Provider) -> Refused:
    """The error that a step asks for, in its own words or else in the provider's usual ones."""
    given = step.error or {}
    if provider is Provider.ANTHROPIC:
        kind, message = _ANTHROPIC.get(step.status, ("api_error", "Internal server error"))
        code = None
    else:
        kind, message, code = _OPENAI.get(step.status, ("server_error", "The server had an error.", None))
    # Who is told to come again is told when; a step may say otherwise.
    soon = {"retry-after": "1"} if step.status == 429 else {}
    return Refused(
        step.status,
        given.get("type", kind),
        given.get("message", message),
        code=given.get("code", code),
        param=given.get("param"),
        headers={**soon, **step.headers},
    )


def error_body(refused: Refused, provider: Provider, request_id: str) -> dict[str, Any]:
    """The error as JSON."""
    if provider is Provider.ANTHROPIC:
        inner = {"type": refused.kind, "message": refused.message}
        return {"type": "error", "error": inner, "request_id": request_id}
    inner = {"message": refused.message, "type": refused.kind, "param": refused.param, "code": refused.code}
    return {"error": inner}


def error_answer(refused: Refused, provider: Provider, headers: Mapping[str, str], request_id: str) -> JSONResponse:
    """The error as it is sent."""
    content = error_body(refused, provider, request_id)
    return JSONResponse(content, refused.status, {**headers, **refused.headers})
