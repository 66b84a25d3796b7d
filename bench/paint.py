"""How soon the billing page says something, in Chromium: the first paint, and the customer's own figures."""

from __future__ import annotations

import json
from collections.abc import Iterator

from playwright.sync_api import Browser, sync_playwright
from tests.browser import chromium

from bench import client

Row = tuple[str, str, str]

_LOADS = 10
_FIRST_PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? performance.now()"


def painted(port: int, secret: str, customer: str, who: str) -> Iterator[Row]:
    """The page opened by its link, each time in a browser that has never seen it."""
    operator = client.Connection(port, secret)
    path = chromium.find()
    firsts, figures = [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=chromium.arguments())
        for _ in range(_LOADS):
            _, answer = operator.request("POST", "/v1/portal-sessions", json.dumps({"customer": customer}).encode())
            first, figure = _opened(
                browser, f"http://127.0.0.1:{port}/billing#{json.loads(answer)['url'].split('#')[1]}"
            )
            firsts.append(first)
            figures.append(figure)
        browser.close()
    for what, found in (("first contentful paint", firsts), ("the customer's figures", figures)):
        found.sort()
        yield (
            f"/billing in Chromium, {what}, {who}",
            f"p50 {found[len(found) // 2]:.0f} ms",
            f"slowest {found[-1]:.0f} ms",
        )


def _opened(browser: Browser, link: str) -> tuple[float, float]:
    """Milliseconds from the beginning of the navigation to the first paint, and until the figures are there."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(link, wait_until="commit")
    page.get_by_text("Spent in all").wait_for()
    figures = page.evaluate("performance.now()")
    first = page.evaluate(_FIRST_PAINT)
    context.close()
    return first, figures
