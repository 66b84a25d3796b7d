"""Calls to Tollkeeper's HTTP API: what a product's backend would do."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Self

import httpx

from demo.errors import DemoFailed
from demo.events import Event


class Client:
    """The API, with a key."""

    def __init__(self, url: str, key: str) -> None:
        self.key = key
        headers = {"Authorization": f"Bearer {key}"}
        self._http = httpx.Client(base_url=url, headers=headers, timeout=60, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def put_catalog(self, source: str) -> dict[str, Any]:
        """Apply a catalog."""
        return self._call("PUT", "/v1/catalog", content=source, headers={"Content-Type": "application/toml"})

    def put_customer(self, key: str, *, name: str, timezone: str) -> None:
        """Create a customer."""
        self._call("PUT", f"/v1/customers/{key}", json={"name": name, "timezone": timezone})

    def put_plan(self, customer: str, plan: str) -> None:
        """Put a customer on a plan, from now on."""
        self._call("PUT", f"/v1/customers/{customer}/plan", json={"plan": plan})

    def put_member(self, customer: str, key: str) -> None:
        """Create a member."""
        self._call("PUT", f"/v1/customers/{customer}/members/{key}", json={})

    def open_page(self, customer: str, seconds: int) -> str:
        """The link to the customer's billing page, for a session that may do everything there is to do."""
        body = {"customer": customer, "permissions": ["read", "top_up", "change_plan"]}
        lasting = {"expires_in": seconds, "link_expires_in": seconds}
        return self._call("POST", "/v1/portal-sessions", json=body | lasting)["url"]

    def report(self, events: list[Event]) -> dict[str, Any]:
        """Report usage; the answer counts what became of the events, and lists those that were refused."""
        headers = {"Content-Type": "application/json"}
        return self._call(
            "POST", "/v1/events", params={"results": "errors"}, content=json.dumps(events), headers=headers
        )

    def usage(self, customer: str, start: datetime, end: datetime, **more: str) -> list[dict[str, Any]]:
        """Rows of usage in [start, end)."""
        params = {"customer": customer, "from": start.isoformat(), "to": end.isoformat(), **more}
        return self._call("GET", "/v1/usage", params=params)["rows"]

    def overview(self, customer: str) -> dict[str, Any]:
        """What the customer has used and owes."""
        return self._call("GET", f"/v1/customers/{customer}/overview")

    def balance(self, customer: str, unit: str = "USD") -> dict[str, str]:
        """The customer's accounts in one unit of value."""
        accounts = self._call("GET", f"/v1/customers/{customer}/balance")["accounts"]
        return {each["account"]: each["balance"] for each in accounts if each["unit"] == unit}

    def explanation(self, customer: str, event: str) -> dict[str, Any]:
        """Why the event cost what it did."""
        return self._call("GET", f"/v1/events/{event}/explanation", params={"customer": customer})

    def replay(self, quarantine_id: str) -> dict[str, Any]:
        """Send a quarantined event through the gate again."""
        return self._call("POST", "/v1/quarantine/replay", json={"ids": [quarantine_id]})["results"][0]

    def grant(self, customer: str, grant: dict[str, Any]) -> None:
        """Give a customer prepaid value."""
        self._call("POST", f"/v1/customers/{customer}/grants", json=grant)

    def hold(self, operation: dict[str, Any]) -> dict[str, Any]:
        """Ask whether an operation may begin: the hold, or the refusal, which has a `code`."""
        return self._call("POST", "/v1/holds", refusals=(402, 429), json=operation)

    def settle(self, customer: str, hold: str, events: list[Event] | None = None) -> dict[str, Any]:
        """Say what an operation came to; without events it's as it was held."""
        body = {"customer": customer} | ({"events": events} if events else {})
        return self._call("POST", f"/v1/holds/{hold}/settle", json=body)

    def wallet(self, customer: str, unit: str) -> dict[str, str]:
        """What the customer has of one unit, and what of it is held."""
        wallets = self._call("GET", f"/v1/customers/{customer}/balance")["wallets"]
        return next((each for each in wallets if each["unit"] == unit), {})

    def limit(self, customer: str, member: str, name: str) -> dict[str, Any]:
        """One of the limits in force, as far as this member has used it."""
        limits = self._call("GET", f"/v1/customers/{customer}/limits", params={"member": member})["data"]
        return next((each for each in limits if each["limit"] == name), {})

    def event(self, customer: str, event: str) -> dict[str, Any]:
        """One event, with what it cost and how that is known."""
        return self._call("GET", f"/v1/events/{event}", params={"customer": customer})

    def open_calls(self, customer: str) -> list[dict[str, Any]]:
        """The customer's calls to AI providers whose cost isn't known."""
        return self._call("GET", "/v1/calls", params={"customer": customer, "unpriced": True})["data"]

    def margins(self, customer: str) -> dict[str | None, dict[str, Any]]:
        """Charge, cost and margin of the customer's operations, by model."""
        rows = self._call("GET", "/v1/margins", params={"customer": customer, "group_by": "model"})["data"]
        return {row["group"]["model"]: row for row in rows}

    def alerts(self, customer: str) -> list[dict[str, Any]]:
        """The customer's alerts, the oldest first."""
        return self._call("GET", "/v1/alerts", params={"customer": customer})["data"][::-1]

    def _call(self, method: str, path: str, *, refusals: tuple[int, ...] = (), **more: Any) -> dict[str, Any]:
        try:
            answer = self._http.request(method, path, **more)
        except httpx.TransportError as error:
            raise DemoFailed(f"{method} {path} got no answer: {error}") from error
        if not answer.is_success and answer.status_code not in refusals:
            raise DemoFailed(f"{method} {path} was answered with {answer.status_code}: {answer.text}")
        return answer.json()
