"""The ordering example as people see it: the manual test steps in the browser, the views for who reads with SQL."""

from __future__ import annotations

import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from examples.running import Running
from playwright.sync_api import Page, expect
from psycopg.rows import dict_row
from tests.browser.watched import OpenPage
from tests.examples.conftest import SignIn, Start
from tests.examples.restaurants import PASSWORD, Restaurant, used, wav

from tollkeeper import Tollkeeper

MICROPHONE = """
navigator.mediaDevices.getUserMedia = async () => {
  const context = new AudioContext();
  const [tone, heard] = [context.createOscillator(), context.createMediaStreamDestination()];
  tone.connect(heard);
  tone.start();
  return heard.stream;
};
"""
"""Instead of a microphone, which this machine doesn't have: a tone. What records it is the browser's own recorder."""

CHECKS = (
    "SELECT * FROM usage_events WHERE business_id = 'your-business-id' ORDER BY created_at DESC;",
    "SELECT * FROM billing_overview WHERE business_id = 'your-business-id';",
    """
    SELECT
      DATE(created_at) as date,
      event_type,
      SUM(quantity) as total_quantity,
      SUM(total_cost_cents) / 100.0 as total_cost
    FROM usage_events
    WHERE business_id = 'your-business-id'
      AND created_at >= CURRENT_DATE - INTERVAL '30 days'
    GROUP BY DATE(created_at), event_type
    ORDER BY date DESC;
    """,
)
"""The document's own."""


@pytest.fixture(scope="module")
def running(start: Start) -> Running:
    return start("ordering")


@pytest.fixture(scope="module")
def toll(running: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tollkeeper]:
    with Tollkeeper(running.tollkeeper_url, running.key, spool=tmp_path_factory.mktemp("spool") / "spool") as client:
        yield client


def overview(page: Page, **expected: str) -> None:
    """The Billing Overview comes to show these figures, without being loaded again."""
    for name, figure in expected.items():
        expect(page.locator(f"#{name}")).to_have_text(figure)


def enter(page: Page, restaurant: Restaurant, sign_in: SignIn) -> None:
    sign_in.in_browser(page, restaurant.running, email=restaurant.email, password=PASSWORD)
    page.goto(restaurant.running.url)
    expect(page.locator("#business")).to_have_text("Corner Pizza")


def test_the_manual_steps(page: Page, running: Running, sign_in: SignIn) -> None:
    """API call tracking, voice tracking, dashboard display and cost calculation, as the document lists them."""
    restaurant = Restaurant(running, sign_in, "payg")
    page.add_init_script(MICROPHONE)
    enter(page, restaurant, sign_in)
    overview(page, minutes="0", calls="0", queries="0", storage="0", cost="$0.00")
    # Send chat messages, and the count of API calls increases.
    for number, message in enumerate(["Two margheritas, please", "And a beer"], start=1):
        page.get_by_role("textbox", name="What the guest says").fill(message)
        page.get_by_role("button", name="Send").click()
        overview(page, calls=str(number), queries=str(number))
    expect(page.locator("#talk .assistant")).to_have_count(2)
    overview(page, cost="$0.12")
    # Upload a recording, and what was said is an order too.
    page.get_by_label("A recording").set_input_files(
        files=[{"name": "order.wav", "mimeType": "audio/wav", "buffer": wav(90)}]
    )
    expect(page.locator("#heard")).to_have_text("1.5 minutes.")
    overview(page, minutes="1.5", calls="3", queries="3", cost="$0.21")
    # Store a file.
    page.get_by_label("A file").set_input_files(
        files=[{"name": "menu.pdf", "mimeType": "application/pdf", "buffer": bytes(2_500_000)}]
    )
    expect(page.locator("#kept")).to_have_text("menu.pdf is kept: 2.5 MB.")
    overview(page, storage="2.5", cost="$0.2125")
    # Use the recorder, and the minutes increase by the length of what it has recorded.
    began = time.monotonic()
    page.get_by_role("button", name="Record", exact=True).click()
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    page.wait_for_timeout(1_200)
    page.get_by_role("button", name="Stop").click()
    at_most = Decimal(time.monotonic() - began) / 60
    expect(page.locator("#talk .guest")).to_have_count(4)
    (event,) = [one for one in restaurant.events("voice_minute") if one["quantity"] != "1.5"]
    assert (event["dimensions"], event["metadata"]["estimated"]) == ({"length": "measured"}, False)
    assert Decimal("0.015") < Decimal(event["quantity"]) < at_most
    expect(page.locator("toll-balance")).to_contain_text("$0.27")


def test_the_dashboard_is_live(open_page: OpenPage, running: Running, sign_in: SignIn, toll: Tollkeeper) -> None:
    """Whoever causes usage, every open dashboard of the business shows it, and no other's."""
    restaurant, other = Restaurant(running, sign_in), Restaurant(running, sign_in)
    page, elsewhere = open_page(), open_page()
    enter(page, restaurant, sign_in)
    enter(elsewhere, other, sign_in)
    used(toll, restaurant.id, "api_call", *["1"] * 1_003)
    used(toll, restaurant.id, "ai_query", *["1"] * 85)
    overview(page, calls="1,003", queries="85", cost="$0.03")
    limits = page.locator("toll-limits")
    expect(limits).to_contain_text("1,003 of 1,000 calls")
    expect(limits).to_contain_text("85 of 100 queries")
    expect(page.locator("toll-alerts")).to_contain_text("Limit reached")
    overview(elsewhere, calls="0", queries="0", cost="$0.00")


