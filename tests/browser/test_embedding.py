"""Widgets in a product's own pages, of another origin than Tollkeeper's: the example, buying, choosing a plan."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from examples.running.children import own_port
from playwright.sync_api import Page, expect
from tests.client.serving import Server

ROOT = Path(__file__).parents[2]
CATALOG = (ROOT / "examples" / "catalogs" / "interview-credits.toml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def server(server: Server) -> Server:
    """One that sells what the example's catalog has."""
    call(server, "PUT", "/v1/catalog", {"source": CATALOG})
    return server


@pytest.fixture(scope="module")
def product(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The example as a process."""
    port = own_port()
    line = [sys.executable, "-m", "uvicorn", "--app-dir", str(ROOT / "examples" / "embedding"), "app:app"]
    own = {"TOLLKEEPER_URL": server.url, "TOLLKEEPER_API_KEY": server.api_key}
    spool = {"TOLLKEEPER_SPOOL": str(tmp_path_factory.mktemp("product") / "spool.sqlite")}
    process = subprocess.Popen([*line, "--port", str(port), "--log-level", "warning"], env=os.environ | own | spool)
    address = f"http://127.0.0.1:{port}"
    for _ in range(600):
        try:
            httpx.get(address, timeout=5)
            break
        except httpx.HTTPError:
            assert process.poll() is None
            time.sleep(0.05)
    yield address
    process.terminate()
    process.wait(30)


def call(server: Server, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {server.api_key}"}
    answer = httpx.request(method, f"{server.url}{path}", json=body, headers=headers, timeout=30)
    assert answer.is_success, answer.text
    return answer.json()


def credits(server: Server, customer: str, amount: str) -> None:
    call(server, "PUT", f"/v1/customers/{customer}", {"name": customer})
    grant = {"unit": "interview_credit", "amount": amount, "kind": "paid"}
    call(server, "POST", f"/v1/customers/{customer}/grants", grant)


class Elsewhere:
    """Pages of another origin: really served, because browsers let only those of the same machine call it."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.html = ""
        sources = f"script-src {server.url}; connect-src {server.url}; img-src data:"
        told = f"default-src 'none'; {sources}; require-trusted-types-for 'script'"
        pages = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Security-Policy", told)
                self.end_headers()
                self.wfile.write(pages.html.encode())

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.listener.serve_forever, daemon=True).start()

    def open(self, page: Page, customer: str, widgets: str, permissions: list[str]) -> None:
        """Open a page with widgets of this customer."""
        session = call(self.server, "POST", "/v1/portal-sessions", {"customer": customer, "permissions": permissions})
        made = re.sub(r"<(toll-[\w-]+)", rf'<\1 token="{session["token"]}"', widgets)
        script = f'<script type="module" src="{self.server.url}/tollkeeper.js"></script>'
        head = f'<meta charset="utf-8"><title>x</title><link rel="icon" href="data:,">{script}'
        self.html = f'<!doctype html><html lang="en"><head>{head}</head><body><main>{made}</main></body></html>'
        page.goto(f"http://127.0.0.1:{self.listener.server_port}/")


@pytest.fixture(scope="module")
def elsewhere(server: Server) -> Iterator[Elsewhere]:
    pages = Elsewhere(server)
    yield pages
    pages.listener.shutdown()
    pages.listener.server_close()


def test_the_example_shows_what_is_used_at_once(page: Page, server: Server, product: str) -> None:
    credits(server, "acme", "2")
    page.goto(product)
    balance, alerts = page.locator("toll-balance"), page.locator("toll-alerts")
    expect(balance).to_contain_text("2 interview credits")
    page.get_by_role("button", name="Hold an interview").click()
    expect(page.get_by_role("status").filter(has_text="Held.")).to_be_visible()
    expect(balance).to_contain_text("1 interview credit")
    page.get_by_role("button", name="Hold an interview").click()
    expect(alerts).to_contain_text("Balance used up")
    page.get_by_role("button", name="Hold an interview").click()
    expect(page.locator("#said")).to_contain_text("interview_credit")
    expect(alerts.get_by_role("link", name="Top up")).to_have_attribute("href", "/settings/billing?tab=plans")


