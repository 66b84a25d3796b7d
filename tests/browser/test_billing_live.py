"""The billing page while it's open: what happens is on it, servers go and come, sessions end."""

from __future__ import annotations

import json
import re
import signal

import psycopg
import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import OpenPage
from tests.browser.seller import ALL, Seller
from tests.client.serving import Server

TOTAL = "toll-usage [part=total]"


def test_what_is_used_is_there_without_a_reload(page: Page, seller: Seller) -> None:
    seller.customer("lively")
    seller.use("lively", "cv_parse", "10", dimensions={"job": "engineer"})
    page.set_viewport_size({"width": 1100, "height": 420})
    seller.open(page, "lively", "?tab=usage")
    expect(page.locator(TOTAL)).to_contain_text("$5.00")
    expect(page.locator(".tabs .live")).to_contain_text("Live")
    find = page.get_by_role("searchbox")
    find.fill("eng")
    page.evaluate("window.same = true; scrollTo(0, 300)")
    seller.use("lively", "cv_parse", "3", dimensions={"job": "engineer"})
    expect(page.locator(TOTAL)).to_contain_text("$6.50")
    expect(page.locator("toll-breakdown tbody tr")).to_contain_text("13 CVs")
    assert page.evaluate("window.same && scrollY") == 300
    expect(find).to_be_focused()
    expect(find).to_have_value("eng")
    page.get_by_role("link", name="Overview").click()
    expect(page.locator("toll-billing-overview .beside .big")).to_contain_text("$6.50")
    seller.use("lively", "cv_parse", "1", dimensions={"job": "engineer"})
    expect(page.locator("toll-billing-overview .beside .big")).to_contain_text("$7.00")
    assert page.evaluate("window.same")


def test_new_lines_move_nothing_under_who_reads(page: Page, seller: Seller) -> None:
    seller.customer("reader")
    for number in range(12):
        seller.use("reader", "cv_parse", id=f"cv-{number}", dimensions={"job": "engineer"})
    page.set_viewport_size({"width": 1100, "height": 420})
    seller.open(page, "reader", "?tab=activity")
    lines = page.locator("toll-activity .opener")
    expect(lines).to_have_count(12)
    expect(page.locator(".tabs .live")).to_contain_text("Live")
    lines.nth(6).click()
    expect(page.locator("toll-activity [part=detail]")).to_contain_text("How the charge comes about")
    lines.nth(6).scroll_into_view_if_needed()
    page.evaluate("scrollTo(0, 330)")
    before = lines.nth(6).bounding_box()
    seller.use("reader", "question_tokens", "500", dimensions={"job": "engineer"})
    news = page.locator("toll-activity [part=news]")
    expect(news).to_contain_text("1 new")
    assert lines.nth(6).bounding_box() == before
    expect(lines.nth(6)).to_be_focused()
    expect(page.locator("toll-activity [part=detail]")).to_be_visible()
    news.click()
    expect(lines).to_have_count(13)
    expect(lines.first).to_contain_text("500 tokens")


def test_without_a_stream_it_asks(page: Page, seller: Seller) -> None:
    seller.customer("polled")
    seller.use("polled", "cv_parse", "2")
    page.clock.install()
    page.route("**/v1/portal/live", lambda route: route.abort())
    seller.open(page, "polled", "?tab=usage")
    expect(page.locator(TOTAL)).to_contain_text("$1.00")
    live = page.locator(".tabs .live")
    page.clock.fast_forward(4_000)
    expect(live).to_contain_text("Every 15 seconds")
    seller.use("polled", "cv_parse", "2")
    expect(page.locator(TOTAL)).to_contain_text("$1.00")
    page.clock.fast_forward(16_000)
    expect(page.locator(TOTAL)).to_contain_text("$2.00")
    expect(page.get_by_text("can’t be reached")).to_have_count(0)
    page.unroute("**/v1/portal/live")
    page.clock.fast_forward(31_000)
    expect(live).to_contain_text("Live")


def test_another_customers_address(page: Page, seller: Seller) -> None:
    address = "?tab=usage&filter=job%3Asecret-job&customer=globex"
    seller.open_alone(page, "acme", address)
    expect(page.locator("h1")).to_have_text("This address is of another customer")
    expect(page.locator("toll-usage")).to_have_count(0)
    page.get_by_role("button", name="Show the page of Acme Recruiting").click()
    expect(page.locator(TOTAL)).to_contain_text("$8.51")
    expect(page).to_have_url(re.compile(r"/billing\?tab=usage$"))


def test_who_has_no_session_sees_nothing(page: Page, seller: Seller) -> None:
    page.goto(f"{seller.url}/billing?tab=usage")
    expect(page.locator("h1")).to_have_text("Open the billing page from your app")
    for secret, said in [
        (f"tollp_{'A' * 86}", "This session isn’t known here"),
        (seller.session("acme")["token"][:-4] + "AAAA", "This session isn’t known here"),
        (seller.server.api_key, "This session isn’t known here"),
    ]:
        page.evaluate("(kept) => sessionStorage.setItem('toll-portal', kept)", json.dumps({"token": secret}))
        page.reload()
        expect(page.locator("h1")).to_have_text(said)
        assert page.evaluate("sessionStorage.length") == 0, "what doesn't open anything isn't kept"
    page.goto(f"{seller.url}/billing#link=tollx_{'A' * 86}")
    expect(page.locator("h1")).to_have_text("This session isn’t known here")
    expect(page).to_have_url(re.compile("/billing$"))


