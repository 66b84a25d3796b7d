"""For everyone: dark, phones, keyboards, screen readers, people who want no motion."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.browser.conftest import OpenPage
from tests.browser.seller import ALL, Seller

AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
TABS = ("overview", "usage", "activity", "plans")


def show(page: Page, tab: str) -> None:
    """Open a tab, and wait until all of it is there."""
    name = {"plans": "Plans and credits"}.get(tab, tab.title())
    page.get_by_role("navigation", name="Billing").get_by_role("link", name=name, exact=True).click()
    ready = {
        "overview": "toll-billing-overview .strip",
        "usage": "toll-breakdown tbody",
        "activity": "toll-activity .list",
        "plans": "toll-plans [part~=plan]",
    }
    expect(page.locator(ready[tab]).first).to_be_visible()
    expect(page.locator(".bone").filter(visible=True)).to_have_count(0)


def axe(page: Page) -> list[str]:
    """What axe-core finds that's serious or critical."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{each['id']} ({each['impact']}): {node['target']} {node.get('failureSummary', '')[:300]}"
        for each in found["violations"]
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"][:3]
    ]


SIDEWAYS = """() => {
    const found = [], look = (root) => root.querySelectorAll('*').forEach((each) => {
        const scrolls = ['auto', 'scroll'].includes(getComputedStyle(each).overflowX);
        if (scrolls && each.scrollWidth > each.clientWidth + 1) found.push(each.className);
        if (each.shadowRoot) look(each.shadowRoot);
    });
    look(document);
    return found;
}"""


def sideways(page: Page) -> list[str]:
    """What has to be scrolled sideways to be read."""
    return page.evaluate(SIDEWAYS)


def background(where: Locator) -> int:
    """How light it is, 0 to 255."""
    said = where.evaluate("(element) => getComputedStyle(element).backgroundColor")
    red, green, blue = (int(each) for each in said[said.index("(") + 1 : -1].split(",")[:3])
    return (red + green + blue) // 3


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_tabs(open_page: OpenPage, seller: Seller, scheme: str) -> None:
    page = open_page(color_scheme=scheme)
    seller.open(page, "acme", "", *ALL)
    for tab in TABS:
        show(page, tab)
        if tab == "activity":
            page.locator("toll-activity .opener").first.click()
            expect(page.locator("toll-activity [part=detail]")).to_contain_text("How the charge comes about")
        assert axe(page) == [], tab
    page.get_by_role("button", name="Team").click()
    expect(page.locator("toll-dialog")).to_contain_text("50 interview credits")
    assert axe(page) == []


def test_axe_finds_nothing_in_the_gallery(page: Page, seller: Seller) -> None:
    page.goto(f"{seller.url}/gallery")
    expect(page.locator("toll-balance").first).to_be_visible()
    for widget in page.locator("nav a").all():
        widget.click()
        assert axe(page) == [], widget.text_content()


def test_dark_by_the_system_and_by_the_switch(open_page: OpenPage, seller: Seller) -> None:
    page = open_page(color_scheme="dark")
    seller.open(page, "acme", "?tab=usage")
    panel, body = page.locator("toll-usage section"), page.locator("body")
    expect(panel).to_be_visible()
    assert background(panel) < 60
    assert background(body) < 60
    page.get_by_role("button", name="Light").click()
    expect(page.get_by_role("button", name="Light")).to_have_attribute("aria-pressed", "true")
    assert background(panel) > 200
    assert background(body) > 200
    page.reload()
    expect(panel).to_be_visible()
    assert background(panel) > 200, "the choice is kept"
    page.get_by_role("button", name="As the system").click()
    page.emulate_media(color_scheme="light")
    assert background(panel) > 200
    page.emulate_media(color_scheme="dark")
    assert background(panel) < 60


