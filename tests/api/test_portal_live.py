"""The live stream over HTTP: real servers, real streams."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from .test_serve import STOP_SECONDS, Served, serving, tollkeeper, until
from .test_serve import key as key

CATALOG = """
currency = "USD"
[meters.tokens]
unit = "token"
[prices.tokens]
model = "unit"
amount = "0.5"
per = 1000
"""

LONG_BEFORE_IT_WOULD_LOOK_BY_ITSELF = 15
"""Seconds: half of those after which the server looks again at what it has heard nothing of."""


class Stream:
    """An open stream, event by event."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self._lines = answer.iter_lines()

    def event(self) -> tuple[str, dict[str, Any]]:
        """The next event's name and data."""
        name = ""
        for line in self._lines:
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                return name, json.loads(line.removeprefix("data: "))
        raise AssertionError("the stream has ended")

    def state(self) -> dict[str, Any]:
        """The next state."""
        name, data = self.event()
        assert name == "state", (name, data)
        return data

    def until_latest(self, id: str) -> dict[str, Any]:
        """The first state whose newest event is this one."""
        while True:
            state = self.state()
            if state["events"] and state["events"][0]["id"] == id:
                return state

    def end(self) -> str:
        """Why it ends; after that nothing comes."""
        while True:
            name, data = self.event()
            if name == "end":
                assert [line for line in self._lines if line] == []
                return data["code"]


@contextmanager
def streaming(served: Served, token: str) -> Iterator[Stream]:
    bearer = {"Authorization": f"Bearer {token}"}
    with httpx.stream("GET", f"{served.url}/v1/portal/live", headers=bearer, timeout=30) as answer:
        assert answer.status_code == 200, answer.read()
        yield Stream(answer)


class Operator:
    """Calls with the admin's key."""

    def __init__(self, served: Served, key: str) -> None:
        self._url = served.url
        self._bearer = {"Authorization": f"Bearer {key}"}

    def _call(self, method: str, path: str, *, headers: dict[str, str] | None = None, **more: Any) -> httpx.Response:
        sent = self._bearer | (headers or {})
        answer = httpx.request(method, f"{self._url}/v1/{path}", headers=sent, timeout=30, **more)
        assert answer.is_success, answer.text
        return answer

    def furnish(self, *customers: str) -> Operator:
        self._call("PUT", "catalog", content=CATALOG, headers={"Content-Type": "application/toml"})
        for customer in customers:
            self._call("PUT", f"customers/{customer}", json={})
        return self

    def use(self, id: str, customer: str = "acme") -> None:
        self._call("POST", "events", json={"id": id, "customer": customer, "meter": "tokens", "quantity": "1000"})

    def session(self, customer: str = "acme", **fields: Any) -> dict[str, Any]:
        return self._call("POST", "portal-sessions", json={"customer": customer} | fields).json()

    def revoke(self, session: str, customer: str = "acme") -> None:
        self._call("POST", f"portal-sessions/{session}/revoke", params={"customer": customer})


@pytest.fixture
def served(database_url: str, tmp_path: Path) -> Iterator[Served]:
    with serving(tmp_path / "log", "--database-url", database_url) as served:
        yield served
    assert "Traceback" not in served.log.read_text()


@pytest.fixture
def operator(served: Served, key: str) -> Operator:
    return Operator(served, key).furnish("acme", "other")


def test_usage_is_on_an_open_page_at_once(served: Served, operator: Operator) -> None:
    with streaming(served, operator.session()["token"]) as stream:
        headers = stream.answer.headers
        assert headers["content-type"].startswith("text/event-stream")
        assert headers["cache-control"] == "no-store"
        assert headers["x-accel-buffering"] == "no"
        assert stream.state()["events"] == []
        until(lambda: "tollkeeper_live_listeners 1.0" in httpx.get(f"{served.url}/metrics").text)
        for i in range(5):
            began = time.monotonic()
            operator.use(f"e{i}")
            operator.use(f"e{i}", "other")
            state = stream.until_latest(f"e{i}")
            assert time.monotonic() - began < LONG_BEFORE_IT_WOULD_LOOK_BY_ITSELF
            assert state["spent"] == [{"unit": "USD", "amount": f"{(i + 1) / 2:g}"}]
            assert len(state["events"]) == i + 1
        metrics = httpx.get(f"{served.url}/metrics").text
        assert "tollkeeper_live_pages 1.0" in metrics
        assert "tollkeeper_live_lag_seconds_count" in metrics
    until(lambda: "tollkeeper_live_pages 0.0" in httpx.get(f"{served.url}/metrics").text)


