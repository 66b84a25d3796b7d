"""The billing page: filters, addresses, figures, files, explanations."""

from __future__ import annotations

import csv
import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from playwright.sync_api import Page, expect
from tests.browser.seller import Seller

USAGE = "toll-usage [part=total]"


def total(page: Page, amount: str) -> None:
    expect(page.locator(USAGE)).to_contain_text(amount)


def query(page: Page, said: str) -> None:
    expect(page).to_have_url(re.compile(rf"/billing{re.escape(said)}$"))


def test_a_link_is_exchanged_and_gone(page: Page, seller: Seller) -> None:
    page.goto(f"{seller.url}/healthz")
    session = seller.open(page, "acme", "?tab=usage")
    query(page, "?tab=usage")
    secret = session["url"].partition("#link=")[2]
    assert page.evaluate("JSON.stringify({...history.state}) + location.href + document.referrer").find(secret) < 0
    kept = json.loads(page.evaluate("sessionStorage.getItem('toll-portal')"))
    assert kept["token"].startswith("tollp_")
    assert kept["token"] != session["token"], "the page has a session of its own"
    assert page.evaluate("localStorage.length + document.cookie.length") == 0
    assert page.context.cookies() == []
    page.go_back()
    expect(page).to_have_url(re.compile("/healthz$"))
    page.go_forward()
    query(page, "?tab=usage")
    total(page, "$8.51")


def test_filters_change_figures_and_the_address(page: Page, seller: Seller) -> None:
    seller.open(page, "acme", "?tab=usage")
    total(page, "$8.51")
    page.get_by_role("button", name="7 days").click()
    total(page, "$6.51")
    query(page, "?tab=usage&range=7")
    page.get_by_role("button", name="90 days").click()
    total(page, "$11.51")
    page.get_by_label("Type of usage").select_option(label="CV parsing")
    total(page, "$11.00")
    query(page, "?tab=usage&range=90&meter=cv_parse")
    expect(page.locator("toll-usage [part=card]")).to_have_count(1)
    page.get_by_role("combobox", name="Only this job").fill("designer")
    page.keyboard.press("Enter")
    total(page, "$4.00")
    query(page, "?tab=usage&range=90&meter=cv_parse&filter=job%3Adesigner&customer=acme")
    expect(page.locator("toll-breakdown tbody tr")).to_have_count(1)
    page.get_by_role("button", name="Remove the filter Job: designer").click()
    total(page, "$11.00")
    query(page, "?tab=usage&range=90&meter=cv_parse")


def test_chosen_days_and_a_pressed_job(page: Page, seller: Seller) -> None:
    today = datetime.now(ZoneInfo("Europe/Berlin")).date()
    seller.open(page, "acme", "?tab=usage")
    total(page, "$8.51")
    first, last = today - timedelta(days=50), today - timedelta(days=5)
    page.get_by_label("First day").fill(first.isoformat())
    expect(page).to_have_url(re.compile(rf"range={first}\.\."))
    page.get_by_label("Last day").fill(last.isoformat())
    query(page, f"?tab=usage&range={first}..{last}")
    total(page, "$5.00")
    page.locator("toll-breakdown").get_by_role("button", name="engineer").click()
    total(page, "$2.00")
    expect(page.locator("toll-billing-filters .chip")).to_have_text("Job: engineer")


def test_addresses_are_restored(page: Page, seller: Seller) -> None:
    address = "?tab=usage&range=90&filter=job%3Adesigner&by=member&customer=acme"
    seller.open(page, "acme", address)
    total(page, "$4.00")
    expect(page.get_by_role("group", name="Break down by").get_by_role("button", name="Member")).to_have_attribute(
        "aria-pressed", "true"
    )
    page.reload()
    total(page, "$4.00")
    query(page, address)
    page.get_by_role("link", name="Activity").click()
    expect(page.get_by_role("heading", name="Activity").first).to_be_attached()
    expect(page.locator("toll-activity .opener")).to_have_count(3)
    page.get_by_role("button", name="Ledger", exact=True).click()
    page.get_by_label("Kind of posting").select_option("grant_paid")
    expect(page.locator("toll-activity .opener")).to_have_count(1)
    expect(page.locator("toll-activity .opener")).to_contain_text("+10 interview credits")
    page.go_back()
    page.go_back()
    expect(page.locator("toll-activity .opener")).to_have_count(3)
    page.go_back()
    total(page, "$4.00")
    query(page, address)
    page.go_forward()
    expect(page.locator("toll-activity .opener")).to_have_count(3)


def test_figures_are_those_of_the_api(page: Page, seller: Seller) -> None:
    overview = seller.portal("acme", "/overview")
    seller.open(page, "acme")
    said = page.locator("toll-billing-overview")
    (spent,) = [each["amount"] for each in overview["spent"] if each["unit"] == "USD"]
    (in_all,) = [each["amount"] for each in overview["total_spent"] if each["unit"] == "USD"]
    expect(said).to_contain_text("9 interview credits available")
    expect(said.locator(".beside .big")).to_contain_text(f"${Decimal(spent):.2f}")
    expect(said.locator(".strip")).to_contain_text(f"${Decimal(in_all):.2f}")
    expect(said.locator(".strip")).to_contain_text("Free")
    expect(said.locator(".meters li").filter(has_text="Interview questions")).to_contain_text("$0.0109")
    expect(said.locator(".warnings")).to_contain_text("1 ")
    expect(said.locator("toll-limits")).to_contain_text("12")
    expect(page.locator(".tabs .live")).to_contain_text("Live · as of")
    page.get_by_role("link", name="Usage", exact=True).click()
    now = datetime.now(UTC)
    rows = seller.portal("acme", "/usage", **{"from": (now - timedelta(days=29)).isoformat(), "window": "total"})[
        "rows"
    ]
    for row in rows:
        card = page.locator("toll-usage [part=card]").filter(has=page.locator(f"h3[title='{NAMES[row['meter']]}']"))
        expect(card).to_contain_text(shown(row))


