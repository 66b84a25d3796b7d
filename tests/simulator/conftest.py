"""A running simulator, and the real packages' clients of it."""

from __future__ import annotations

import io
import time
import wave
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from anthropic import Anthropic, AsyncAnthropic
from openai import AsyncOpenAI, AzureOpenAI, OpenAI

from tollkeeper.simulator import Simulator, SimulatorSettings, running

KEY = "sk-proj-acme-1"
ADMIN = "sk-admin-1"
ANTHROPIC_KEY = "sk-ant-api03-acme-1"
ANTHROPIC_ADMIN = "sk-ant-admin01-1"


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with running(SimulatorSettings(seed=1)) as found:
        yield found


@pytest.fixture
def openai(simulator: Simulator) -> Iterator[OpenAI]:
    with OpenAI(base_url=simulator.openai_url, api_key=KEY, admin_api_key=ADMIN) as client:
        yield client


@pytest.fixture
async def async_openai(simulator: Simulator, anyio_backend: object) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=simulator.openai_url, api_key=KEY) as client:
        yield client


@pytest.fixture
def azure(simulator: Simulator) -> Iterator[AzureOpenAI]:
    with AzureOpenAI(azure_endpoint=simulator.url, api_key="azure-1", api_version="2024-10-21") as client:
        yield client


@pytest.fixture
def anthropic(simulator: Simulator) -> Iterator[Anthropic]:
    with Anthropic(base_url=simulator.url, api_key=ANTHROPIC_KEY) as client:
        yield client


@pytest.fixture
async def async_anthropic(simulator: Simulator, anyio_backend: object) -> AsyncIterator[AsyncAnthropic]:
    async with AsyncAnthropic(base_url=simulator.url, api_key=ANTHROPIC_KEY) as client:
        yield client


def wait_for_bills(simulator: Simulator, count: int) -> None:
    """Until so many calls are billed: who gives up on an answer may do so before its question is read."""
    deadline = time.monotonic() + 30
    while len(simulator.bills()) < count:
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def hello() -> dict[str, Any]:
    """The least that a chat takes: 4 + 2 tokens."""
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello."}]}


@pytest.fixture
def recording() -> bytes:
    """A WAV file of two and a half seconds, with line ends in it."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(b"\r\n--" * 10_000)
    return file.getvalue()
