"""Two widgets in a plain page of another origin: two lines of HTML, and an address that answers a token."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.browser.seller import Seller

LINES = """\
<script type="module" src="{url}/tollkeeper.js"></script>
<toll-balance token-url="/billing-token" billing-url="/billing"></toll-balance>
<toll-usage token-url="/billing-token"></toll-usage>
"""


class Site:
    """A site of its own, whose backend opens sessions for who is logged in."""

    def __init__(self, seller: Seller) -> None:
        self.sessions: list[dict[str, Any]] = []
        self.logged_in = True
        site = self
        head = '<!doctype html><html lang="en"><title>x</title><link rel="icon" href="data:,">'
        html = head + LINES.format(url=seller.url)

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path != "/billing-token":
                    return self.answer(200, "text/html; charset=utf-8", html)
                if not site.logged_in:
                    return self.answer(401, "application/json", "{}")
                site.sessions.append(seller.session("elsewhere"))
                return self.answer(200, "application/json", json.dumps({"token": site.sessions[-1]["token"]}))

            def answer(self, status: int, kind: str, body: str) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.listener.server_port}"
        threading.Thread(target=self.listener.serve_forever, daemon=True).start()


@pytest.fixture
def site(seller: Seller) -> Iterator[Site]:
    site = Site(seller)
    yield site
    site.listener.shutdown()
    site.listener.server_close()


def test_two_lines_are_enough(page: Page, seller: Seller, site: Site) -> None:
    seller.customer("elsewhere")
    seller.call("POST", "/v1/customers/elsewhere/grants", {"unit": "credit", "amount": "2"})
    seller.use("elsewhere", "cv_parse", "3")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(f"{request.method} {request.url.removeprefix(seller.url)}"))
    page.goto(site.url)
    balance, usage = page.locator("toll-balance"), page.locator("toll-usage")
    expect(balance).to_contain_text("2 interview credits")
    expect(usage).to_contain_text("$1.50")
    assert len(site.sessions) == 1, "both widgets share a session"
    assert asked.count("GET /v1/portal/live") == 1
    seller.use("elsewhere", "interview")
    expect(balance).to_contain_text("1 interview credit", timeout=5_000)
    expect(usage).to_contain_text("Interviews")

    # The session ends: the widgets fetch another one, and go on.
    page.evaluate("addEventListener('toll-session-expired', () => { window.expired = true; })")
    seller.call("POST", f"/v1/portal-sessions/{site.sessions[0]['id']}/revoke", customer="elsewhere")
    seller.use("elsewhere", "cv_parse", "1")
    expect(usage).to_contain_text("$2.00")
    seller.use("elsewhere", "cv_parse", "1")
    expect(usage).to_contain_text("$2.50")
    assert len(site.sessions) == 2
    assert not page.evaluate("window.expired")
    assert page.context.cookies() == []

    # Nobody is logged in any more: they say so, and show nothing.
    site.logged_in = False
    seller.call("POST", f"/v1/portal-sessions/{site.sessions[1]['id']}/revoke", customer="elsewhere")
    expect(usage).to_contain_text("session")
    expect(usage).not_to_contain_text("$2.50")
    expect(balance).not_to_contain_text("interview credit")
    assert page.evaluate("window.expired")
