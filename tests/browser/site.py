"""A product of another origin, whose backend opens billing sessions for who is logged in."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.browser.seller import Seller


class Site:
    """One page at every path but `/billing-token`, under the strictest policy that the documentation says is enough."""

    def __init__(self, seller: Seller, customer: str, html: str, *permissions: str) -> None:
        self.sessions: list[dict[str, Any]] = []
        self.logged_in = True
        site = self
        page = f'<!doctype html><html lang="en"><title>x</title><link rel="icon" href="data:,">{html}'
        sources = f"script-src {seller.url}; connect-src 'self' {seller.url}; style-src 'self'; img-src data:"
        policy = f"default-src 'none'; {sources}; require-trusted-types-for 'script'"

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/page.css":
                    return self.answer(200, "text/css", STYLE)
                if self.path != "/billing-token":
                    return self.answer(200, "text/html; charset=utf-8", page)
                if not site.logged_in:
                    return self.answer(401, "application/json", "{}")
                site.sessions.append(seller.session(customer, *permissions))
                return self.answer(200, "application/json", json.dumps({"token": site.sessions[-1]["token"]}))

            def answer(self, status: int, kind: str, body: str) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Security-Policy", policy)
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.listener.server_port}"
        threading.Thread(target=self.listener.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop serving."""
        self.listener.shutdown()
        self.listener.server_close()


STYLE = """\
:root { color-scheme: light dark; }
body { display: grid; grid-template-columns: 240px minmax(0, 1fr); gap: 24px; margin: 0; }
body { background: light-dark(white, #111); }
@media (prefers-color-scheme: light) { body { --toll-accent: rgb(91, 63, 214); } }
@media (max-width: 700px) { body { display: block; padding: 12px; } }
"""
