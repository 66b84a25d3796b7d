"""The whole billing page as one element, in a product's own page of another origin, beside its sidebar."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import OpenPage
from tests.browser.seller import ALL, Seller
from tests.browser.site import Site
from tests.browser.test_reach import axe

LINES = """\
<link rel="stylesheet" href="/page.css">
<script type="module" src="{url}/billing-page.js"></script>
<aside><a href="/elsewhere">Home</a> <toll-balance token-url="/billing-token"></toll-balance></aside>
<main>
  <h1>Settings</h1>
  <toll-billing-page token-url="/billing-token" address-dimensions="job" {more}></toll-billing-page>
</main>
"""
TOTAL = "toll-usage [part=total]"
AT = "/dashboard/settings/billing?org=7&customer=42%20x"


@pytest.fixture
def site(seller: Seller) -> Iterator[Site]:
    site = Site(seller, "acme", LINES.format(url=seller.url, more=""), *ALL)
    yield site
    site.close()


def at(page: Page, address: str) -> None:
    expect(page).to_have_url(re.compile(rf"^http://127[^/]+{re.escape(address)}$"))


def test_it_lives_in_the_products_address(page: Page, site: Site) -> None:
    page.goto(f"{site.url}{AT}&tab=usage&job=designer#top")
    expect(page.locator(TOTAL)).to_contain_text("$1.00")
    expect(page.locator("toll-billing-filters .chip")).to_have_text("Job: designer")
    page.get_by_role("button", name="90 days").click()
    expect(page.locator(TOTAL)).to_contain_text("$4.00")
    at(page, f"{AT}&tab=usage&range=90&job=designer#top")
    page.get_by_role("button", name="Remove the filter Job: designer").click()
    page.locator("toll-breakdown").get_by_role("button", name="engineer").click()
    expect(page.locator(TOTAL)).to_contain_text("$7.51")
    at(page, f"{AT}&tab=usage&range=90&job=engineer#top")
    page.get_by_role("link", name="Activity").click()
    expect(page.locator("toll-activity .opener").first).to_be_visible()
    page.go_back()
    page.go_back()
    page.go_back()
    expect(page.locator(TOTAL)).to_contain_text("$4.00")
    at(page, f"{AT}&tab=usage&range=90&job=designer#top")
    assert page.title() == "x"
    page.reload()
    expect(page.locator(TOTAL)).to_contain_text("$4.00")

    # A link of the product's own router, which never tells anybody.
    page.evaluate(f"history.pushState({{own: 1}}, '', '{AT}&tab=plans#top')")
    expect(page.locator("toll-plans")).to_contain_text("Pro")
    page.evaluate("history.pushState({own: 1}, '', '/elsewhere?tab=usage')")
    expect(page.locator("toll-plans")).to_contain_text("Pro")


def test_it_is_all_of_the_page(page: Page, seller: Seller) -> None:
    seller.customer("within")
    seller.use("within", "cv_parse", "4")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.removeprefix(seller.url)))
    site = Site(seller, "within", LINES.format(url=seller.url, more='theme="light"'), *ALL)
    page.goto(f"{site.url}{AT}")
    overview = page.locator("toll-billing-overview")
    expect(overview.locator(".beside .big")).to_contain_text("$2.00")
    expect(page.locator(".tabs .live")).to_contain_text("Live · as of")
    assert [len(site.sessions), asked.count("/v1/portal/live"), asked.count("/tollkeeper.js")] == [1, 1, 1]
    accent = overview.get_by_role("link", name="See usage").evaluate("(link) => getComputedStyle(link).color")
    assert accent == "rgb(91, 63, 214)"
    seller.use("within", "cv_parse", "2")
    expect(overview.locator(".beside .big")).to_contain_text("$3.00")
    overview.get_by_role("link", name="See usage").click()
    at(page, f"{AT}&tab=usage")
    page.get_by_role("link", name="Plans and credits").click()
    page.get_by_role("button", name="+5").click()
    page.get_by_role("button", name="Continue to test payment").click()
    page.get_by_role("button", name="Pay $5.00").click()
    expect(page.locator("toll-balance")).to_contain_text("5 interview credits")
    page.keyboard.press("Escape")

    # A router of the product's own may write the address itself.
    page.evaluate(
        """addEventListener('toll-address', (event) => {
            event.preventDefault();
            window.told = event.detail;
            setTimeout(() => history.pushState({own: 1}, '', event.detail.address));
        })"""
    )
    page.get_by_role("link", name="Usage", exact=True).click()
    expect(page.locator(TOTAL)).to_contain_text("$3.00")
    at(page, f"{AT}&tab=usage")
    assert page.evaluate("window.told") == {"tab": "usage", "address": f"{AT}&tab=usage"}
    assert page.evaluate("history.state") == {"own": 1}

    site.logged_in = False
    seller.call("POST", f"/v1/portal-sessions/{site.sessions[-1]['id']}/revoke", customer="within")
    expect(page.get_by_text("Sign in again, or reload this page")).to_be_visible()
    expect(page.locator(TOTAL)).to_have_count(0)
    site.close()


@pytest.mark.parametrize("width", [360, 1000])
def test_it_fits_beside_a_sidebar_and_on_a_phone(open_page: OpenPage, site: Site, width: int) -> None:
    page = open_page(viewport={"width": width, "height": 800}, color_scheme="dark")
    for tab, there in {
        "overview": "toll-billing-overview .strip",
        "usage": TOTAL,
        "activity": "toll-activity .opener",
        "plans": "toll-plans [part~=plan]",
    }.items():
        page.goto(f"{site.url}{AT}&tab={tab}")
        expect(page.locator(there).first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, tab
        assert axe(page) == [], tab
    page.goto(f"{site.url}{AT}")
    expect(page.locator("toll-billing-overview .strip")).to_be_visible()
    columns = page.locator("toll-billing-overview .two").evaluate("(two) => getComputedStyle(two).gridTemplateColumns")
    assert len(columns.split()) == 1, "the sidebar takes what two columns would need"
