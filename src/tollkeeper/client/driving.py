"""Steps: what is to be sent and waited for, apart from how. One generator serves threads and event loops."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Generator
from typing import Any, TypeVar

from tollkeeper.client.transport import Answer, AsyncTransport, NoAnswer, Request, Transport

T = TypeVar("T")

Steps = Generator[Request | float, Any, T]
"""Yields requests, and seconds to be waited; is sent an Answer or NoAnswer for each; returns what it was for."""


def drive(steps: Generator[Any, Any, T], transport: Transport) -> T:
    """Take the steps, blocking."""
    said: Answer | NoAnswer | None = None
    while True:
        try:
            step = steps.send(said)
        except StopIteration as end:
            return end.value
        said = None
        try:
            if isinstance(step, float):
                time.sleep(step)
            else:
                said = transport.send(step)
        except NoAnswer as error:
            said = error
        except BaseException:
            steps.close()
            raise


async def adrive(steps: Generator[Any, Any, T], transport: AsyncTransport) -> T:
    """Take the steps without blocking the event loop."""
    said: Answer | NoAnswer | None = None
    while True:
        try:
            step = steps.send(said)
        except StopIteration as end:
            return end.value
        said = None
        try:
            if isinstance(step, float):
                await asyncio.sleep(step)
            else:
                said = await transport.send(step)
        except NoAnswer as error:
            said = error
        except BaseException:
            steps.close()
            raise
