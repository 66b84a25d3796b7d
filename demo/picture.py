"""Takes the pictures of the billing page and the console in docs/images, from a running demo: `make picture`."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, sync_playwright
from tests.browser import chromium

_IMAGES = Path(__file__).parent.parent / "docs" / "images"
_PORT = "8378"
_WINDOW = {"width": 1200, "height": 1010}
_TRAFFIC_MS = 9_000
"""So long the page is watched before the picture is taken."""


def main() -> int:
    """Run the demo, look at its pages, and end it."""
    path = chromium.find()
    with _demo() as (link, console, key), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=chromium.arguments())
        context = browser.new_context(viewport=_WINDOW, locale="en-US", timezone_id="Europe/Berlin")
        _billing(context, link)
        _console(context, console, key)
        browser.close()
    return 0


@contextmanager
def _demo() -> Iterator[tuple[str, str, str]]:
    """A demo that serves: the link to the billing page, the console's address and a key for it."""
    with tempfile.TemporaryDirectory(prefix="toll-picture-") as folder:
        Path(folder).chmod(0o755)  # as root, the database has an account of its own
        line = [sys.executable, "-u", "-m", "demo", "--port", _PORT, "--data", f"{folder}/demo"]
        process = subprocess.Popen(line, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        printed = ""
        try:
            for each in process.stdout:
                printed += each
                if "Ctrl-C" in each:
                    break
            yield (
                _found(r"http\S+#link=\S+", printed),
                _found(r"http\S+/console", printed),
                _found(r"toll_\S+?(?=:)", printed),
            )
        finally:
            process.terminate()
            process.wait()


def _found(pattern: str, printed: str) -> str:
    found = re.search(pattern, printed)
    if found is None:
        raise SystemExit(f"The demo didn't say where its pages are:\n{printed}")
    return found[0]


def _billing(context: BrowserContext, link: str) -> None:
    page = context.new_page()
    page.goto(link)
    page.get_by_text("Live").first.wait_for()
    page.wait_for_timeout(_TRAFFIC_MS)
    _take(page, "billing-page.png")


def _console(context: BrowserContext, address: str, key: str) -> None:
    page = context.new_page()
    page.goto(address)
    page.get_by_label("key", exact=False).first.fill(key)
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Customers").first.wait_for()
    page.wait_for_timeout(_TRAFFIC_MS // 3)
    _take(page, "console.png")


def _take(page: Page, name: str) -> None:
    page.screenshot(path=_IMAGES / name)
    print(_IMAGES / name)


if __name__ == "__main__":
    sys.exit(main())