def test_another_process_and_an_import_are_seen(
    served: Served, operator: Operator, key: str, database_url: str, tmp_path: Path
) -> None:
    with (
        serving(tmp_path / "another.log", "--database-url", database_url) as another,
        streaming(served, operator.session()["token"]) as here,
        streaming(another, operator.session()["token"]) as there,
    ):
        here.state(), there.state()
        operator.use("here")
        Operator(another, key).use("there")
        for stream in (here, there):
            state = stream.until_latest("there")
            while len(state["events"]) < 2:
                state = stream.state()
        file = tmp_path / "usage.csv"
        file.write_text("id,customer,meter,quantity\nimported,acme,tokens,1000\n")
        done = tollkeeper("import", str(file), "--database-url", database_url)
        assert done.returncode == 0, done.stderr
        began = time.monotonic()
        here.until_latest("imported")
        there.until_latest("imported")
        assert time.monotonic() - began < LONG_BEFORE_IT_WOULD_LOOK_BY_ITSELF


@pytest.mark.parametrize("workers", ["1", "2"])
def test_streams_end_when_the_server_stops(database_url: str, tmp_path: Path, key: str, workers: str) -> None:
    with (
        serving(tmp_path / "log", "--database-url", database_url, "--workers", workers) as served,
        ExitStack() as stack,
    ):
        operator = Operator(served, key).furnish("acme")
        token = operator.session()["token"]
        streams = [stack.enter_context(streaming(served, token)) for _ in range(8)]
        for stream in streams:
            stream.state()
        served.process.send_signal(signal.SIGTERM)
        assert {stream.end() for stream in streams} == {"server_stopping"}
        assert served.process.wait(STOP_SECONDS) == 0
    assert "Traceback" not in served.log.read_text()


def test_a_stream_ends_with_its_session(served: Served, operator: Operator, database_url: str) -> None:
    over, revoked = operator.session(), operator.session()
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "update portal_sessions set expires_at = now() + interval '5 seconds', link_expires_at = now()"
            " where session_id = %s",
            [over["id"]],
        )
    with streaming(served, over["token"]) as expiring, streaming(served, revoked["token"]) as ending:
        expiring.state(), ending.state()
        operator.revoke(revoked["id"])
        began = time.monotonic()
        assert ending.end() == "portal_session_revoked"
        assert time.monotonic() - began < LONG_BEFORE_IT_WOULD_LOOK_BY_ITSELF
        assert expiring.end() == "portal_session_expired"


def test_only_a_portal_token_opens_a_stream(served: Served, key: str) -> None:
    for headers, code in (
        ({}, "portal_token_missing"),
        ({"Authorization": f"Bearer {key}"}, "portal_session_unknown"),
    ):
        answer = httpx.get(f"{served.url}/v1/portal/live", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, code)


def test_one_session_has_so_many_streams(served: Served, operator: Operator) -> None:
    token = operator.session()["token"]
    bearer = {"Authorization": f"Bearer {token}"}
    with ExitStack() as stack:
        streams = [stack.enter_context(streaming(served, token)) for _ in range(20)]
        for stream in streams:
            stream.state()
        refused = httpx.get(f"{served.url}/v1/portal/live", headers=bearer)
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_streams")
        with streaming(served, operator.session()["token"]) as others:
            others.state()
    until(lambda: "tollkeeper_live_pages 0.0" in httpx.get(f"{served.url}/metrics").text)
    with streaming(served, token) as again:
        again.state()