def test_the_example_has_the_billing_page_within_its_own(page: Page, server: Server, product: str) -> None:
    credits(server, "acme", "7")
    page.goto(product)
    page.locator("toll-balance").get_by_role("link", name="Billing").click()
    expect(page).to_have_url(f"{product}/settings/billing")
    expect(page.locator("toll-billing-overview")).to_contain_text("interview credits available")
    page.locator("toll-billing-overview").get_by_role("link", name="Top up").click()
    expect(page).to_have_url(f"{product}/settings/billing?tab=plans")
    expect(page.get_by_role("button", name="Agency")).to_be_visible()


def test_credits_are_bought_and_seen_everywhere(page: Page, server: Server, elsewhere: Elsewhere) -> None:
    credits(server, "buyer", "1")
    elsewhere.open(page, "buyer", "<toll-balance></toll-balance><toll-top-up></toll-top-up>", ["top_up"])
    page.evaluate("document.addEventListener('toll-topped-up', (event) => { window.told = event.detail; })")
    page.get_by_role("button", name="Agency").click()
    dialog = page.locator("toll-dialog")
    expect(dialog).to_contain_text("200 interview credits + 10 bonus")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page.get_by_role("button", name="Agency")).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Continue to test payment").click()
    expect(dialog).to_contain_text("No money moves")
    page.get_by_role("button", name="Pay $170.00").click()
    expect(dialog).to_contain_text("Payment received")
    expect(page.locator("toll-balance")).to_contain_text("211 interview credits")
    expect(dialog).to_contain_text("You have 211 interview credits now.")
    assert page.evaluate("window.told")["amount"] == "200"
    page.get_by_role("button", name="Done").click()
    page.get_by_role("button", name="+5").click()
    page.get_by_role("button", name="Continue to test payment").click()
    page.get_by_role("button", name="Decline").click()
    expect(dialog).to_contain_text("The payment failed")
    assert page.evaluate("window.told")["amount"] == "200"


def test_a_payment_elsewhere_is_noticed(page: Page, server: Server, elsewhere: Elsewhere) -> None:
    credits(server, "waiter", "1")
    elsewhere.open(page, "waiter", "<toll-top-up></toll-top-up>", ["top_up"])
    page.get_by_role("button", name="Team").click()
    page.get_by_role("button", name="Continue to test payment").click()
    expect(page.locator("toll-dialog")).to_contain_text("No money moves")
    headers = {"Authorization": f"Bearer {server.api_key}"}
    found = httpx.get(f"{server.url}/v1/top-ups", params={"customer": "waiter"}, headers=headers).json()
    call(server, "POST", f"/v1/top-ups/{found['data'][0]['id']}/paid", {"customer": "waiter"})
    expect(page.locator("toll-dialog")).to_contain_text("Payment received")


def test_a_plan_is_chosen(page: Page, server: Server, elsewhere: Elsewhere) -> None:
    credits(server, "chooser", "1")
    elsewhere.open(page, "chooser", "<toll-plans></toll-plans>", ["change_plan"])
    expect(page.locator("toll-plans")).to_contain_text("3 interview credits every month")
    page.get_by_role("button", name="Choose Trial").click()
    page.get_by_role("radio", name="Now").check()
    page.get_by_role("button", name="Change plan").click()
    expect(page.get_by_role("status").filter(has_text="You are on Trial now.")).to_be_visible()
    expect(page.locator("toll-plans")).to_contain_text("Your plan")


def test_who_may_only_look_finds_nothing_to_press(page: Page, server: Server, elsewhere: Elsewhere) -> None:
    credits(server, "reader", "1")
    elsewhere.open(page, "reader", "<toll-top-up></toll-top-up><toll-plans></toll-plans>", ["read"])
    expect(page.locator("toll-top-up")).to_contain_text("Ask whoever looks after billing")
    expect(page.locator("toll-plans")).to_contain_text("Trial")
    expect(page.get_by_role("button")).to_have_count(0)
