"""A real Chromium on the pages of a real server."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urldefrag, urlsplit
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, Request, expect, sync_playwright
from tests.browser import chromium
from tests.browser.seller import Seller, furnish
from tests.client.serving import Server
from tests.conftest import clone_url, create_database, drop_database

SECRET = re.compile(r"toll[px]?_[\w-]{16}")
OpenPage = Callable[..., Page]

# Patience with a busy machine; it costs nothing where all is well.
expect.set_options(timeout=10_000)


@pytest.fixture(scope="module")
def server(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for a module, on a database of its own; its tests have their own customers. Payments are pretended."""
    name = f"t_{uuid4().hex}"
    create_database(server_url, name, template)
    server = Server(clone_url(server_url, name), tmp_path_factory.mktemp("serve"))
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("TOLLKEEPER_PAYMENTS", "test")
        server.start()
    yield server
    server.kill()
    drop_database(server_url, name)


@pytest.fixture(scope="module")
def seller(server: Server) -> Iterator[Seller]:
    """Who sells there: its catalog is applied, and `acme` has used something."""
    seller = Seller(server)
    furnish(seller)
    yield seller
    seller.http.close()


@pytest.fixture(scope="module")
def browser(server: Server) -> Iterator[Browser]:
    """Started after the server, and gone before other tests: an event loop runs here as long as it lives."""
    path = chromium.find()
    assert path is not None, "no Chromium here: python -m tests.browser.chromium puts one there"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=chromium.arguments())
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Opens pages that fail the test with what went wrong on them: errors, refused scripts, requests to other hosts,
    secrets in addresses."""
    contexts, wrong = [], []

    def said(message: ConsoleMessage) -> None:
        if message.type == "error" and "Content Security Policy" in message.text:
            wrong.append(message.text)

    def ran(dialog: Dialog) -> None:
        wrong.append(f"a script ran: {dialog.message}")
        dialog.dismiss()

    def asked(request: Request) -> None:
        address = urldefrag(request.url).url
        if urlsplit(address).scheme in ("http", "https", "ws", "wss") and urlsplit(address).hostname != "127.0.0.1":
            wrong.append(f"asked another host: {address}")
        if SECRET.search(address):
            wrong.append(f"a secret in an address: {address}")

    def opened(**options: Any) -> Page:
        # Without motion nothing has to be waited for but what the page shows.
        usual: dict[str, Any] = {"locale": "en-US", "timezone_id": "Europe/Berlin", "reduced_motion": "reduce"}
        context = browser.new_context(**usual | options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", said)
        page.on("dialog", ran)
        context.on("request", asked)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not wrong


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    """A page of an American in Berlin."""
    return open_page()
