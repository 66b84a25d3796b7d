"""Keys in paths: any key works, whatever characters it has, when the caller percent-encodes it.

An ASGI server hands the path over decoded, so a key `a/b`, sent as `a%2Fb`, would look like two segments.
`routed_path` decodes all but the two characters that would be ambiguous, `/` and `%`, and the route parameter
`{key:key}` decodes those.
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import unquote_to_bytes

from fastapi import Path
from starlette.convertors import Convertor, register_url_convertor

from tollkeeper.errors import MalformedBody


class _KeyConvertor(Convertor[str]):
    regex = "[^/]+"

    def convert(self, value: str) -> str:
        return value.replace("%2F", "/").replace("%25", "%")

    def to_string(self, value: str) -> str:
        return value.replace("%", "%25").replace("/", "%2F")


_convertor = _KeyConvertor()
register_url_convertor("key", _convertor)

CustomerKey = Annotated[str, Path(description="The customer's key, percent-encoded: `a/b` is sent as `a%2Fb`.")]
HoldKey = Annotated[str, Path(description="The hold's id, percent-encoded.")]
EventKey = Annotated[str, Path(description="The event's id, percent-encoded.")]
LimitKey = Annotated[str, Path(description="The limit's key.")]
RecurringGrantName = Annotated[str, Path(description="The recurring grant's name.")]
MemberKey = Annotated[str, Path(description="The member's key within the customer, percent-encoded.")]


def routed_path(raw: bytes) -> str:
    """The path to route by, from the path as it was sent. Raises MalformedBody `malformed_url`."""
    return "/".join(_convertor.to_string(decoded(segment)) for segment in raw.split(b"/"))


def decoded(encoded: bytes) -> str:
    """Percent-encoded bytes as text. Raises MalformedBody `malformed_url`: not UTF-8, or a NUL character."""
    try:
        text = unquote_to_bytes(encoded).decode()
    except UnicodeDecodeError:
        raise MalformedBody("malformed_url", "The URL isn't percent-encoded UTF-8.") from None
    if "\0" in text:
        raise MalformedBody("malformed_url", "The URL holds a NUL character.")
    return text
