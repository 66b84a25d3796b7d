"""What others write stays text: names that are scripts, on every page; and what pages may do at all."""

from __future__ import annotations

from urllib.parse import quote

import httpx
import pytest
from playwright.sync_api import Page, expect
from tests.browser.seller import ALL, CATALOG, UNKNOWN_MODEL, Seller

IMG = "<img src=x onerror=alert(1)>"
SCRIPT = '"><script>alert(2)</script>'
SVG = "'-alert(3)-'</style><svg onload=alert(4)>${alert(5)}{{alert(6)}}"
KEY = "mal <img src=x onerror=alert(7)>\"'&"
TABS = ["", "?tab=usage&range=7", "?tab=activity", "?tab=activity&view=ledger", "?tab=plans"]
CONSOLE = ["", "customers", "margins", "unpriced", "quarantine", "holds", "reconciliation", "catalog", "keys", "health"]


@pytest.fixture(scope="module")
def hostile(seller: Seller) -> Seller:
    """A catalog and a customer whose every name is a script."""
    source = CATALOG
    names = {
        "CV parsing": IMG,
        "Interviews": SVG,
        "Interview credit": f"Credit {IMG}",
        "Team": f"Team {IMG}",
        "Pro": f"Pro {IMG}",
    }
    for old, new in names.items():
        source = source.replace(f'name = "{old}"', f"name = '''{new}'''")
    source = source.replace('unit = "CV"', f"unit = '''CV{IMG}'''").replace('"For busy teams."', f"'''{SCRIPT}'''")
    seller.call("PUT", "/v1/catalog", {"source": source})
    key = quote(KEY, safe="")
    seller.call("PUT", f"/v1/customers/{key}", {"name": f"Mallory {IMG}{SCRIPT}"})
    seller.call("PUT", f"/v1/customers/{key}/members/{quote(IMG, safe='')}", {"name": SCRIPT})
    seller.call(
        "POST", f"/v1/customers/{key}/grants", {"unit": "credit", "amount": "5", "reference": IMG, "note": SCRIPT}
    )
    seller.call("PUT", f"/v1/customers/{key}/limits/cvs", {"meter": "cv_parse", "per": "day", "cap": "3"})
    dimensions = {"job": SCRIPT}
    seller.use(KEY, "cv_parse", "2", id=IMG, member=IMG, dimensions=dimensions)
    seller.use(KEY, "cv_parse", "1", member=SCRIPT, dimensions={"job": IMG, "candidate": SVG}, metadata={"x": IMG})
    seller.use(KEY, "interview", dimensions=dimensions)
    seller.use(KEY, "summary", dimensions=dimensions, calls=[UNKNOWN_MODEL | {"model": IMG, "provider": "openai"}])
    seller.call(
        "POST", "/v1/holds", {"id": f"hold {IMG}", "customer": KEY, "meter": "interview", "dimensions": dimensions}
    )
    refused = {"id": IMG, "customer": f"nobody {SCRIPT}", "meter": IMG, "quantity": "1"}
    answer = seller.http.post("/v1/events", json=refused)
    assert answer.status_code == 422, answer.text
    seller.call("POST", "/v1/keys", {"name": f"key {IMG}", "scopes": ["read"]})
    return seller


def harmless(page: Page) -> None:
    """Nothing of the names has become an element, or a link that runs."""
    found = page.evaluate(
        """() => { const found = []; const look = (root) => { for (const each of root.querySelectorAll('*')) {
            const loads = ['IMG', 'SCRIPT', 'IFRAME'].includes(each.nodeName);
            if (loads && !each.src.startsWith(location.origin)) found.push(each.outerHTML);
            if (each.onload || each.onerror) found.push(each.outerHTML);
            if (/^javascript:/i.test(each.href ?? '')) found.push(each.outerHTML);
            if (each.shadowRoot) look(each.shadowRoot); } }; look(document); return found; }"""
    )
    assert found == []


def test_hostile_names_on_every_tab(page: Page, hostile: Seller) -> None:
    hostile.open(page, KEY, "", *ALL)
    expect(page.locator("header .name")).to_have_text(f"Mallory {IMG}{SCRIPT}")
    for tab in TABS:
        page.goto(f"{hostile.url}/billing{tab}")
        expect(page.locator("nav[aria-label=Billing]")).to_be_visible()
        expect(page.locator(".bone").filter(visible=True)).to_have_count(0)
        expect(page.locator("[role=main]")).to_contain_text("onerror=")
        harmless(page)
    page.goto(f"{hostile.url}/billing?tab=usage&range=7&by=job")
    page.locator("toll-breakdown").get_by_role("button", name=SCRIPT, exact=True).click()
    expect(page.locator("toll-billing-filters .chip")).to_contain_text(SCRIPT)
    expect(page.locator("toll-breakdown tbody tr")).to_have_count(1)
    page.get_by_role("link", name="Activity").click()
    page.locator("toll-activity .opener").filter(has_text=IMG).first.click()
    expect(page.locator("toll-activity [part=detail]")).to_contain_text("How the charge comes about")
    harmless(page)
    page.goto(f"{hostile.url}/billing?tab=plans")
    page.get_by_role("button", name="Team").click()
    expect(page.locator("toll-dialog")).to_contain_text(IMG)
    harmless(page)


