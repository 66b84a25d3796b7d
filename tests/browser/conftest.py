"""A real Chromium on the pages of a real server."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from tests.browser import chromium
from tests.client.serving import Server
from tests.conftest import clone_url, create_database, drop_database


@pytest.fixture(scope="module")
def server(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for a module, on a database of its own: its tests have customers of their own."""
    name = f"t_{uuid4().hex}"
    create_database(server_url, name, template)
    server = Server(clone_url(server_url, name), tmp_path_factory.mktemp("serve"))
    server.start()
    yield server
    server.kill()
    drop_database(server_url, name)


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
def page(browser: Browser) -> Iterator[Page]:
    """A page that fails the test with what went wrong on it: errors, refused scripts, requests to other hosts."""
    context = browser.new_context(locale="en-US", timezone_id="Europe/Berlin")
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if _refused(said.type, said.text) else None)
    yield page
    context.close()
    assert not wrong


def _refused(kind: str, text: str) -> bool:
    return kind == "error" and "Content Security Policy" in text
