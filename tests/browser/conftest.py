"""A real Chromium on the pages of a real server."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page
from tests.browser.seller import Seller, furnish
from tests.browser.watched import OpenPage, launched, watched
from tests.client.serving import Server
from tests.conftest import clone_url, create_database, drop_database


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
