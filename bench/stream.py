"""The load: a stream of usage events of many customers, the same for every run.

Event k of n happens at start + k × 30 days / n, so the stream is ordered by time as real traffic is. Each belongs to
one of 1,000 customers, chosen by a multiplicative hash, and to one of four meters: of ten events four are input
tokens, four output tokens, one a parsed CV and one an interview minute. Each customer uses one model and three jobs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

CUSTOMERS = 1000
DAYS = 30
_JOBS = 3
_MODELS = ("gpt-4o", "gpt-4o-mini", "claude-sonnet-4-5")
_KNUTH = 2654435761

CATALOG = """
currency = "USD"
[meters.input_tokens]
unit = "token"
decimals = 0
dimensions = ["model", "job"]
[prices.input_tokens]
model = "unit"
amount = "2.50"
per = 1000000
[meters.output_tokens]
unit = "token"
decimals = 0
dimensions = ["model", "job"]
[prices.output_tokens]
model = "unit"
amount = "10.00"
per = 1000000
[meters.cv_parse]
unit = "CV"
aggregation = "count"
dimensions = ["job"]
[prices.cv_parse]
model = "unit"
amount = "0.50"
[meters.interview_minute]
unit = "minute"
minimum = "1"
round = "nearest"
dimensions = ["job"]
[prices.interview_minute]
model = "unit"
amount = "0.10"
[meters.api_call]
unit = "call"
decimals = 0
[prices.api_call]
model = "graduated"
included = "100"
tiers = [{ up_to = "1000", amount = "0.01" }, { up_to = "10000", amount = "0.008" }, { amount = "0.005" }]
"""


class Bodies(Protocol):
    """A stream of events, as it's sent."""

    def bodies(self, first: int, count: int, batch: int) -> Iterator[bytes]:
        """Request bodies of `batch` events each."""
        ...


@dataclass(frozen=True, slots=True)
class Stream:
    """`count` events from number `first` on, of a stream of `total`."""

    name: str
    total: int
    hot: bool = False
    """Whether all events are one customer's."""
    tiered_percent: int = 0
    """How many of a hundred events have a tiered price."""

    def event(self, k: int) -> dict[str, object]:
        """Event number `k`."""
        mixed = (k * _KNUTH) & 0xFFFFFFFF
        customer = 0 if self.hot else (mixed >> 8) % CUSTOMERS
        job = f"job-{customer}-{mixed % _JOBS}"
        body: dict[str, object] = {
            "id": f"{self.name}-{k:09d}",
            "customer": f"customer-{customer:04d}",
            "time": (_start() + timedelta(seconds=k * DAYS * 86400 / self.total)).isoformat().replace("+00:00", "Z"),
        }
        if mixed % 100 < self.tiered_percent:
            return body | {"meter": "api_call", "quantity": "1"}
        turn = mixed % 10
        if turn < 8:
            meter = "input_tokens" if turn < 4 else "output_tokens"
            quantity = str(mixed % (4000 if turn < 4 else 1000))
            dimensions = {"model": _MODELS[customer % len(_MODELS)], "job": job}
        elif turn == 8:
            meter, quantity, dimensions = "cv_parse", "1", {"job": job}
        else:
            meter, quantity, dimensions = "interview_minute", f"{mixed % 60}.{mixed % 10}", {"job": job}
        return body | {"meter": meter, "quantity": quantity, "dimensions": dimensions}

    def bodies(self, first: int, count: int, batch: int) -> Iterator[bytes]:
        """Request bodies of `batch` events each."""
        for start in range(first, first + count, batch):
            stop = min(start + batch, first + count)
            yield json.dumps([self.event(k) for k in range(start, stop)], separators=(",", ":")).encode()


_STARTED = datetime.now(UTC)


def _start() -> datetime:
    return _STARTED - timedelta(days=DAYS)
