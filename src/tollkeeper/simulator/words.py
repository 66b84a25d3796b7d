"""What the models say: always the same to the same prompt and seed, and of a known number of tokens."""

from __future__ import annotations

from hashlib import blake2b

from tollkeeper.simulator.tokens import LETTERS, pieces

_TEXT = (
    "the toll keeper counts every cart that passes the gate and writes its number weight and owner into a long book "
    "so that nobody pays twice nobody passes free and each evening sum and coins agree to the last penny of the day"
)
_WORDS = _TEXT.split()

SHORTEST, LONGEST = 12, 60
"""Tokens of a reply that nothing limits."""


def number_of(*parts: str) -> int:
    """A number that follows from the parts."""
    return int.from_bytes(blake2b("\0".join(parts).encode(), digest_size=8).digest())


def reply_tokens(seed: int, prompt: str, salt: str = "") -> list[str]:
    """The tokens of the reply to a prompt."""
    number = number_of(str(seed), prompt, salt)
    length = SHORTEST + number % (LONGEST - SHORTEST + 1)
    first = number // 64 % len(_WORDS)
    words = [_WORDS[(first + i) % len(_WORDS)] for i in range(length)]
    text = " ".join(words)[: LETTERS * length].rstrip().ljust(LETTERS * length, ".")
    return pieces(text)
