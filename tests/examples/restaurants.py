"""Restaurants that have signed up to the ordering example, and what they do there."""

from __future__ import annotations

import io
import wave
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import httpx
from examples.running import Running
from tests.examples.conftest import SignIn

from tollkeeper import Tollkeeper

CHAT = "/api/agents/order-taking/chat"
PASSWORD = "margherita"


class Restaurant:
    """A business that has signed up, and what its browser asks."""

    def __init__(self, running: Running, sign_in: SignIn, plan: str | None = None) -> None:
        self.email = f"{uuid4()}@example.com"
        self.running = running
        self.http = sign_in(running, name="Corner Pizza", email=self.email, password=PASSWORD)
        self.id: str = self.dashboard()["businessId"]
        if plan is not None:
            headers = {"Authorization": f"Bearer {running.key}"}
            path = f"{running.tollkeeper_url}/v1/customers/{self.id}/plan"
            assert httpx.put(path, json={"plan": plan}, headers=headers, trust_env=False).is_success

    def data(self, method: str, path: str, **given: Any) -> dict[str, Any]:
        answer = self.http.request(method, path, **given)
        assert answer.is_success, answer.text
        body = answer.json(parse_float=Decimal)
        assert (list(body), body["success"]) == (["success", "data"], True)
        return body["data"]

    def dashboard(self) -> dict[str, Any]:
        return self.data("GET", "/api/dashboard-simple")

    def usage(self) -> dict[str, Any]:
        return self.dashboard()["billingUsage"]

    def analytics(self, **asked: Any) -> dict[str, Any]:
        return self.data("GET", "/api/billing/analytics", params={"businessId": self.id, **asked})

    def says(self, message: str, session: str = "") -> dict[str, Any]:
        return self.data("POST", CHAT, json={"message": message, "sessionId": session})

    def uploads(self, size: int, name: str = "menu.pdf") -> dict[str, Any]:
        return self.data("POST", "/api/files", files={"file": (name, b"x" * size)})

    def events(self, meter: str) -> list[dict[str, Any]]:
        headers = {"Authorization": f"Bearer {self.running.key}"}
        params = {"customer": self.id, "meter": meter}
        answer = httpx.get(f"{self.running.tollkeeper_url}/v1/events", params=params, headers=headers, trust_env=False)
        return answer.json()["data"]


def bills(running: Running) -> list[dict[str, Any]]:
    return httpx.get(f"{running.simulator_url}/_simulator/bills", trust_env=False).json()["bills"]


def script(running: Running, **step: Any) -> None:
    assert httpx.post(f"{running.simulator_url}/_simulator/script", json=step, trust_env=False).is_success


def wav(seconds: int) -> bytes:
    made = io.BytesIO()
    with wave.open(made, "wb") as opened:
        opened.setnchannels(1)
        opened.setsampwidth(2)
        opened.setframerate(8000)
        opened.writeframes(b"\0\0" * 8000 * seconds)
    return made.getvalue()


def used(toll: Tollkeeper, business: str, meter: str, *quantities: str, time: datetime | None = None) -> None:
    """Usage as if the product had recorded it."""
    event = {"meter": meter, "customer": business} | ({} if time is None else {"time": time})
    told = toll.record_all([event | {"quantity": quantity} for quantity in quantities])
    assert {one.status for one in told} == {"accepted"}
