"""The operator's console in a browser: signing in, finding customers, doing something for one, quarantine, catalog."""

from __future__ import annotations

import re
from urllib.parse import quote

import httpx
import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import OpenPage
from tests.browser.seller import CATALOG, Seller
from tests.browser.test_reach import axe, sideways

PAGES = ["", "customers", "margins", "unpriced", "quarantine", "holds", "reconciliation", "catalog", "keys", "health"]
TABS = ["", "breakdown", "activity", "events", "suggestions", "value", "limits", "plan", "members", "holds", "access"]


@pytest.fixture(scope="module")
def busy(seller: Seller) -> Seller:
    """Sixty customers, one of which has spent more than the others, and something that was refused."""
    for number in range(60):
        seller.customer(f"c{number:02}", name=f"Customer {number:02}")
    usage = {"prompt_tokens": 1_000_000, "completion_tokens": 0}
    call = {"provider": "openai", "model": "gpt-4o", "usage": usage, "response_id": "r-42"}
    seller.use("c42", "cv_parse", "50", dimensions={"job": "engineer"}, member="ann", calls=[call])
    refused = {"id": "late", "customer": "newcomer", "meter": "cv_parse", "quantity": "1"}
    assert seller.http.post("/v1/events", json=refused).status_code == 422
    hold = {"id": "hold-1", "customer": "c42", "meter": "cv_parse", "quantity": "1"}
    seller.call("POST", "/v1/holds", hold)
    seller.call("POST", "/v1/holds/hold-1/in-doubt", {"customer": "c42"})
    return seller


VAGUE = {
    "reconciliation_id": "r1", "revision": 1, "provider": "openai", "start": "2026-11-20T00:00:00Z", "model": "gpt-new",
    "project": None, "api_key": None, "our_requests": 0, "vague_requests": 1, "their_requests": 1, "units": [],
    "our_cost": "0.00225", "their_money": "0.00225", "unit": "USD", "finding": "match", "difference": "0", "parts": [],
    "booked": "0", "change": "0", "compared_at": "2026-11-21T00:00:00Z", "compared_by": "worker",
}  # fmt: skip
"""A call that the price book didn't know, and whose cost the report told."""


def sign_in(page: Page, seller: Seller, path: str = "", key: str = "") -> None:
    """To a page of the console, by its key."""
    page.goto(f"{seller.url}/console{path}")
    page.get_by_label("Admin key").fill(key or seller.server.api_key)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def csrf_of(page: Page) -> str:
    return page.evaluate("fetch('/v1/console/session').then((answer) => answer.json()).then(({csrf}) => csrf)")


def asks_until(page: Page, path: str, wanted: str, csrf: str = "") -> None:
    """Ask as the page does until the answer's `status` and `body` are as wanted, for half a minute at most."""
    reached = page.evaluate(
        f"""async ([path, csrf]) => {{ for (let turn = 0; turn < 100; turn += 1) {{
            const answer = await fetch(path, {{headers: {{'X-Toll-CSRF': csrf}}}});
            const {{status}} = answer; const body = await answer.json();
            if ({wanted}) return true;
            await new Promise((done) => setTimeout(done, 300)); }} return false; }}""",
        [path, csrf or csrf_of(page)],
    )
    assert reached, wanted


@pytest.fixture
def console(page: Page, busy: Seller) -> Page:
    """The console, signed in."""
    sign_in(page, busy)
    return page


