"""Identifiers: UUIDv7, made by the application, so that no table needs a sequence and rows sort by age."""

from __future__ import annotations

import os
import time
from hashlib import blake2b
from uuid import UUID


def new_id() -> UUID:
    """A UUIDv7 (RFC 9562 §5.7): 48 bits of Unix milliseconds, then 74 random bits."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10), "big")
    value = (milliseconds & ((1 << 48) - 1)) << 80
    value |= 0x7 << 76
    value |= ((random >> 62) & 0xFFF) << 64
    value |= 0b10 << 62
    value |= random & ((1 << 62) - 1)
    return UUID(int=value)


def content_id(*parts: str) -> UUID:
    """An id that follows from its content: the same parts always give the same id.

    128 bits of BLAKE2b over the length-prefixed parts, so that ("ab", "c") and ("a", "bc") differ.
    """
    digest = blake2b(digest_size=16)
    for part in parts:
        data = part.encode()
        digest.update(len(data).to_bytes(4, "big"))
        digest.update(data)
    return UUID(bytes=digest.digest())
