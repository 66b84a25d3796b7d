"""Worker processes that run operations with wrapped clients, and are killed in the midst of it (`test_survives.py`)."""

from __future__ import annotations

import asyncio
import json
import os
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anthropic
import openai

from tollkeeper import Tollkeeper
from tollkeeper.errors import TollkeeperUnreachable

HELLO: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Tell me about a bridge."}]}
LETTER: dict[str, Any] = {
    "model": "claude-haiku-5-5",
    "max_tokens": 64,
    "messages": [{"role": "user", "content": "Hello."}],
}
CUSTOMERS = [f"customer-{i}" for i in range(8)]


@dataclass(frozen=True, slots=True)
class Place:
    """Where everything is."""

    tollkeeper: str
    api_key: str
    simulator: str
    spool: Path
    folder: Path


def work(place: Place, worker: int, operations: int) -> None:
    """Run what is left of a worker's operations. Each is noted when it begins, and each answer when the app has it."""
    begun = os.open(place.folder / f"begun-{worker}", os.O_RDWR | os.O_CREAT | os.O_APPEND)
    seen = os.open(place.folder / f"seen-{worker}", os.O_RDWR | os.O_CREAT | os.O_APPEND)
    first = len(os.pread(begun, 1 << 20, 0).splitlines())
    chance = random.Random(worker * 10_000 + first)
    allow = "allow" if worker % 2 else "refuse"
    toll = Tollkeeper(place.tollkeeper, place.api_key, spool=place.spool, on_outage=allow, timeout=0.8)  # type: ignore[arg-type]
    crowd = Crowd(toll, place, chance, lambda id: os.write(seen, f"{id}\n".encode()))
    for number in range(first, operations):
        os.write(begun, f"{worker}-{number}\n".encode())
        with suppress(openai.APIError, anthropic.APIError, TollkeeperUnreachable, ZeroDivisionError):
            crowd.operate(f"{worker}-{number}")
    toll.close()


class Crowd:
    """One worker's clients, and what they do."""

    def __init__(self, toll: Tollkeeper, place: Place, chance: random.Random, saw: Callable[[str], object]) -> None:
        self.toll = toll
        self.chance = chance
        self.saw = saw
        given: dict[str, Any] = {"api_key": "sk-proj-acme-1", "base_url": f"{place.simulator}/v1", "max_retries": 1}
        self.openai = toll.wrap(openai.OpenAI(**given, timeout=10))
        self.given = given
        self.anthropic = toll.wrap(
            anthropic.Anthropic(api_key="sk-ant-api03-1", base_url=place.simulator, max_retries=0, timeout=10)
        )

    def operate(self, id: str) -> None:
        customer = self.chance.choice(CUSTOMERS)
        act = self.chance.choice(
            [self.chat, self.chat, self.two, self.stream, self.broken_off, self.left, self.letter, self.cancelled]
        )
        if self.chance.random() < 0.2:
            with self.toll.context(customer=customer, meter="cv_parse"):
                act()
            return
        with self.toll.operation("cv_parse", customer=customer, id=id):
            act()
            if self.chance.random() < 0.1:
                raise ZeroDivisionError

    def trouble(self) -> dict[str, Any]:
        """What the provider does with a call: mostly what it should."""
        steps: list[dict[str, Any]] = [{}] * 24 + [
            {"status": 400},
            {"status": 429, "headers": {"retry-after-ms": "1"}},
            {"status": 500, "headers": {"retry-after-ms": "1"}},
            {"status": 503, "billed": True, "headers": {"retry-after-ms": "1"}},
            {"timeout": True},
            {"abort_after_chunks": self.chance.choice([0, 1, 3])},
        ]
        step = self.chance.choice(steps)
        patience = {"timeout": 0.4} if "timeout" in step else {}
        return {"extra_headers": {"x-simulator": json.dumps(step)}} | patience if step else {}

    def chat(self) -> None:
        self.saw(self.openai.chat.completions.create(**HELLO, **self.trouble()).id)

    def two(self) -> None:
        self.chat()
        self.chat()

    def stream(self) -> None:
        first = True
        for chunk in self.openai.chat.completions.create(**HELLO, stream=True, **self.trouble()):
            if first:
                self.saw(chunk.id)
            first = False

    def broken_off(self) -> None:
        with self.openai.chat.completions.create(**HELLO, stream=True, **self.trouble()) as stream:
            self.saw(next(stream).id)

    def left(self) -> None:
        self.saw(next(self.openai.chat.completions.create(**HELLO, stream=True, **self.trouble())).id)

    def letter(self) -> None:
        self.saw(self.anthropic.messages.create(**LETTER, **self.trouble()).id)

    def cancelled(self) -> None:
        async def hurry() -> None:
            async with self.toll.wrap(openai.AsyncOpenAI(**self.given, timeout=2)) as client:
                call = client.chat.completions.create(**HELLO, extra_headers={"x-simulator": '{"delay_ms": 60}'})
                with suppress(TimeoutError):
                    self.saw((await asyncio.wait_for(call, self.chance.choice([0.02, 0.3]))).id)

        asyncio.run(hurry())
