"""Money, days and times as their readers write them: currencies without and with three digits, credits, parts of a
cent, another language, days of 23 and 25 hours.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import OpenPage
from tests.browser.seller import CATALOG, Seller

OWN = """
[customers.kyoto.prices.cv_parse]
model = "unit"
unit = "JPY"
amount = "1234.5"
[customers.kuwait.prices.cv_parse]
model = "unit"
unit = "KWD"
amount = "0.0125"
[customers.tiny.prices.cv_parse]
model = "unit"
amount = "0.0000123456"
"""
TOTAL = "toll-usage [part=total] .big"


@pytest.fixture(scope="module")
def priced(seller: Seller) -> Seller:
    """Prices of single customers."""
    seller.call("PUT", "/v1/catalog", {"source": CATALOG + OWN})
    return seller


def charge(page: Page, text: str) -> None:
    """What a single event comes to, on all tabs."""
    expect(page.locator("toll-billing-overview .beside .big")).to_have_text(text)
    expect(page.locator("toll-billing-overview .meters .figure")).to_have_text(text)
    page.get_by_role("link", name="Usage", exact=True).click()
    expect(page.locator(TOTAL)).to_have_text(text)
    expect(page.locator("toll-breakdown tfoot td").last).to_contain_text(text)
    page.get_by_role("link", name="Activity").click()
    expect(page.locator("toll-activity .amount")).to_have_text(text)


@pytest.mark.parametrize(
    ("customer", "currency", "quantity", "shown"),
    [
        ("kyoto", "JPY", "2", "¥2,469"),
        ("kuwait", "KWD", "5", "KWD 0.0625"),
        ("kuwait-2", "KWD", "100", "KWD 1.250"),
        ("tiny", "USD", "3", "$0.000037"),
    ],
)
def test_digits_of_each_currency(
    page: Page, priced: Seller, customer: str, currency: str, quantity: str, shown: str
) -> None:
    if customer == "kuwait-2":
        source = CATALOG + OWN.replace("customers.kuwait.", "customers.kuwait-2.")
        priced.call("PUT", "/v1/catalog", {"source": source})
    priced.customer(customer, currency=currency)
    priced.use(customer, "cv_parse", quantity)
    priced.open(page, customer)
    charge(page, shown.replace("KWD ", "KWD\u00a0"))


def test_a_german_reads_german_figures(open_page: OpenPage, priced: Seller) -> None:
    priced.customer("deutsch")
    priced.use("deutsch", "cv_parse", "5001")
    page = open_page(locale="de-DE")
    priced.open(page, "deutsch")
    charge(page, "2.500,50\u00a0$")
    expect(page.locator("toll-activity .quantity")).to_have_text("5.001 CV")


def test_credits_by_their_name(page: Page, priced: Seller) -> None:
    priced.customer("creditor")
    priced.call("POST", "/v1/customers/creditor/grants", {"unit": "credit", "amount": "2"})
    priced.use("creditor", "interview")
    priced.open(page, "creditor")
    expect(page.locator("toll-billing-overview .wallet")).to_contain_text("1 interview credit available")
    charge(page, "1 interview credit")


@pytest.mark.parametrize(
    ("timezone", "event", "day", "clock", "days"),
    [
        # The hour that comes twice, its second time; 00:30 on the next day is 23:30 UTC.
        ("Europe/Berlin", "2026-10-25T01:30:00Z", "Sunday, October 25, 2026", "2:30 AM", "2026-10-25..2026-10-25"),
        ("Europe/Berlin", "2026-10-25T22:59:59Z", "Sunday, October 25, 2026", "11:59 PM", "2026-10-25..2026-10-25"),
        ("Europe/Berlin", "2026-10-25T23:00:00Z", "Monday, October 26, 2026", "12:00 AM", "2026-10-26..2026-10-26"),
        # A day of 23 hours, and one without midnight.
        ("Europe/Berlin", "2026-03-29T21:59:59Z", "Sunday, March 29, 2026", "11:59 PM", "2026-03-29..2026-03-29"),
        ("America/Santiago", "2026-09-06T04:00:00Z", "Sunday, September 6, 2026", "1:00 AM", "2026-09-06..2026-09-06"),
    ],
)
def test_days_of_another_length(
    open_page: OpenPage, priced: Seller, timezone: str, event: str, day: str, clock: str, days: str
) -> None:
    customer = "dst-" + event.replace(":", "").lower()
    priced.customer(customer, timezone=timezone)
    priced.use(customer, "cv_parse", "2", time=event)
    # Who looks may be elsewhere: days are the customer's.
    page = open_page(timezone_id="Asia/Tokyo")
    priced.open(page, customer, f"?tab=usage&range={days}")
    expect(page.locator(TOTAL)).to_have_text("$1.00")
    row = page.locator("toll-usage toll-chart tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text(day)
    expect(row).to_contain_text("$1.00")
    page.get_by_role("link", name="Activity").click()
    expect(page.locator("toll-activity .day")).to_have_text(day)
    expect(page.locator("toll-activity .at")).to_have_text(clock.replace(" ", "\u202f"))
    page.get_by_label("Last day").fill(datetime.now(UTC).date().isoformat())
    page.get_by_role("link", name="Usage", exact=True).click()
    expect(page.locator(TOTAL)).to_have_text("$1.00")
