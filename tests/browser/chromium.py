"""The browser of the tests: a Chromium that is on the machine, or that `python -m tests.browser.chromium` puts there.

It asks Debian's packages first, where it may install them, and Playwright's own download otherwise.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

VARIABLE = "TOLLKEEPER_TEST_CHROMIUM"
"""Names a Chromium or Chrome of your own."""

ARGUMENTS = [
    "--disable-gpu",
    "--disable-dev-shm-usage",
    # Whoever tests has no use for what a browser looks up by itself.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]

_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
_PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
_HELP = f"""\
The tests of the billing page need Chromium, and it couldn't be installed. Install it yourself and repeat:
  Debian, Ubuntu:  sudo apt-get install chromium
  others:          .venv/bin/playwright install chromium
or let {VARIABLE} name a Chromium or Chrome that is there.
"""


def arguments() -> list[str]:
    """How to start it. Root's processes have no sandbox of Chromium's around them."""
    return [*ARGUMENTS, *(["--no-sandbox"] if os.getuid() == 0 else [])]


def find() -> Path | None:
    """A Chromium that starts, or None."""
    named = [os.environ[VARIABLE]] if VARIABLE in os.environ else []
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    found = [shutil.which(name) for name in _NAMES]
    return next((Path(one) for one in [*named, own, *found, *_PLACES] if one and _starts(one)), None)


def _starts(path: str) -> bool:
    try:
        return subprocess.run([path, "--version"], capture_output=True, timeout=60, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def install() -> Path | None:
    """Put one on the machine; None where that can't be done."""
    if os.getuid() == 0 and shutil.which("apt-get"):
        quiet = {"DEBIAN_FRONTEND": "noninteractive"}
        _run(["apt-get", "update", "-qq"], quiet)
        _run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium", "fonts-dejavu-core"], quiet)
    if (found := find()) is None:
        _run([sys.executable, "-m", "playwright", "install", "chromium"], {})
        found = find()
    return found


def _run(command: list[str], more: dict[str, str]) -> None:
    print("+", " ".join(command), flush=True)
    subprocess.run(command, env=os.environ | more, check=False, stdin=subprocess.DEVNULL)


def main() -> int:
    """Find or install it, and say where it is."""
    found = find() or install()
    print(found or _HELP, file=sys.stdout if found else sys.stderr)
    return 0 if found else 1


if __name__ == "__main__":
    sys.exit(main())
