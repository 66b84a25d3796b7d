"""A Chromium whose pages are watched: what goes wrong on one fails the test that has opened it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urldefrag, urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, Request, expect, sync_playwright
from tests.browser import chromium

SECRET = re.compile(r"toll[px]?_[\w-]{16}")
OpenPage = Callable[..., Page]

# Patience with a busy machine; it costs nothing where all is well.
expect.set_options(timeout=20_000)


@contextmanager
def launched() -> Iterator[Browser]:
    """The browser. An event loop runs in this thread as long as it lives."""
    path = chromium.find()
    assert path is not None, "no Chromium here: python -m tests.browser.chromium puts one there"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=chromium.arguments())
        yield browser
        browser.close()


@contextmanager
def watched(browser: Browser) -> Iterator[OpenPage]:
    """Opens pages that fail the test with what went wrong on them: errors, refused scripts, requests to other hosts,
    secrets in addresses."""
    contexts, wrong = [], []

    def said(message: ConsoleMessage) -> None:
        if message.type == "error" and "Content Security Policy" in message.text:
            wrong.append(message.text)

    def ran(dialog: Dialog) -> None:
        wrong.append(f"a script ran: {dialog.message}")
        dialog.dismiss()

    def asked(request: Request) -> None:
        address = urldefrag(request.url).url
        if urlsplit(address).scheme in ("http", "https", "ws", "wss") and urlsplit(address).hostname != "127.0.0.1":
            wrong.append(f"asked another host: {address}")
        if SECRET.search(address):
            wrong.append(f"a secret in an address: {address}")

    def opened(**options: Any) -> Page:
        # Without motion nothing has to be waited for but what the page shows.
        usual: dict[str, Any] = {"locale": "en-US", "timezone_id": "Europe/Berlin", "reduced_motion": "reduce"}
        context = browser.new_context(**usual | options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", said)
        page.on("dialog", ran)
        context.on("request", asked)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not wrong, wrong