def test_a_refusal_leads_to_another_plan(page: Page, running: Running, sign_in: SignIn, toll: Tollkeeper) -> None:
    restaurant = Restaurant(running, sign_in, "starter")
    used(toll, restaurant.id, "ai_query", *["1"] * 25)
    enter(page, restaurant, sign_in)
    page.get_by_role("textbox", name="What the guest says").fill("One more, please")
    page.get_by_role("button", name="Send").click()
    refused = page.get_by_role("alert").filter(has_text="allows 25 per month: 25 used, 1 more needed.")
    refused.get_by_role("link", name="See plans").click()
    expect(page).to_have_url(f"{running.url}/billing?tab=plans")
    page.get_by_role("button", name="Choose Pay as you go").click()
    page.get_by_role("radio", name="Now").check()
    page.get_by_role("button", name="Change plan").click()
    expect(page.get_by_role("status").filter(has_text="You are on Pay as you go now.")).to_be_visible()
    page.get_by_role("link", name="Dashboard").click()
    page.get_by_role("textbox", name="What the guest says").fill("One more, please")
    page.get_by_role("button", name="Send").click()
    overview(page, calls="1", queries="26", cost="$0.06")


def test_the_billing_page_is_tollkeepers(page: Page, running: Running, sign_in: SignIn, toll: Tollkeeper) -> None:
    restaurant = Restaurant(running, sign_in)
    used(toll, restaurant.id, "voice_minute", "61.5")
    enter(page, restaurant, sign_in)
    page.get_by_role("link", name="Billing", exact=True).first.click()
    billing = page.locator("toll-billing-page")
    expect(billing).to_contain_text("61.5 of 60 minutes")
    expect(billing).to_contain_text("$0.03")
    page.goto(f"{running.url}/billing?tab=activity")
    expect(billing.locator("toll-activity")).to_contain_text("Voice")


def test_signing_in(page: Page, running: Running) -> None:
    page.goto(running.url)
    new, back = page.locator("form").all()
    for form in (new, back):
        form.get_by_label("E-mail").fill("luigi@example.com")
        form.get_by_label("Password").fill(PASSWORD)
    back.get_by_role("button").click()
    expect(page.get_by_role("alert")).to_contain_text("don’t belong together")
    new.get_by_label("E-mail").fill("luigi@example.com")
    new.get_by_label("Password").fill(PASSWORD)
    new.get_by_label("Restaurant").fill("Luigi’s <b>best</b>")
    new.get_by_role("button").click()
    expect(page.locator("#business")).to_have_text("Luigi’s <b>best</b>")
    page.get_by_role("link", name="Sign out").click()
    page.goto(f"{running.url}/billing")
    expect(page).to_have_url(f"{running.url}/sign-in")


def rows(running: Running, query: str) -> list[dict[str, Any]]:
    with psycopg.connect(running.database_url) as connection, connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute("set search_path to ordering; set time zone 'UTC'")
        return cursor.execute(query.encode()).fetchall()


def test_the_documents_sql_checks(running: Running, sign_in: SignIn, toll: Tollkeeper) -> None:
    restaurant, other = Restaurant(running, sign_in), Restaurant(running, sign_in)
    restaurant.says("Two margheritas, please")
    used(toll, restaurant.id, "voice_minute", "59.5", "2")
    used(toll, restaurant.id, "ai_query", *["1"] * 100)
    used(toll, restaurant.id, "storage_mb", "1002.5")
    used(toll, other.id, "storage_mb", "7")
    events, (overview,), trends = (rows(running, check.replace("your-business-id", restaurant.id)) for check in CHECKS)
    assert len(events) == 1 + 101 + 2 + 1
    assert [one["created_at"] for one in events] == sorted((one["created_at"] for one in events), reverse=True)
    for event in events:
        assert round(event["quantity"] * event["unit_price_cents"], 9) == event["total_cost_cents"]
        assert event["processed_at"] >= event["created_at"]
    said = next(one for one in events if one["event_type"] == "api_call")
    assert said["metadata"] == restaurant.events("api_call")[0]["metadata"]
    usage = restaurant.usage()
    parts = usage["breakdown"]
    assert overview == {
        "business_id": restaurant.id,
        "business_name": "Corner Pizza",
        "api_calls": usage["apiCalls"],
        "voice_minutes": usage["minutesUsed"],
        "ai_queries": parts["aiQueries"]["count"],
        "storage_mb": parts["storage"]["count"],
        "total_cost": usage["cost"],
    }
    # 1.5 minutes, one query and 2.5 MB beyond the quotas.
    assert usage["cost"] == Decimal("0.03") + Decimal("0.05") + Decimal("0.0025")
    meters = {"api_call": "apiCalls", "voice_minute": "voiceMinutes", "ai_query": "aiQueries", "storage_mb": "storage"}
    found = {meters[one["event_type"]]: {"count": one["total_quantity"], "cost": one["total_cost"]} for one in trends}
    assert found == parts
    (month,) = {(one["period_start"], one["period_end"]) for one in rows(running, "select * from usage_aggregation")}
    assert (month[0].day, month[1].day, (month[1] - month[0]).days in range(28, 32)) == (1, 1, True)
    sums = rows(running, f"select * from usage_aggregation where business_id = '{restaurant.id}'")
    costs = {meters[one["event_type"]]: one["total_cost_cents"] / 100 for one in sums}
    assert costs == {name: part["cost"] for name, part in parts.items()}


def test_the_documents_quotas(running: Running) -> None:
    quotas = rows(
        running, "select * from usage_quotas where plan_id = 'basic' order by overage_price_cents desc, event_type"
    )
    assert [tuple(one.values())[:5] for one in quotas] == [
        ("basic", "ai_query", 100, 5, 100),
        ("basic", "voice_minute", 60, 2, 60),
        ("basic", "api_call", 1000, 1, 1000),
        ("basic", "storage_mb", 1000, Decimal("0.1"), 1000),
    ]
