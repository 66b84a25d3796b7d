"""Examples as they run for whoever tries them: all their processes, each module's on a database of its own.

@pytest.fixture(scope="module")
def running(start: Start) -> Running:
    return start("recruiting", catalog="fixed")

def test_something(running: Running, sign_in: SignIn, page: Page) -> None:
    acme = sign_in(running, name="acme")          # an httpx.Client with its session
    sign_in.in_browser(page, running, name="acme")   # the same in the browser
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from itertools import islice
from typing import Any, Protocol
from uuid import uuid4

import httpx
import pytest
from examples.running import Example, Running, started
from playwright.sync_api import Browser, Page
from tests.browser.watched import OpenPage, launched, watched
from tests.conftest import clone_url, create_database, drop_database


class Start(Protocol):
    """Starts an example, which runs until the module's tests are over."""

    def __call__(self, name: str | Example, *, catalog: str | None = None, **environment: str) -> Running: ...


@pytest.fixture(scope="module")
def start(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Starts examples with a simulated provider. A process that ends by itself fails the module."""
    with ExitStack() as stack:

        def run(name: str | Example, *, catalog: str | None = None, **environment: str) -> Running:
            database = f"t_{uuid4().hex}"
            create_database(server_url, database, template)
            stack.callback(drop_database, server_url, database)
            return stack.enter_context(
                started(
                    name,
                    data=tmp_path_factory.mktemp("example"),
                    catalog=catalog,
                    environment=environment,
                    simulator=True,
                    database_url=clone_url(server_url, database),
                )
            )

        yield run


def asked_at_once(
    running: Running, ask: Callable[[Any], httpx.Response], whom: Sequence[Any], *, refused: int
) -> list[httpx.Response]:
    """What all are answered who ask at the same time. The provider, whose script says `until_released`, holds back what
    is under way until so many were refused, so that nobody comes when another is through already."""
    before = _billed(running)
    with ThreadPoolExecutor(len(whom)) as threads:
        asked: list[Future[httpx.Response]] = [threads.submit(ask, each) for each in whom]
        for _ in islice(as_completed(asked, timeout=60), refused):
            pass
        deadline = time.monotonic() + 60
        while _billed(running) - before < len(whom) - refused and time.monotonic() < deadline:
            time.sleep(0.02)
        httpx.post(f"{running.simulator_url}/_simulator/release", trust_env=False).raise_for_status()
        return [each.result() for each in asked]


def _billed(running: Running) -> int:
    return len(httpx.get(f"{running.simulator_url}/_simulator/bills", trust_env=False).json()["bills"])


class SignIn:
    """Signs in at an example's `POST /sign-in`, with the fields of its form."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack

    def __call__(self, running: Running, **form: Any) -> httpx.Client:
        """A client with that session."""
        client = self._stack.enter_context(httpx.Client(base_url=running.url, timeout=30, trust_env=False))
        answer = client.post("/sign-in", data=form)
        assert answer.status_code < 400, answer.text
        return client

    def in_browser(self, page: Page, running: Running, **form: Any) -> None:
        """The page's browser has that session from here on."""
        answer = page.context.request.post(f"{running.url}/sign-in", form=form, max_redirects=0)
        assert answer.status < 400, answer.text()


@pytest.fixture(scope="module")
def sign_in() -> Iterator[SignIn]:
    """Signs in; the clients are closed when the module's tests are over."""
    with ExitStack() as stack:
        yield SignIn(stack)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium, gone before other tests: an event loop runs in this thread as long as it lives."""
    with launched() as browser:
        yield browser


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Opens pages that fail the test with what went wrong on them."""
    with watched(browser) as opened:
        yield opened


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    """A page of an American in Berlin."""
    return open_page()
