"""What a process remembers of secrets that it has verified: it needn't ask the database about each call."""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Generic, TypeVar

T = TypeVar("T")

LIFETIME = timedelta(seconds=5)
"""How long a process trusts a secret without asking the database: a revoked one stops working within this time."""

MOST_KEPT = 10_000


class Verified(Generic[T]):
    """What secrets stand for, by their SHA-256, for a few seconds. That a secret is wrong isn't kept."""

    def __init__(self, *, lifetime: timedelta = LIFETIME, most: int = MOST_KEPT) -> None:
        self._lifetime = lifetime
        self._most = most
        self._kept: dict[bytes, tuple[T, datetime]] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def recall(self, secret: str, now: datetime) -> T | None:
        """What the secret stood for, if that was verified a moment before `now`."""
        value, verified_at = self._kept.get(hash_of(secret), (None, None))
        # A clock that was set back must not prolong a secret's life.
        if verified_at is not None and verified_at <= now < verified_at + self._lifetime:
            return value
        return None

    def keep(self, secret: str, value: T, asked_at: datetime) -> None:
        """Remember what the database has said; `asked_at` is when it was asked."""
        if len(self._kept) >= self._most:
            self._kept.clear()
        self._kept[hash_of(secret)] = (value, asked_at)

    def forget(self, secret: str) -> None:
        """Ask the database again the next time."""
        self._kept.pop(hash_of(secret), None)


def hash_of(secret: str) -> bytes:
    """What is stored of a secret."""
    return sha256(secret.encode()).digest()