NAMES = {
    "cv_parse": "CV parsing",
    "question_tokens": "Interview questions",
    "interview": "Interviews",
    "answer": "Answers",
    "summary": "Summaries",
}


def shown(row: dict[str, Any]) -> str:
    """A charge as the page shows it, worked out anew."""
    if row["unpriced"] == row["events"]:
        return "No price yet"
    if row["unit"] == "credit":
        return f"{Decimal(row['charge']):f} interview credit"
    amount = Decimal(row["charge"])
    return f"${amount:.2f}" if amount == amount.quantize(Decimal("0.01")) else f"${amount.normalize():f}"


def test_what_is_not_final_says_so(page: Page, seller: Seller) -> None:
    seller.open(page, "acme", "?tab=usage")
    cards = page.locator("toll-usage [part=card]")
    expect(cards.filter(has_text="Answers")).to_contain_text("1 estimated")
    expect(cards.filter(has_text="Answers")).to_contain_text("$0.50")
    expect(cards.filter(has_text="Summaries")).to_contain_text("No price yet")
    expect(cards.filter(has_text="Summaries")).to_contain_text("1 unpriced")
    expect(page.locator("toll-usage .foot")).to_contain_text("1 without a price yet, not in the total")
    designer = page.locator("toll-breakdown tbody tr").filter(has_text="designer")
    expect(designer).to_contain_text("1 unpriced")
    page.get_by_label("Type of usage").select_option(label="CV parsing")
    expect(page.locator("toll-usage .foot")).to_contain_text("all figures final")
    page.get_by_role("link", name="Activity").click()
    page.get_by_label("Type of usage").select_option(label="Summaries")
    expect(page.locator("toll-activity .opener")).to_have_text(
        [re.compile("Summaries.*unpriced.*No price yet", re.DOTALL)]
    )


def test_a_line_explains_its_charge(page: Page, seller: Seller) -> None:
    seller.open(page, "acme", "?tab=activity&meter=question_tokens")
    line = page.locator("toll-activity .opener")
    expect(line).to_contain_text("$0.0109")
    line.click()
    detail = page.locator("toll-activity [part=detail]")
    expect(detail).to_contain_text("How the charge comes about")
    expect(detail).to_contain_text("5,450 tokens × 0.002 USD per 1,000 = 0.0109 USD")
    expect(detail).to_contain_text("questions-1")
    expect(detail.locator(".result")).to_contain_text("$0.0109")
    page.get_by_label("Type of usage").select_option(label="Interviews")
    expect(line).to_contain_text("1 interview credit")
    line.click()
    expect(detail).to_contain_text("Prepaid value")
    expect(detail.locator(".result")).to_contain_text("1 interview credit")
    page.get_by_role("button", name="Ledger", exact=True).click()
    page.get_by_label("Kind of posting").select_option("grant_paid")
    expect(line).to_have_text([re.compile(r"\+10 interview credits")])
    line.click()
    expect(detail).to_contain_text("order-1")


def test_files_have_the_figures(page: Page, seller: Seller) -> None:
    seller.open(page, "acme", "?tab=usage&range=90&by=job")
    total(page, "$11.51")
    jobs = {line["Job"]: line for line in download(page, "toll-breakdown", "usage-by-job.csv")}
    assert Decimal(jobs["engineer"]["Total USD"]) == Decimal("7.5109")
    assert Decimal(jobs["engineer"]["CV parsing quantity (CV)"]) == 14
    assert Decimal(jobs["engineer"]["Total credit"]) == 1
    assert (jobs["designer"]["Unpriced events"], jobs["engineer"]["Estimated events"]) == ("1", "1")
    page.get_by_role("link", name="Activity").click()
    events = download(page, "toll-activity", "events.csv")
    assert sum(Decimal(event["charge"] or 0) for event in events if event["unit"] == "USD") == Decimal("11.5109")
    assert {event["state"] for event in events} == {"final", "estimated", "unpriced"}
    page.get_by_role("button", name="Ledger", exact=True).click()
    expect(page.locator("toll-activity .in")).to_have_text("+10 interview credits")
    assert any(line["reference"] == "order-1" for line in download(page, "toll-activity", "ledger.csv"))


def download(page: Page, widget: str, name: str) -> list[dict[str, str]]:
    """The lines of a table's file."""
    with page.expect_download() as waiting:
        page.locator(f"{widget} [part=download]").click()
    assert waiting.value.suggested_filename == name
    return list(csv.DictReader(Path(waiting.value.path()).read_text(encoding="utf-8-sig").splitlines()))
