"""What an app asks of Tollkeeper: typed results, typed errors, both kinds of client."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tollkeeper import AsyncTollkeeper, Tollkeeper
from tollkeeper.client import Hold, Recorded
from tollkeeper.errors import (
    Conflict,
    InsufficientCredits,
    InvalidInput,
    LimitExceeded,
    NotFound,
    TollkeeperUnreachable,
    Unauthorized,
)

from .conftest import CATALOG, NOWHERE

pytestmark = pytest.mark.anyio


def test_a_hold_from_beginning_to_end(toll: Tollkeeper, customer: str) -> None:
    assert toll.check("cv_parse", customer=customer).allowed
    assert toll.estimate("cv_parse", customer=customer, quantity=1).charge == Decimal("0.5")
    held = toll.hold("cv_parse", customer=customer, id="h1", dimensions={"job": "j"})
    assert isinstance(held, Hold)
    assert (held.state, held.amount, held.available) == ("open", Decimal("0.5"), Decimal("9.5"))
    later = toll.extend("h1", customer=customer, expires_in=3600)
    assert later.expires_at > held.expires_at + timedelta(minutes=30)
    assert toll.in_doubt("h1", customer=customer, note="?").state == "in_doubt"
    settled = toll.settle("h1", customer=customer)
    assert (settled.charge, settled.unit) == (Decimal("0.5"), "USD")
    assert settled.hold is not None
    assert settled.hold.state == "settled"
    assert toll.release(toll.hold("cv_parse", customer=customer).id, customer=customer).state == "released"
    with pytest.raises(Conflict) as refused:
        toll.extend("h1", customer=customer, expires_in=60)
    assert (refused.value.code, refused.value.extra["state"]) == ("hold_ended", "settled")


def test_events_are_recorded_once(toll: Tollkeeper, customer: str) -> None:
    at = datetime.now(UTC)
    first = toll.record("cv_parse", customer=customer, id="e1", time=at)
    assert first == Recorded("e1", "accepted", Decimal("0.5"), "USD")
    assert toll.record("cv_parse", customer=customer, id="e1", time=at).status == "duplicate"
    with pytest.raises(Conflict) as conflict:
        toll.record("question", customer=customer, id="e1", quantity=1)
    assert conflict.value.code == "event_conflict"
    with pytest.raises(InvalidInput) as refused:
        toll.record("cv_prase", customer=customer)
    assert refused.value.code == "unknown_meter"
    call = {"provider": "openai", "model": "gpt-4o", "cost": "1"}
    results = toll.record_all(
        [
            {"meter": "cv_parse", "customer": customer, "id": "e2"},
            {"meter": "nonsense", "customer": customer},
            {"meter": "question", "customer": customer, "quantity": Decimal("0.1"), "calls": call},
        ]
    )
    assert [one.status for one in results] == ["accepted", "rejected", "accepted"]
    assert results[2].charge == Decimal("1.25")
    assert results[1].error is not None
    assert results[1].error.code == "unknown_meter"
    assert [one.state for one in toll.spool.entries()] == ["refused"]
    toll.spool.write("sent", entry=toll.spool.entries()[0].entry)


def test_reading(toll: Tollkeeper, customer: str) -> None:
    toll.record("cv_parse", customer=customer, id="e1", dimensions={"job": "cook"})
    assert toll.balance(customer).wallets[0].available == Decimal("9.5")
    used = toll.usage(customer, window="day", group_by=["job"])
    (row,), (total,) = used.rows, used.totals
    assert (total.start, total.end, total.unit, total.charge) == (row.start, row.end, "USD", Decimal("0.5"))
    assert (row.group, row.quantity, row.charge, row.unit) == ({"job": "cook"}, 1, Decimal("0.5"), "USD")
    explained = toll.explanation("e1", customer=customer)
    assert explained.charge == Decimal("0.5")
    assert explained.steps
    with pytest.raises(NotFound) as missing:
        toll.get_event("nothing", customer=customer)
    assert missing.value.code == "unknown_event"


def test_what_would_have_cost_less(toll: Tollkeeper, customer: str) -> None:
    usage = {"prompt_tokens": 1_000_000, "completion_tokens": 0}
    call = {"provider": "openai", "model": "gpt-4o", "usage": usage, "response_id": f"r:{customer}"}
    assert toll.suggestions(customer).data == ()
    toll.record("cv_parse", customer=customer, calls=call)
    cheaper, batch = toll.suggestions(customer).data
    assert (cheaper.kind, batch.kind) == ("cheaper_model", "batch")
    assert cheaper.subject == {"provider": "openai", "model": "gpt-4o", "instead": "gpt-4o-mini"}
    assert [(one.whom, one.amount, one.unit) for one in cheaper.savings] == [("operator", Decimal("2.35"), "USD")]
    assert cheaper.steps[0].figures == {"calls": "1", "cost": "2.5"}
    assert cheaper.caution
    assert [one.kind for one in toll.suggestions(customer, kinds=["batch"]).data] == ["batch"]
    found = toll.suggestions(customer, from_=datetime(2026, 1, 1, tzinfo=UTC), to=datetime(2026, 2, 1, tzinfo=UTC))
    assert (found.start, found.data) == (datetime(2026, 1, 1, tzinfo=UTC), ())


def test_a_limit_tells_when_there_is_room_again(books_url: str, spool: Path) -> None:
    catalog = CATALOG + '[limits.daily]\nmeter = "cv_parse"\ncap = "1"\nper = "day"\n'
    with Tollkeeper.local(catalog=catalog, database_url=books_url, spool=spool) as toll:
        toll.put_customer("limited")
        toll.grant("limited", 10)
        toll.hold("cv_parse", customer="limited", id="h1")
        with pytest.raises(LimitExceeded) as refused:
            toll.hold("cv_parse", customer="limited", id="h2")
        error = refused.value
        assert (error.limit, error.cap, error.used, error.held, error.needed) == ("daily", 1, 0, 1, 1)
        assert error.resets_at is not None
        assert error.resets_at > datetime.now(UTC)
        assert error.retry_after


async def test_the_async_client_does_the_same(books_url: str, spool: Path) -> None:
    key = f"async-{uuid4().hex[:8]}"
    async with await AsyncTollkeeper.local(catalog=CATALOG, database_url=books_url, spool=spool) as toll:
        await toll.put_customer(key)
        await toll.grant(key, "0.7")
        assert (await toll.record("cv_parse", customer=key)).charge == Decimal("0.5")
        with pytest.raises(InsufficientCredits):
            await toll.hold("cv_parse", customer=key)
        with pytest.raises(InsufficientCredits):
            async with toll.operation("cv_parse", customer=key):
                pass
        await toll.grant(key, 1)
        async with toll.operation("cv_parse", customer=key) as operation:
            pass
        assert operation.charge == Decimal("0.5")
        statuses = await toll.record_all([{"meter": "cv_parse", "customer": key, "id": str(i)} for i in range(3)])
        assert [one.status for one in statuses] == ["accepted"] * 3
        assert (await toll.balance(key)).wallets[0].held == 0
        assert (await toll.suggestions(key)).data == ()


def test_an_operation_of_a_cancelled_task_is_no_danger(toll: Tollkeeper, customer: str) -> None:
    """A generator that is closed in another context than it was opened in, as pytest's or a framework's."""

    def within() -> object:
        with toll.operation("cv_parse", customer=customer) as operation:
            yield operation

    generator = within()
    operation = next(generator)  # type: ignore[call-overload]
    generator.close()  # type: ignore[attr-defined]
    assert toll.get_hold(operation.id, customer=customer).state == "released"


def test_without_a_server_what_asks_is_refused(spool: Path) -> None:
    with Tollkeeper(NOWHERE, "toll_x", spool=spool) as toll:
        with pytest.raises(TollkeeperUnreachable) as refused:
            toll.balance("acme")
        assert refused.value.code == "unreachable"
        assert NOWHERE in refused.value.detail


def test_a_key_is_needed(monkeypatch: pytest.MonkeyPatch, spool: Path) -> None:
    monkeypatch.delenv("TOLLKEEPER_API_KEY", raising=False)
    with pytest.raises(Unauthorized) as refused:
        Tollkeeper(NOWHERE, spool=spool)
    assert refused.value.code == "missing_key"
    with pytest.raises(InvalidInput):
        Tollkeeper(NOWHERE, "toll_x", on_outage="maybe", spool=spool)  # type: ignore[arg-type]


def test_importing_the_sdk_is_light() -> None:
    """An app that only speaks HTTP to Tollkeeper doesn't load the engine, nor a provider's package that it hasn't."""
    code = "import sys, tollkeeper.client; print(*sys.modules)"
    loaded = set(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    )
    assert "tollkeeper.client.sdk" in loaded
    heavy = {"fastapi", "psycopg", "openai", "anthropic", "uvicorn", "structlog", "pydantic", "babel", "msgspec"}
    assert loaded & heavy == set()
    ours = {name.split(".")[1] for name in loaded if name.startswith("tollkeeper.")}
    assert ours == {"client", "clock", "errors", "ids"}