def test_signing_in_and_out(page: Page, busy: Seller) -> None:
    page.goto(f"{busy.url}/console/customers?search=42&sort=name")
    field = page.get_by_label("Admin key")
    expect(field).to_be_focused()
    field.fill("toll_wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("There’s no such key, or it was revoked.")
    weak = busy.call("POST", "/v1/keys", {"name": "weak", "scopes": ["read"]})["secret"]
    field.fill(weak)
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("it lacks the scope admin")
    assert page.context.cookies() == []
    field.fill(busy.server.api_key)
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Customer 42")).to_be_visible()
    (cookie,) = page.context.cookies()
    assert (cookie.get("name"), cookie.get("httpOnly"), cookie.get("sameSite")) == ("toll_console", True, "Strict")
    assert busy.server.api_key not in page.evaluate(
        "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"
    )
    page.reload()
    expect(page.get_by_role("link", name="Customer 42")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Admin key")).to_be_visible()
    assert page.context.cookies() == []
    page.go_back()
    page.goto(f"{busy.url}/console/customers")
    expect(page.get_by_label("Admin key")).to_be_visible()
    expect(page.get_by_text("Customer 42")).to_have_count(0)


def test_customers_are_found_sorted_and_paged(console: Page, busy: Seller) -> None:
    # What customers have spent is copied every few seconds.
    asks_until(console, "/v1/console/customers?sort=-spent", "body.data?.[0]?.key == 'c42'")
    console.get_by_role("link", name="Customers", exact=True).click()
    rows = console.locator("console-customers tbody tr")
    expect(rows).to_have_count(50)
    expect(rows.first).to_contain_text("Customer 42")
    expect(rows.first).to_contain_text("$25.00")
    console.get_by_role("button", name="Customer", exact=True).click()
    expect(console).to_have_url(re.compile(r"sort=name$"))
    expect(rows.first).to_contain_text("Acme Recruiting")
    console.get_by_role("button", name="Next").click()
    expect(rows).to_have_count(11)
    expect(rows.first).to_contain_text("Customer 49")
    expect(console.get_by_text("Page 2")).to_be_visible()
    console.go_back()
    expect(rows.first).to_contain_text("Acme Recruiting")
    console.get_by_role("button", name="Spent", exact=True).click()
    expect(console).to_have_url(re.compile(r"sort=-spent$"))
    expect(rows.first).to_contain_text("Customer 42")
    search = console.get_by_placeholder("Search by name or key")
    search.fill("OMER 07")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("Customer 07")
    expect(console).to_have_url(re.compile(r"search=OMER\+07"))
    search.fill("nobody at all")
    expect(console.get_by_text("Nobody is called so")).to_be_visible()


def test_a_cost_that_nobody_told_is_not_zero(console: Page, busy: Seller) -> None:
    """Fails where charges without any provider call are a margin of 100 %, or calls not known exactly are none."""
    busy.customer("silent", name="Silent")
    busy.use("silent", "cv_parse", "4")
    asks_until(console, "/v1/console/customers?search=silent", "body.data?.[0]?.spent > 0")
    console.goto(f"{busy.url}/console/customers?search=silent")
    expect(console.locator("console-customers tbody tr")).to_contain_text("no cost reported")
    console.goto(f"{busy.url}/console/margins?by=customer")
    row = console.locator("console-margins tbody tr", has=console.get_by_role("link", name="silent"))
    expect(row).to_contain_text("no cost reported")
    expect(row).to_contain_text("without calls")
    expect(row).not_to_contain_text("100%")
    console.goto(f"{busy.url}/console/")
    expect(console.get_by_text(re.compile("Provider cost is known for .+% of charges this month"))).to_be_visible()
    found = {"data": [VAGUE], "next_cursor": None}
    console.route("**/v1/reconciliations?**", lambda route: route.fulfill(json=found))
    console.goto(f"{busy.url}/console/reconciliation")
    row = console.locator("console-reconciliation tbody tr").first
    expect(row).to_contain_text("1 / 1")
    expect(row).to_contain_text("1 of ours not known exactly")
    console.unroute_all(behavior="wait")


def test_one_customer(console: Page, busy: Seller) -> None:
    console.goto(f"{busy.url}/console/customers/c42")
    expect(console.locator("toll-usage [part=total]")).to_contain_text("$25.00")
    console.get_by_role("button", name="90 days").click()
    expect(console).to_have_url(re.compile(r"/console/customers/c42\?range=90$"))
    expect(console.locator("toll-usage [part=total]")).to_contain_text("$25.00")
    tabs = console.get_by_role("navigation", name="About Customer 42")
    tabs.get_by_role("link", name="Prepaid value").click()
    console.get_by_role("button", name="Give value").click()
    dialog = console.locator("console-dialog dialog")
    dialog.get_by_role("button", name="Give", exact=True).click()
    expect(dialog.get_by_text("Needed.")).to_be_visible()
    dialog.get_by_label("Amount").fill("12.5")
    dialog.get_by_label("Unit").select_option("USD")
    expect(dialog).to_contain_text("Customer 42 gets $12.50 (paid)")
    dialog.get_by_role("button", name="Give", exact=True).click()
    # In the order in which they come: the word is there for five seconds, and the list may take longer.
    expect(console.get_by_text("The grant is given.")).to_be_visible()
    expect(console.locator("console-customer-value tbody tr")).to_contain_text("$12.50")
    assert busy.portal("c42", "/grants", state="all")["data"][0]["amount"] == "12.5"

    tabs.get_by_role("link", name="Limits").click()
    console.get_by_role("button", name="Change", exact=True).click()
    dialog.get_by_label("Cap").fill("60")
    dialog.get_by_role("button", name="Change", exact=True).click()
    row = console.locator("console-customer-limits tbody tr")
    expect(row).to_contain_text("60")
    expect(row).to_contain_text("Its own")
    assert busy.portal("c42", "/limits")["data"][0]["cap"] == "60"
    assert busy.portal("c41", "/limits")["data"][0]["cap"] == "100"

    tabs.get_by_role("link", name="Suggestions").click()
    told = "gpt-4o-mini instead of gpt-4o: what 1 call used would have cost 2.35 USD less."
    smaller = console.locator("console-customer-suggestions .one").filter(has_text=told)
    expect(smaller.locator("strong")).to_have_text("$2.35")
    expect(smaller.get_by_text("2.50 USD − 0.15 USD")).to_be_hidden()
    smaller.get_by_text("The arithmetic").click()
    expect(smaller.get_by_role("listitem").last).to_have_text("2.50 USD − 0.15 USD = 2.35 USD less")

    tabs.get_by_role("link", name="Holds").click()
    expect(console.locator("console-holds tbody tr")).to_contain_text("hold-1")
    console.get_by_role("button", name="View as the customer").click()
    dialog.get_by_role("button", name="Make the link").click()
    with console.expect_popup() as opened:
        dialog.get_by_role("link", name="Open the billing page").click()
    expect(opened.value.locator("header .name")).to_have_text("Customer 42")
    expect(opened.value.get_by_role("link", name="Top up")).to_have_count(0)


def test_who_can_open_a_page_no_longer_can(console: Page, busy: Seller) -> None:
    busy.customer("guarded")
    token = busy.session("guarded", "read", "top_up")["token"]
    console.goto(f"{busy.url}/console/customers/guarded?tab=access")
    row = console.locator("console-customer-access tbody tr")
    expect(row).to_contain_text("look, top up")
    row.get_by_role("button", name="Revoke").click()
    console.locator("console-dialog dialog").get_by_role("button", name="Revoke").click()
    expect(row).to_contain_text("Revoked")
    answer = httpx.get(f"{busy.url}/v1/portal/session", headers={"Authorization": f"Bearer {token}"}, timeout=30)
    assert (answer.status_code, answer.json()["code"]) == (401, "portal_session_revoked")


def test_quarantine_is_replayed_when_its_cause_is_mended(console: Page, busy: Seller) -> None:
    console.get_by_role("link", name=re.compile("^Quarantine")).click()
    row = console.locator("console-quarantine tbody tr.line")
    expect(row).to_contain_text("unknown_customer")
    dialog = console.locator("console-dialog dialog")
    for done in ("still refused", "1 item taken."):
        console.get_by_label("Choose late").check()
        console.get_by_role("button", name="Replay", exact=True).click()
        dialog.get_by_role("button", name="Replay", exact=True).click()
        expect(dialog).to_contain_text(done)
        dialog.get_by_role("button", name="Done").click()
        expect(dialog).to_be_hidden()
        busy.customer("newcomer")
    expect(console.get_by_text("Nothing waits here")).to_be_visible()
    assert busy.portal("newcomer", "/overview")["spent"] == [{"unit": "USD", "amount": "0.5"}]


def test_the_catalog_shows_what_a_text_would_change(console: Page, busy: Seller) -> None:
    console.goto(f"{busy.url}/console/catalog?tab=change")
    paper = console.get_by_label("The catalog as TOML")
    expect(paper).to_have_value(re.compile("CV parsing"))
    compare = console.get_by_role("button", name="See what it changes")
    paper.fill(CATALOG.replace('amount = "0.50"', 'amount = "0.60"'))
    compare.click()
    expect(console.locator(".changes")).to_contain_text("0.50 USD per CV → 0.60 USD per CV")
    paper.fill(CATALOG.replace("aggregation", "agregation"))
    compare.click()
    expect(console.locator(".problems")).to_contain_text("agregation")
    expect(console.get_by_role("button", name="Apply …")).to_have_count(0)
    assert busy.call("GET", "/v1/catalog")["version"] == 1


def test_a_request_of_another_page_is_refused(console: Page, busy: Seller) -> None:
    asked = """(headers) => fetch('/v1/customers/forged', {method: 'PUT', body: '{}',
        headers: {'Content-Type': 'application/json', ...headers}})
        .then(async (answer) => [answer.status, (await answer.json()).code])"""
    assert console.evaluate(asked, {}) == [403, "csrf_failed"]
    assert console.evaluate(asked, {"X-Toll-CSRF": "A" * 43}) == [403, "csrf_failed"]
    csrf = csrf_of(console)
    (cookie,) = console.context.cookies()
    headers = {"Cookie": f"toll_console={cookie.get('value')}", "X-Toll-CSRF": csrf, "Origin": "http://evil.example"}
    there = httpx.put(f"{busy.url}/v1/customers/forged", json={}, headers=headers, timeout=30)
    assert (there.status_code, there.json()["code"]) == (403, "csrf_failed")
    assert busy.http.get("/v1/customers/forged").status_code == 404


def test_a_revoked_key_leads_to_signing_in(page: Page, busy: Seller) -> None:
    made = busy.call("POST", "/v1/keys", {"name": "leaves", "scopes": ["admin"]})
    sign_in(page, busy, "/customers?sort=name", made["secret"])
    expect(page.locator("console-customers tbody tr")).to_have_count(50)
    csrf = csrf_of(page)
    busy.call("POST", f"/v1/keys/{quote(made['key_id'])}/revoke")
    asks_until(page, "/v1/keys", "status === 401", csrf)
    page.get_by_role("link", name="API keys").click()
    expect(page.get_by_text("Your session has ended. Sign in to go on where you were.")).to_be_visible()
    page.get_by_label("Admin key").fill(busy.server.api_key)
    page.keyboard.press("Enter")
    expect(page.locator("console-keys tbody tr").filter(has_text="leaves")).to_contain_text("Revoked")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_the_console(open_page: OpenPage, busy: Seller, scheme: str) -> None:
    page = open_page(color_scheme=scheme)
    page.goto(f"{busy.url}/console")
    expect(page.get_by_label("Admin key")).to_be_visible()
    assert axe(page) == []
    sign_in(page, busy)
    for path in [*PAGES, *(f"customers/c42?tab={tab}" for tab in TABS), "catalog?tab=change", "catalog?tab=history"]:
        page.evaluate(
            "(to) => { history.pushState(null, '', to); dispatchEvent(new PopStateEvent('popstate')); }",
            f"/console/{path}",
        )
        expect(page.locator("main h1").first).to_be_visible()
        expect(page.locator(".bone, [aria-busy=true]").filter(visible=True), path).to_have_count(0)
        assert axe(page) == [], path


def test_the_console_on_a_phone(open_page: OpenPage, busy: Seller) -> None:
    page = open_page(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    sign_in_small(page, busy)
    for path in [*PAGES, *(f"customers/c42?tab={tab}" for tab in TABS)]:
        page.evaluate(
            "(to) => { history.pushState(null, '', to); dispatchEvent(new PopStateEvent('popstate')); }",
            f"/console/{path}",
        )
        expect(page.locator("main h1").first).to_be_visible()
        expect(page.locator(".bone, [aria-busy=true]").filter(visible=True), path).to_have_count(0)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 360, f"{path} is {wide} px wide"
        assert sideways(page) == [], path


def sign_in_small(page: Page, seller: Seller) -> None:
    page.goto(f"{seller.url}/console")
    page.get_by_label("Admin key").fill(seller.server.api_key)
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Menu").tap()
    page.get_by_role("link", name="Customers", exact=True).tap()
    expect(page.locator("console-customers tbody tr").first).to_be_visible()


def test_wrong_keys_are_slowed_down(page: Page, busy: Seller) -> None:
    page.goto(f"{busy.url}/console")
    status = page.evaluate(
        """async () => { let answer; for (let n = 0; n < 12; n += 1)
            answer = await fetch('/v1/console/session', {method: 'POST', body: JSON.stringify({key: `toll_wrong${n}`}),
                headers: {'Content-Type': 'application/json'}});
            return answer.status; }"""
    )
    assert status == 429
    page.get_by_label("Admin key").fill(busy.server.api_key)
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text(re.compile(r"Too many wrong keys. Try again in \d+ seconds?\."))
    expect(page.get_by_role("button", name="Sign in")).to_be_disabled()