def test_hostile_addresses(page: Page, hostile: Seller) -> None:
    hostile.open(page, "acme")
    for query in [
        f"?tab={quote(SCRIPT)}&range={quote(IMG)}&meter={quote(IMG)}&by={quote(SVG)}",
        f"?tab=usage&filter={quote('job:' + IMG)}&customer=acme",
        f"?tab=usage&filter={quote('job:' + SCRIPT)}&customer={quote(KEY)}",
        f"?tab=activity&view=ledger&kind={quote(IMG)}",
    ]:
        page.goto(f"{hostile.url}/billing{query}")
        expect(page.locator("[role=main]")).to_be_visible()
        expect(page.locator(".bone").filter(visible=True)).to_have_count(0)
        harmless(page)
    expect(page.locator("[role=main]")).not_to_contain_text("page_error")


def test_a_return_address_that_would_run(page: Page, hostile: Seller) -> None:
    answer = hostile.http.post("/v1/portal-sessions", json={"customer": "acme", "return_url": "javascript:alert(8)"})
    assert answer.status_code == 422
    page.route(
        "**/v1/portal/session",
        lambda route: route.fulfill(json=route.fetch().json() | {"return_url": "javascript:alert(8)"}),
    )
    hostile.open(page, "acme")
    expect(page.get_by_text("Back to the app")).to_have_count(0)
    harmless(page)
    page.unroute_all(behavior="wait")


def test_hostile_names_in_the_console(page: Page, hostile: Seller) -> None:
    page.goto(f"{hostile.url}/console")
    page.get_by_label("Admin key").fill(hostile.server.api_key)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    for path in CONSOLE:
        page.goto(f"{hostile.url}/console/{path}")
        expect(page.locator("main h1")).to_be_visible()
        expect(page.locator(".bone").filter(visible=True)).to_have_count(0)
        harmless(page)
    page.goto(f"{hostile.url}/console/customers?search={quote(IMG)}")
    page.get_by_role("link", name=f"Mallory {IMG}{SCRIPT}").click()
    expect(page.locator("main h1")).to_have_text(f"Mallory {IMG}{SCRIPT}")
    for tab in page.get_by_role("navigation", name="About Mallory").get_by_role("link").all():
        tab.click()
        expect(tab).to_have_attribute("aria-current", "page")
        expect(page.locator(".bone").filter(visible=True)).to_have_count(0)
        harmless(page)
    page.goto(f"{hostile.url}/console/quarantine")
    page.locator("tbody .opener").first.click()
    expect(page.locator("tr.detail pre")).to_contain_text(f"nobody {SCRIPT[:2]}".replace('"', '\\"'))
    harmless(page)


@pytest.mark.parametrize("path", ["/billing", "/billing/anything", "/console", "/console/customers", "/gallery"])
def test_what_pages_may_do(seller: Seller, path: str) -> None:
    answer = httpx.get(f"{seller.url}{path}", timeout=30)
    assert answer.status_code == 200
    said: str = answer.headers["content-security-policy"]
    policy = {name: sources for name, _, sources in (part.strip().partition(" ") for part in said.split(";"))}
    assert "unsafe" not in said
    assert (policy["default-src"], policy["script-src"], policy["style-src"]) == ("'none'", "'self'", "'self'")
    assert policy["connect-src"] == "'self'"
    assert policy["base-uri"] == "'none'"
    assert policy["require-trusted-types-for"] == "'script'"
    assert policy["frame-ancestors"] == ("'none'" if path.startswith("/console") else "'self'")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "set-cookie" not in answer.headers
    assert "onerror" not in answer.text
    assert "<style" not in answer.text
    assert " style=" not in answer.text


def test_a_script_that_got_in_does_not_run(page: Page, seller: Seller) -> None:
    """That the policy holds is seen by what it refuses; the tests above would notice nothing else."""
    page.goto(f"{seller.url}/billing")
    refused = page.evaluate(
        """() => { const said = [];
        const tried = (what) => { try { what(); } catch (error) { said.push(error.name); } };
        tried(() => { document.body.innerHTML = '<img src=x onerror=alert(9)>'; });
        tried(() => { document.body.setAttribute('onclick', 'alert(9)'); });
        document.body.click();
        return said; }"""
    )
    assert "TypeError" in refused
