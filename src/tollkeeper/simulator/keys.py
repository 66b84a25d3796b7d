"""Whose keys they are: project and key id follow from the key's text, so that a test knows them beforehand.

`sk-proj-acme-1` belongs to project `proj_acme`, `sk-ant-api03-acme-1` to workspace `wrkspc_acme`: the first word behind
the prefix, where it is of small letters and another word follows. Other OpenAI keys are of `proj_default`, other
Anthropic keys of the default workspace, which has no id. The key's id is `key_` (Anthropic: `apikey_`) and 16 hex
digits of its BLAKE2b hash. A key with the word `invalid` is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import blake2b

from tollkeeper.simulator.model import Caller, Provider, Refused

_NAMED = re.compile(r"(?:sk-proj|sk-ant-api\d\d)-([a-z][a-z0-9]{0,30})-.+")
_KEYS_PAGE = "https://platform.openai.com/account/api-keys"


def project_of(key: str, provider: Provider = Provider.OPENAI) -> str | None:
    """The provider's id of the project or workspace that a key belongs to."""
    named = _NAMED.fullmatch(key)
    if provider is Provider.AZURE:
        return None
    if provider is Provider.ANTHROPIC:
        return f"wrkspc_{named[1]}" if named else None
    return f"proj_{named[1] if named else 'default'}"


def key_id(key: str, provider: Provider = Provider.OPENAI) -> str:
    """The provider's id of a key."""
    prefix = "apikey" if provider is Provider.ANTHROPIC else "key"
    return f"{prefix}_{blake2b(key.encode(), digest_size=8).hexdigest()}"


def caller_of(headers: Mapping[str, str], provider: Provider) -> Caller:
    """Who calls. Raises Refused 401 for no key, or one that the provider doesn't know."""
    bearer = headers.get("authorization", "").removeprefix("Bearer ").strip()
    own = {Provider.ANTHROPIC: "x-api-key", Provider.AZURE: "api-key"}.get(provider)
    key = (own and headers.get(own)) or bearer
    if not key or not _is_known(key, provider):
        raise _unknown(key, provider)
    admin = key.startswith(("sk-admin-", "sk-ant-admin"))
    return Caller(None if admin else project_of(key, provider), key_id(key, provider), admin)


def _is_known(key: str, provider: Provider) -> bool:
    if "invalid" in key:
        return False
    if provider is Provider.OPENAI:
        return key.startswith("sk-") and not key.startswith("sk-ant-")
    return provider is Provider.AZURE or key.startswith("sk-ant-")


def _unknown(key: str, provider: Provider) -> Refused:
    if provider is Provider.ANTHROPIC:
        return Refused(401, "authentication_error", "invalid x-api-key" if key else "x-api-key header is required")
    if provider is Provider.AZURE:
        told = "Access denied due to invalid subscription key or wrong API endpoint."
        return Refused(401, "invalid_request_error", told, code="401")
    if not key:
        told = f"You didn't provide an API key. You can obtain an API key from {_KEYS_PAGE}."
        return Refused(401, "invalid_request_error", told)
    told = f"Incorrect API key provided: {_hidden(key)}. You can find your API key at {_KEYS_PAGE}."
    return Refused(401, "invalid_request_error", told, code="invalid_api_key")


def _hidden(key: str) -> str:
    return f"{key[:8]}{'*' * 8}{key[-4:]}" if len(key) > 16 else "*" * len(key)


def refuse_admin(caller: Caller, provider: Provider) -> None:
    """Admin keys do no inference. Raises Refused 401."""
    if not caller.admin:
        return
    if provider is Provider.ANTHROPIC:
        raise Refused(401, "authentication_error", "invalid x-api-key")
    raise _missing_scope(401, "model.request")


def require_admin(caller: Caller, provider: Provider) -> None:
    """An organisation's reports are for admin keys only. Raises Refused 403 (Anthropic: 401)."""
    if caller.admin:
        return
    if provider is Provider.ANTHROPIC:
        raise Refused(401, "authentication_error", "invalid x-api-key")
    raise _missing_scope(403, "api.usage.read")


def _missing_scope(status: int, scope: str) -> Refused:
    told = (
        f"You have insufficient permissions for this operation. Missing scopes: {scope}. Check that you have the "
        "correct role in your organization, and if you're using a restricted API key, that it has the necessary scopes."
    )
    return Refused(status, "invalid_request_error", told, code="missing_scope")
