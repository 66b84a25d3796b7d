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

    def put_member(self, customer: str, key: str) -> None:
        """Create a member."""
        self._call("PUT", f"/v1/customers/{customer}/members/{key}", json={})

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

    def balance(self, customer: str) -> dict[str, str]:
        """The customer's accounts in US dollars."""
        accounts = self._call("GET", f"/v1/customers/{customer}/balance")["accounts"]
        return {each["account"]: each["balance"] for each in accounts if each["unit"] == "USD"}

    def explanation(self, customer: str, event: str) -> dict[str, Any]:
        """Why the event cost what it did."""
        return self._call("GET", f"/v1/events/{event}/explanation", params={"customer": customer})

    def replay(self, quarantine_id: str) -> dict[str, Any]:
        """Send a quarantined event through the gate again."""
        return self._call("POST", "/v1/quarantine/replay", json={"ids": [quarantine_id]})["results"][0]

    def _call(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        try:
            answer = self._http.request(method, path, **more)
        except httpx.TransportError as error:
            raise DemoFailed(f"{method} {path} got no answer: {error}") from error
        if not answer.is_success:
            raise DemoFailed(f"{method} {path} was answered with {answer.status_code}: {answer.text}")
        return answer.json()
