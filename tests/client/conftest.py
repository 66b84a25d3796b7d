"""The SDK against the real engine and the simulator, with the real packages of OpenAI and Anthropic."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import structlog
from anthropic import Anthropic, AsyncAnthropic
from openai import AsyncOpenAI, AzureOpenAI, OpenAI
from tests.conftest import clone_url, create_database, drop_database

from tollkeeper import Tollkeeper
from tollkeeper.simulator import Simulator, SimulatorSettings, running

CATALOG = """
currency = "USD"
[meters.cv_parse]
unit = "CV"
dimensions = ["job"]
aggregation = "count"
[prices.cv_parse]
model = "unit"
amount = "0.50"
[meters.question]
unit = "question"
[prices.question]
model = "cost_plus"
margin_percent = "25"
fallback = "0.01"
[meters.answer]
unit = "answer"
[prices.answer]
model = "cost_plus"
margin_percent = "25"
[funding.units.USD]
when_exhausted = "refuse"
top_up_url = "https://app.example/credits?customer={customer}"
"""

NOWHERE = "http://127.0.0.1:9"
"""Nobody listens there."""


@pytest.fixture(scope="session")
def simulator() -> Iterator[Simulator]:
    with running(SimulatorSettings(seed=1)) as found:
        yield found


@pytest.fixture(autouse=True)
def nothing_scripted(request: pytest.FixtureRequest) -> None:
    """Each test finds the simulator without bills and steps."""
    if "simulator" in request.fixturenames:
        request.getfixturevalue("simulator").reset()


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    return tmp_path / "spool.sqlite"


@pytest.fixture
def lonely(spool: Path) -> Iterator[Tollkeeper]:
    """A client whose Tollkeeper can't be reached, and which goes on all the same: everything ends in its spool."""
    with Tollkeeper(NOWHERE, "toll_x", on_outage="allow", spool=spool) as toll:
        yield toll


@pytest.fixture(scope="module")
def books_url(server_url: str, template: str) -> Iterator[str]:
    """A database for all tests of a module."""
    name = f"toll_test_{uuid4().hex[:12]}"
    create_database(server_url, name, template)
    yield clone_url(server_url, name)
    drop_database(server_url, name)


@pytest.fixture(scope="module")
def toll(books_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tollkeeper]:
    """Tollkeeper within the process, with the catalog applied."""
    folder = tmp_path_factory.mktemp("spool")
    with Tollkeeper.local(catalog=CATALOG, database_url=books_url, spool=folder / "spool.sqlite") as opened:
        yield opened
    structlog.reset_defaults()


@pytest.fixture
def customer(toll: Tollkeeper) -> str:
    """A new customer with 10 USD."""
    key = f"customer-{uuid4().hex[:8]}"
    toll.put_customer(key)
    toll.grant(key, 10)
    return key


@pytest.fixture
def openai(simulator: Simulator) -> Iterator[OpenAI]:
    with OpenAI(base_url=simulator.openai_url, api_key="sk-proj-acme-1") as client:
        yield client


@pytest.fixture
def azure(simulator: Simulator) -> Iterator[AzureOpenAI]:
    with AzureOpenAI(azure_endpoint=simulator.url, api_key="azure-1", api_version="2024-10-21") as client:
        yield client


@pytest.fixture
async def async_openai(simulator: Simulator, anyio_backend: object) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=simulator.openai_url, api_key="sk-proj-acme-1") as client:
        yield client


@pytest.fixture
def anthropic(simulator: Simulator) -> Iterator[Anthropic]:
    with Anthropic(base_url=simulator.url, api_key="sk-ant-api03-acme-1") as client:
        yield client


@pytest.fixture
async def async_anthropic(simulator: Simulator, anyio_backend: object) -> AsyncIterator[AsyncAnthropic]:
    async with AsyncAnthropic(base_url=simulator.url, api_key="sk-ant-api03-acme-1") as client:
        yield client


@pytest.fixture
def hello() -> dict[str, Any]:
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": "Tell me about a bridge."}]}


@pytest.fixture
def letter() -> dict[str, Any]:
    """What Anthropic is asked."""
    return {"model": MODEL, "max_tokens": 64, "messages": [{"role": "user", "content": "Hello."}]}


MODEL = "claude-haiku-5-5"

Seen = Callable[[Callable[[], Any]], list[dict[str, Any]]]


@pytest.fixture
def seen(lonely: Tollkeeper) -> Seen:
    """What an operation has seen of the calls that a function makes; its error, if it raises one, is dropped."""

    def see(act: Callable[[], Any]) -> list[dict[str, Any]]:
        operation = lonely.operation("cv_parse", customer="acme")
        try:
            with operation:
                act()
        except Exception:
            pass
        return [dict(call) for call in operation.calls]

    return see