@pytest.mark.parametrize("number", [1.5, True, float("nan"), "abc", Decimal("NaN"), "Infinity"])
def test_a_number_that_is_not_exact_is_refused_by_the_client(number: Any, toll: Tollkeeper, customer: str) -> None:
    """Fails where a float is taken, or ends in quarantine, or the refusal doesn't say which argument it is."""
    acts: list[tuple[str, Callable[[], Any]]] = [
        ("quantity", lambda: toll.record("question", customer=customer, quantity=number)),
        ("quantity", lambda: toll.hold("question", customer=customer, quantity=number)),
        ("quantity", lambda: toll.operation("question", customer=customer, quantity=number)),
        ("amount", lambda: toll.settle("h", customer=customer, amount=number)),
        ("amount", lambda: toll.grant(customer, number)),
        ("cost", lambda: toll.record("cv_parse", customer=customer, calls={"provider": "openai", "cost": number})),
    ]
    for argument, act in acts:
        with pytest.raises(InvalidInput) as refused:
            act()
        assert (refused.value.code, refused.value.field) == ("invalid_number", argument)
        assert refused.value.detail.startswith(f"{argument}=")
    assert toll.spool.entries() == []


@pytest.mark.parametrize("url", ["localhost:8391", "127.0.0.1:8377", "ftp://localhost", "http://", "http://a:b"])
def test_what_is_no_address_is_refused_at_once(url: str, spool: Path) -> None:
    """Fails where it's taken for an outage, through which everything goes uncharged."""
    with pytest.raises(InvalidInput) as refused:
        Tollkeeper(url, "toll_x", on_outage="allow", spool=spool)
    assert (refused.value.code, refused.value.field) == ("invalid_option", "url")


def test_an_address_may_end_in_v1(spool: Path) -> None:
    with Tollkeeper("http://127.0.0.1:9/v1/", "toll_x", spool=spool) as toll:
        assert toll.target == "http://127.0.0.1:9"


def test_a_catalog_that_is_not_there(books_url: str, spool: Path) -> None:
    with pytest.raises(InvalidInput) as refused:
        Tollkeeper.local(catalog="nofile.toml", database_url=books_url, spool=spool)
    assert refused.value.code == "file_unreadable"