def test_a_phone(open_page: OpenPage, seller: Seller) -> None:
    page = open_page(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    seller.open(page, "acme", "", *ALL)
    for tab in TABS:
        show(page, tab)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 360, f"{tab} is {wide} px wide"
        assert sideways(page) == [], tab
        link = page.get_by_role("navigation", name="Billing").locator("[aria-current=page]")
        box = link.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 360, f"the tab {tab} is out of sight"
    show(page, "usage")
    assert axe(page) == []
    breakdown = page.locator("toll-breakdown").get_by_role("table")
    engineer = breakdown.get_by_role("row", name="engineer")
    expect(engineer.get_by_role("cell")).to_have_count(len(breakdown.get_by_role("columnheader").all()) - 1)
    page.get_by_label("Sort by").select_option("Job")
    expect(breakdown.get_by_role("rowheader").first).to_have_text("designer")
    show(page, "plans")
    page.get_by_role("button", name="Team").tap()
    dialog = page.locator("toll-dialog dialog")
    expect(dialog).to_be_visible()
    box = dialog.bounding_box()
    assert box is not None
    assert (box["x"], box["x"] + box["width"], box["y"] + box["height"]) == (0, 360, 740)
    page.get_by_role("button", name="Continue to test payment").tap()
    expect(page.locator("toll-dialog")).to_contain_text("No money moves")


DEEPEST = "let at = document.activeElement; while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;"


def focused(page: Page) -> str:
    """The name of what has the focus, through shadow roots."""
    return page.evaluate(
        f"() => {{ {DEEPEST}"
        """return (at?.getAttribute('aria-label') ?? at?.textContent ?? '').trim().replace(/\\s+/g, ' '); }"""
    )


def tab_to(page: Page, name: str) -> None:
    """Press Tab until it's there; whoever only has keys needs a ring to see where they are."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if focused(page).startswith(name):
            ring = page.evaluate(
                f"() => {{ {DEEPEST} const {{ outlineStyle, outlineWidth }} = getComputedStyle(at);"
                "return [outlineStyle, parseFloat(outlineWidth)]; }"
            )
            assert ring[0] != "none", name
            assert ring[1] >= 1, name
            return
    raise AssertionError(f"no way to {name} by Tab")


def test_keys_alone_are_enough(page: Page, seller: Seller) -> None:
    seller.open(page, "acme", "", *ALL)
    page.keyboard.press("Tab")
    assert focused(page) == "Skip to content"
    tab_to(page, "Usage")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_be_focused()
    expect(page.locator("toll-breakdown tbody")).to_be_visible()
    tab_to(page, "90d days")
    page.keyboard.press("Enter")
    expect(page.locator("toll-usage [part=total]")).to_contain_text("$11.51")
    assert focused(page).startswith("90"), "focus stays where it was"
    tab_to(page, "Only this job")
    page.keyboard.type("designer")
    page.keyboard.press("Enter")
    expect(page.locator("toll-usage [part=total]")).to_contain_text("$4.00")
    tab_to(page, "Remove the filter Job: designer")
    page.keyboard.press("Enter")
    expect(page.locator("toll-usage [part=total]")).to_contain_text("$11.51")
    tab_to(page, "Chart: Charges by day")
    page.keyboard.press("End")
    chart = page.locator("toll-usage toll-chart")
    expect(chart.locator("[part=tooltip]")).to_contain_text("$6.51")
    expect(chart.get_by_role("status")).to_contain_text("$6.51, CV parsing $6.00")
    page.keyboard.press("ArrowLeft")
    expect(chart.locator("[part=tooltip]")).to_contain_text("Nothing")
    page.keyboard.press("Escape")
    expect(chart.locator("[part=tooltip]")).to_have_count(0)


def test_a_dialog_by_keys(page: Page, seller: Seller) -> None:
    seller.open(page, "acme", "?tab=plans", *ALL)
    expect(page.get_by_role("button", name="Team")).to_be_visible()
    tab_to(page, "Team")
    page.keyboard.press("Enter")
    dialog = page.locator("toll-dialog")
    expect(dialog.get_by_role("heading")).to_be_focused()
    for _ in range(8):
        page.keyboard.press("Tab")
        assert "Choose" not in focused(page), "what's behind a dialog can't be reached"
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page.get_by_role("button", name="Team")).to_be_focused()


def test_the_chart_is_a_table_too(page: Page, seller: Seller) -> None:
    seller.open(page, "acme", "?tab=usage&range=7")
    table = page.locator("toll-usage toll-chart").get_by_role("table", name="Charges by day, US Dollar")
    expect(table.get_by_role("row")).to_have_count(8)
    last = table.get_by_role("row").last
    expect(last).to_contain_text("$6.00")
    expect(last).to_contain_text("$0.0109")


def test_who_wants_no_motion_gets_none(open_page: OpenPage, seller: Seller) -> None:
    for motion, least in (("no-preference", 1), ("reduce", 0)):
        page = open_page(reduced_motion=motion)
        seller.open(page, "acme", "?tab=plans", *ALL)
        page.get_by_role("button", name="Team").click()
        expect(page.locator("toll-dialog dialog")).to_be_visible()
        longest = page.locator("toll-dialog dialog").evaluate(
            "(dialog) => Math.max(...getComputedStyle(dialog).animationDuration.split(',').map(parseFloat))"
        )
        assert (longest > 0.01) == bool(least), f"{motion}: {longest} s"