def test_a_revoked_session_ends_the_open_page(page: Page, seller: Seller) -> None:
    session = seller.open(page, "acme", return_url=f"{seller.url}/gallery")
    expect(page.locator("toll-billing-overview")).to_contain_text("available")
    expect(page.get_by_role("link", name="Back to the app")).to_have_attribute("href", f"{seller.url}/gallery")
    seller.call("POST", f"/v1/portal-sessions/{session['id']}/revoke", customer="acme")
    expect(page.locator("h1")).to_have_text("This session was ended")
    expect(page.locator("[role=main]")).to_contain_text("portal_session_revoked")
    expect(page.locator("[role=main]")).not_to_contain_text("interview credits")
    expect(page.get_by_role("link", name="Back to the app")).to_be_visible()
    page.reload()
    expect(page.locator("h1")).to_have_text("Open the billing page from your app")


def test_a_server_that_is_away_and_a_session_that_expires_meanwhile(
    open_page: OpenPage, seller: Seller, server: Server
) -> None:
    seller.customer("short", name="Short")
    page, other = open_page(), open_page()
    seller.open(page, "acme", "?tab=usage")
    seller.open(other, "short")
    expect(page.locator(TOTAL)).to_contain_text("$8.51")
    expect(page.locator(".tabs .live")).to_contain_text("Live")
    expect(other.locator(".tabs .live")).to_contain_text("Live")
    page.evaluate("window.same = true")
    server.kill(signal.SIGKILL)
    banner = page.get_by_text("Billing can’t be reached right now")
    expect(banner).to_be_visible()
    expect(page.locator(".tabs .live")).to_contain_text("Not reachable")
    expect(page.locator(TOTAL)).to_contain_text("$8.51")
    expire(server, "short")
    server.start()
    expect(banner).to_have_count(0)
    expect(page.locator(".tabs .live")).to_contain_text("Live")
    seller.use("acme", "cv_parse", "1")
    expect(page.locator(TOTAL)).to_contain_text("$9.01")
    assert page.evaluate("window.same")
    expect(other.locator("h1")).to_have_text("Your session has ended")
    expect(other.locator("[role=main]")).to_contain_text("portal_session_expired")


def expire(server: Server, customer: str) -> None:
    """Time goes by for a customer's sessions."""
    with psycopg.connect(server.database_url) as connection:
        changed = connection.execute(
            """
            update portal_sessions set
                link_expires_at = case when link_expires_at is not null then created_at + interval '1 ms' end,
                expires_at = created_at + interval '1 ms'
            where customer_id = (select customer_id from customers where key = %s)
            """,
            [customer],
        )
        assert changed.rowcount == 2


@pytest.mark.parametrize("ends", ["link", "session"])
def test_a_link_that_is_over(page: Page, seller: Seller, server: Server, ends: str) -> None:
    seller.customer(f"late-{ends}")
    session = seller.session(f"late-{ends}")
    with psycopg.connect(server.database_url) as connection:
        connection.execute(
            "update portal_sessions set link_expires_at = created_at where session_id = %s", [session["id"]]
        )
        if ends == "session":
            connection.execute(
                "update portal_sessions set expires_at = created_at where session_id = %s", [session["id"]]
            )
    page.goto(session["url"])
    said = {"link": "This link is no longer valid", "session": "Your session has ended"}
    expect(page.locator("h1")).to_have_text(said[ends])


def test_a_link_of_a_stranger_asks_first(page: Page, seller: Seller) -> None:
    """Fails where whoever sends somebody a link gets their page, and what they buy there, into that tab."""
    seller.customer("stranger", name="Stranger & Co")
    seller.open(page, "acme")
    theirs = seller.session("stranger", *ALL)["url"].partition("#")[2]
    page.evaluate("(link) => { location.hash = link }", theirs)
    expect(page.locator("h1")).to_have_text("This link is of another customer")
    expect(page.locator("[role=main]")).to_contain_text("You are here for “Acme Recruiting”.")
    expect(page.locator("[role=main]")).to_contain_text("opens the page of “Stranger & Co”")
    expect(page).to_have_url(re.compile(r"/billing$"))
    page.reload()
    expect(page.locator("header .name")).to_have_text("Acme Recruiting")
    page.evaluate("(link) => { location.hash = link }", theirs)
    page.get_by_role("button", name="Stay with Acme Recruiting").click()
    expect(page.locator("header .name")).to_have_text("Acme Recruiting")
    page.evaluate("(link) => { location.hash = link }", seller.session("acme")["url"].partition("#")[2])
    expect(page.locator("header .name")).to_have_text("Acme Recruiting")
    page.evaluate("(link) => { location.hash = link }", theirs)
    page.get_by_role("button", name="Open the page of Stranger & Co").click()
    expect(page.locator("header .name")).to_have_text("Stranger & Co")
    page.reload()
    expect(page.locator("header .name")).to_have_text("Stranger & Co")
