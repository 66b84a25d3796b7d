"""Who sells with a server: its catalog, its customers, what they use, and the links to their pages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
from playwright.sync_api import Page, expect
from tests.client.serving import Server

CATALOG = """\
currency = "USD"
default_plan = "free"

[units.credit]
name = "Interview credit"

[meters.cv_parse]
name = "CV parsing"
unit = "CV"
decimals = 0
dimensions = ["job", "candidate"]
[prices.cv_parse]
model = "unit"
amount = "0.50"

[meters.question_tokens]
name = "Interview questions"
unit = "token"
decimals = 0
dimensions = ["job"]
[prices.question_tokens]
model = "unit"
amount = "0.002"
per = 1000

[meters.interview]
name = "Interviews"
unit = "interview"
aggregation = "count"
dimensions = ["job"]
[prices.interview]
model = "unit"
unit = "credit"
amount = 1

[meters.answer]
name = "Answers"
unit = "answer"
dimensions = ["job"]
[prices.answer]
model = "cost_plus"
margin_percent = 25
fallback = "0.5"

[meters.summary]
name = "Summaries"
unit = "summary"
dimensions = ["job"]
[prices.summary]
model = "cost_plus"
margin_percent = 25

[funding.units.credit]
low_balance = 3

[top_ups.credit]
amounts = [5, 10]
price = "1.00"

[packs.team]
name = "Team"
unit = "credit"
amount = 50
price = "45.00"
bonus = 5

[limits.daily_cvs]
meter = "cv_parse"
per = "day"
cap = 100

[plans.free]
name = "Free"

[plans.pro]
name = "Pro"
description = "For busy teams."
[plans.pro.prices.cv_parse]
model = "unit"
amount = "0.40"
"""
ALL = ["read", "top_up", "change_plan"]
UNKNOWN_MODEL = {
    "provider": "openai",
    "model": "never-heard-of",
    "usage": {"prompt_tokens": 10, "completion_tokens": 5},
}


class Seller:
    """An operator of Tollkeeper, over HTTP, with an admin key."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.url = server.url
        self.http = httpx.Client(
            base_url=server.url, headers={"Authorization": f"Bearer {server.api_key}"}, timeout=30, trust_env=False
        )

    def call(self, method: str, path: str, body: Any = None, **params: Any) -> Any:
        """The good answer to a call."""
        answer = self.http.request(method, path, json=body, params=params)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def customer(self, key: str, **fields: Any) -> None:
        """A customer, named by its key unless said otherwise."""
        self.call("PUT", f"/v1/customers/{key}", {"name": key.title(), "timezone": "Europe/Berlin"} | fields)

    def use(self, customer: str, meter: str, quantity: str = "1", *, days: float = 0, **fields: Any) -> str:
        """Something was used, so many days ago; answers the event's id."""
        time = datetime.now(UTC) - timedelta(days=days)
        event = {
            "id": str(uuid4()),
            "customer": customer,
            "meter": meter,
            "quantity": quantity,
            "time": time.isoformat(),
        }
        answer = self.call("POST", "/v1/events", event | fields)
        assert answer["accepted"] == 1, answer
        return (event | fields)["id"]

    def session(self, customer: str, *permissions: str, **fields: Any) -> dict[str, Any]:
        """A new session for a customer's page."""
        asked = {"customer": customer, "permissions": list(permissions) or ["read"]}
        return self.call("POST", "/v1/portal-sessions", asked | fields)

    def portal(self, customer: str, path: str, **params: Any) -> dict[str, Any]:
        """What the API answers to the customer's page."""
        headers = {"Authorization": f"Bearer {self.session(customer)['token']}"}
        answer = httpx.get(f"{self.url}/v1/portal{path}", params=params, headers=headers, timeout=30)
        assert answer.is_success, answer.text
        return answer.json()

    def open_alone(
        self, page: Page, customer: str, query: str = "", *permissions: str, **fields: Any
    ) -> dict[str, Any]:
        """Go to the customer's billing page by a link, as a product leads there; answers the session."""
        session = self.session(customer, *permissions, **fields)
        address, link = session["url"].split("#")
        page.goto(f"{address}{query}#{link}")
        return session

    def open(self, page: Page, customer: str, query: str = "", *permissions: str, **fields: Any) -> dict[str, Any]:
        """The same, and wait until the page is there."""
        session = self.open_alone(page, customer, query, *permissions, **fields)
        expect(page.locator("nav[aria-label=Billing]")).to_be_visible()
        return session


def furnish(seller: Seller) -> None:
    """The catalog, and a customer whose figures the tests know."""
    seller.call("PUT", "/v1/catalog", {"source": CATALOG})
    seller.customer("acme", name="Acme Recruiting")
    engineer, designer = {"job": "engineer"}, {"job": "designer"}
    seller.use("acme", "cv_parse", "10", dimensions=engineer, member="ann")
    seller.use("acme", "cv_parse", "2", dimensions=designer, member="ben")
    seller.use("acme", "question_tokens", "5450", id="questions-1", dimensions=engineer)
    seller.use("acme", "cv_parse", "4", days=10, dimensions=engineer)
    seller.use("acme", "cv_parse", "6", days=40, dimensions=designer)
    seller.use("acme", "cv_parse", "8", days=100, dimensions={"job": "welder"})
    seller.use("acme", "answer", dimensions=engineer, calls=[UNKNOWN_MODEL])
    seller.use("acme", "summary", dimensions=designer, calls=[UNKNOWN_MODEL])
    seller.call(
        "POST", "/v1/customers/acme/grants", {"unit": "credit", "amount": "10", "kind": "paid", "reference": "order-1"}
    )
    seller.use("acme", "interview", dimensions=engineer)
