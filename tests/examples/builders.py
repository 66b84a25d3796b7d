"""Who uses the résumé builder in its tests, what they upload, and what the provider answers and bills."""

from __future__ import annotations

import json
from contextlib import ExitStack
from decimal import Decimal
from typing import Any

import httpx
from examples.running import Running
from fpdf import FPDF

PASSWORD = "correct horse battery"
RESUME = {
    "name": "Ada Lovelace",
    "headline": "Analyst",
    "skills": ["mathematics", "engines"],
    "experience": ["Notes on the Analytical Engine, 1843"],
    "education": ["Privately taught"],
}
LIMITS = {"daily_tokens": "10000", "daily_cost": "5", "monthly_tokens": "100000", "monthly_cost": "50"}
D = Decimal


def pdf_of(text: str, pages: int = 1) -> bytes:
    """A real PDF."""
    pdf = FPDF()
    for _ in range(pages):
        pdf.add_page()
        pdf.set_font("Helvetica", size=11)
        pdf.multi_cell(0, 6, text)
    return bytes(pdf.output())


PDF = pdf_of("Ada Lovelace, analyst. Notes on the Analytical Engine, 1843. Mathematics, engines.")


class Builder:
    """The running product, the provider's bill, and Tollkeeper's own API."""

    def __init__(self, running: Running, stack: ExitStack) -> None:
        self.running = running
        self._stack = stack
        assert running.simulator_url is not None
        self.provider = self.client(running.simulator_url)
        self.toll = self.client(running.tollkeeper_url, Authorization=f"Bearer {running.admin_key}")

    def client(self, url: str, **headers: str) -> httpx.Client:
        return self._stack.enter_context(httpx.Client(base_url=url, headers=headers, timeout=30, trust_env=False))

    def signed_up(self, name: str) -> User:
        http = self.client(self.running.url)
        form = {"name": name, "email": f"{name}@example.com", "password": PASSWORD, "timezone": "Europe/Berlin"}
        answer = http.post("/sign-up", data=form)
        assert answer.status_code == 303, answer.text
        [customer] = [each["key"] for each in self.toll.get("/v1/customers", params={"search": name}).json()["data"]]
        return User(self, http, customer)

    def answers(self, tokens: int, *, content: object = RESUME, **more: Any) -> None:
        """What the model's next answer is, and takes."""
        usage = {"prompt_tokens": tokens - 100, "completion_tokens": 100, "total_tokens": tokens}
        text = content if isinstance(content, str) else json.dumps(content)
        step = {"content": text, "usage": usage} | more
        assert self.provider.post("/_simulator/script", json=step).is_success

    @property
    def bills(self) -> list[dict[str, Any]]:
        """Every call that the provider has billed."""
        return self.provider.get("/_simulator/bills").json()["bills"]


class User:
    """Somebody with a session."""

    def __init__(self, builder: Builder, http: httpx.Client, customer: str) -> None:
        self.builder = builder
        self.http = http
        self.customer = customer

    def parse(self, pdf: bytes = PDF, title: str = "ada.pdf") -> httpx.Response:
        return self.http.post("/api/ai/parse-pdf", files={"file": (title, pdf, "application/pdf")})

    def summarize(self, resume: str, model: str = "gpt-4o") -> httpx.Response:
        return self.http.post("/api/ai/generate-summary", json={"resume": resume, "model": model})

    @property
    def stats(self) -> dict[str, Any]:
        answer = self.http.get("/api/ai/usage-stats")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def limit(self, name: str, **terms: Any) -> None:
        """Tollkeeper's own route: what the product's staff do in the console."""
        answer = self.builder.toll.put(f"/v1/customers/{self.customer}/limits/{name}", json=terms)
        assert answer.is_success, answer.text

    def choose(self, plan: str, when: str) -> dict[str, Any]:
        """What the widget on the billing page does."""
        token = self.http.get("/billing-token").json()["token"]
        url = f"{self.builder.running.tollkeeper_url}/v1/portal/plan"
        asked = {"plan": plan, "from": when}
        answer = self.http.post(url, json=asked, headers={"Authorization": f"Bearer {token}"})
        assert answer.is_success, answer.text
        return answer.json()
