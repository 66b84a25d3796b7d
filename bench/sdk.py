"""What the SDK's wrapper costs a provider call, beside the bare client of the same package, on the simulator.

Bare and wrapped calls take turns, one by one, so that whatever else the machine does strikes both alike. The simulator
and Tollkeeper are processes of their own; the wrapped calls are really recorded and settled while it's measured.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from anthropic import Anthropic
from openai import OpenAI

from bench import server
from tollkeeper import Tollkeeper

Row = tuple[str, str, str]

CATALOG = """
currency = "USD"
[meters.answer]
unit = "answer"
[prices.answer]
model = "cost_plus"
margin_percent = "25"
fallback = "0.01"
"""
_CHAT: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Tell me about a bridge."}]}
_LETTER: dict[str, Any] = {"model": "claude-haiku-5-5", "max_tokens": 64, "messages": _CHAT["messages"]}
_WARM_UP = 50

Act = Callable[[Any], object]


def all_of_it(url: str, *, quick: bool) -> Iterator[Row]:
    """Every kind of call, bare and wrapped; and what an operation around it costs."""
    calls = 200 if quick else 1500
    with server.serving(url, 1) as (port, secret), _simulator() as provider, tempfile.TemporaryDirectory() as folder:
        address, spool = f"http://127.0.0.1:{port}", Path(folder) / "spool.sqlite"
        with Tollkeeper(address, secret, spool=spool) as toll:
            _furnish(address, secret, toll)
            yield from _measure(toll, provider, calls)
            yield _operations(toll, calls // 5)


def _measure(toll: Tollkeeper, provider: str, calls: int) -> Iterator[Row]:
    openai = OpenAI(base_url=f"{provider}/v1", api_key="sk-proj-bench-1")
    anthropic = Anthropic(base_url=provider, api_key="sk-ant-api03-bench-1")
    own = {"customer": "acme", "meter": "answer"}
    acts: list[tuple[str, Any, Act]] = [
        ("chat", openai, lambda client: client.chat.completions.create(**_CHAT)),
        ("chat, streamed", openai, lambda client: list(client.chat.completions.create(**_CHAT, stream=True))),
        ("responses", openai, lambda client: client.responses.create(model="gpt-4o", input="Tell me about a bridge.")),
        ("Anthropic's messages", anthropic, lambda client: client.messages.create(**_LETTER)),
    ]
    for what, bare, act in acts:
        with toll.operation(**own):
            yield _row(f"{what}, within an operation", *_in_turns(act, bare, toll.wrap(bare), calls))
    yield _row("chat, each an event of its own", *_in_turns(acts[0][2], openai, toll.wrap(openai, **own), calls))


def _in_turns(act: Act, bare: Any, wrapped: Any, calls: int) -> tuple[list[float], list[float]]:
    """Seconds of each call, bare and wrapped."""
    for client in (bare, wrapped) * _WARM_UP:
        act(client)
    found: tuple[list[float], list[float]] = ([], [])
    for turn in range(calls):
        order = ((0, bare), (1, wrapped)) if turn % 2 else ((1, wrapped), (0, bare))
        for which, client in order:
            began = time.perf_counter()
            act(client)
            found[which].append(time.perf_counter() - began)
    return found


def _row(what: str, bare: list[float], wrapped: list[float]) -> Row:
    (low, ours), tails = (statistics.median(bare), statistics.median(wrapped)), (_p99(bare), _p99(wrapped))
    more = (ours - low) * 1000
    told = f"{ours / low:.3f}× of the bare client's {low * 1000:.2f} ms"
    told += f"; p99 {tails[1] * 1000:.1f} ms, bare {tails[0] * 1000:.1f}"
    return f"**{what}**" if what == "chat, within an operation" else what, f"{more:+.2f} ms at the median", told


def _p99(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=100)[98]


def _operations(toll: Tollkeeper, operations: int) -> Row:
    """Hold and settle: two round trips to Tollkeeper around the work."""
    seconds = []
    for _ in range(operations):
        began = time.perf_counter()
        with toll.operation("answer", customer="acme"):
            pass
        seconds.append(time.perf_counter() - began)
    return (
        "an operation around it: hold and settle over HTTP",
        f"{statistics.median(seconds) * 1000:.1f} ms at the median",
        f"p99 {_p99(seconds) * 1000:.1f} ms",
    )


def _furnish(address: str, secret: str, toll: Tollkeeper) -> None:
    headers = {"Authorization": f"Bearer {secret}"}
    httpx.put(f"{address}/v1/catalog", json={"source": CATALOG}, headers=headers, timeout=30).raise_for_status()
    toll.put_customer("acme")
    toll.grant("acme", 1_000_000)


@contextmanager
def _simulator() -> Iterator[str]:
    line = [sys.executable, "-m", "tollkeeper", "--json", "simulate-provider", "--port", "0", "--seed", "1"]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    text = ""
    while not text.rstrip().endswith("}"):
        if not (more := process.stdout.readline()):
            raise RuntimeError("the simulator ended before it served")
        text += more
    try:
        yield json.loads(text)["url"]
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()
