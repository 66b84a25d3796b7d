"""Two widgets in a plain page of another origin: two lines of HTML, and an address that answers a token."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import OpenPage
from tests.browser.seller import Seller
from tests.browser.site import Site
from tests.browser.test_reach import background

LINES = """\
<script type="module" src="{url}/tollkeeper.js"></script>
<toll-balance token-url="/billing-token" billing-url="/billing"></toll-balance>
<toll-usage token-url="/billing-token"></toll-usage>
"""


@pytest.fixture
def site(seller: Seller) -> Iterator[Site]:
    site = Site(seller, "elsewhere", LINES.format(url=seller.url))
    yield site
    site.close()


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
    expect(balance).to_contain_text("1 interview credit")
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


def test_an_automatic_theme_is_the_pages(open_page: OpenPage, seller: Seller, site: Site) -> None:
    seller.customer("elsewhere")
    page = open_page(color_scheme="dark")
    page.goto(site.url)
    panel = page.locator("toll-balance section")
    expect(panel).to_contain_text("this period")
    assert background(panel) < 60, "the page says nothing, so it's the system's"
    for scheme, light in {"light": True, "dark": False, "light dark": False, "normal": False}.items():
        page.evaluate("(scheme) => { document.documentElement.style.colorScheme = scheme; }", scheme)
        assert (background(panel) > 200) == light, scheme
    page.evaluate("document.documentElement.style.colorScheme = 'light'")
    page.locator("toll-balance").evaluate("(widget) => { widget.theme = 'dark'; }")
    assert background(panel) < 60, "its own theme goes before the page's"
