"""Buying and choosing on the billing page, and who may."""

from __future__ import annotations

from playwright.sync_api import Page, expect
from tests.browser.conftest import OpenPage
from tests.browser.seller import ALL, Seller


def test_a_payment_and_one_that_is_declined(page: Page, open_page: OpenPage, seller: Seller) -> None:
    seller.customer("buyer", name="Buyer")
    seller.call("POST", "/v1/customers/buyer/grants", {"unit": "credit", "amount": "1"})
    other = open_page()
    seller.open(other, "buyer")
    expect(other.locator("toll-billing-overview .wallet")).to_contain_text("1 interview credit available")
    expect(other.locator("toll-billing-overview .wallet")).to_contain_text("Low")
    expect(other.get_by_role("link", name="Top up")).to_have_count(0)
    seller.open(page, "buyer", "", *ALL)
    page.get_by_role("link", name="Top up").first.click()
    page.get_by_role("button", name="Team").click()
    dialog = page.locator("toll-dialog")
    expect(dialog).to_contain_text("50 interview credits + 5 bonus")
    page.get_by_role("button", name="Continue to test payment").click()
    expect(dialog).to_contain_text("No money moves")
    page.get_by_role("button", name="Pay $45.00").click()
    expect(dialog).to_contain_text("Payment received")
    expect(dialog).to_contain_text("You have 56 interview credits now.")
    page.get_by_role("button", name="Done").click()
    expect(page.locator("toll-billing-grants tbody tr")).to_have_count(3)
    expect(other.locator("toll-billing-overview .wallet")).to_contain_text("56 interview credits available")
    expect(other.locator("toll-billing-overview .wallet")).not_to_contain_text("Low")

    page.get_by_role("button", name="+10").click()
    page.get_by_role("button", name="Continue to test payment").click()
    page.get_by_role("button", name="Decline").click()
    expect(dialog).to_contain_text("The payment failed")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    bought = seller.call("GET", "/v1/top-ups", customer="buyer")["data"]
    assert sorted(each["state"] for each in bought) == ["failed", "paid"]
    assert seller.portal("buyer", "/overview")["wallets"][0]["available"] == "56"
    page.get_by_role("link", name="Activity").click()
    page.get_by_role("button", name="Ledger", exact=True).click()
    page.get_by_label("Kind of posting").select_option("grant_paid")
    expect(page.locator("toll-activity .in")).to_have_text(["+50 interview credits", "+1 interview credit"])


def test_a_plan_is_chosen_now_and_later(page: Page, seller: Seller) -> None:
    seller.customer("chooser")
    seller.open(page, "chooser", "?tab=plans", *ALL)
    plans = page.locator("toll-plans")
    expect(plans.locator("[part~=current]")).to_contain_text("Free")
    page.get_by_role("button", name="Choose Pro").click()
    page.get_by_role("radio", name="Now").check()
    page.get_by_role("button", name="Change plan").click()
    expect(plans.locator("[part~=current]")).to_contain_text("Pro")
    seller.use("chooser", "cv_parse", "1")
    page.get_by_role("button", name="Choose Free").click()
    page.get_by_role("radio", name="When the month is over").check()
    page.get_by_role("button", name="Change plan").click()
    expect(plans.locator("[part=next]")).to_contain_text("Free")
    page.get_by_role("link", name="Overview").click()
    overview = page.locator("toll-billing-overview")
    expect(overview.locator(".strip")).to_contain_text("Free from")
    expect(overview.locator(".beside .big")).to_contain_text("$0.40")
    assert seller.portal("chooser", "/overview")["plan"]["key"] == "pro"


def test_who_may_only_look_finds_nothing_to_press(page: Page, seller: Seller) -> None:
    seller.customer("looker")
    seller.open(page, "looker", "?tab=plans")
    expect(page.locator("toll-plans")).to_contain_text("Pro")
    expect(page.locator("toll-plans button, toll-top-up, toll-dialog")).to_have_count(0)
    token = seller.session("looker")["token"]
    for path, body in [("top-ups", {"pack": "team"}), ("plan", {"plan": "pro", "from": "now"})]:
        status = page.evaluate(
            """([path, token, body]) => fetch(`/v1/portal/${path}`, {method: 'POST', body: JSON.stringify(body),
                headers: {'Authorization': `Bearer ${token}`, 'Content-Type': 'application/json'}})
                .then(async (answer) => [answer.status, (await answer.json()).code])""",
            [path, token, body],
        )
        assert status == [403, "portal_permission_missing"]
