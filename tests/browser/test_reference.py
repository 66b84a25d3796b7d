"""`/docs`: the API reference, from our own origin alone."""

from __future__ import annotations

from playwright.sync_api import Page, expect
from tests.browser.seller import Seller


def test_the_reference_is_drawn_by_our_own_files(page: Page, seller: Seller) -> None:
    """A page that asks another host fails, see `watched`; so does one whose policy stops a script or a style."""
    answer = page.goto(f"{seller.url}/docs")
    assert answer is not None
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    page.locator("#operations-tag-holds").click()
    page.get_by_text("Hold what an operation may cost").click()
    expect(page.get_by_role("heading", name="Responses")).to_be_visible()
